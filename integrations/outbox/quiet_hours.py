"""Quiet hours: a contact's time zone, whether it is too late to text them, and when it is allowed again.

Bulk texts wait until the quiet hours end. For a text that a person writes or schedules, the portal shows the contact's
local time or asks.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..durations import city as city_of
from ..durations import first_after_gap, in_zone, zone_names
from ..models import Account, Contact
from ..salesmsg.phones import time_zones

MORNING = 9
PRECISE = 8  # a phone with more possible zones than this (toll-free) says nothing about the zone
FIELD_KEYS = ("timezone", "time_zone", "tz")  # of custom fields that hold a zone
_HOURS = re.compile(r"\s*(\d{1,2})\s*-\s*(\d{1,2})\s*")

Hours = tuple[int, int]  # from, to; may span midnight


# --- The time zone of a contact --------------------------------------------------------------------------------------


class ZoneSource(models.TextChoices):
    """Where a contact's time zone comes from."""

    CONTACT = "contact", _("from the contact")
    PHONE = "phone", _("from the phone number")
    GUESS = "guess", _("guessed from the phone number")
    ACCOUNT = "account", _("the account’s")
    UNKNOWN = "unknown", _("unknown")


@dataclass(frozen=True)
class ContactZone:
    """Time zone of a contact. `city`: its display name; empty if the phone determines the time but not the city."""

    name: str
    source: ZoneSource
    city: str

    @property
    def sure(self) -> bool:
        """Whether the contact's data determines the local time."""
        return self.source in {ZoneSource.CONTACT, ZoneSource.PHONE}


def contact_zone(contact: Contact, account: Account) -> ContactZone:
    """The contact's time zone: their own field, else the phone's area, else the account's zone. No query.

    If nothing determines it, the source is UNKNOWN and the zone is in the middle of those that the phone may be in.
    """
    if own := own_zone(contact):
        return ContactZone(own, ZoneSource.CONTACT, city_of(own))
    names, ours = phone_zones(contact.phone), account.organization_timezone
    if names:
        name = ours if ours in names else names[0]
        sure = _have_one_clock(names)
        city = "" if sure and len(names) > 1 else city_of(name)
        return ContactZone(name, ZoneSource.PHONE if sure else ZoneSource.GUESS, city)
    if ours in zone_names():
        return ContactZone(ours, ZoneSource.ACCOUNT, city_of(ours))
    name = _middle_zone(contact.phone)
    return ContactZone(name, ZoneSource.UNKNOWN, city_of(name))


def own_zone(contact: Contact) -> str:
    """The IANA zone in the contact's own data, from a custom field or Salesmsg's record; "" if there is none."""
    fields = contact.custom_fields if isinstance(contact.custom_fields, list) else []
    values = [one.get("value") or one.get("text") for one in fields if _is_zone_field(one)]
    values.append(contact.raw.get("timezone") if isinstance(contact.raw, dict) else None)
    return next((text for value in values if (text := str(value or "").strip()) in zone_names()), "")


def _is_zone_field(field: object) -> bool:
    return isinstance(field, dict) and str(field.get("field_key", "")).strip().casefold() in FIELD_KEYS


@lru_cache(maxsize=10_000)
def phone_zones(phone: str) -> tuple[str, ...]:
    """The zones that the phone's area may be in; empty if there are more than `PRECISE`."""
    names = tuple(name for name in time_zones(phone) if name in zone_names())
    return names if len(names) <= PRECISE else ()


@lru_cache(maxsize=1_000)
def _have_one_clock(names: tuple[str, ...]) -> bool:
    """Whether the zones have the same local time all year."""
    now = timezone.now()
    seasons = [now + timedelta(days=days) for days in range(0, 365, 30)]
    return len({tuple(in_zone(at, name).utcoffset() for at in seasons) for name in names}) == 1


def _middle_zone(phone: str) -> str:
    now = timezone.now()
    names = [name for name in time_zones(phone) if name in zone_names()]
    names.sort(key=lambda name: in_zone(now, name).utcoffset() or timedelta())
    return names[len(names) // 2] if names else "UTC"


# --- Hours -----------------------------------------------------------------------------------------------------------


def parse_window(text: str) -> Hours | None:
    """Parses a window such as "21-8" into (21, 8); None if the text is empty or both hours are the same.

    Raises ValueError with a message for staff.
    """
    if not text.strip():
        return None
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError(f"“{text}” is not two hours separated by a dash.")
    begins, ends = int(match.group(1)) % 24, int(match.group(2)) % 24
    if max(int(match.group(1)), int(match.group(2))) > 24:
        raise ValueError(f"“{text}” contains an hour above 24.")
    return (begins, ends) if begins != ends else None


def is_within(hour: int, begins: int, ends: int) -> bool:
    """Whether the hour is in the window, which may span midnight."""
    return begins <= hour < ends if begins < ends else hour >= begins or hour < ends


def closed_hours(window: Hours | None = None) -> Hours | None:
    """The hours without texts: the setting's quiet hours, or all outside `window`. None if texts may always be sent."""
    if window is not None:
        begins, ends = window
        return (ends, begins) if begins != ends else None
    try:
        return parse_window(settings.QUIET_HOURS)
    except ValueError:
        return None  # a system check reports the invalid setting; pages keep working


def quiet_until(contact: Contact, account: Account, at: datetime, window: Hours | None = None) -> datetime | None:
    """When the contact may be texted again, in UTC; None if they may be texted at `at`. No query.

    window: the hours in which texts are allowed, instead of those outside the quiet hours.
    """
    closed = closed_hours(window)
    return closed_until(contact_zone(contact, account).name, at, closed) if closed else None


def closed_until(zone: str, at: datetime, closed: Hours) -> datetime | None:
    """When the closed hours of this zone end, in UTC; None if `at` is outside them."""
    local = in_zone(at, zone)
    begins, ends = closed
    if not is_within(local.hour, begins, ends):
        return None
    day = local.date() if local.hour < ends else local.date() + timedelta(days=1)
    tz = ZoneInfo(zone) if zone in zone_names() else UTC
    morning = datetime.combine(day, time(ends))
    until = morning.replace(tzinfo=tz).astimezone(UTC)
    if isinstance(tz, ZoneInfo) and until.astimezone(tz).replace(tzinfo=None) != morning:
        return first_after_gap(morning, tz).replace(tzinfo=tz).astimezone(UTC)
    return until


# --- The hint in the composer ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ContactClock:
    """Local time of a contact. `begins` and `ends`: hours in their zone; `morning` (naive): next time to text them."""

    zone: str
    sure: bool  # whether the contact's data determines the local time
    city: str  # empty if the phone number determines the local time but not the city
    begins: int
    ends: int
    local: datetime
    morning: datetime

    @property
    def now(self) -> bool:
        return is_within(self.local.hour, self.begins, self.ends)


def contact_clock(contact: Contact, account: Account) -> ContactClock | None:
    """The contact's local time; None if quiet hours are off or their zone is unknown. No query."""
    hours, zone = closed_hours(), contact_zone(contact, account)
    if hours is None or zone.source == ZoneSource.UNKNOWN:
        return None
    local = in_zone(timezone.now(), zone.name).replace(tzinfo=None)
    morning = time(max(MORNING, hours[1]) if hours[1] < 12 else MORNING)
    day = local.date() if local.time() < morning else local.date() + timedelta(days=1)
    return ContactClock(zone.name, zone.sure, zone.city, *hours, local, datetime.combine(day, morning))
