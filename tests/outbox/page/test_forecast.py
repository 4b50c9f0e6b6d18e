"""The forecast: exact where the queue is simple, bounded where it is long."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import Account, Bulk, BulkRecipient, Message
from integrations.outbox import compose, forecast
from tests import factories as f

from .conftest import Books


def seconds(found: forecast.Waiting) -> list[float]:
    """When each of the first texts leaves, from now."""
    return [(one.at - timezone.now()).total_seconds() for one in found.first]


# --- Calls -----------------------------------------------------------------------------------------------------------


def test_calls_fall_into_even_buckets_by_lane(harbor, books, noon):
    books.called(1, "interactive")  # 12:00:02, in the bucket that began at 12:00:00
    books.called(4, "sync", 2)  # 11:59:59
    books.called(65, "bulk")  # 11:58:58
    books.called(700, "edit")  # too long ago to be shown
    found = forecast.recent_calls(harbor)
    assert len(found.buckets) == 60
    assert (found.start, found.end) == (noon.replace(hour=11, minute=50, second=10), noon.replace(second=10))
    assert {found.buckets.index(one): one.made for one in found.buckets if one.made} == {
        52: {"bulk": 1},
        58: {"sync": 2},
        59: {"interactive": 1},
    }
    assert found.buckets[59].window == {"sync": 2, "interactive": 1}
    assert found.buckets[57].window == {"bulk": 1}
    assert found.buckets[58].window == {"sync": 2}
    assert (found.used, found.limit, found.blocked_until) == (3, 6, None)
    assert found.lanes == {
        "token": 0,
        "interactive": 1,
        "edit": 0,
        "event": 0,
        "delivery_status": 0,
        "sync": 2,
        "bulk": 0,
        "idle": 0,
    }


def test_the_window_never_shows_more_than_was_allowed(harbor, books, noon):
    for ago in range(0, 720, 60):
        books.called(ago, "sync", 6)
    assert {sum(one.window.values()) for one in forecast.recent_calls(harbor).buckets} == {6}


def test_the_picture_is_scaled_by_the_period(harbor, books, settings):
    settings.SALESMSG_RATE_PERIOD = 6.0
    books.called(3, "sync", period=6)
    books.called(59, "sync", period=6)
    books.called(70, "sync", period=6)
    found = forecast.recent_calls(harbor)
    assert found.end - found.start == timedelta(seconds=60)
    assert sum(one.made.get("sync", 0) for one in found.buckets) == 2


def test_blocks_of_the_last_minutes_and_lanes_that_wait(harbor, books, noon):
    books.blocked(900)
    books.blocked(300)
    until = books.blocked(10)
    books.budget.waiting = {"sync": (noon + timedelta(seconds=9)).timestamp(), "bulk": (noon.timestamp() - 1)}
    books.budget.save()
    found = forecast.recent_calls(harbor)
    assert [round((noon - block.at).total_seconds()) for block in found.blocks] == [300, 10]
    assert found.blocked_until == until
    assert found.waits == {"sync": noon + timedelta(seconds=9)}


def test_an_account_that_never_called(harbor, noon):
    found = forecast.recent_calls(harbor)
    assert (found.used, found.blocks, found.waits) == (0, [], {})
    assert not any(one.made or one.window for one in found.buckets)


# --- What waits ------------------------------------------------------------------------------------------------------


def test_free_places_are_taken_at_once(harbor, books, queued, noon):
    books.called(20, number=4)
    queued()
    queued()
    assert seconds(forecast.waiting_texts(harbor)) == [0, 0]


def test_then_one_leaves_for_every_place_that_returns(harbor, books, queued, noon):
    for ago in (50, 40, 30, 20, 10):
        books.called(ago)
    for _ in range(8):
        queued()
    # One place is free; five return at 10, 20, …, 50; the first one returns a period after it was taken.
    assert seconds(forecast.waiting_texts(harbor)) == [0, 10, 20, 30, 40, 50, 60, 70]
    found = forecast.waiting_texts(harbor)
    assert (found.count, found.next_at, found.last_at) == (8, noon, noon + timedelta(seconds=70))


def test_a_call_under_way_gives_its_place_back_after_a_period(harbor, books, queued, noon):
    for _ in range(6):
        books.under_way()
    queued()
    assert seconds(forecast.waiting_texts(harbor)) == [60]


def test_nothing_leaves_before_a_block_ends(harbor, books, queued, noon):
    books.blocked(15)
    queued()
    queued(after=50)
    assert seconds(forecast.waiting_texts(harbor)) == [45, 50]


def test_a_scheduled_text_leaves_at_its_time(harbor, books, queued, noon):
    queued(after=7200, send_at=noon + timedelta(hours=2))
    queued()
    found = forecast.waiting_texts(harbor)
    assert seconds(found) == [0, 7200]
    assert [one.scheduled for one in found.first] == [False, True]
    assert found.scheduled == 1


def test_texts_of_one_thread_leave_one_after_the_other(harbor, books, queued, noon):
    thread = f.conversation(harbor)
    queued(thread)
    queued(thread)
    queued()
    found = forecast.waiting_texts(harbor)
    assert seconds(found) == [0, 0, 1]
    assert [one.behind for one in found.first] == [False, False, True]


def test_a_text_that_is_put_off_keeps_its_place(harbor, books, queued, noon):
    """After an attempt that did not arrive it is due later, and what was written after it still leaves after it."""
    thread = f.conversation(harbor)
    put_off, later = queued(thread, after=30), queued(thread)
    found = forecast.waiting_texts(harbor)
    assert [one.message for one in found.first] == [put_off, later]
    assert seconds(found) == [30, 31]


def test_a_scheduled_text_lets_others_of_its_thread_pass(harbor, books, queued, noon):
    thread = f.conversation(harbor)
    queued(thread, after=3600, send_at=noon + timedelta(hours=1))
    queued(thread)
    found = forecast.waiting_texts(harbor)
    assert seconds(found) == [0, 3600]
    assert [one.behind for one in found.first] == [False, False]


def test_a_text_behind_one_that_is_being_sent(harbor, books, queued, noon):
    thread = f.conversation(harbor)
    f.message(thread, inbound=False, state="sending")
    queued(thread)
    found = forecast.waiting_texts(harbor)
    assert (seconds(found), found.first[0].behind, found.sending) == ([1], True, 1)


def test_a_text_to_somebody_new_takes_three_places(harbor, books, queued, noon):
    """The contact must be created in Salesmsg first, then the conversation."""
    books.called(20, number=4)
    stranger = f.conversation(harbor, f.contact(harbor, vendor_id=None), vendor_id=None)
    queued(stranger)
    assert seconds(forecast.waiting_texts(harbor)) == [40]


def test_held_and_foreign_texts_do_not_wait(harbor, ada, queued, noon):
    other = f.account("Northside Clinic")
    queued(f.conversation(other))
    queued(due_at=None)
    found = forecast.waiting_texts(harbor)
    assert (found.count, found.first, found.next_at, found.last_at) == (0, [], None, None)


def test_nobody_can_tell_when_while_the_account_is_not_connected(harbor, queued):
    Account.objects.update(state=Account.State.ATTENTION)
    queued()
    found = forecast.waiting_texts(Account.objects.get())
    assert (found.count, found.first[0].at, found.last_at) == (1, None, None)


def test_of_a_long_queue_the_first_are_shown_and_the_last_is_told(harbor, books, queued, noon):
    for _ in range(63):
        queued()
    found = forecast.waiting_texts(harbor)
    assert (found.count, len(found.first), found.more) == (63, 50, 13)
    assert found.last_at == noon + timedelta(minutes=10)


def test_beyond_what_is_read_the_rest_is_reckoned(harbor, books, queued, noon, monkeypatch):
    monkeypatch.setattr(forecast, "READ", 12)
    for _ in range(24):
        queued()
    found = forecast.waiting_texts(harbor)
    assert (found.count, found.last_at) == (24, noon + timedelta(minutes=3))


def test_bulk_texts_come_after_people_s(harbor, books, queued, noon):
    running = bulk(harbor, 12)
    paused = bulk(harbor, 2, state=Bulk.State.PAUSED)
    bulk(harbor, 2, state=Bulk.State.DONE)
    for _ in range(3):
        queued()
    queued(after=86_400, send_at=noon)
    found = forecast.waiting_texts(harbor)
    assert [(one.bulk, one.left) for one in found.bulks] == [(running, 12), (paused, 2)]
    # Three places are left, then six a minute: 3 + 6 + 3.
    assert [one.last for one in found.bulks] == [noon + timedelta(minutes=2), None]


def bulk(account, recipients: int, state=Bulk.State.RUNNING) -> Bulk:
    made = Bulk.objects.create(account=account, text="Hi {first_name}", state=state)
    for _ in range(recipients):
        BulkRecipient.objects.create(bulk=made, contact=f.contact(account), text="Hi")
    return made


# --- What needs a person ---------------------------------------------------------------------------------------------


def lost(of, state: str, **values) -> Message:
    return f.message(of, inbound=False, state=state, **{"client_uuid": uuid.uuid4(), "vendor_id": None, **values})


def test_held_unknown_and_failed_texts_need_a_person(harbor, queued):
    thread = f.conversation(harbor)
    held = queued(thread, due_at=None, vendor_reason="It is late.")
    unknown, failed = lost(thread, "unknown"), lost(thread, "failed", vendor_reason="A landline.")
    lost(thread, "cancelled")
    lost(thread, "sent", vendor_id=77)
    found = forecast.needs_person(harbor)
    assert {need.message: need.kind for need in found} == {held: "held", unknown: "unknown", failed: "failed"}
    assert {need.kind: need.why for need in found}["failed"] == "“A landline.”"
    assert all(need.why and need.what for need in found)


def test_what_was_sent_again_needs_nobody(harbor, ada):
    thread = f.conversation(harbor)
    failed = lost(thread, "failed", text="Once more")
    assert [need.message for need in forecast.needs_person(harbor)] == [failed]
    compose.resend_message(ada, failed)
    assert forecast.needs_person(harbor) == []


def test_old_failures_and_those_of_others_are_left_alone(harbor, ada):
    thread = f.conversation(harbor)
    lost(thread, "failed", at=timezone.now() - timedelta(days=8))
    f.message(thread, "Sent at Salesmsg", inbound=False, state="failed")
    lost(f.conversation(f.account("Northside Clinic")), "failed")
    f.message(thread, "Newest")
    assert forecast.needs_person(harbor) == []


# --- What it costs ---------------------------------------------------------------------------------------------------


def queries(account) -> list[str]:
    with CaptureQueriesContext(connection) as made:
        forecast.recent_calls(account)
        forecast.waiting_texts(account)
        forecast.needs_person(account)
    return [query["sql"] for query in made]


def test_the_number_of_queries_does_not_grow_with_the_queue(harbor, queued):
    books = Books(harbor)
    costs = []
    for number in (10, 490):
        books.called(5, number=number // 10)
        thread = f.conversation(harbor)
        lost(thread, "failed")
        rows = [f.message(f.conversation(harbor), inbound=False, state="queued", due_at=timezone.now())]
        Message.objects.bulk_create(
            Message(
                account=harbor, conversation=rows[0].conversation, client_uuid=uuid.uuid4(), state="queued", text="x",
                at=timezone.now(), rank=place, due_at=timezone.now(),
            )
            for place in range(number - 1)
        )  # fmt: skip
        costs.append(len(queries(harbor)))
    assert Message.objects.filter(state="queued").count() == 500
    assert costs[0] == costs[1] <= 14


def test_the_queue_is_read_through_its_index(harbor, queued):
    """However many messages there are: only those that wait are looked at."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses by its own statistics")
    queued()
    bulk(harbor, 1)
    asked = [sql for sql in queries(harbor) if '"client_uuid" IS NOT NULL' in sql and "bulkrecipient" not in sql]
    assert len(asked) == 5  # what waits, what is being sent, bulk texts, held texts, lost texts
    for sql in asked:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + sql.replace("%", "%%"))
            plan = " ".join(str(row) for row in cursor.fetchall())
        assert "message_own" in plan or "message_due" in plan, plan
