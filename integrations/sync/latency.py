"""Measures latency: how long new messages took from Salesmsg's timestamp to the cache.

The same counts show at which hours of the week contacts write, and whether webhooks have stopped.
"""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import F, Sum
from django.utils import timezone

from ..models import Account, FreshHour

BOUNDS = (2, 5, 15, 60, 300, 3600)  # seconds; one more count holds everything slower
KEEP = timedelta(weeks=5)
WEEKS = 4  # how many earlier weeks count for an hour of the week
SLOW = timedelta(seconds=30)  # a message older than this should have come with an event
SILENT_AFTER = 3  # messages in a row without an event


def record_arrivals(account: Account, arrivals: Iterable[datetime], *, announced: bool) -> None:
    """Counts new inbound messages by Salesmsg's timestamps, inside the transaction that stores them.

    announced: an event brought them. A message that polling found, without an event since it was written, counts as
    missed by the webhooks.
    """
    now = timezone.now()
    times = [at for at in arrivals if at is not None]
    if not times:
        return
    hour, _ = FreshHour.objects.select_for_update(no_key=True).get_or_create(
        account=account, hour=now.replace(minute=0, second=0, microsecond=0), defaults={"counts": _none()}
    )
    counts = hour.counts or _none()
    for at in times:
        seconds = max(0.0, (now - at).total_seconds())
        counts[bisect_left(BOUNDS, seconds)] += 1
        hour.slowest = max(hour.slowest, round(seconds, 1))
    hour.counts, hour.arrivals = counts, hour.arrivals + len(times)
    hour.save(update_fields=["counts", "arrivals", "slowest"])
    if announced:
        return
    missed = sum(1 for at in times if now - at > SLOW)
    if missed:
        Account.objects.filter(pk=account.pk, last_event_at__lt=max(times) - SLOW).update(
            events_missed=F("events_missed") + missed, events_missed_at=now
        )


def webhooks_alive(account: Account) -> bool:
    """Whether webhooks work: an event has arrived, and fewer than SILENT_AFTER messages came without one since."""
    return account.last_event_at is not None and account.events_missed < SILENT_AFTER


def is_busy_hour(account_id: int, now: datetime) -> bool:
    """Whether contacts write at this hour of the week; also true until WEEKS weeks are measured."""
    this = now.replace(minute=0, second=0, microsecond=0)
    hours = FreshHour.objects.filter(account=account_id)
    before = [this - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
    if not hours.filter(hour__lte=before[0]).exists():
        return True
    return bool(hours.filter(hour__in=[this, *before]).aggregate(all=Sum("arrivals"))["all"])


def prune_latency() -> int:
    """Deletes hours older than KEEP. Returns the number of rows."""
    return FreshHour.objects.filter(hour__lt=timezone.now() - KEEP).delete()[0]


def _none() -> list[int]:
    return [0] * (len(BOUNDS) + 1)
