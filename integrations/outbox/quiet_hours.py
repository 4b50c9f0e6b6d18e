"""Quiet hours: the contact's local time and whether it is too late to text. A hint in the composer; blocks nothing."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

from ..durations import city as city_of
from ..durations import in_zone
from ..models import Account, Contact
from ..salesmsg.phones import time_zones
from . import scheduled

MORNING = 9
_HOURS = re.compile(r"\s*(\d{1,2})\s*-\s*(\d{1,2})\s*")


@dataclass(frozen=True)
class ContactClock:
    """Local time of a contact. `begins` and `ends`: hours in their zone; `morning` (naive): next time to text them."""

    zone: str
    sure: bool  # whether the phone number determines the local time
    city: str  # empty if the phone number determines the local time but not the city
    begins: int
    ends: int
    local: datetime
    morning: datetime

    @property
    def now(self) -> bool:
        return is_within(self.local.hour, self.begins, self.ends)


def parse_window(text: str) -> tuple[int, int] | None:
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


def contact_clock(contact: Contact, account: Account) -> ContactClock | None:
    """The contact's local time; None if quiet hours are off or their zone is unknown. No query."""
    try:
        hours = parse_window(settings.QUIET_HOURS)
    except ValueError:
        return None  # a system check reports the invalid setting; pages keep working
    zones = scheduled.zones_of(contact, account)
    if hours is None or not zones[0].whose:
        return None
    # The phone's zones take precedence over the account's zone; among several, the account's zone is the likeliest.
    names = time_zones(contact.phone)
    candidates = [zone.name for zone in zones if zone.name in names] if len(names) <= scheduled.PRECISE else []
    zone = candidates[0] if candidates else zones[0].name
    now = timezone.now()
    sure = len({in_zone(now, name).utcoffset() for name in candidates}) == 1
    local = in_zone(now, zone).replace(tzinfo=None)
    morning = time(max(MORNING, hours[1]) if hours[1] < 12 else MORNING)
    day = local.date() if local.time() < morning else local.date() + timedelta(days=1)
    city = "" if sure and len(candidates) > 1 else city_of(zone)
    return ContactClock(zone, sure, city, *hours, local, datetime.combine(day, morning))
