"""Bulk texts at night: each waits for its recipient's morning, then leaves once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.bulk import lifecycle, recipients
from integrations.bulk import progress as bulk_progress
from integrations.failures import Code
from integrations.models import Bulk, BulkRecipient, Contact, Message
from integrations.outbox import bulk_queue, forecast
from integrations.outbox.merge_fields import BulkProblem
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
State, Waits = Bulk.State, BulkRecipient.State
NIGHT = datetime(2026, 11, 12, 7, 36, tzinfo=UTC)  # 2:36 AM in New York
LONDON, NEW_YORK, LOS_ANGELES = "Europe/London", "America/New_York", "America/Los_Angeles"
PHONES = {LONDON: "+4420794600{:02d}", NEW_YORK: "+121255501{:02d}", LOS_ANGELES: "+141555501{:02d}"}
MORNING = {
    LONDON: datetime(2026, 11, 12, 8, tzinfo=UTC),
    NEW_YORK: datetime(2026, 11, 12, 13, tzinfo=UTC),
    LOS_ANGELES: datetime(2026, 11, 12, 16, tzinfo=UTC),
}


class Clock:
    """The time that the portal sees."""

    def __init__(self, at: datetime):
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock(monkeypatch, settings) -> Clock:
    settings.QUIET_HOURS = "21-8"
    clock = Clock(NIGHT)
    monkeypatch.setattr("django.utils.timezone.now", clock)
    return clock


@pytest.fixture
def ada(transactional_db):
    return factories.person("ada")


@pytest.fixture
def shop(ada):
    return factories.account("Harbor Dental", ada, organization_timezone=NEW_YORK)


@pytest.fixture
def people(shop):
    """Six contacts in three zones, in turn."""
    return [
        factories.contact(shop, f"P{number}", phone=PHONES[zone].format(number))
        for number, zone in enumerate([NEW_YORK, LONDON, LOS_ANGELES] * 2, 1)
    ]


def draft(ada, shop, people, start_at=None, window=None) -> Bulk:
    made = recipients.create_draft(ada, shop, people, "Hello {first_name}")
    recipients.set_times(ada, made, start_at, window)
    return made


def started(ada, shop, people, **times) -> Bulk:
    made = draft(ada, shop, people, **times)
    assert lifecycle.start_bulk(ada, made)
    return made


def leave(shop) -> list[str]:
    """All texts that may leave now, in order."""
    texts = []
    while (pk := bulk_queue.next_message(shop.pk)) is not None:
        texts.append(Message.objects.get(pk=pk).text)
        Message.objects.filter(pk=pk).update(state=Message.State.SENT, vendor_id=pk, due_at=None)
    return texts


def run(shop, clock, until: datetime, step=timedelta(minutes=15)) -> list[tuple[datetime, str]]:
    """What leaves and when, as the sweep and the dispatcher would send it."""
    left = []
    while clock.at < until:
        if shop.pk in bulk_queue.settle_bulks():
            texts = leave(shop)
            assert texts, "woken for nothing"
            left += [(clock.at, text) for text in texts]
        clock.at += step
    return left


def zones_of(people) -> dict[str, str]:
    by_phone = {contact.phone[:5]: contact for contact in people}
    assert len(by_phone) == 3
    return {f"Hello {one.first_name}": z for one in people for z in PHONES if one.phone.startswith(PHONES[z][:5])}


def test_none_leaves_before_its_morning_and_all_leave_once_in_order(ada, shop, people, clock):
    clock.at = datetime(2026, 11, 12, 6, tzinfo=UTC)  # night in all three
    made = started(ada, shop, people)
    left = run(shop, clock, datetime(2026, 11, 13, tzinfo=UTC))
    assert [text for _, text in left] == [f"Hello P{number}" for number in (2, 5, 1, 4, 3, 6)]
    zones = zones_of(people)
    assert all(at == MORNING[zones[text]] for at, text in left)
    made.refresh_from_db()
    assert (made.state, Message.objects.count()) == (State.DONE, 6)


def test_those_in_daytime_are_not_held_up(ada, shop, people, clock):
    clock.at = datetime(2026, 11, 12, 9, tzinfo=UTC)
    started(ada, shop, people)
    assert leave(shop) == ["Hello P2", "Hello P5"]
    assert not bulk_queue.has_work(shop.pk)
    assert bulk_queue.settle_bulks() == set()


def test_the_night_that_begins_meanwhile_holds_the_rest(ada, shop, people, clock, monkeypatch):
    monkeypatch.setattr(bulk_queue, "HELD_AT_ONCE", 1)
    clock.at = datetime(2026, 11, 12, 20, 59, tzinfo=UTC)  # 8:59 PM in London
    made = started(ada, shop, people)
    assert not made.recipients.exclude(due_at=None).exists()
    clock.at += timedelta(minutes=1)
    assert leave(shop) == ["Hello P1", "Hello P3", "Hello P4", "Hello P6"]
    assert set(made.recipients.filter(state=Waits.WAITING).values_list("due_at", flat=True)) == {
        datetime(2026, 11, 13, 8, tzinfo=UTC)
    }
    assert Bulk.objects.get(pk=made.pk).state == State.RUNNING


def test_a_message_that_was_put_back_waits_too_and_keeps_its_retries(ada, shop, people, clock):
    clock.at = datetime(2026, 11, 12, 20, 59, tzinfo=UTC)
    made = started(ada, shop, people[1:2])
    pk = bulk_queue.next_message(shop.pk)
    clock.at += timedelta(minutes=1)
    Message.objects.filter(pk=pk).update(due_at=clock.at, claimed_at=NIGHT)
    assert bulk_queue.has_work(shop.pk)
    assert bulk_queue.next_message(shop.pk) is None
    morning = datetime(2026, 11, 13, 8, tzinfo=UTC)
    message = Message.objects.get(pk=pk)
    assert (message.state, message.due_at, message.created_at) == (Message.State.QUEUED, morning, morning)
    assert not bulk_queue.has_work(shop.pk)
    progress = bulk_progress.read_progress(made)
    assert (progress.waiting, progress.sending, progress.held) == (1, 0, {morning: 1})
    clock.at = morning
    assert bulk_queue.settle_bulks() == {shop.pk}
    assert bulk_queue.next_message(shop.pk) == pk


def test_without_quiet_hours_nothing_waits(ada, shop, people, clock, settings):
    settings.QUIET_HOURS = ""
    started(ada, shop, people)
    assert len(leave(shop)) == 6


def test_own_hours_hold_in_each_zone(ada, shop, people, clock, settings):
    settings.QUIET_HOURS = ""
    clock.at = datetime(2026, 11, 12, 6, tzinfo=UTC)
    started(ada, shop, people, window=(18, 20))
    left = run(shop, clock, datetime(2026, 11, 14, tzinfo=UTC), timedelta(minutes=30))
    zones = zones_of(people)
    assert {at.astimezone(ZoneInfo(zones[text])).hour for at, text in left} == {18}
    assert len(left) == 6


def test_the_contacts_own_field_counts(ada, shop, people, clock):
    fields = [{"field_key": "timezone", "value": "Asia/Tokyo"}]
    Contact.objects.filter(pk=people[0].pk).update(custom_fields=fields)
    clock.at = datetime(2026, 11, 12, 6, tzinfo=UTC)  # 3 PM in Tokyo
    started(ada, shop, people)
    assert leave(shop) == ["Hello P1"]


def test_a_start_time_and_then_the_night(ada, shop, people, clock):
    start = datetime(2026, 11, 12, 15, tzinfo=UTC)
    clock.at = datetime(2026, 11, 12, 6, tzinfo=UTC)
    made = started(ada, shop, people, start_at=start)
    made.refresh_from_db()
    assert made.state_label == "Scheduled"
    left = run(shop, clock, datetime(2026, 11, 13, tzinfo=UTC))
    assert [(at, text) for at, text in left] == [
        *((start, f"Hello P{number}") for number in (1, 2, 4, 5)),
        *((MORNING[LOS_ANGELES], f"Hello P{number}") for number in (3, 6)),
    ]


def test_pause_resume_and_cancel_at_night(ada, shop, people, clock):
    made = started(ada, shop, people)
    assert lifecycle.pause_bulk(ada, made)
    clock.at = MORNING[NEW_YORK]
    assert bulk_queue.settle_bulks() == set()
    assert lifecycle.resume_bulk(ada, made)
    assert leave(shop) == ["Hello P1", "Hello P2", "Hello P4", "Hello P5"]
    assert lifecycle.cancel_bulk(ada, made)
    clock.at = MORNING[LOS_ANGELES]
    assert leave(shop) == []
    assert bulk_progress.read_progress(made).cancelled == 2


def test_who_opts_out_at_night_gets_nothing_in_the_morning(ada, shop, people, clock):
    made = started(ada, shop, people)
    Contact.objects.filter(pk=people[0].pk).update(opted_out=True)
    clock.at = MORNING[NEW_YORK]
    assert "Hello P1" not in leave(shop)
    assert made.recipients.get(contact=people[0]).reason_code == Code.SKIP_OPTED_OUT


def test_times_of_a_started_one_stay(ada, shop, people, clock):
    made = started(ada, shop, people)
    with pytest.raises(BulkProblem, match="times can no longer be changed"):
        recipients.set_times(ada, made, None, (9, 17))


def test_times_that_were_not_seen_are_not_started(ada, shop, people, clock):
    seen = draft(ada, shop, people)
    recipients.set_times(ada, Bulk.objects.get(pk=seen.pk), None, (9, 17))
    with pytest.raises(BulkProblem, match="changed"):
        lifecycle.start_bulk(ada, seen)


# --- What pages say --------------------------------------------------------------------------------------------------


def test_the_preview_counts_who_waits_and_until_when(ada, shop, people, clock, settings):
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 61, 60.0  # a text a second, if its thread exists
    for contact in people:
        factories.conversation(shop, contact)
    clock.at = datetime(2026, 11, 12, 9, tzinfo=UTC)
    plan = bulk_progress.read_preview(draft(ada, shop, people)).departures
    assert (plan.first_run, plan.held, plan.guessed) == (2, 4, 0)
    assert plan.last_at == MORNING[LOS_ANGELES] + timedelta(seconds=1)
    assert plan.last == "Thu, Nov 12, 8:00 AM (Los Angeles)"


def test_the_preview_knows_that_the_night_may_begin_while_it_is_sent(ada, shop, people, clock, settings):
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 2, 60.0  # a text a minute
    for contact in people:
        factories.conversation(shop, contact)
    clock.at = datetime(2026, 11, 12, 20, 58, tzinfo=UTC)  # 8:58 PM in London
    plan = bulk_progress.read_preview(draft(ada, shop, people)).departures
    assert (plan.first_run, plan.held) == (5, 1)
    assert plan.last_at == datetime(2026, 11, 13, 8, tzinfo=UTC)


def test_the_preview_counts_guesses(ada, shop, clock, settings):
    people = [factories.contact(shop, phone=phone) for phone in ("+12085550142", "+18005550142", "+12125550142")]
    made = draft(ada, shop, people)
    assert bulk_progress.read_preview(made).departures.guessed == 1  # the toll-free number has the account's zone
    settings.QUIET_HOURS = ""
    assert bulk_progress.read_preview(made).departures.guessed == 0


def test_progress_and_outbox_say_until_when(ada, shop, people, clock):
    made = started(ada, shop, people)
    progress = bulk_progress.read_progress(made)
    assert progress.held == {MORNING[zone]: 2 for zone in PHONES}
    assert (progress.held_count, progress.held_first, progress.held_last) == (6, MORNING[LONDON], MORNING[LOS_ANGELES])
    assert progress.ends_at >= MORNING[LOS_ANGELES]
    [leaving] = forecast.waiting_texts(shop).bulks
    assert leaving.last == MORNING[LOS_ANGELES]
    before = progress.token
    clock.at = MORNING[LONDON]
    assert bulk_progress.read_progress(made).token != before


# --- Many ------------------------------------------------------------------------------------------------------------


def test_queries_do_not_grow(ada, shop, people, clock):
    def cost(people) -> list[int]:
        made = draft(ada, shop, people)
        counts = []
        for deed in (
            lambda: bulk_progress.read_preview(made),
            lambda: lifecycle.start_bulk(ada, made),
            lambda: bulk_queue.settle_bulks(),
            lambda: bulk_queue.next_message(shop.pk),
            lambda: bulk_progress.read_progress(made),
        ):
            with CaptureQueriesContext(connection) as queries:
                deed()
            counts.append(len(queries))
        lifecycle.cancel_bulk(ada, made)
        return counts

    few = cost(people)
    many = [
        factories.contact(shop, f"Q{number}", phone=PHONES[zone].format(number))
        for number, zone in enumerate([NEW_YORK, LONDON, LOS_ANGELES] * 20, 10)
    ]
    assert cost(many) == few


def test_a_night_that_begins_costs_few_queries(ada, shop, people, clock, django_assert_max_num_queries):
    clock.at = datetime(2026, 11, 12, 20, 59, tzinfo=UTC)
    london = [factories.contact(shop, f"Q{number}", phone=PHONES[LONDON].format(number)) for number in range(10, 70)]
    started(ada, shop, london)
    clock.at += timedelta(minutes=1)
    with django_assert_max_num_queries(20):
        assert bulk_queue.next_message(shop.pk) is None
