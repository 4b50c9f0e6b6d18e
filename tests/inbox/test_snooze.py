"""Put aside until a moment: out of sight, back in time, back at once when they text."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from integrations import mirror
from integrations.inbox.collaboration import snooze
from integrations.models import AuditEntry, Conversation
from integrations.salesmsg.records import Message as Record
from integrations.tasks import sweep
from tests import factories as f

from . import pages

THURSDAY = datetime(2026, 11, 26, 15, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")  # an hour ahead then


@pytest.fixture
def conversation(harbor):
    made = f.conversation(harbor)
    f.thread(made, 4)
    return made


@pytest.fixture
def address(conversation):
    return f"/inbox/{conversation.pk}/"


def asleep(conversation, until=timedelta(days=1)) -> Conversation:
    Conversation.objects.filter(pk=conversation.pk).update(snoozed_until=timezone.now() + until)
    conversation.refresh_from_db()
    return conversation


# --- Until when ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "offered"),
    [
        (THURSDAY, {"evening": "2026-11-26 17:00", "tomorrow": "2026-11-27 08:00", "monday": "2026-11-30 08:00"}),
        (THURSDAY + timedelta(hours=2), {"tomorrow": "2026-11-27 08:00", "monday": "2026-11-30 08:00"}),
        (
            THURSDAY + timedelta(hours=8.5),  # half past midnight there
            {"evening": "2026-11-27 17:00", "tomorrow": "2026-11-28 08:00", "monday": "2026-11-30 08:00"},
        ),
        (THURSDAY + timedelta(days=3, hours=2), {"tomorrow": "2026-11-30 08:00"}),  # a Sunday
        (THURSDAY + timedelta(days=4, hours=2), {"tomorrow": "2026-12-01 08:00", "monday": "2026-12-07 08:00"}),
        # The clocks are put back that night, at midnight UTC and one hour.
        (datetime(2026, 10, 24, 20, tzinfo=UTC), {"tomorrow": "2026-10-25 08:00", "monday": "2026-10-26 08:00"}),
    ],
)
def test_what_is_offered_is_of_the_viewers_clock(now, offered):
    with timezone.override(BERLIN):
        choices = {one.name: one.at for one in snooze.snooze_choices(now)}
        assert snooze.snooze_moment("hour", None, now) == now + timedelta(hours=1)
        for name in offered:
            assert snooze.snooze_moment(name, None, now) == choices[name]
    assert choices.pop("hour") is None
    assert {name: f"{at.astimezone(UTC):%F %R}" for name, at in choices.items()} == offered


@pytest.mark.parametrize(
    ("name", "local", "why"),
    [
        ("time", None, "Choose when the snooze ends."),
        ("", None, "Choose when the snooze ends."),
        ("evening", None, "Choose when the snooze ends."),  # it is late already
        ("time", datetime(2026, 11, 26, 16, 0), "has passed"),
        ("time", datetime(2028, 1, 1), "within a year"),
        ("time", datetime(2027, 3, 28, 2, 30), "does not exist there"),
        ("time", datetime(9999, 12, 31, 23), "within a year"),
    ],
)
def test_what_cannot_be_chosen(name, local, why):
    with timezone.override(BERLIN), pytest.raises(snooze.CannotSnooze, match=why):
        snooze.snooze_moment(name, local, THURSDAY + timedelta(hours=3))


def test_a_chosen_time_is_of_the_viewers_clock(browser, address, conversation, ada):
    browser.cookies["tz"] = "America/New_York"
    local = (timezone.now().astimezone(ZoneInfo("America/New_York")) + timedelta(days=3)).replace(hour=10, minute=15)
    response = browser.post(f"{address}snooze/?show=open", {"for": "time", "until": f"{local:%Y-%m-%dT%H:%M}"})
    assert response["Location"] == f"{address}?show=open"
    conversation.refresh_from_db()
    assert conversation.snoozed_until == local.replace(second=0, microsecond=0)
    assert conversation.snoozed_by == ada
    page = pages.text(browser.get(address))
    assert "Ada Marsh snoozed this until" in page
    assert "10:15 AM. It returns sooner if the contact texts." in page
    [entry] = AuditEntry.objects.filter(action="conversation_snoozed")
    assert (entry.user, entry.account_id) == (ada, conversation.account_id)


@pytest.mark.parametrize("data", [{}, {"for": "time"}, {"for": "time", "until": "soon"}, {"for": "x" * 40}])
def test_nonsense_changes_nothing(browser, htmx, address, conversation, data):
    assert htmx.post(f"{address}snooze/", data).status_code == 422
    assert browser.post(f"{address}snooze/", data).status_code == 422
    conversation.refresh_from_db()
    assert conversation.snoozed_until is None


def test_a_refused_time_stays_in_its_field(browser, address, conversation):
    page = browser.post(f"{address}snooze/", {"for": "time", "until": "2020-01-01T10:00"})
    assert "This time has passed." in pages.text(page)
    assert pages.field(page, "until") == "2020-01-01T10:00"
    assert pages.field(browser.get(address), "until") == ""


# --- Out of sight and back -------------------------------------------------------------------------------------------


def test_where_it_is_and_where_not(browser, htmx, address, conversation, harbor, ada):
    conversation.owner = f.member(harbor, "Ada", ada)
    conversation.save()
    other = f.conversation(harbor)
    assert htmx.post(f"{address}snooze/", {"for": "tomorrow"}).status_code == 200
    for show in ("all", "open", "mine", "unassigned"):
        assert conversation.pk not in pages.rows(browser.get(f"/inbox/?show={show}")), show
    listed = browser.get("/inbox/?show=snoozed")
    assert pages.rows(listed) == [conversation.pk]
    assert "Snoozed until" in pages.text(listed)
    assert "9:00 AM" in pages.text(listed)
    assert conversation.pk in pages.rows(browser.get("/inbox/?q=Dana")), "a search finds it"
    assert pages.rows(browser.get("/inbox/?show=closed")) == []
    htmx.post(f"{address}wake/")
    assert set(pages.rows(browser.get("/inbox/"))) == {conversation.pk, other.pk}
    assert conversation.pk in pages.rows(browser.get("/inbox/?show=mine"))
    assert AuditEntry.objects.filter(action="conversation_woken").count() == 1
    assert "No snoozed conversations" in pages.text(browser.get("/inbox/?show=snoozed"))


def test_it_comes_back_to_the_top_when_its_time_has_come(browser, conversation, harbor):
    newer = f.conversation(harbor)
    f.message(newer, "Newer", at=timezone.now() - timedelta(minutes=2))
    later = asleep(f.conversation(harbor))
    asleep(conversation, timedelta(minutes=-1))
    token = pages.state(browser.get("/inbox/"))["token"]
    version = conversation.version
    assert sweep() >= 1
    conversation.refresh_from_db()
    assert (conversation.snoozed_until, conversation.snoozed_by, conversation.version) == (None, None, version + 1)
    answer = browser.get("/inbox/poll/", {"token": token})
    assert pages.rows(answer) == [conversation.pk, newer.pk]
    later.refresh_from_db()
    assert later.snoozed_until is not None
    assert snooze.end_due_snoozes() == 0


def test_without_a_worker_it_comes_back_too(browser, conversation):
    asleep(conversation, timedelta(seconds=-1))
    assert pages.rows(browser.get("/inbox/")) == [conversation.pk]
    assert pages.rows(browser.get("/inbox/?show=snoozed")) == []
    assert "snoozed this" not in pages.text(browser.get(f"/inbox/{conversation.pk}/"))


def record(key: int, at: str) -> Record:
    return Record.parse({"id": key, "body": "Hello again", "type": "inbound", "status": "received", "created_at": at})


def test_a_text_of_theirs_brings_it_back_at_once(conversation):
    asleep(conversation)
    mirror.upsert_messages(conversation, [record(900_001, f"{timezone.now():%FT%T}Z")])
    conversation.refresh_from_db()
    assert (conversation.snoozed_until, conversation.snoozed_by) == (None, None)


def test_history_does_not(conversation):
    asleep(conversation)
    mirror.upsert_messages(conversation, [record(800, "2020-01-01T09:00:00Z")])
    assert conversation.messages.filter(vendor_id=800, is_news=False).exists()
    conversation.refresh_from_db()
    assert conversation.snoozed_until is not None


def test_what_is_closed_is_not_snoozed(browser, address, conversation):
    asleep(conversation)
    browser.post(f"{address}close/")
    conversation.refresh_from_db()
    assert conversation.closed_at
    assert conversation.snoozed_until is None


def test_what_one_has_not_seen_is_not_put_out_of_sight(browser, htmx, address, conversation):
    told = pages.state(browser.get(address))
    new = f.message(conversation, "One more thing")
    refused = htmx.post(f"{address}snooze/", {**told, "for": "hour"})
    assert refused.status_code == 422
    assert "Dana Reyes has just texted" in pages.text(refused)
    assert f'id="m-{new.pk}"' in refused.content.decode()
    assert browser.post(f"{address}snooze/", {"for": "hour"}).status_code == 302, "it was drawn, so it is read"
    conversation.refresh_from_db()
    assert conversation.snoozed_until
