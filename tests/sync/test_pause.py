"""Pause, resume, and one contact or thread now."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations import tasks
from integrations.models import (
    AuditEntry,
    Budget,
    BudgetBlock,
    BudgetCall,
    Contact,
    ListSync,
    SyncRun,
    ThreadSync,
)
from integrations.sync import contact_refresh as contacts
from integrations.sync import request, runner, sweep, thread_refresh
from integrations.sync.progress import progress_of_all

from .support import changes, connected, finish, full

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_is_read_by_itself_in_a_pause(vendor):
    vendor.people(3, messages=2)
    account = connected()
    full(account)
    run = request.start_full(account)
    looked_at = dict(ThreadSync.objects.values_list("pk", "read_at"))
    assert request.pause_sync(account, None)
    assert not request.pause_sync(account, None)
    ListSync.objects.update(due_at=timezone.now() - timedelta(hours=1))
    SyncRun.objects.filter(pk=run.pk).update(due_at=timezone.now() - timedelta(minutes=5))
    ThreadSync.objects.update(due_at=timezone.now() - timedelta(minutes=5), following=True)
    assert sweep.wake_due_work() == 0
    assert runner.claim_step(run.pk) is None
    assert thread_refresh.refresh_thread(ThreadSync.objects.first().conversation_id) == 0
    assert dict(ThreadSync.objects.values_list("pk", "read_at")) == looked_at
    assert SyncRun.objects.get(state=SyncRun.State.RUNNING) == run


def test_what_events_and_people_ask_for_is_read_in_a_pause(vendor):
    thread = vendor.people(1, messages=1)[0]
    account = connected()
    full(account)
    request.pause_sync(account, None)
    vendor.message(thread, 90_000, "News")
    conversation = account.conversations.get()
    ThreadSync.objects.update(due_at=timezone.now(), following=False)
    assert thread_refresh.refresh_thread(conversation.pk) == 1
    assert conversation.messages.filter(text="News").exists()


def test_resume_goes_on_where_it_stood(vendor):
    vendor.people(3, messages=1)
    account = connected()
    run = SyncRun.objects.get()
    assert runner.claim_step(run.pk)
    SyncRun.objects.update(lease_until=None)
    request.pause_sync(account, None)
    assert runner.claim_step(run.pk) is None
    assert request.resume_sync(account, None)
    assert not request.resume_sync(account, None)
    assert finish(run).state == SyncRun.State.DONE
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"sync.paused", "sync.resumed"}


def test_the_command_says_that_the_sync_is_paused(vendor):
    account = connected()
    request.pause_sync(account, None)
    with pytest.raises(CommandError, match="paused"):
        call_command("sync", account=account.pk)
    with pytest.raises(CommandError, match="paused"):
        call_command("sync")


def test_a_contact_now_is_two_calls_and_its_threads(vendor):
    thread = vendor.people(2, messages=1)[0]
    account = connected()
    full(account)
    ThreadSync.objects.update(read_at=timezone.now() - timedelta(minutes=1))
    contact = Contact.objects.get(vendor_id=thread["contact_id"])
    vendor.contacts[0] |= {"first_name": "Renamed", "updated_at": "2026-02-01 00:00:00"}
    assert request.request_contact(contact, None)
    assert ThreadSync.objects.filter(due_at__lte=timezone.now()).count() == 1
    before = BudgetCall.objects.filter(lane=BudgetCall.Lane.EVENT).count()
    tasks.refresh_contact(contact.pk, 0)
    contact.refresh_from_db()
    assert contact.first_name == "Renamed"
    assert BudgetCall.objects.filter(lane=BudgetCall.Lane.EVENT).count() == before + 2


def test_a_conversation_that_is_new_comes_with_its_contact(vendor):
    first = vendor.people(1, messages=1)[0]
    account = connected()
    full(account)
    contact = Contact.objects.get()
    second = vendor.conversation(vendor.contacts[0], id=777_777, inbox_id=2)
    vendor.message(second, 90_001, "From elsewhere")
    assert tasks.refresh_contact(contact.pk, 0) >= 1
    thread = account.conversations.get(vendor_id=777_777)
    assert thread_refresh.refresh_thread(thread.pk) == 1
    assert account.conversations.count() == 2
    vendor.contacts.clear()
    assert tasks.refresh_contact(contact.pk, 0) == 1
    contact.refresh_from_db()
    assert contact.deleted_at is not None
    assert first["contact_id"] == contact.vendor_id


def test_trouble_with_a_contact_is_tried_again_a_few_times(vendor, monkeypatch):
    vendor.people(1)
    full(connected())
    asked = []
    monkeypatch.setattr(contacts.jobs, "enqueue", lambda task, *args, **how: asked.append(args))
    vendor.bend["GET /contacts/{id}"] = lambda query: (503, {"message": "Busy"})
    contact = Contact.objects.get()
    assert contacts.refresh_contact(contact.pk, 0) == contacts.refresh_contact(contact.pk, contacts.MOST_TRIES) == 0
    assert asked == [(contact.pk, 1)]


def test_a_draft_is_nothing_to_read(vendor):
    account = connected()
    draft = Contact.objects.create(account=account, phone="+13055550199")
    assert not request.request_contact(draft, None)
    assert contacts.refresh_contact(draft.pk, 0) == 0


def test_a_contact_that_waits_for_budget_comes_back(vendor, settings, monkeypatch):
    thread = vendor.people(1)[0]
    account = connected()
    full(account)
    Budget.objects.update(blocked_until=timezone.now() + timedelta(seconds=30))
    asked = []
    monkeypatch.setattr(contacts.jobs, "enqueue", lambda *args, **how: asked.append((args, how["delay"])))
    contact = Contact.objects.get(vendor_id=thread["contact_id"])
    assert contacts.refresh_contact(contact.pk, 2) == 0
    [(args, delay)] = asked
    assert args == ("integrations.tasks.refresh_contact", contact.pk, 2)
    assert 20 < delay <= 31


# --- progress ---------------------------------------------------------------------------------------------------------


def running(account, *, minutes: float, calls: int, threads_left: int) -> SyncRun:
    """A run of so many minutes: all lists read, so many threads of 200 still to come, `calls` in the last 100 s."""
    now = timezone.now()
    SyncRun.objects.all().delete()
    run = SyncRun.objects.create(
        account=account, kind=SyncRun.Kind.FULL, started_at=now - timedelta(minutes=minutes), requests=calls
    )
    run.streams.create(name="contacts", position=0, seen=200, total=200, pages=20, done=True)
    run.streams.create(name="messages", position=1)
    for number in range(200):
        contact = Contact.objects.create(account=account, vendor_id=number + 1)
        thread = account.conversations.create(contact=contact, vendor_id=number + 1)
        ThreadSync.objects.create(conversation=thread, run=run, pending=number < threads_left)
    budget, _ = Budget.objects.get_or_create(account=account)
    budget.calls.all().delete()
    BudgetCall.objects.bulk_create(
        BudgetCall(
            budget=budget, lane="sync", started_at=now - timedelta(seconds=100 * (n + 1) / calls), expires_at=now
        )
        for n in range(1, calls + 1)
    )
    return run


@pytest.fixture
def stopped_clock(monkeypatch):
    """What is counted from now does not depend on how fast this machine is."""
    now = timezone.now()
    return lambda: monkeypatch.setattr(timezone, "now", lambda: now)


def test_the_rest_takes_as_long_as_the_last_calls_did(vendor, stopped_clock):
    account = connected()
    stopped_clock()
    run = running(account, minutes=60, calls=50, threads_left=100)
    [shown] = progress_of_all([run])
    assert 0.5 < shown.fraction < 0.6
    assert shown.eta_seconds == pytest.approx(200, abs=6)  # 2 s a call, though the run began an hour ago


def test_a_block_is_no_slowness_and_is_waited_for(vendor, stopped_clock):
    account = connected()
    stopped_clock()
    run = running(account, minutes=60, calls=50, threads_left=100)
    now = timezone.now()
    budget = Budget.objects.get(account=account)
    BudgetBlock.objects.create(budget=budget, at=now - timedelta(seconds=50), until=now + timedelta(seconds=30))
    [shown] = progress_of_all([run])
    assert shown.eta_seconds == pytest.approx(100 + 30, abs=6)


def test_nobody_can_tell_the_end_of_a_paused_run(vendor):
    account = connected()
    run = running(account, minutes=1, calls=50, threads_left=100)
    request.pause_sync(account, None)
    run.refresh_from_db()
    assert progress_of_all([run])[0].eta_seconds is None


def test_many_runs_cost_as_many_queries_as_one(vendor, django_assert_max_num_queries):
    account = connected()
    changes(account)
    runs = [running(account, minutes=1, calls=6, threads_left=10)]
    for kind in (SyncRun.Kind.CHANGES, SyncRun.Kind.CHECK):
        runs.append(SyncRun.objects.create(account=account, kind=kind))
        runs[-1].streams.create(name="contacts", position=0, total=10)
    fresh = list(SyncRun.objects.filter(pk__in=[run.pk for run in runs]).select_related("account"))
    with django_assert_max_num_queries(4):
        assert len(progress_of_all(fresh)) == 3
