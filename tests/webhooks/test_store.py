"""Events that come at the same moment share a transaction, and each is answered for itself."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from integrations import jobs
from integrations.models import Account, WebhookEvent
from integrations.webhooks import store
from integrations.webhooks.process import PUMP
from integrations.webhooks.store import Arrival, EventWriter
from tests import factories
from tests.tokens.vendor import at_once, queued


def write(account: Account, *texts: str) -> None:
    store.write_all([Arrival(account.pk, text) for text in texts])


@pytest.mark.django_db(transaction=True)
def test_all_that_come_at_once_are_kept():
    account, writer = factories.connected_account(), EventWriter()
    answers = at_once(8, lambda number: writer.write(account.pk, f"event {number % 6}".encode()))
    assert answers == [None] * 8
    assert sorted(WebhookEvent.objects.values_list("body", "repeats")) == [
        ("event 0", 1), ("event 1", 1), *((f"event {number}", 0) for number in range(2, 6)),
    ]  # fmt: skip


def test_copies_in_one_transaction_are_counted(db):
    account = factories.connected_account()
    write(account, "one", "two", "one", "one")
    write(account, "two", "three")
    assert dict(WebhookEvent.objects.values_list("body", "repeats")) == {"one": 2, "two": 1, "three": 0}


def test_a_full_batch_is_a_handful_of_statements(db, django_assert_max_num_queries):
    account = factories.connected_account()
    with django_assert_max_num_queries(7):
        write(account, *(f"event {number}" for number in range(8)))


def test_what_cannot_be_kept_is_told_to_each(db, monkeypatch):
    """A vendor that hears of an error sends again; one that hears nothing does not."""
    account, writer = factories.connected_account(), EventWriter()

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(store, "_write", broken)
    for _ in range(2):
        with pytest.raises(OSError, match="disk full"):
            writer.write(account.pk, b"event")
    monkeypatch.undo()
    writer.write(account.pk, b"event")
    assert WebhookEvent.objects.count() == 1


def test_whoever_is_not_written_hears_of_it(db, monkeypatch):
    """The thread that wrote for others was stopped in the middle: no sender gets a success response."""
    account, writer = factories.connected_account(), EventWriter()

    def stopped(batch):
        raise SystemExit

    monkeypatch.setattr(store, "write_all", stopped)
    with pytest.raises(SystemExit):
        writer.write(account.pk, b"event")
    monkeypatch.setattr(store, "write_all", lambda batch: None)
    with pytest.raises(RuntimeError, match="not stored"):
        writer.write(account.pk, b"event")


def test_accounts_in_one_transaction_stay_apart(db):
    here, there = factories.connected_account(), factories.connected_account("Northside Clinic")
    store.write_all([Arrival(here.pk, "same"), Arrival(there.pk, "same")])
    assert set(WebhookEvent.objects.values_list("account", "repeats")) == {(here.pk, 0), (there.pk, 0)}


@pytest.mark.parametrize("text", ["new", "old"], ids=["an event", "a copy"])
def test_any_event_shows_that_events_come(db, text):
    account = factories.connected_account(events_missed=3)
    write(account, "old")
    Account.objects.update(events_missed=5)
    write(account, text)
    account.refresh_from_db()
    assert account.events_missed == 0


def test_the_last_event_is_noted_once_a_second(db, django_assert_max_num_queries):
    account = factories.connected_account()
    write(account, "one")
    account.refresh_from_db()
    first = account.last_event_at
    write(account, "two")
    account.refresh_from_db()
    assert account.last_event_at == first
    Account.objects.update(last_event_at=first - timedelta(seconds=2))
    write(account, "three")
    account.refresh_from_db()
    assert account.last_event_at >= first
    Account.objects.update(last_event_at=first + timedelta(days=1))  # the clock was wrong, and was put right
    write(account, "four")
    account.refresh_from_db()
    assert account.last_event_at < first + timedelta(hours=1)


# -- tasks ---------------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """jobs' clock, which stands still until it is moved."""
    now = [1000.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: now[0])
    return now


def shower(account: Account, django_capture_on_commit_callbacks, *texts: str) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for text in texts:
            write(account, text)


def test_a_shower_is_two_wakes(db, clock, django_capture_on_commit_callbacks):
    """One at once, and one after a pause for all that came after the first."""
    account = factories.connected_account()
    shower(account, django_capture_on_commit_callbacks, *(f"event {number}" for number in range(30)))
    assert queued() == [(PUMP, (account.pk,))] * 2
    clock[0] += jobs.PAUSE * 1.5
    OrmQ.objects.all().delete()  # a worker has begun them
    shower(account, django_capture_on_commit_callbacks, "later", "and later")
    assert len(queued()) == 1


def test_a_wake_that_failed_does_not_stop_the_next(db, clock, monkeypatch, django_capture_on_commit_callbacks):
    account = factories.connected_account()
    monkeypatch.setattr(jobs, "_push", lambda *_: 1 / 0)
    shower(account, django_capture_on_commit_callbacks, "one")
    monkeypatch.undo()
    assert queued() == []
    shower(account, django_capture_on_commit_callbacks, "two")
    assert len(queued()) == 1


def test_each_account_is_woken(db, clock, django_capture_on_commit_callbacks):
    here, there = factories.connected_account(), factories.connected_account("Northside Clinic")
    for account in (here, there):
        shower(account, django_capture_on_commit_callbacks, "event")
    assert queued() == [(PUMP, (here.pk,)), (PUMP, (there.pk,))]
    assert WebhookEvent.objects.filter(due_at__lte=timezone.now()).count() == 2
    assert not connection.needs_rollback


@pytest.mark.parametrize(("name", "again"), [("contact.updated", "new"), ("message.received", "done")])
def test_a_contact_s_event_that_was_worked_on_is_worked_on_again(db, name, again):
    """It names the contact and not what changed of it, so a repeat may be news; a message's event is complete."""
    account = factories.connected_account()
    body = json.dumps({"event": name, "data": {"contact": {"id": 7}}}).encode()
    store.EventWriter().write(account.pk, body)
    event = WebhookEvent.objects.get()
    WebhookEvent.objects.update(state="done", attempts=1, received_at=event.received_at - timedelta(seconds=9))
    store.EventWriter().write(account.pk, body)
    now = WebhookEvent.objects.get()
    assert (now.state, now.repeats) == (again, 1)
    if again == "new":
        assert now.attempts == 0
        assert now.received_at > event.received_at
