"""Messages: any order and any repetition ends the same, what is known is never taken back, our own texts are linked
only when it is certain which they are."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from integrations import mirror
from integrations.models import Account, Conversation, Message, ThreadSync
from integrations.models.message import DRAFT_RANK
from tests import factories

from . import vendor_records

pytestmark = pytest.mark.django_db
State = Message.State
NINE = datetime(2026, 4, 10, 9, tzinfo=UTC)


@pytest.fixture
def thread(account) -> Conversation:
    mirror.upsert_conversations(account.pk, [vendor_records.conversation()])
    return Conversation.objects.get()


def complete(thread: Conversation) -> None:
    ThreadSync.objects.update_or_create(conversation=thread, defaults={"complete": True})


def waiting(thread, text="Does 10 work?", state=State.SENDING, **fields) -> Message:
    values = {"claimed_at": NINE, "at": NINE, "rank": DRAFT_RANK + Message.objects.count(), "inbound": False}
    return Message.objects.create(
        account=thread.account,
        conversation=thread,
        client_uuid=uuid.uuid4(),
        text=text,
        state=state,
        **(values | fields),
    )


def dump() -> list[dict]:
    hidden = {"id", "created_at", "raw"}
    rows = Message.objects.order_by("at", "rank").values()
    return [{name: value for name, value in row.items() if name not in hidden} for row in rows]


def test_a_page_is_a_handful_of_statements(thread, django_assert_max_num_queries):
    page = [vendor_records.ours(key, "sent") if key % 2 else vendor_records.message(key) for key in range(1, 101)]
    with django_assert_max_num_queries(18):
        assert mirror.upsert_messages(thread, page).new == 100
    later = [vendor_records.ours(key, "delivered") if key % 2 else vendor_records.message(key) for key in range(1, 101)]
    with django_assert_max_num_queries(18):
        assert mirror.upsert_messages(thread, later).changed == 50
    with django_assert_max_num_queries(12):
        assert mirror.upsert_messages(thread, later).changed == 0


def test_what_is_the_same_bumps_nothing(thread, account):
    page = [vendor_records.message(1), vendor_records.ours(2, "delivered")]
    mirror.upsert_messages(thread, page)
    thread.refresh_from_db()
    version = Account.objects.get().inbox_version
    result = mirror.upsert_messages(thread, page)
    assert (result.changed, result.new, result.met) == (0, 0, 2)
    before = thread.version
    thread.refresh_from_db()
    assert (thread.version, Account.objects.get().inbox_version) == (before, version)


def test_any_order_of_pages_ends_the_same(account, thread):
    """Each text's life, in pieces that arrive shuffled and repeated."""
    told_about = []
    for key in range(1, 6):
        second = f"09:00:0{key // 2}"
        told_about.append([vendor_records.ours(key, status, second) for status in ("queued", "sent", "delivered")])
    failed = [vendor_records.ours(6, status, "09:00:03", failed_reason="30007 x") for status in ("queued", "failed")]
    picture = {"id": 1, "source": "https://media.example.com/1.jpg", "content_type": "image/jpeg"}
    busy = vendor_records.message(7, "09:00:03", type="mms", mms_status="busy")
    ready = vendor_records.message(7, "09:00:03", type="mms", mms_status="done", media=[picture])
    lives = [*told_about, failed, [busy, ready], [vendor_records.message(8)], [vendor_records.message(9, "08:00:00")]]
    every = [record for life in lives for record in life]
    last = [life[-1] for life in lives]
    mirror.upsert_messages(thread, last)
    wanted = dump()
    chance = random.Random(11)
    for _ in range(25):
        Message.objects.all().delete()
        shuffled = every * 2
        chance.shuffle(shuffled)
        while shuffled:
            size = chance.randint(1, 5)
            mirror.upsert_messages(thread, shuffled[:size])
            del shuffled[:size]
        assert dump() == wanted
        latest = Conversation.objects.get()
        assert (latest.latest_text, latest.latest_at.second) == ("Text 7", 3)


def test_a_stale_page_takes_nothing_back(thread):
    mirror.upsert_messages(
        thread, [vendor_records.ours(1, "delivered"), vendor_records.ours(2, "failed", failed_reason="30007")]
    )
    known = dump()
    assert (
        mirror.upsert_messages(thread, [vendor_records.ours(1, "sent"), vendor_records.ours(2, "queued")]).changed == 0
    )
    assert dump() == known
    row = Message.objects.get(vendor_id=1)
    assert (row.state, row.vendor_status, bool(row.delivered_at)) == (State.DELIVERED, "delivered", True)
    assert Message.objects.get(vendor_id=2).reason_code == "carrier_30007"


def test_an_unknown_status_is_in_progress(thread):
    mirror.upsert_messages(thread, [vendor_records.message(1, status="teleporting", user_id=5)])
    assert Message.objects.get().state == State.SENT


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_what_shares_a_second_stands_in_the_vendors_order(thread, order):
    for key in order:
        mirror.upsert_messages(thread, [vendor_records.message(key)])
    assert list(Message.objects.order_by("at", "rank").values_list("vendor_id", flat=True)) == [1, 2, 3]
    assert Conversation.objects.get().latest_text == "Text 3"


def test_the_first_reading_marks_what_is_unread_as_news(thread):
    Conversation.objects.update(unread_at_vendor=2)
    page = [vendor_records.message(key, f"09:00:0{key}") for key in range(1, 6)]
    page.append(vendor_records.ours(6, "sent", "09:00:06"))
    mirror.upsert_messages(thread, page)
    assert set(Message.objects.filter(is_news=True).values_list("vendor_id", flat=True)) == {4, 5}


@pytest.mark.parametrize("turn", [1, -1], ids=["oldest first", "newest first"])
def test_the_first_reading_in_pages_marks_no_more(thread, turn):
    Conversation.objects.update(unread_at_vendor=3)
    records = [vendor_records.message(key, f"09:00:{key:02d}") for key in range(1, 11)][::turn]
    for start in range(0, 10, 2):
        mirror.upsert_messages(thread, records[start : start + 2])
    assert set(Message.objects.filter(is_news=True).values_list("vendor_id", flat=True)) == {8, 9, 10}


def test_later_inbound_is_news_and_older_history_is_not(thread):
    mirror.upsert_messages(thread, [vendor_records.message(5, "09:00:05")])
    complete(thread)
    mirror.upsert_messages(
        thread,
        [
            vendor_records.message(6, "09:00:06"),
            vendor_records.message(1, "08:00:00"),
            vendor_records.ours(7, "sent", "09:00:07"),
        ],
    )
    assert list(Message.objects.filter(is_news=True).values_list("vendor_id", flat=True)) == [6]


def test_what_came_after_the_account_was_connected_is_news_in_any_case(thread):
    Account.objects.update(created_at=NINE - timedelta(minutes=1))
    mirror.upsert_messages(thread, [vendor_records.message(5, "09:00:05"), vendor_records.message(6, "08:00:00")])
    assert list(Message.objects.filter(is_news=True).values_list("vendor_id", flat=True)) == [5]


def test_news_stay_news(thread):
    Conversation.objects.update(unread_at_vendor=1)
    mirror.upsert_messages(thread, [vendor_records.message(5)])
    complete(thread)
    Conversation.objects.update(unread_at_vendor=0)
    mirror.upsert_messages(thread, [vendor_records.message(5, body="Edited")])
    assert Message.objects.get().is_news


def test_a_copy_of_a_text_that_is_being_sent_is_left_for_later(thread):
    mine = waiting(thread)
    result = mirror.upsert_messages(thread, [vendor_records.ours(600, "queued", body="Does 10 work?")])
    assert (result.held_back, result.new, Message.objects.count()) == (1, 0, 1)
    mirror.adopt(mine, vendor_records.ours(600, "queued", body="Does 10 work?"))
    result = mirror.upsert_messages(thread, [vendor_records.ours(600, "delivered", body="Does 10 work?")])
    row = Message.objects.get()
    assert (result.held_back, row.pk, row.state, row.vendor_id, row.rank) == (0, mine.pk, State.DELIVERED, 600, 600)


@pytest.mark.parametrize("status", ["queued", "delivered", "failed"])
def test_an_unknown_one_is_linked_to_the_only_text_that_it_can_be(thread, status):
    mine = waiting(thread, "Does  10\nwork?", State.UNKNOWN, reason_code="timed_out")
    mirror.upsert_messages(
        thread,
        [
            vendor_records.ours(600, status, "09:00:01", body="Does 10 work?"),
            vendor_records.ours(601, "sent", body="Other"),
        ],
    )
    mine.refresh_from_db()
    assert (mine.vendor_id, mine.rank, mine.text, mine.due_at) == (600, 600, "Does  10\nwork?", None)
    assert mine.state == {"queued": State.SENT}.get(status, status)
    assert not mine.reason
    assert Message.objects.count() == 2


@pytest.mark.parametrize(("ours", "theirs"), [(2, 1), (1, 2), (2, 2)])
def test_identical_texts_are_never_merged(thread, ours, theirs):
    rows = [waiting(thread, state=State.UNKNOWN) for _ in range(ours)]
    mirror.upsert_messages(
        thread, [vendor_records.ours(600 + turn, "sent", body="Does 10 work?") for turn in range(theirs)]
    )
    assert Message.objects.count() == ours + theirs
    assert not Message.objects.filter(pk__in=[row.pk for row in rows]).exclude(vendor_id=None).exists()


@pytest.mark.parametrize(
    "wire",
    [
        {"body": "Does 11 work?"},
        {"created_at": "2026-04-10 08:59:00"},
        {"created_at": "2026-04-10 09:11:00"},
        {"status": "received", "user_id": None},
    ],
    ids=["other words", "before it was claimed", "long after", "theirs"],
)
def test_an_unknown_one_is_not_linked_to_what_it_cannot_be(thread, wire):
    mine = waiting(thread, state=State.UNKNOWN)
    like = {"body": "Does 10 work?", "status": "sent", "user_id": 5} | wire
    mirror.upsert_messages(thread, [vendor_records.message(600, **like)])
    mine.refresh_from_db()
    assert (mine.vendor_id, mine.state, Message.objects.count()) == (None, State.UNKNOWN, 2)


def test_an_answer_takes_the_place_of_a_copy_that_was_quicker(thread):
    mine = waiting(thread, vendor_reason="Salesmsg could not be reached. Trying again.")
    factories.message(thread, "Does 10 work?", vendor_id=600, inbound=False, state=State.SENT)
    answer = vendor_records.ours(600, "queued", "09:00:01", body="Does 10 work?")
    mirror.adopt(mine, type(answer).parse({key: value for key, value in answer.raw.items() if key != "failed_reason"}))
    row = Message.objects.get()
    assert (row.pk, row.vendor_id, row.state, row.reason.text, row.due_at) == (mine.pk, 600, State.SENT, "", None)


def test_an_answer_of_failure_is_one(thread):
    mine = waiting(thread)
    mirror.adopt(mine, vendor_records.ours(600, "failed", failed_reason="21610 Unsubscribed"))
    mine.refresh_from_db()
    assert (mine.state, mine.reason_code) == (State.FAILED, "carrier_21610")
    assert Conversation.objects.get().latest_state == State.FAILED


def test_a_message_without_a_time_stands_where_its_thread_does(thread):
    bare = type(vendor_records.message(1)).parse({"id": 1, "status": "received", "body": "x"})
    mirror.upsert_messages(thread, [bare])
    assert Message.objects.get().at == thread.last_message_at
    assert mirror.upsert_messages(thread, [bare]).changed == 0


def test_a_message_that_moved_to_another_conversation_moves_here_too(thread, account):
    mirror.upsert_messages(thread, [vendor_records.message(1)])
    mirror.upsert_conversations(account.pk, [vendor_records.conversation(11, 2)])
    other = Conversation.objects.get(vendor_id=11)
    mirror.upsert_messages(other, [vendor_records.message(1)])
    assert Message.objects.get().conversation_id == other.pk
