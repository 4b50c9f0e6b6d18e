"""How often sync checks a list for changes: often after a change, seldom in quiet hours and while webhooks work, and
never for more than a fixed share of the budget.

The pause is `fast` after a check that found changes, and grows by half with each check that found none, up to `busy`
in hours when contacts write and `quiet` in others. While webhooks work it is `webhooks`, as a safety net.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from ..models import Account
from . import latency

SHARE = 1 / 5  # of the budget, for all checks of an account, without the threads they find
CHECK_SHARE = 1 / 20  # of the budget, for comparisons; only of what is idle
CHECK_AT_LEAST = 3600.0  # seconds between two comparisons
GROWS = 1.5


@dataclass(frozen=True)
class Pace:
    """Seconds between two checks of a list."""

    fast: float
    busy: float
    quiet: float
    webhooks: float


PACES = {
    "open": Pace(fast=15, busy=60, quiet=300, webhooks=600),
    "closed": Pace(fast=60, busy=300, quiet=900, webhooks=1800),
    "outbound": Pace(fast=60, busy=300, quiet=900, webhooks=1800),
    "contacts": Pace(fast=60, busy=300, quiet=900, webhooks=1800),
}


def next_pause(account: Account, name: str, last: float, *, found: bool, calls: int, now: datetime) -> float:
    """Seconds until the next check of this list. last: the pause before this check; calls: requests it made."""
    pace = PACES[name]
    fast = max(pace.fast * _stretch(), calls / (_per_second() * SHARE))
    if latency.webhooks_alive(account):
        return max(fast, pace.webhooks)
    if found:
        return fast
    most = pace.busy if latency.is_busy_hour(account.pk, now) else pace.quiet
    return max(fast, min(most, last * GROWS))


def check_pause(calls: int) -> float:
    """Seconds until the next comparison, if one takes this many requests."""
    return max(CHECK_AT_LEAST, calls / (_per_second() * CHECK_SHARE))


def _per_second() -> float:
    return float(settings.SALESMSG_RATE_LIMIT / settings.SALESMSG_RATE_PERIOD)


def _stretch() -> float:
    """Above 1 if the rate limit is so low that checking every list at its fastest would exceed SHARE."""
    at_fastest = sum(1 / pace.fast for pace in PACES.values())
    return max(1.0, at_fastest / (_per_second() * SHARE))
