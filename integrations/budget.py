"""The rate budget: one per account, shared by all processes and hosts through the database.

The vendor counts requests as they arrive, in a window we cannot see, and blocks everything when there is one too
many (salesmsg-api.md, section 3). A call therefore occupies its place from before it leaves until one period after
its answer came: whatever the moment of its arrival in between, no window of a period, fixed or sliding, holds more
than the limit. A call whose process died keeps its place for the longest time it could have taken.

Who gets a free place. Lanes are served in the order of `Lane`; a lane that has had less than its floor in this window
goes before those that have had theirs, so nobody starves. A refused lane is remembered while it waits, and those
behind it leave it a place. One place in sixty is always left for people, and work that is in no hurry is spread over
the period: places then return one by one, and a person's text need not wait for a burst to grow old.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from .models import Budget, BudgetBlock, BudgetCall

Lane = BudgetCall.Lane
ORDER: dict[str, int] = {lane: place for place, lane in enumerate(Lane)}
# The part of the window that a lane gets before others get more than theirs.
FLOORS: dict[str, float] = {
    Lane.INTERACTIVE: 1 / 2,
    Lane.EDIT: 1 / 20,
    Lane.EVENT: 1 / 20,
    Lane.DELIVERY_STATUS: 1 / 20,
    Lane.SYNC: 1 / 6,
    Lane.BULK: 1 / 6,
}
MOST: dict[str, float] = {
    Lane.DELIVERY_STATUS: 1 / 10,
    Lane.IDLE: 1 / 4,
}  # the part of the window that a lane never exceeds
UNHURRIED = {Lane.DELIVERY_STATUS, Lane.SYNC, Lane.BULK, Lane.IDLE}
IDLE_BELOW = 1 / 2  # idle means: nobody waits, and less than this part of the window is used
AT_ONCE = 1 / 3  # how far the unhurried may fill a fresh window before they are spread
PACE = 0.9  # of the even distance between two calls: what is late may be made up for
KEPT_FREE = 60  # one place in so many is left for people
MARGIN = timedelta(milliseconds=10)  # clocks do not run alike: what a minute may differ, and more
COMES_BACK = timedelta(seconds=1)  # a refused call is expected back so soon after it may ask again
HISTORY = timedelta(minutes=15)  # for the picture on the outbox page


class BudgetWait(Exception):
    """No call now; `until` is when to ask again, by this host's clock."""

    def __init__(self, until: datetime):
        super().__init__("no_budget")
        self.until = until

    @property
    def seconds(self) -> float:
        return max(0.05, (self.until - timezone.now()).total_seconds())


@dataclass(frozen=True)
class Ticket:
    """The right to make one call, already counted, and to make it soon: its place is not booked for ever."""

    call_id: int
    period: timedelta
    taken_at: float = field(default_factory=time.time)

    @property
    def is_old(self) -> bool:
        longest: float = sum(settings.SALESMSG_TIMEOUT)
        return time.time() - self.taken_at > longest / 2


def period() -> timedelta:
    return timedelta(seconds=settings.SALESMSG_RATE_PERIOD)


def allowance(lane: str) -> int:
    """How many of the window's places a lane may fill when it is alone."""
    limit: int = settings.SALESMSG_RATE_LIMIT
    if lane in MOST:
        return max(1, int(limit * MOST[lane]))
    return limit if lane in {Lane.TOKEN, Lane.INTERACTIVE} else max(1, limit - _spare(limit))


def take(account_id: int, lane: str) -> Ticket:
    """Counts a call before it is made. Raises BudgetWait; RuntimeError inside a transaction: it commits by itself."""
    with transaction.atomic(durable=True):  # a place that could be rolled back would be none
        budget = _locked(account_id)
        now = _now()
        until: datetime | None
        if budget.blocked_until and budget.blocked_until > now:
            until = budget.blocked_until
        else:
            window = _Window.for_lane(budget, lane, now)
            until = window.opens_at()
        if until is None:
            longest = timedelta(seconds=sum(settings.SALESMSG_TIMEOUT))
            call = budget.calls.create(lane=lane, started_at=now, expires_at=now + longest + period())
            budget.taken += 1
            if lane in UNHURRIED:
                budget.pace_at = window.next_pace()
            budget.waiting.pop(lane, None)
            if budget.taken % KEPT_FREE == 0:
                budget.calls.filter(expires_at__lte=now - HISTORY).delete()
                budget.blocks.filter(until__lte=now - HISTORY).delete()
        else:
            budget.waiting[lane] = (until + COMES_BACK).timestamp()
        budget.save(update_fields=["taken", "waiting", "pace_at"])
    if until is not None:
        raise BudgetWait(_here(until, now))
    return Ticket(call.pk, period())


def settle(ticket: Ticket) -> None:
    """The answer is here (or will never come): from now on the place is held for one period.

    A database that is gone just now must not cost the answer: the place is then held for longer, which is safe.
    """
    try:
        BudgetCall.objects.filter(pk=ticket.call_id).update(expires_at=_now() + ticket.period + MARGIN)
    except (InterfaceError, OperationalError):
        connection.close()


def give_back(ticket: Ticket) -> None:
    """The call was never made: its place is free at once."""
    BudgetCall.objects.filter(pk=ticket.call_id).delete()


def charge(account_id: int, calls: int, lane: str = Lane.TOKEN) -> None:
    """Books calls that were made before the account was known, as when a new token is checked."""
    with transaction.atomic(durable=True):
        budget = _locked(account_id)
        now = _now()
        Budget.objects.filter(pk=budget.pk).update(taken=F("taken") + calls)
        BudgetCall.objects.bulk_create(
            BudgetCall(budget=budget, lane=lane, started_at=now, expires_at=now + period() + MARGIN)
            for _ in range(calls)
        )


def seconds_for(account_id: int, calls: float, lane: str = Lane.SYNC, used: int | None = None) -> float:
    """How long so many calls of a lane will take at the least, under the limit and what is used of it now.

    used: the calls that count now, where the caller has counted them already."""
    if used is None:
        used = BudgetCall.objects.filter(budget__account=account_id, expires_at__gt=timezone.now()).count()
    most = allowance(lane)
    return max(0.0, calls - max(0, most - used)) / most * period().total_seconds()


def block(account_id: int, seconds: float | None = None) -> datetime:
    """After a 429: nobody calls for the block's length, or for what the vendor asked when that is longer.

    Returns its end, by this host's clock.
    """
    length = max(period(), timedelta(seconds=seconds or 0))
    with transaction.atomic(durable=True):
        budget = _locked(account_id)
        now = _now()
        until = max(now + length + MARGIN, budget.blocked_until or now)
        if not budget.blocked_until or budget.blocked_until <= now:
            budget.blocks.create(at=now, until=until)
        else:
            BudgetBlock.objects.filter(budget=budget, until=budget.blocked_until).update(until=until)
        Budget.objects.filter(pk=budget.pk).update(blocked_until=until)
    return _here(until, now)


@dataclass(frozen=True)
class _Window:
    """What one lane sees of the window at this moment."""

    lane: str
    now: datetime
    limit: int
    returns: list[datetime]  # when each occupied place comes back, soonest first
    counts: dict[str, int]  # occupied places by lane
    waiting: frozenset[str]  # other lanes that were refused and are expected back
    pace_at: datetime | None

    @classmethod
    def for_lane(cls, budget: Budget, lane: str, now: datetime) -> "_Window":
        calls = list(budget.calls.filter(expires_at__gt=now).order_by("expires_at").values_list("lane", "expires_at"))
        counts: dict[str, int] = {}
        for each, _ in calls:
            counts[each] = counts.get(each, 0) + 1
        moment = now.timestamp()
        waiting = frozenset(each for each, until in budget.waiting.items() if until > moment and each != lane)
        limit = settings.SALESMSG_RATE_LIMIT
        return cls(lane, now, limit, [ends for _, ends in calls], counts, waiting, budget.pace_at)

    def opens_at(self) -> datetime | None:
        """None when the lane may call now, else when it should ask again."""
        waits = []
        if (over := 1 - self._room()) > 0:
            # A call that is under way gives its place back long before the latest moment that is booked for it.
            later = self.returns[over - 1] if over <= len(self.returns) else self.now + period()
            waits.append(min(later, self.now + period() + MARGIN))
        if self.lane in MOST and self.counts.get(self.lane, 0) >= allowance(self.lane):
            waits.append(self.now + period() / max(1, self.limit))
        if self.lane == Lane.IDLE and (self.waiting or len(self.returns) >= max(1, self.limit * IDLE_BELOW)):
            waits.append(self.now + period() / 10)
        if self._spread() and self.pace_at and self.pace_at > self.now:
            waits.append(self.pace_at)
        return max(waits, default=None)

    def next_pace(self) -> datetime | None:
        """When the next call in no hurry may leave: the free places are spread until the first one returns."""
        if not self._spread():
            return None
        even = period() / self.limit * PACE
        first = self.returns[0] if self.returns else self.now + period()
        stretched = (first - self.now) / max(1, self._room())
        behind = max(self.pace_at or self.now, self.now - even * 2)
        return behind + max(even, stretched)

    def _spread(self) -> bool:
        return self.lane in UNHURRIED and len(self.returns) >= self.limit * AT_ONCE

    def _room(self) -> int:
        """Free places, less those that are left for others."""
        kept = sum(1 for other in self.waiting if self._turn(other) < self._turn(self.lane))
        if self._turn(Lane.INTERACTIVE) < self._turn(self.lane) and self.lane != Lane.TOKEN:
            kept += _spare(self.limit)
        return self.limit - len(self.returns) - kept

    def _turn(self, lane: str) -> tuple[int, int]:
        """Smaller goes first."""
        if lane == Lane.TOKEN:
            return 0, 0
        served = self.counts.get(lane, 0) >= int(self.limit * FLOORS.get(lane, 0))
        return (2 if served else 1), ORDER.get(lane, len(ORDER))


def _spare(limit: int) -> int:
    return max(1, limit // KEPT_FREE) if limit > 1 else 0


def _locked(account_id: int) -> Budget:
    """The budget's row, locked: by SELECT FOR UPDATE, and on SQLite by the transaction itself, which is IMMEDIATE."""
    mine = Budget.objects.select_for_update().filter(account_id=account_id)
    return mine.first() or (Budget.objects.get_or_create(account_id=account_id) and mine.get())


def _now() -> datetime:
    """One clock for all hosts: the database server's. SQLite has one host."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def _here(until: datetime, now: datetime) -> datetime:
    """A moment of the database's clock, which shows `now`, by this host's clock: queue and rows go by that. A host
    whose clock is ahead would else ask again and again, and one behind would come too late."""
    return timezone.now() + (until - now) if connection.vendor == "postgresql" else until
