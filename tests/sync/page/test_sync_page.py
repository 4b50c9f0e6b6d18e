"""What the page says in each state, who sees it, and what it costs."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.failures import Code, Reason
from integrations.models import (
    Account,
    Budget,
    BudgetBlock,
    BudgetCall,
    FreshHour,
    Heartbeat,
    ListSync,
    SyncRun,
    ThreadSync,
)
from integrations.sync import latency_report
from tests import factories as f
from tests.accounts.conftest import signed_in


def page(client, account) -> str:
    response = client.get(reverse("sync:one", args=[account.pk]))
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def headline(client, account) -> str:
    shown = page(client, account)
    return shown.split('role="status"> <p> <b>', 1)[1].split("</b>", 1)[0]


def arrivals(account, *counts: int, hours_ago: int = 1, slowest: float = 0.0) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    FreshHour.objects.create(account=account, hour=hour, arrivals=sum(counts), counts=list(counts), slowest=slowest)


# --- who sees it -----------------------------------------------------------------------------------------------------


def test_a_stranger_sees_nothing(synced, other):
    visitor = f.person("visitor")
    f.membership(visitor, other)
    client = signed_in(visitor)
    for name in ("one", "one-live"):
        assert client.get(reverse(f"sync:{name}", args=[synced.pk])).status_code == 404
    assert "Harbor Dental" not in client.get(reverse("sync:list"), follow=True).content.decode()


def test_one_account_is_shown_at_once_and_several_as_a_list(agent, root, synced, other):
    assert agent.get(reverse("sync:list")).url == reverse("sync:one", args=[synced.pk])
    shown = root.get(reverse("sync:list")).content.decode()
    assert "Harbor Dental" in shown
    assert "Northside Clinic" in shown


def test_somebody_without_accounts_is_told_whom_to_ask(db):
    assert "No account yet" in signed_in(f.person()).get(reverse("sync:list")).content.decode()


def test_buttons_are_for_managers(agent, manager, synced):
    for name in ("sync-pause", "sync-changes", "sync-full"):
        assert f'id="{name}"' in page(manager, synced)
        assert f'id="{name}"' not in page(agent, synced)


# --- the first line --------------------------------------------------------------------------------------------------


def test_all_is_well(agent, synced):
    assert headline(agent, synced) == "Everything is up to date."
    arrivals(synced, 96, 2, 1, 0, 0, 0, 1, slowest=4000)
    assert headline(agent, synced) == "Everything is up to date; new texts arrive within 2 s."


def test_never_synced(agent, manager, account, alive):
    assert headline(manager, account) == "This account has not been synced yet."
    assert "Run a full sync to start." in page(manager, account)
    assert "A manager of this account can start it." in page(agent, account)
    assert "not synced yet" in page(agent, account)
    assert "no gaps" not in page(agent, account)


def test_the_first_sync_with_its_progress(agent, account, alive):
    f.sync_run(account)
    assert headline(agent, account) == "The first sync is running."
    shown = page(agent, account)
    assert "120 of 300" in shown
    assert 'hx-trigger="every 2s"' in shown


def test_a_failed_sync_says_why_and_what_to_do(agent, synced):
    why = Reason(Code.NOT_ALLOWED, {"endpoint": "GET /conversations", "list": "open"})
    f.sync_run(synced, SyncRun.State.FAILED, **why.columns())
    Account.objects.update(**why.columns())
    assert headline(agent, synced).startswith("The last sync failed: Salesmsg does not allow")
    assert "lacks the scope <code>conversations:read</code>." in page(agent, synced)


def test_a_pause_says_since_when_and_by_whom(manager, synced):
    sam = f.person("sam")
    Account.objects.update(sync_paused_at=timezone.now() - timedelta(minutes=12), sync_paused_by=sam)
    assert headline(manager, synced) == "sam paused the sync 12 min ago."
    shown = page(manager, synced)
    assert 'id="sync-resume"' in shown
    assert 'id="sync-changes"' not in shown


def test_without_a_worker_nothing_happens_and_the_page_says_so(agent, synced):
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert headline(agent, synced).startswith("The background worker has not run for 5 min")
    assert "<code>manage.py qcluster</code>" in page(agent, synced)
    Heartbeat.objects.all().delete()
    assert "has never run" in headline(agent, synced)


@pytest.mark.parametrize(
    ("state", "words"), [("attention", "no longer accepts the portal’s access"), ("disconnected", "is disconnected")]
)
def test_without_access_the_account_page_is_the_place(manager, synced, state, words):
    Account.objects.update(state=state)
    assert words in headline(manager, synced)
    shown = page(manager, synced)
    assert reverse("accounts:detail", args=[synced.pk]) + "#reconnect" in shown
    assert 'id="sync-pause"' not in shown
    assert 'name="who"' not in shown


def test_a_block_is_told_and_waited_for(agent, synced):
    until = timezone.now() + timedelta(seconds=40)
    Budget.objects.create(account=synced, blocked_until=until)
    assert headline(agent, synced).startswith("Salesmsg’s rate limit was reached. Sync resumes automatically in")
    assert "Blocked until" in page(agent, synced)


def test_events_that_stopped_coming(agent, manager, synced):
    ago = timezone.now() - timedelta(hours=3)
    Account.objects.update(last_event_at=ago, events_missed=2)
    assert headline(agent, synced) == "Everything is up to date."
    Account.objects.update(events_missed=3)
    assert headline(agent, synced).startswith("Webhook events have stopped: Salesmsg sent none for the last 3")
    assert "/webhooks/salesmsg/webhook-secret-of-" in page(manager, synced)
    assert "webhook-secret-of-" not in page(agent, synced)


# --- lists, calls, freshness -----------------------------------------------------------------------------------------


def row(account, name: str, **fields) -> ListSync:
    now = timezone.now()
    values = {"looked_at": now - timedelta(seconds=8), "due_at": now + timedelta(seconds=41), "rows": 212, "pause": 45}
    return ListSync.objects.create(account=account, name=name, **(values | fields))


def test_a_list_tells_all_that_is_known_of_it(agent, synced):
    f.customer(synced)
    now = timezone.now()
    row(
        synced,
        "contacts",
        calls=77,
        walked_at=now - timedelta(hours=3),
        found_at=now - timedelta(minutes=4),
        repaired=2,
    )
    shown = page(agent, synced)
    contacts = shown.split('<th scope="row">Contacts</th>', 1)[1].split("</tr>", 1)[0]
    for words in ("8 s ago", ">212<", ">77<", "3 h ago", "4 min ago", "2 updated", "every 45 s"):
        assert words in contacts, words
    assert 'class="num"> 1 <' in contacts
    assert "not synced yet" in shown.split('<th scope="row">Members</th>', 1)[1].split("</tr>", 1)[0]


def test_what_is_counted_now_and_then_is_nobody_elses(agent, synced, other):
    f.customer(synced)
    f.customer(other, 2)
    row(synced, "contacts")
    for number in range(2):
        response = agent.get(reverse("sync:one", args=[synced.pk]))
        lists = {one.name: one.stored for one in response.context["sync_status"].lists}
        assert (lists["contacts"], lists["open"], lists["outbound"]) == (1, 0, None)
        f.customer(synced, 3 + number)  # is counted some seconds later
    assert agent.get(reverse("sync:one", args=[other.pk])).status_code == 404


def test_an_error_of_a_list_comes_first_and_says_what_to_do(agent, synced):
    row(synced, "numbers", reason_code="not_allowed", error_at=timezone.now())
    assert headline(agent, synced) == (
        "Numbers could not be read: Salesmsg does not allow the connected user to do this."
    )
    assert "the scope <code>numbers:read</code>" in page(agent, synced)


def test_a_look_that_is_long_overdue_is_late(agent, synced):
    at = timezone.now() - timedelta(minutes=20)
    row(synced, "open", looked_at=at, due_at=at)
    assert headline(agent, synced) == "Checks for changes are late: open conversations were last checked 20 min ago."


def test_a_list_that_the_plan_does_not_know_is_shown_all_the_same(agent, synced):
    row(synced, "custom_fields")
    assert '<th scope="row">Custom fields</th>' in page(agent, synced)


def test_calls_by_what_they_were_for(agent, synced):
    budget = Budget.objects.create(account=synced)
    now = timezone.now()
    for lane, ago, number in (("sync", 30, 4), ("sync", 300, 7), ("interactive", 20, 1), ("event", 3000, 50)):
        at = now - timedelta(seconds=ago)
        BudgetCall.objects.bulk_create(
            BudgetCall(budget=budget, lane=lane, started_at=at, expires_at=at + timedelta(seconds=60))
            for _ in range(number)
        )
    response = agent.get(reverse("sync:one", args=[synced.pk]))
    calls = response.context["sync_status"].calls
    assert (calls.used, calls.left, calls.all) == (5, 55, 12)
    assert calls.lanes == [("Interactive texts", 1), ("Sync", 11)]


def test_gaps_are_counted_no_further_than_needed(agent, synced, monkeypatch):
    monkeypatch.setattr("integrations.sync.queries.MAX_GAPS", 2)
    for number in range(4):
        thread = f.customer_thread(f.customer(synced, number))
        ThreadSync.objects.create(conversation=thread, complete=number == 0)
    assert "2+ conversations with gaps" in page(agent, synced)
    ThreadSync.objects.update(complete=True)
    assert "no gaps in the history" in page(agent, synced)


def test_freshness_adds_hours_up():
    hours = [
        FreshHour(arrivals=8, counts=[8, 0, 0, 0, 0, 0, 0], slowest=1.4),
        FreshHour(arrivals=2, counts=[0, 0, 1, 0, 1], slowest=70),
    ]
    found = latency_report.summarize_latency(hours)
    assert (found.arrivals, found.within, found.slowest_text) == (10, 15, "70 s")
    assert [(share.text, share.percent) for share in found.shares] == [
        ("within 2 s", 80),
        ("within 15 s", 90),
        ("within 60 s", 90),
        ("within 5 min", 100),
    ]
    assert latency_report.summarize_latency([]).text == ""
    assert (
        latency_report.summarize_latency([FreshHour(arrivals=1000, counts=[997, 0, 3])]).shares[0].percent == 99
    )  # never rounded up to all
    assert (
        latency_report.summarize_latency([FreshHour(arrivals=1, counts=[0, 0, 0, 0, 0, 0, 1])]).text
        == "new texts take longer than 1 h to arrive"
    )


# --- runs ------------------------------------------------------------------------------------------------------------


def test_runs_that_found_something_and_what_they_noted(agent, synced):
    f.sync_run(synced, SyncRun.State.DONE, changed=0, requests=3)
    f.sync_run(
        synced,
        SyncRun.State.DONE,
        changed=17,
        requests=5,
        notes=[{"code": "list_skipped", "params": {"list": "members", "why": "not_allowed"}}],
    )
    for _ in range(12):
        f.sync_run(synced, SyncRun.State.DONE, changed=1)
    response = agent.get(reverse("sync:one", args=[synced.pk]))
    found = response.context["sync_status"].recent_runs
    assert len(found) == 10
    assert all(row.run.changed for row in found)
    SyncRun.objects.filter(changed=1).delete()
    assert "“Members” could not be read: Salesmsg does not allow" in page(agent, synced)


def test_a_comparison_is_shown_while_it_runs(agent, synced):
    check = SyncRun.objects.create(account=synced, kind=SyncRun.Kind.CHECK)
    check.streams.create(name="contacts", position=0, seen=10, total=40)
    shown = page(agent, synced)
    assert "Comparing with Salesmsg" in shown
    assert "10 of 40" in shown


# --- what it costs ---------------------------------------------------------------------------------------------------


def crowd(account) -> None:
    now = timezone.now()
    for name in ("contacts", "deleted", "open", "closed", "outbound", "members", "inboxes", "numbers"):
        row(account, name)
    for hours in range(20):
        arrivals(account, 5, 1, 0, 0, 0, 0, 0, hours_ago=hours)
    budget = Budget.objects.create(account=account)
    BudgetBlock.objects.create(budget=budget, at=now - timedelta(minutes=3), until=now - timedelta(minutes=2))
    BudgetCall.objects.bulk_create(
        BudgetCall(budget=budget, lane=lane, started_at=now, expires_at=now + timedelta(seconds=60))
        for lane in ("sync", "interactive", "event")
        for _ in range(5)
    )
    for _ in range(12):
        f.sync_run(account, SyncRun.State.DONE, changed=3)
    for kind in SyncRun.Kind.values:
        run = SyncRun.objects.create(account=account, kind=kind, started_at=now - timedelta(minutes=4))
        for place, name in enumerate(("contacts", "open", "messages")):
            run.streams.create(name=name, position=place, total=10, seen=2)
    for number in range(15):
        thread = f.customer_thread(f.customer(account, number))
        ThreadSync.objects.create(conversation=thread, run=SyncRun.objects.first(), pending=bool(number % 2))


def test_a_page_costs_twelve_queries_whatever_there_is(agent, manager, synced, django_assert_max_num_queries):
    crowd(synced)
    for client in (agent, manager):
        with django_assert_max_num_queries(12):
            page(client, synced)
        with django_assert_max_num_queries(12):
            client.get(reverse("sync:one-live", args=[synced.pk]))


def test_all_accounts_cost_no_more(alive, django_assert_max_num_queries):
    person = f.person()
    client = signed_in(person)
    for number in range(5):
        account = f.connected_account(f"Branch {number}")
        f.membership(person, account)
        crowd(account)
    with django_assert_max_num_queries(12):
        shown = client.get(reverse("sync:list")).content.decode()
    assert shown.count("card-link") == 5


def test_a_poll_that_finds_nothing_new_says_nothing(agent, synced):
    first = agent.get(reverse("sync:one-live", args=[synced.pk]))
    have = first.context["live"]["have"]
    assert 'hx-trigger="every 15s"' in first.content.decode()
    assert agent.get(reverse("sync:one-live", args=[synced.pk]), {"have": have}).status_code == 204
    f.sync_run(synced)
    again = agent.get(reverse("sync:one-live", args=[synced.pk]), {"have": have})
    assert 'hx-trigger="every 2s"' in again.content.decode()


def test_no_page_needs_what_the_policy_forbids(manager, synced):
    f.sync_run(synced)
    shown = page(manager, synced)
    for forbidden in ("<style", " style=", " onclick=", "<script>"):
        assert forbidden not in shown
