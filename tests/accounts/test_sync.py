"""Starting, watching and stopping a sync on the account's page."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import Account, AuditEntry, SyncRun
from tests import factories


def live(client, account):
    return client.get(reverse("accounts:sync-live", args=[account.pk])).content.decode()


@pytest.mark.parametrize("kind", ["full", "changes"])
def test_a_press_begins_one_sync(manager, account, kind):
    for _ in range(2):
        response = manager.post(reverse("accounts:sync", args=[account.pk]), {"kind": kind})
        assert response.status_code == 302
    run = SyncRun.objects.get()
    assert (run.kind, run.state, run.requested_by.username) == (kind, SyncRun.State.RUNNING, "manager")


def test_an_account_without_access_cannot_be_synced(manager, account):
    Account.objects.update(state=Account.State.DISCONNECTED)
    response = manager.post(reverse("accounts:sync", args=[account.pk]), {"kind": "full"}, follow=True)
    assert not SyncRun.objects.exists()
    assert "is not connected" in response.content.decode()


def test_the_card_asks_again_while_a_sync_runs_and_then_stops(agent, account):
    run = factories.sync_run(account)
    shown = live(agent, account)
    assert 'hx-trigger="every 2s"' in shown
    assert "120 of 300" in shown
    SyncRun.objects.filter(pk=run.pk).update(state=SyncRun.State.DONE)
    shown = live(agent, account)
    assert "hx-trigger" not in shown
    assert "120 of 300" not in shown


def test_a_failed_sync_says_why(agent, account):
    factories.sync_run(
        account,
        SyncRun.State.FAILED,
        vendor_reason="Salesmsg answered with an error page.",
        notes=[{"quote": "Page 7 was no list."}],
    )
    shown = live(agent, account)
    assert "The last sync failed" in shown
    assert "Salesmsg answered with an error page." in shown
    assert "Page 7 was no list." in shown


def test_a_poll_is_cheap(agent, account, django_assert_max_num_queries):
    factories.sync_run(account)
    with django_assert_max_num_queries(14):
        live(agent, account)
    with django_assert_max_num_queries(6):
        agent.get(reverse("accounts:budget-live", args=[account.pk]))


def test_stop_ends_the_run_and_is_noted(manager, account):
    run = factories.sync_run(account)
    manager.post(reverse("accounts:stop", args=[account.pk]))
    run.refresh_from_db()
    assert run.state == SyncRun.State.STOPPED
    assert AuditEntry.objects.filter(action="sync_stopped", account=account, user__username="manager").exists()


def test_the_card_says_what_each_button_costs(manager, agent, account):
    factories.sync_run(account, SyncRun.State.FAILED, requests=7)
    factories.customer_thread(factories.customer(account))
    assert "about 11 calls" in " ".join(live(manager, account).split())
    done = factories.sync_run(account, SyncRun.State.DONE, requests=231)
    SyncRun.objects.filter(pk=done.pk).update(finished_at=done.started_at + timedelta(seconds=245))
    shown = " ".join(live(manager, account).split())
    assert "about 231 calls and took 4 min 5 s last time." in shown
    primary = re.search(r'<button class="([^"]+)" id="sync-changes"', shown).group(1)
    assert "btn-primary" in primary.split()
    assert "Run a full sync" not in live(agent, account)


def test_a_reason_of_the_vendor_ends_before_our_words(manager, account):
    factories.sync_run(account, failures=2, reason_code="server_error", vendor_reason="Service unavailable")
    assert "Salesmsg says: “Service unavailable” Retrying automatically" in " ".join(live(manager, account).split())


def test_a_pause_is_told_where_the_buttons_would_be(manager, account):
    Account.objects.update(sync_paused_at=timezone.now())
    shown = live(manager, account)
    assert "The sync is paused" in shown
    assert reverse("sync:one", args=[account.pk]) in shown
    assert 'id="sync-changes"' not in shown
    response = manager.post(reverse("accounts:sync", args=[account.pk]), {"kind": "full"}, follow=True)
    assert "Resume it on the sync page first" in response.content.decode()
    assert not SyncRun.objects.exists()


def test_messages_are_counted_no_further_than_needed(agent, account, monkeypatch):
    monkeypatch.setattr("integrations.accounts.queries.MESSAGES", 2)
    thread = factories.customer_thread(factories.customer(account))
    for _ in range(2):
        factories.message(thread)
    assert "2+" not in live(agent, account)
    factories.message(thread)
    assert "2+" in live(agent, account)
