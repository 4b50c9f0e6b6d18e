"""Texts with an unknown outcome: a verdict only on what was read late enough, and never against a possible copy."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from integrations import mirror
from integrations.models import Attempt, Message, ThreadSync
from integrations.outbox import deliver, reconcile
from integrations.salesmsg.pages import Page
from integrations.sync import thread as threads

from .conftest import write

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
State = Message.State


@pytest.fixture
def doubtful(staff, conversation, settings):
    """Makes a text whose call was made so many seconds ago, and whose thread was read now."""

    def make(text: str, seconds: float = 300) -> Message:
        called = timezone.now() - timedelta(seconds=seconds)
        message = write(staff, conversation, text)
        Message.objects.filter(pk=message.pk).update(
            state=State.UNKNOWN, claimed_at=called, at=called, due_at=None, created_at=called
        )
        message.attempts.create(outcome=Attempt.Outcome.UNCLEAR, started_at=called, finished_at=called)
        ThreadSync.objects.filter(conversation=conversation).update(read_at=timezone.now(), complete=True, cursor={})
        return Message.objects.get(pk=message.pk)

    return make


def theirs(message: Message, text: str, at, **values) -> Message:
    """A text without an author in the same thread, as a page contained it."""
    number = int(uuid.uuid4()) % 10**12
    return Message.objects.create(
        account_id=message.account_id, conversation_id=message.conversation_id, vendor_id=number, rank=number,
        state=State.SENT, text=text, at=at, **values,
    )  # fmt: skip


def fetched(sync: ThreadSync, *, deep: bool) -> None:
    with transaction.atomic():
        threads.store_thread_page(threads.fetch_thread_page(sync, None, deep=deep))


def state(message: Message) -> str:
    return Message.objects.values_list("state", flat=True).get(pk=message.pk)


def test_what_a_late_reading_does_not_show_was_not_sent(doubtful):
    message = doubtful("Nobody has got this")
    assert reconcile.reconcile_unknown() == 1
    assert state(message) == State.FAILED


@pytest.mark.parametrize(
    ("ours", "copy"),
    [
        ("Your table is ready", "Your table is ready"),
        ("Your table is ready", "Your table is ready. Reply STOP to opt out."),
        ("Use <b>this</b> code & come: 4711", "Use this code &amp; come: 4711"),
        ("Pay here: https://example.com/invoice/4711?from=text", "Pay here: https://sale.sm/x9"),
        ("https://example.com/invoice/4711", "https://sale.sm/x9"),
        ("“Smart” quotes – gone", '"Smart" quotes - gone'),
        ("🎉🎉", ""),
    ],
)
def test_a_copy_that_salesmsg_changed_a_little_waits_for_a_person(doubtful, ours, copy):
    message = doubtful(ours)
    theirs(message, copy, message.claimed_at + timedelta(seconds=2))
    assert reconcile.reconcile_unknown() == 1
    assert state(message) == State.UNKNOWN
    assert Message.objects.get(pk=message.pk).reason_code == "ambiguous_copy"


@pytest.mark.parametrize("off", [timedelta(minutes=-5), timedelta(hours=-7), timedelta(hours=2)])
def test_a_copy_whose_date_is_wrong_waits_for_a_person(doubtful, off):
    """Salesmsg's clock is its own, and a message without a date gets its thread's."""
    message = doubtful("Your table is ready")
    theirs(message, "Your table is ready", message.claimed_at + off)
    assert reconcile.reconcile_unknown() == 1
    assert state(message) == State.UNKNOWN


def test_other_texts_of_that_time_and_old_ones_with_these_words_are_no_copies(doubtful):
    message = doubtful("Your table is ready")
    theirs(message, "We open at nine tomorrow", message.claimed_at + timedelta(seconds=2))
    before = message.claimed_at - timedelta(days=1)
    theirs(message, "Your table is ready", before, created_at=before)
    assert reconcile.reconcile_unknown() == 1
    assert state(message) == State.FAILED


def test_a_walk_tells_how_the_thread_was_when_it_began(doubtful, conversation, monkeypatch):
    """Its newest page may have been read before the text arrived, however late the oldest one was."""
    message = doubtful("Came right after the first page", seconds=130)
    sync = ThreadSync.objects.select_related("conversation__account").get(conversation=conversation)
    began = message.claimed_at - timedelta(seconds=5)
    record = type("Record", (), {"at": began, "id": 1})
    pages = [Page([record], last_page=2, page=number, count=1) for number in (1, 2)]
    monkeypatch.setattr(threads, "_fetch", lambda *_: (pages.pop(0), "paginated"))
    monkeypatch.setattr(mirror, "upsert_messages", lambda *_: mirror.messages.Messages())
    with monkeypatch.context() as then:
        then.setattr(threads.timezone, "now", lambda: began)
        fetched(sync, deep=True)
    assert sync.cursor
    assert reconcile.reconcile_unknown() == 0
    record.id = 2
    fetched(sync, deep=True)
    sync.refresh_from_db()
    assert (sync.cursor, sync.complete) == ({}, True)
    assert sync.read_at == began
    assert reconcile.reconcile_unknown() == 0
    assert state(message) == State.UNKNOWN


def test_a_thread_that_shows_nothing_at_all_tells_nothing(doubtful, conversation, monkeypatch):
    """An empty answer for a thread that has messages is no proof that a text is not there."""
    message = doubtful("Nobody knows")
    ThreadSync.objects.update(read_to=[1.0, 7], read_at=message.claimed_at)
    sync = ThreadSync.objects.select_related("conversation__account").get(conversation=conversation)
    monkeypatch.setattr(threads, "_fetch", lambda *_: (Page([], last_page=1), "paginated"))
    fetched(sync, deep=False)
    assert reconcile.reconcile_unknown() == 0
    assert state(message) == State.UNKNOWN


def test_a_copy_that_was_left_for_later_is_not_passed_by(doubtful, conversation, monkeypatch):
    """While its text is being sent, its page must not count as read."""
    doubtful("Being sent")
    sync = ThreadSync.objects.select_related("conversation__account").get(conversation=conversation)
    record = type("Record", (), {"at": timezone.now(), "id": 1})
    monkeypatch.setattr(threads, "_fetch", lambda *_: (Page([record], last_page=1, count=1), "paginated"))
    for held_back, moved in ((1, False), (0, True)):
        kept = mirror.messages.Messages(held_back=held_back)
        monkeypatch.setattr(mirror, "upsert_messages", lambda *_, kept=kept: kept)
        before = sync.read_to
        fetched(sync, deep=False)
        assert (sync.read_to != before) == moved


def test_a_kill_between_an_unclear_answer_and_the_texts_state_sends_nothing_again(staff, conversation, monkeypatch):
    """The attempt's end and the text's are one; and an attempt that ended in doubt is always a doubt."""
    message = write(staff, conversation, f"dropped {uuid.uuid4()}")
    long_ago = timezone.now() - timedelta(seconds=200)
    Message.objects.filter(pk=message.pk).update(state=State.SENDING, claimed_at=long_ago)
    message.attempts.create(outcome=Attempt.Outcome.UNCLEAR, finished_at=long_ago)
    assert deliver.expire_claims() == 1
    assert state(message) == State.UNKNOWN


def test_the_attempts_end_and_the_texts_are_committed_together(salesmsg, staff, conversation, monkeypatch):
    message = write(staff, conversation, f"dropped {uuid.uuid4()}")
    salesmsg.post("/sandbox/faults", {"kind": "drop-after", "count": 1, "match": "POST /messages"})

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    monkeypatch.setattr(deliver, "_mark_unknown", die)
    with pytest.raises(Killed):
        deliver.deliver_message(message.pk)
    assert state(message) == State.SENDING
    assert message.attempts.get().outcome == Attempt.Outcome.RUNNING
