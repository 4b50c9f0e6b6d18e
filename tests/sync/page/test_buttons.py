"""Every button: who can press it, what it does, and the message it shows."""

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import Account, AuditEntry, ListSync, SyncRun, ThreadSync
from tests import factories
from tests.accounts.conftest import signed_in

BUTTONS = ("pause", "resume", "full", "changes", "stop")


@pytest.fixture
def queued(monkeypatch) -> list[tuple]:
    """What is handed to the queue: (task, ids)."""
    found: list[tuple] = []
    monkeypatch.setattr("integrations.jobs.enqueue", lambda task, *ids, **how: found.append((task.split(".")[-1], ids)))
    return found


def press(client, name: str, pk: int, **data):
    return client.post(reverse(f"sync:{name}", args=[pk]), data, follow=True)


@pytest.mark.parametrize("name", BUTTONS)
def test_agents_cannot_press_what_is_for_managers(agent, synced, name):
    assert agent.post(reverse(f"sync:{name}", args=[synced.pk])).status_code == 403
    assert not SyncRun.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("name", [*BUTTONS, "search", "contact", "conversation"])
def test_nobody_reaches_another_account(manager, other, name):
    contact = factories.customer(other)
    pk = {"contact": contact.pk, "conversation": factories.customer_thread(contact).pk}.get(name, other.pk)
    assert manager.post(reverse(f"sync:{name}", args=[pk]), {"who": "Ana"}).status_code == 404
    assert manager.get(reverse(f"sync:{name}", args=[pk])).status_code == 405


def test_pause_and_resume_are_noted_and_told(manager, synced, queued):
    shown = press(manager, "pause", synced.pk).content.decode()
    synced.refresh_from_db()
    assert synced.sync_paused_by.username == "manager"
    assert "The sync is paused. Texts and edits are still sent." in shown
    assert "Resume" in shown
    ListSync.objects.update_or_create(
        account=synced, name="open", defaults={"due_at": timezone.now() + timezone.timedelta(hours=1)}
    )
    press(manager, "resume", synced.pk)
    synced.refresh_from_db()
    assert synced.sync_paused_at is synced.sync_paused_by is None
    assert ListSync.objects.get(account=synced, name="open").due_at <= timezone.now()
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == ["sync_paused", "sync_resumed"]


@pytest.mark.parametrize(("name", "kind"), [("full", "full"), ("changes", "changes")])
def test_a_press_begins_one_run(manager, synced, queued, name, kind):
    for _ in range(2):
        press(manager, name, synced.pk)
    run = SyncRun.objects.get()
    assert (run.kind, run.requested_by.username) == (kind, "manager")
    assert AuditEntry.objects.filter(action=f"sync_{name}").count() == 2


def test_nothing_begins_in_a_pause_or_without_access(manager, synced, queued):
    Account.objects.update(sync_paused_at=timezone.now())
    assert "Resume it first" in press(manager, "full", synced.pk).content.decode()
    Account.objects.update(sync_paused_at=None, state=Account.State.DISCONNECTED)
    assert "Reconnect it first" in press(manager, "changes", synced.pk).content.decode()
    assert not SyncRun.objects.exists()


def test_stop_ends_what_runs(manager, synced):
    run = factories.sync_run(synced)
    assert "Data read so far is kept" in press(manager, "stop", synced.pk).content.decode()
    run.refresh_from_db()
    assert run.state == SyncRun.State.STOPPED
    assert AuditEntry.objects.filter(action="sync_stopped").exists()


# --- one contact, one conversation -----------------------------------------------------------------------------------


def test_a_contact_now(agent, synced, queued):
    contact = factories.customer(synced)
    thread = factories.customer_thread(contact)
    shown = press(agent, "contact", contact.pk, next=reverse("accounts:list"))
    assert shown.redirect_chain[-1][0] == reverse("accounts:list")
    assert "Refreshing from Salesmsg: Ana1 Gomez." in shown.content.decode()
    assert ("refresh_contact", (contact.pk, 0)) in queued
    assert ("refresh_thread", (thread.pk,)) in queued
    assert ThreadSync.objects.get(conversation=thread).due_at <= timezone.now()
    assert AuditEntry.objects.get().action == "contact_refreshed"


def test_a_conversation_now_answers_htmx_in_place(agent, synced, queued):
    thread = factories.customer_thread(factories.customer(synced))
    response = agent.post(reverse("sync:conversation", args=[thread.pk]), headers={"HX-Request": "true"})
    shown = response.content.decode()
    assert "Refreshing from Salesmsg: The conversation with Ana1 Gomez" in shown
    assert "<html" not in shown
    assert queued == [("refresh_thread", (thread.pk,))]


def test_a_draft_has_nothing_to_read(agent, synced, queued):
    contact = factories.customer(synced, vendor_id=None)
    assert "Ana1 Gomez does not exist in Salesmsg yet" in press(agent, "contact", contact.pk).content.decode()
    assert queued == []


def test_no_way_leads_out_of_the_portal(agent, synced, queued):
    contact = factories.customer(synced)
    for wanted in ("https://elsewhere.example/", "//elsewhere.example/"):
        response = agent.post(reverse("sync:contact", args=[contact.pk]), {"next": wanted})
        assert response.url == reverse("sync:one", args=[synced.pk])


@pytest.mark.parametrize("typed", ["(305) 555-0001", "+13055550001", "ana1 gom", "ana1@example.com", "1001"])
def test_a_contact_is_found_as_people_write_it(agent, synced, queued, typed):
    contact, _ = factories.customer(synced, 1), factories.customer(synced, 2)
    press(agent, "search", synced.pk, who=typed)
    assert queued == [("refresh_contact", (contact.pk, 0))]


def test_a_conversation_is_found_by_its_id(agent, synced, queued):
    thread = factories.customer_thread(factories.customer(synced), vendor_id=987654)
    press(agent, "search", synced.pk, who="987654")
    assert queued == [("refresh_thread", (thread.pk,))]


def test_several_are_to_choose_from(agent, synced, queued):
    rows = [factories.customer(synced, number) for number in range(12)]
    shown = press(agent, "search", synced.pk, who="Gomez").content.decode()
    assert queued == []
    assert shown.count("Refresh<") == 10
    assert "Showing the first 10" in shown
    assert reverse("sync:contact", args=[rows[0].pk]) in shown


@pytest.mark.parametrize(("typed", "words"), [("Nobody Here", "No match"), ("  ", "Enter a phone number")])
def test_nobody_found_keeps_what_was_typed(agent, synced, other, queued, typed, words):
    factories.customer(other, 1, first_name="Nobody", last_name="Here", full_name="Nobody Here")
    response = agent.post(reverse("sync:search", args=[synced.pk]), {"who": typed})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert f'value="{typed.strip()}"' in response.content.decode()
    assert queued == []


def test_nothing_is_asked_without_access(agent, synced, queued):
    contact = factories.customer(synced)
    Account.objects.update(state=Account.State.ATTENTION)
    assert "not connected" in press(agent, "contact", contact.pk).content.decode()
    assert queued == []


# --- where else they stand -------------------------------------------------------------------------------------------


def test_the_inbox_card_has_both_buttons(agent, synced):
    contact = factories.customer(synced)
    thread = factories.customer_thread(contact)
    shown = agent.get(reverse("inbox:thread", args=[thread.pk])).content.decode()
    assert reverse("sync:contact", args=[contact.pk]) in shown
    assert reverse("sync:conversation", args=[thread.pk]) in shown


def test_the_admin_has_them_on_contact_and_conversation(root, agent, synced):
    contact = factories.customer(synced)
    thread = factories.customer_thread(contact)
    for client in (root, agent):
        shown = client.get(reverse("admin:integrations_contact_change", args=[contact.pk])).content.decode()
        assert reverse("sync:contact", args=[contact.pk]) in shown
        shown = client.get(reverse("admin:integrations_conversation_change", args=[thread.pk])).content.decode()
        assert reverse("sync:conversation", args=[thread.pk]) in shown


def test_the_page_is_in_the_navigation(synced):
    user = factories.person("someone")
    assert f'href="{reverse("sync:list")}"' in signed_in(user).get(reverse("accounts:list")).content.decode()
