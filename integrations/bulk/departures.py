"""When the texts of a bulk text would leave: at once, or after each recipient's quiet hours. An estimate, no query."""

import heapq
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from ..durations import moment_in_zone
from ..models import Bulk, BulkRecipient
from ..outbox import quiet_hours

GUESSES = (quiet_hours.ZoneSource.GUESS, quiet_hours.ZoneSource.UNKNOWN)


@dataclass(frozen=True)
class Departures:
    """`first_run`: texts that leave without waiting; `held`: texts that wait for their recipient's next morning.

    starts_at: the start time; None if it is now. guessed: recipients whose time zone is a guess, if hours matter.
    last_at, last_zone: when the last text leaves, and the time zone of its recipient.
    """

    starts_at: datetime | None
    first_run: int = 0
    held: int = 0
    guessed: int = 0
    last_at: datetime | None = None
    last_zone: str = ""

    @property
    def last(self) -> str:
        """When the last text leaves, in its recipient's time zone: "Fri, Nov 28, 9:00 AM (New York)"."""
        return moment_in_zone(self.last_at, self.last_zone) if self.last_at else ""


def plan_departures(bulk: Bulk, waiting: list[BulkRecipient], seconds_per_text: float) -> Departures:
    """Simulates the dispatcher for these recipients, if the bulk text were started now."""
    now = timezone.now()
    starts_at = bulk.start_at if bulk.start_at and bulk.start_at > now else None
    closed = quiet_hours.closed_hours(bulk.window)
    zones = [quiet_hours.contact_zone(row.contact, bulk.account) for row in waiting]
    at = starts_at or now
    queue = [(at, place) for place in range(len(zones))]  # a heap, because it is sorted
    held: set[int] = set()
    last = 0
    while queue:
        due, place = heapq.heappop(queue)
        at = max(at, due)
        until = quiet_hours.closed_until(zones[place].name, at, closed) if closed else None
        if until is not None:
            held.add(place)
            heapq.heappush(queue, (until, place))
            continue
        last_at, last = at, place
        at += timedelta(seconds=seconds_per_text)
    if not zones:
        return Departures(starts_at)
    guessed = sum(zone.source in GUESSES for zone in zones) if closed else 0
    return Departures(starts_at, len(zones) - len(held), len(held), guessed, last_at, zones[last].name)
