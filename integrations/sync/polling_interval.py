"""How often a list is looked at by itself: often where something was just found, seldom at night and while webhooks
come, and never for more than a stated share of the budget.

A pause begins at `fast` when something was found, and grows by half with each look that found nothing, up to `busy` in
hours in which people text and up to `quiet` in others. While webhooks bring what happens it is `told`: the safety net.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from ..models import Account
from . import latency

SHARE = 1 / 5  # of the budget, for all looks of an account together, apart from the threads that they find moved
CHECK_SHARE = 1 / 20  # of the budget, for comparing everything; of what is idle only
CHECK_AT_LEAST = 3600.0  # seconds between two comparisons
GROWS = 1.5


@dataclass(frozen=True)
class Pace:
    """Seconds."""

    fast: float
    busy: float
    quiet: float
    told: float


PACES = {
    "open": Pace(fast=15, busy=60, quiet=300, told=600),
    "closed": Pace(fast=60, busy=300, quiet=900, told=1800),
    "outbound": Pace(fast=60, busy=300, quiet=900, told=1800),
    "contacts": Pace(fast=60, busy=300, quiet=900, told=1800),
}


def next_pause(account: Account, name: str, last: float, *, found: bool, calls: int, now: datetime) -> float:
    """Seconds until this list is looked at again. last: the pause before this look; calls: what the look cost."""
    pace = PACES[name]
    fast = max(pace.fast * _stretch(), calls / (_per_second() * SHARE))
    if latency.webhooks_alive(account):
        return max(fast, pace.told)
    if found:
        return fast
    most = pace.busy if latency.is_busy_hour(account.pk, now) else pace.quiet
    return max(fast, min(most, last * GROWS))


def check_pause(calls: int) -> float:
    """Seconds until everything is compared again, when a comparison costs so many calls."""
    return max(CHECK_AT_LEAST, calls / (_per_second() * CHECK_SHARE))


def _per_second() -> float:
    return float(settings.SALESMSG_RATE_LIMIT / settings.SALESMSG_RATE_PERIOD)


def _stretch() -> float:
    """Above 1 where the limit is so low that one page of every list at its fastest were more than the share."""
    at_fastest = sum(1 / pace.fast for pace in PACES.values())
    return max(1.0, at_fastest / (_per_second() * SHARE))
