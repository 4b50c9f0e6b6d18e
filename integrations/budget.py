"""The rate budget: one per account, shared by all processes and hosts through the database.

The vendor counts requests as they arrive, in a window we cannot see, and blocks everything when there is one too
many (salesmsg-api.md, section 3). A call therefore occupies its place from before it leaves until one period after
its answer came: whatever the moment of its arrival in between, no window of a period holds more than the limit.
A call whose process died keeps its place for the longest time it could have taken.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from .models import Budget, BudgetCall

Lane = BudgetCall.Lane
MARGIN = timedelta(milliseconds=60)  # between our clock's reading and the vendor's


class BudgetWait(Exception):
    """No call now; `until` is when to ask again."""

    def __init__(self, until: datetime):
        super().__init__("The rate budget is used up for the moment.")
        self.until = until

    @property
    def seconds(self) -> float:
        return max(0.05, (self.until - timezone.now()).total_seconds())


@dataclass(frozen=True)
class Ticket:
    """The right to make one call, already counted."""

    call_id: int
    period: timedelta


def period() -> timedelta:
    return timedelta(seconds=settings.SALESMSG_RATE_PERIOD)


def allowance(lane: str) -> int:
    """How many of the window's places a lane may fill: what people send must always find room."""
    limit = settings.SALESMSG_RATE_LIMIT
    reserve = max(1, limit // 6)
    kept_back = {Lane.SYNC: reserve, Lane.EVENT: reserve // 2, Lane.EDIT: reserve // 3}
    return max(1, limit - kept_back.get(lane, 0))


def take(account_id: int, lane: str) -> Ticket:
    """Counts a call before it is made. Raises BudgetWait. Commits by itself: never call it inside a transaction."""
    longest = timedelta(seconds=sum(settings.SALESMSG_TIMEOUT))
    with transaction.atomic():
        budget = _locked(account_id)
        now = _now()
        if budget.blocked_until and budget.blocked_until > now:
            raise BudgetWait(budget.blocked_until)
        places = sorted(budget.calls.filter(expires_at__gt=now).values_list("expires_at", flat=True))
        over = len(places) - allowance(lane)
        if over >= 0:
            # A call that is under way gives its place back long before the latest moment that is booked for it.
            raise BudgetWait(min(places[over], now + period() + MARGIN) + MARGIN)
        budget.calls.filter(expires_at__lte=now).delete()
        call = budget.calls.create(lane=lane, started_at=now, expires_at=now + longest + period())
    return Ticket(call.pk, period())


def settle(ticket: Ticket) -> None:
    """The answer is here (or will never come): from now on the place is held for one period.

    A database that is gone just now must not cost the answer: the place is then held for longer, which is safe.
    """
    try:
        BudgetCall.objects.filter(pk=ticket.call_id).update(expires_at=_now() + ticket.period + MARGIN)
    except (InterfaceError, OperationalError):
        connection.close()


def charge(account_id: int, calls: int, lane: str = Lane.TOKEN) -> None:
    """Books calls that were made before the account was known, as when a new token is checked."""
    with transaction.atomic():
        budget = _locked(account_id)
        now = _now()
        BudgetCall.objects.bulk_create(
            BudgetCall(budget=budget, lane=lane, started_at=now, expires_at=now + period() + MARGIN)
            for _ in range(calls)
        )


def seconds_for(account_id: int, calls: float, lane: str = Lane.SYNC) -> float:
    """How long so many calls of a lane will take at the least, under the limit and what is used of it now."""
    budget = Budget.objects.filter(account_id=account_id).first()
    used = budget.calls.filter(expires_at__gt=timezone.now()).count() if budget else 0
    return max(0.0, calls - max(0, allowance(lane) - used)) / allowance(lane) * settings.SALESMSG_RATE_PERIOD


def block(account_id: int, seconds: float | None = None) -> datetime:
    """After a 429: nobody calls for the block's length, or for what the vendor asked when that is longer."""
    length = max(period(), timedelta(seconds=seconds or 0))
    with transaction.atomic():
        budget = _locked(account_id)
        until = max(_now() + length + MARGIN, budget.blocked_until or _now())
        Budget.objects.filter(pk=budget.pk).update(blocked_until=until)
    return until


def _locked(account_id: int) -> Budget:
    """The budget's row, locked: by SELECT FOR UPDATE, and on SQLite by the update itself."""
    Budget.objects.get_or_create(account_id=account_id)
    Budget.objects.filter(account_id=account_id).update(taken=F("taken") + 1)
    return Budget.objects.select_for_update().get(account_id=account_id)


def _now() -> datetime:
    """One clock for all hosts: the database server's."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
