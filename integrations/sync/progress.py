"""How far a run has come, and when it will end at its current rate, in a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, prefetch_related_objects
from django.utils import timezone
from django.utils.functional import Promise

from .. import budget
from ..models import Account, BudgetBlock, BudgetCall, SyncRun, SyncStream, ThreadSync
from .plan import LABELS

RATE_OVER = timedelta(minutes=5)  # the time over which the rate is measured; earlier pauses do not count
ENOUGH = 5  # requests before a rate can be measured
PAGE = 10  # contacts a page, until the first page shows it


@dataclass(frozen=True)
class StreamProgress:
    label: str | Promise
    seen: int
    total: int | None
    done: bool
    calls: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a run is. fraction: 0 to 1, None while unknown; eta_seconds: None while unknown."""

    run: SyncRun
    streams: list[StreamProgress]
    fraction: float | None
    eta_seconds: int | None

    @property
    def running(self) -> bool:
        return self.run.state == SyncRun.State.RUNNING


@dataclass(frozen=True)
class _Pace:
    """The budget use of an account in the last minutes."""

    used: int = 0  # requests that count against the limit now
    made: int = 0  # requests of the run's lane since `first`
    first: datetime | None = None
    blocks: tuple[tuple[datetime, datetime], ...] = ()

    def seconds_a_call(self, since: datetime, now: datetime) -> float | None:
        """At the current rate, without the time Salesmsg blocked requests; None before it can be measured."""
        if self.made < ENOUGH or self.first is None:
            return None
        since = max(since, self.first)
        return max(0.001, (now - since).total_seconds() - self.blocked(since, now)) / self.made

    def blocked(self, since: datetime, now: datetime) -> float:
        """Seconds between `since` and `now` in which Salesmsg asked to wait."""
        return sum(
            max(0.0, (min(until, now) - max(at, since)).total_seconds()) for at, until in self.blocks if until > since
        )

    def closed_for(self, now: datetime) -> float:
        return max([0.0, *((until - now).total_seconds() for _, until in self.blocks)])


def progress(account: Account) -> Progress | None:
    """The running full sync, else the newest run; None before the first."""
    runs = SyncRun.objects.filter(account=account).select_related("account").order_by("-pk")
    run = runs.filter(kind=SyncRun.Kind.FULL, state=SyncRun.State.RUNNING).first() or runs.first()
    return progress_of(run) if run else None


def progress_of(run: SyncRun) -> Progress:
    """Counts messages by threads read, contacts by Salesmsg's total, and every other list as one step."""
    return progress_of_all([run])[0]


def progress_of_all(runs: list[SyncRun]) -> list[Progress]:
    """The same for many runs, in at most four queries (one more if their accounts are not loaded)."""
    prefetch_related_objects(runs, "streams", "account")
    threads = _threads(runs)
    running = [run for run in runs if run.state == SyncRun.State.RUNNING]
    paces = _paces(running) if running else {}
    return [_one(run, threads.get(run.pk, (0, 0)), paces.get(run.pk)) for run in runs]


def _one(run: SyncRun, threads: tuple[int, int], pace: _Pace | None) -> Progress:
    shown, expected, done_calls = [], 0.0, 0.0
    streams = list(run.streams.all())
    contacts = next((stream for stream in streams if stream.name == "contacts"), None)
    for stream in streams:
        seen, total = stream.seen, stream.total
        if stream.name == "messages":
            seen, total = threads[0], threads[1] or None
        label = LABELS.get(stream.name) or stream.name.replace("_", " ").capitalize()
        shown.append(StreamProgress(label, seen, total, stream.done, stream.calls))
        weight, part = _weight(stream, seen, total, contacts)
        expected += weight
        done_calls += weight if stream.done else weight * part
    known = contacts is None or contacts.total or contacts.done
    fraction = min(1.0, done_calls / expected) if expected and known else None
    if run.state == SyncRun.State.DONE:
        fraction = 1.0
    eta = _eta(run, fraction, expected - done_calls, pace or _Pace()) if fraction else None
    return Progress(run, shown, fraction, eta)


def _eta(run: SyncRun, fraction: float, left: float, pace: _Pace) -> int | None:
    """Seconds for the remaining requests at the current rate; never less than the rate limit allows."""
    now = timezone.now()
    spent = (now - run.started_at).total_seconds()
    if run.state != SyncRun.State.RUNNING or run.account.sync_paused_at or spent <= 3:
        return None
    each = pace.seconds_a_call(max(run.started_at, now - RATE_OVER), now)
    if each is not None:
        seconds = left * each
    else:
        seconds = max(0.0, spent - pace.blocked(run.started_at, now)) * (1 - fraction) / fraction
    least = budget.seconds_for(run.account_id, left, run.lane, used=pace.used)
    return round(max(seconds, least) + pace.closed_for(now))


def _weight(stream: SyncStream, seen: int, total: int | None, contacts: SyncStream | None) -> tuple[float, float]:
    """(about how many requests this stream takes, the fraction of them done)."""
    part = min(1.0, seen / total) if total else 0.0
    if stream.name == "contacts":
        page = max(PAGE, seen / stream.pages) if stream.pages else PAGE
        return max(1.0, (total or PAGE) / page), part
    if stream.name == "messages":
        return max(1.0, float(total or (contacts and contacts.total) or 10)), part
    return 1.0, 0.0


def _threads(runs: list[SyncRun]) -> dict[int, tuple[int, int]]:
    """Run id -> (threads read, threads in total)."""
    counted = ThreadSync.objects.filter(run__in=runs).order_by().values("run")
    rows = counted.annotate(all=Count("pk"), read=Count("pk", filter=Q(pending=False)))
    return {row["run"]: (row["read"], row["all"]) for row in rows}


def _paces(runs: list[SyncRun]) -> dict[int, _Pace]:
    now = timezone.now()
    accounts = {run.account_id for run in runs}
    recent = Q(started_at__gte=now - RATE_OVER)
    rows = (
        BudgetCall.objects.filter(budget__account__in=accounts)
        .values_list("budget__account", "lane")
        .annotate(
            used=Count("pk", filter=Q(expires_at__gt=now)),
            made=Count("pk", filter=recent),
            first=Min("started_at", filter=recent),
        )
    )
    counted = {(account, lane): counts for account, lane, *counts in rows}
    blocks: dict[int, list[tuple[datetime, datetime]]] = {}
    found = BudgetBlock.objects.filter(budget__account__in=accounts).order_by()
    for account, at, until in found.values_list("budget__account", "at", "until"):
        blocks.setdefault(account, []).append((at, until))
    return {run.pk: _pace(run, counted, blocks.get(run.account_id, [])) for run in runs}


def _pace(run: SyncRun, counted: dict[tuple[int, str], Any], blocks: Iterable[tuple[datetime, datetime]]) -> _Pace:
    used = sum(counts[0] for (account, _), counts in counted.items() if account == run.account_id)
    _, made, first = counted.get((run.account_id, run.lane), (0, 0, None))
    return _Pace(used, made, first, tuple(blocks))
