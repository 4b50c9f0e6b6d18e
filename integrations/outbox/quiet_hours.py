"""Quiet hours: when a text may wake somebody. They are a hint for whoever writes, and stop nothing."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

from ..models import Account, Contact
from ..salesmsg.text import time_zones
from . import scheduled

MORNING = 9
_HOURS = re.compile(r"\s*(\d{1,2})\s*-\s*(\d{1,2})\s*")


@dataclass(frozen=True)
class ContactClock:
    """The clock of a contact. `begins` and `ends` are hours there, `morning` (naive) is when it is decent again."""

    zone: str
    sure: bool  # whether their number tells what clocks show where they live
    city: str  # empty where the number tells the clock, but not the city
    begins: int
    ends: int
    local: datetime
    morning: datetime

    @property
    def now(self) -> bool:
        return is_within(self.local.hour, self.begins, self.ends)


def parse_window(text: str) -> tuple[int, int] | None:
    """The hours of "21-8"; None for an empty text. ValueError says what is wrong."""
    if not text.strip():
        return None
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError(f"“{text}” is not two hours with a dash between them.")
    begins, ends = int(found.group(1)) % 24, int(found.group(2)) % 24
    if max(int(found.group(1)), int(found.group(2))) > 24:
        raise ValueError(f"“{text}” has an hour that no clock shows.")
    return (begins, ends) if begins != ends else None


def is_within(hour: int, begins: int, ends: int) -> bool:
    """Whether the hour lies in the window, which may go over midnight."""
    return begins <= hour < ends if begins < ends else hour >= begins or hour < ends


def contact_clock(contact: Contact, account: Account) -> ContactClock | None:
    """The contact's clock; None where quiet hours are off, or nothing tells where they live. No query."""
    try:
        hours = parse_window(settings.QUIET_HOURS)
    except ValueError:
        return None  # a system check says so; no page shall fail for it
    zones = scheduled.zones_of(contact, account)
    if hours is None or not zones[0].whose:
        return None
    # Their number counts for more than the account's zone; of several that it may live in, the account's is likeliest.
    names = time_zones(contact.phone)
    lives = [zone.name for zone in zones if zone.name in names] if len(names) <= scheduled.PRECISE else []
    zone = lives[0] if lives else zones[0].name
    now = timezone.now()
    sure = len({scheduled.local_time(now, name).utcoffset() for name in lives}) == 1
    local = scheduled.local_time(now, zone).replace(tzinfo=None)
    decent = time(max(MORNING, hours[1]) if hours[1] < 12 else MORNING)
    day = local.date() if local.time() < decent else local.date() + timedelta(days=1)
    city = "" if sure and len(lives) > 1 else scheduled.zone_city(zone)
    return ContactClock(zone, sure, city, *hours, local, datetime.combine(day, decent))
