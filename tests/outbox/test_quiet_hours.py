"""The time zone of a contact, and when they may be texted again."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from integrations.models import Account, Contact
from integrations.outbox import scheduled
from integrations.outbox.quiet_hours import ZoneSource, closed_until, contact_zone, quiet_until

NEW_YORK, MIAMI_PHONE, IDAHO_PHONE, TOLL_FREE = "America/New_York", "+13055550142", "+12085550142", "+18005550142"


@pytest.fixture(autouse=True)
def nights(settings):
    settings.QUIET_HOURS = "21-8"


def field(key: str, value: str) -> list[dict]:
    return [{"field_key": "plan", "value": "gold"}, {"field_key": key, "value": value}]


# --- The zone --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "ours", "name", "source"),
    [
        ({"phone": MIAMI_PHONE}, "America/Denver", NEW_YORK, ZoneSource.PHONE),
        (
            {"phone": MIAMI_PHONE, "custom_fields": field("timezone", "Asia/Tokyo")},
            "",
            "Asia/Tokyo",
            ZoneSource.CONTACT,
        ),
        ({"phone": MIAMI_PHONE, "custom_fields": field("TZ", " Asia/Tokyo ")}, "", "Asia/Tokyo", ZoneSource.CONTACT),
        ({"phone": MIAMI_PHONE, "custom_fields": field("time_zone", "Tokyo")}, "", NEW_YORK, ZoneSource.PHONE),
        ({"phone": MIAMI_PHONE, "custom_fields": field("tz_offset", "Asia/Tokyo")}, "", NEW_YORK, ZoneSource.PHONE),
        ({"phone": MIAMI_PHONE, "custom_fields": [None, "tz"], "raw": []}, "", NEW_YORK, ZoneSource.PHONE),
        ({"phone": MIAMI_PHONE, "raw": {"timezone": "Asia/Tokyo"}}, "", "Asia/Tokyo", ZoneSource.CONTACT),
        ({"phone": MIAMI_PHONE, "raw": {"timezone": 7}}, "", NEW_YORK, ZoneSource.PHONE),
        ({"phone": IDAHO_PHONE}, "", "America/Boise", ZoneSource.GUESS),
        ({"phone": IDAHO_PHONE}, "America/Los_Angeles", "America/Los_Angeles", ZoneSource.GUESS),
        ({"phone": IDAHO_PHONE}, NEW_YORK, "America/Boise", ZoneSource.GUESS),
        ({"phone": "+447911123456"}, "Europe/London", "Europe/London", ZoneSource.PHONE),  # four zones, one clock
        ({"phone": TOLL_FREE}, "America/Denver", "America/Denver", ZoneSource.ACCOUNT),
        ({"phone": ""}, "America/Denver", "America/Denver", ZoneSource.ACCOUNT),
        ({"phone": ""}, "Nowhere", "UTC", ZoneSource.UNKNOWN),
    ],
)
def test_where_the_zone_comes_from(contact, ours, name, source):
    found = contact_zone(Contact(**contact), Account(organization_timezone=ours))
    assert (found.name, found.source) == (name, source)
    assert found.sure is (source in {ZoneSource.CONTACT, ZoneSource.PHONE})


def test_a_number_of_a_whole_continent_is_guessed_in_its_middle():
    found = contact_zone(Contact(phone=TOLL_FREE), Account())
    assert found.source == ZoneSource.UNKNOWN
    offset = datetime(2026, 1, 15, tzinfo=ZoneInfo(found.name)).utcoffset()
    assert timedelta(hours=-7) <= offset <= timedelta(hours=-4)


def test_a_source_is_shown_as_text():
    assert [str(one.label) for one in ZoneSource][:2] == ["from the contact", "from the phone number"]


def test_the_own_field_is_offered_first_for_a_scheduled_text():
    contact = Contact(phone=MIAMI_PHONE, custom_fields=field("timezone", "Asia/Tokyo"))
    zones = scheduled.zones_of(contact, Account(organization_timezone="America/Denver"), "UTC")
    assert [zone.name for zone in zones] == ["Asia/Tokyo", "America/Denver", NEW_YORK, "UTC"]


# --- Hours -----------------------------------------------------------------------------------------------------------

# (zone, local time, closed hours, when they end there; None: not closed)
HOURS = [
    (NEW_YORK, "2026-11-12T02:36", (21, 8), "2026-11-12T08:00"),
    (NEW_YORK, "2026-11-12T21:00", (21, 8), "2026-11-13T08:00"),
    (NEW_YORK, "2026-11-12T23:59", (21, 8), "2026-11-13T08:00"),
    (NEW_YORK, "2026-11-12T07:59", (21, 8), "2026-11-12T08:00"),
    (NEW_YORK, "2026-11-12T08:00", (21, 8), None),
    (NEW_YORK, "2026-11-12T20:59", (21, 8), None),
    (NEW_YORK, "2026-11-12T12:30", (12, 14), "2026-11-12T14:00"),
    (NEW_YORK, "2026-11-12T11:59", (12, 14), None),
    (NEW_YORK, "2026-11-12T23:10", (22, 0), "2026-11-13T00:00"),
    (NEW_YORK, "2026-11-12T00:00", (22, 0), None),
    (NEW_YORK, "2026-12-31T23:00", (21, 8), "2027-01-01T08:00"),
    ("Asia/Kolkata", "2026-11-12T02:36", (21, 8), "2026-11-12T08:00"),
    ("Pacific/Chatham", "2026-11-12T22:10", (21, 8), "2026-11-13T08:00"),
    # Clocks go forward at 2:00 on March 8, and back at 2:00 on November 1, 2026.
    (NEW_YORK, "2026-03-07T23:30", (21, 8), "2026-03-08T08:00"),
    (NEW_YORK, "2026-03-08T01:30", (21, 2), "2026-03-08T03:00"),  # 2:00 does not exist
    (NEW_YORK, "2026-03-08T03:00", (21, 2), None),
    (NEW_YORK, "2026-10-31T22:00", (21, 8), "2026-11-01T08:00"),
    (NEW_YORK, "2026-11-01T00:30", (21, 1), "2026-11-01T01:00"),  # the first of two
    (NEW_YORK, "2026-11-01T01:30", (21, 2), "2026-11-01T02:00"),
    # Havana skips midnight, and repeats it.
    ("America/Havana", "2026-03-07T22:00", (21, 0), "2026-03-08T01:00"),
    ("America/Havana", "2026-10-31T22:00", (21, 0), "2026-11-01T00:00"),
    ("Australia/Lord_Howe", "2026-10-04T01:59", (21, 2), "2026-10-04T02:30"),  # half an hour
    ("Antarctica/Troll", "2026-03-29T00:30", (21, 2), "2026-03-29T03:00"),  # two hours, from 1:00
]


@pytest.mark.parametrize(("zone", "local", "closed", "ends"), HOURS)
def test_when_closed_hours_end(zone, local, closed, ends):
    def in_utc(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

    until = closed_until(zone, in_utc(local), closed)
    assert until == (in_utc(ends) if ends else None)
    if until:
        assert closed_until(zone, until, closed) is None


@pytest.mark.parametrize(
    "zone", [NEW_YORK, "Europe/London", "America/Havana", "America/Santiago", "Asia/Kolkata", "UTC"]
)
@pytest.mark.parametrize("closed", [(21, 8), (22, 0), (23, 1), (1, 3), (0, 2), (17, 9)])
def test_closed_hours_end_at_the_next_open_moment(zone, closed):
    """Every quarter of an hour of a year's clock changes: the end is open, and all before it is closed."""
    quarter = timedelta(minutes=15)
    for begin in (
        datetime(2026, 3, 7, tzinfo=UTC),
        datetime(2026, 10, 24, tzinfo=UTC),
        datetime(2026, 4, 4, tzinfo=UTC),
    ):
        opening = None
        for step in reversed(range(4 * 24 * 10)):
            at = begin + quarter * step
            until = closed_until(zone, at, closed)
            if until is None:
                opening = at
            elif opening is not None:
                assert until == opening, at


@pytest.mark.parametrize(
    ("setting", "window", "hour", "until"),
    [
        ("21-8", None, 7, 13),  # 2 AM in New York
        ("21-8", None, 15, None),
        ("", None, 7, None),
        ("nonsense", None, 7, None),
        ("21-8", (9, 12), 13, 14),  # own hours replace the quiet hours
        ("21-8", (9, 12), 14, None),
        ("21-8", (22, 4), 7, None),
        ("", (9, 12), 13, 14),
        ("21-8", (9, 9), 7, None),
    ],
)
def test_quiet_hours_and_a_window(settings, setting, window, hour, until):
    settings.QUIET_HOURS = setting
    found = quiet_until(Contact(phone=MIAMI_PHONE), Account(), datetime(2026, 11, 12, hour, tzinfo=UTC), window)
    assert found == (datetime(2026, 11, 12, until, tzinfo=UTC) if until else None)
