"""The rate budget: one per account, shared by all processes and hosts through the database.

Salesmsg counts requests as they arrive, in a window that the portal cannot see, and blocks all calls when the limit is
exceeded (salesmsg-api.md, section 3). Each call therefore occupies a place from before it is sent until one period
after its answer. However the arrival times fall, no window of one period, fixed or sliding, exceeds the limit. If the
process dies during a call, its place stays occupied for the longest time that the call could have taken.

Lanes get free places in the order of `Lane`. A lane that has used less than its floor in this window comes before lanes
that have reached theirs, so no lane starves. A refused lane is recorded as waiting, and lower lanes leave a place for
it. One place in sixty is always reserved for interactive calls. Background lanes spread their calls over the period, so
that places become free one by one and an interactive text does not wait for a burst to expire.
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
# The share of the window that a lane gets before other lanes exceed their own.
FLOORS: dict[str, float] = {
    Lane.INTERACTIVE: 1 / 2,
    Lane.EDIT: 1 / 20,
    Lane.EVENT: 1 / 20,
    Lane.DELIVERY_STATUS: 1 / 20,
    Lane.SYNC: 1 / 6,
    Lane.BULK: 1 / 6,
}
CEILINGS: dict[str, float] = {
    Lane.DELIVERY_STATUS: 1 / 10,
    Lane.IDLE: 1 / 4,
}  # the maximum share of the window for a lane
BACKGROUND = {Lane.DELIVERY_STATUS, Lane.SYNC, Lane.BULK, Lane.IDLE}
IDLE_BELOW = 1 / 2  # the idle lane runs when no lane waits and less than this share of the window is used
BURST = 1 / 3  # background lanes may fill this share of a fresh window before their calls are spread
PACE = 0.9  # share of the even interval between two calls, so that delayed calls can catch up
RESERVED_ONE_IN = 60  # one place in this many is reserved for interactive calls
MARGIN = timedelta(milliseconds=10)  # allowance for clock drift between hosts
COMES_BACK = timedelta(seconds=1)  # how long after its retry time a refused lane still counts as waiting
HISTORY = timedelta(minutes=15)  # kept for the chart on the outbox page


class BudgetWait(Exception):
    """No call is possible now. `until` is when to ask again, by this host's clock."""

    def __init__(self, until: datetime):
        super().__init__("no_budget")
        self.until = until

    @property
    def seconds(self) -> float:
        return max(0.05, (self.until - timezone.now()).total_seconds())


@dataclass(frozen=True)
class Ticket:
    """The right to make one call, already counted. Use it soon: its place is reserved for a limited time."""

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
    """Return how many places of the window a lane may fill when no other lane uses any."""
    limit: int = settings.SALESMSG_RATE_LIMIT
    if lane in CEILINGS:
        return max(1, int(limit * CEILINGS[lane]))
    return limit if lane in {Lane.TOKEN, Lane.INTERACTIVE} else max(1, limit - _spare(limit))


def take(account_id: int, lane: str) -> Ticket:
    """Count a call before it is made. Raises BudgetWait, or RuntimeError inside a transaction."""
    with transaction.atomic(durable=True):  # a rollback would lose the count
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
            if lane in BACKGROUND:
                budget.pace_at = window.next_pace()
            budget.waiting.pop(lane, None)
            if budget.taken % RESERVED_ONE_IN == 0:
                budget.calls.filter(expires_at__lte=now - HISTORY).delete()
                budget.blocks.filter(until__lte=now - HISTORY).delete()
        else:
            budget.waiting[lane] = (until + COMES_BACK).timestamp()
        budget.save(update_fields=["taken", "waiting", "pace_at"])
    if until is not None:
        raise BudgetWait(_to_local_clock(until, now))
    return Ticket(call.pk, period())


def settle(ticket: Ticket) -> None:
    """Record that the call has ended. Its place stays occupied for one more period.

    If the database is unavailable, the error is ignored so that the answer is not lost: the place then stays occupied
    for longer, which is safe.
    """
    try:
        BudgetCall.objects.filter(pk=ticket.call_id).update(expires_at=_now() + ticket.period + MARGIN)
    except (InterfaceError, OperationalError):
        connection.close()


def give_back(ticket: Ticket) -> None:
    """Free the place of a call that was never made."""
    BudgetCall.objects.filter(pk=ticket.call_id).delete()


def charge(account_id: int, calls: int, lane: str = Lane.TOKEN) -> None:
    """Count calls that were made before the account was known, such as the check of a new token."""
    with transaction.atomic(durable=True):
        budget = _locked(account_id)
        now = _now()
        Budget.objects.filter(pk=budget.pk).update(taken=F("taken") + calls)
        BudgetCall.objects.bulk_create(
            BudgetCall(budget=budget, lane=lane, started_at=now, expires_at=now + period() + MARGIN)
            for _ in range(calls)
        )


def seconds_for(account_id: int, calls: float, lane: str = Lane.SYNC, used: int | None = None) -> float:
    """Return the minimum number of seconds that this many calls of a lane take, given the limit and current usage.

    used: the calls that count now, if the caller has already counted them.
    """
    if used is None:
        used = BudgetCall.objects.filter(budget__account=account_id, expires_at__gt=timezone.now()).count()
    most = allowance(lane)
    return max(0.0, calls - max(0, most - used)) / most * period().total_seconds()


def block(account_id: int, seconds: float | None = None) -> datetime:
    """Block all calls of the account after a 429, for one period or for `seconds` if that is longer.

    Returns the end of the block, by this host's clock.
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
    return _to_local_clock(until, now)


@dataclass(frozen=True)
class _Window:
    """One lane's view of the window at this moment."""

    lane: str
    now: datetime
    limit: int
    returns: list[datetime]  # when each occupied place becomes free, soonest first
    counts: dict[str, int]  # occupied places by lane
    waiting: frozenset[str]  # other lanes that were refused and are expected to retry
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
        """Return None if the lane may call now, else when to ask again."""
        waits = []
        if (over := 1 - self._room()) > 0:
            # A running call usually frees its place long before its latest possible expiry.
            later = self.returns[over - 1] if over <= len(self.returns) else self.now + period()
            waits.append(min(later, self.now + period() + MARGIN))
        if self.lane in CEILINGS and self.counts.get(self.lane, 0) >= allowance(self.lane):
            waits.append(self.now + period() / max(1, self.limit))
        if self.lane == Lane.IDLE and (self.waiting or len(self.returns) >= max(1, self.limit * IDLE_BELOW)):
            waits.append(self.now + period() / 10)
        if self._spread() and self.pace_at and self.pace_at > self.now:
            waits.append(self.pace_at)
        return max(waits, default=None)

    def next_pace(self) -> datetime | None:
        """Return when the next background call may be made: free places are spread until the first one returns."""
        if not self._spread():
            return None
        even = period() / self.limit * PACE
        first = self.returns[0] if self.returns else self.now + period()
        stretched = (first - self.now) / max(1, self._room())
        behind = max(self.pace_at or self.now, self.now - even * 2)
        return behind + max(even, stretched)

    def _spread(self) -> bool:
        return self.lane in BACKGROUND and len(self.returns) >= self.limit * BURST

    def _room(self) -> int:
        """Return the number of free places, minus those reserved for other lanes."""
        kept = sum(1 for other in self.waiting if self._turn(other) < self._turn(self.lane))
        if self._turn(Lane.INTERACTIVE) < self._turn(self.lane) and self.lane != Lane.TOKEN:
            kept += _spare(self.limit)
        return self.limit - len(self.returns) - kept

    def _turn(self, lane: str) -> tuple[int, int]:
        """Return the sort key of a lane; the lowest goes first."""
        if lane == Lane.TOKEN:
            return 0, 0
        served = self.counts.get(lane, 0) >= int(self.limit * FLOORS.get(lane, 0))
        return (2 if served else 1), ORDER.get(lane, len(ORDER))


def _spare(limit: int) -> int:
    return max(1, limit // RESERVED_ONE_IN) if limit > 1 else 0


def _locked(account_id: int) -> Budget:
    """Return the budget's row, locked by SELECT FOR UPDATE, or on SQLite by the IMMEDIATE transaction itself."""
    budgets = Budget.objects.select_for_update().filter(account_id=account_id)
    return budgets.first() or (Budget.objects.get_or_create(account_id=account_id) and budgets.get())


def _now() -> datetime:
    """Return the database server's time, so that all hosts share one clock. SQLite has one host."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def _to_local_clock(until: datetime, now: datetime) -> datetime:
    """Convert a time of the database's clock, which shows `now`, to this host's clock, which the queue and rows use.

    Without this, a host whose clock is ahead would ask too early again and again, and one that is behind too late.
    """
    return timezone.now() + (until - now) if connection.vendor == "postgresql" else until
