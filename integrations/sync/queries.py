"""Data of the sync pages, from the database only, in a fixed number of queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.http import Http404
from django.utils import timezone
from django.utils.formats import number_format

from ..access import readable_webhook_address
from ..durations import ahead, lag, span
from ..failures import NO_REASON, Reason
from ..models import (
    Account,
    BudgetCall,
    Contact,
    Conversation,
    FreshHour,
    Heartbeat,
    Inbox,
    ListSync,
    Member,
    Membership,
    Number,
    SyncRun,
    Tag,
    ThreadSync,
)
from ..models.account import OwnedQuerySet
from .latency_report import HOURS, LatencyReport, summarize_latency
from .plan import CHECK, LABELS, POLLED
from .progress import Progress, progress_of_all

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

MAX_ACCOUNTS = 50  # per page
MAX_RUNS = 10  # recent runs listed
MAX_GAPS = 1000  # count at most this many conversations with gaps
SPENT_OVER = timedelta(minutes=15)  # the budget keeps its calls this long
LATE = timedelta(minutes=5)  # a check overdue by more than this is late
COUNTS_CACHED_FOR = 15  # seconds; counting 100,000 contacts is slower than the rest of the page
MISSED_EVENTS = 3  # consecutive texts without an event: webhook events have stopped
TONES: dict[str, str] = {
    SyncRun.State.DONE: "badge-ok",
    SyncRun.State.FAILED: "badge-error",
    SyncRun.State.RUNNING: "badge-accent",
}
# List name -> the rows stored for it. Unanswered conversations are counted among the open ones.
STORED: dict[str, OwnedQuerySet[Any]] = {
    "contacts": Contact.objects.filter(deleted_at=None, vendor_id__isnull=False),
    "deleted": Contact.objects.filter(deleted_at__isnull=False),
    "open": Conversation.objects.filter(closed_at=None, vendor_id__isnull=False),
    "closed": Conversation.objects.filter(closed_at__isnull=False),
    "members": Member.objects.all(),
    "inboxes": Inbox.objects.all(),
    "numbers": Number.objects.all(),
    "tags": Tag.objects.all(),
}


class Annotations(TypedDict):
    """What `_visible_accounts` adds to an account."""

    managed: bool
    heartbeat_at: datetime | None


@dataclass(frozen=True)
class ListRow:
    """One list of an account, formatted for display. `known` is False before the first check."""

    name: str
    label: str
    stored: int | None
    known: bool = False
    remote: int | None = None
    calls: int = 0
    checked: str = ""
    full_read: str = ""
    changed: str = ""
    next: str = ""
    interval: str = ""
    repaired: int = 0
    late: bool = False
    reason: Reason = NO_REASON
    todo: str = ""
    error_at: datetime | None = None


@dataclass(frozen=True)
class Calls:
    """The rate budget: usage of the current window, and the last minutes' calls by lane. `period` is in seconds."""

    used: int
    limit: int
    period: float
    blocked_until: datetime | None
    lanes: list[tuple[str, int]]
    all: int

    @property
    def left(self) -> int:
        return 0 if self.blocked_until else max(0, self.limit - self.used)

    @property
    def high(self) -> int:
        return max(1, round(self.limit * 0.85))


@dataclass(frozen=True)
class RecentRun:
    """A finished sync, formatted for display. `tone` is the CSS class of its state."""

    run: SyncRun
    tone: str
    took: str
    todo: str


@dataclass
class AccountStatus:
    """Sync status of one account. `gaps` and `recent_runs` are only set on its own page."""

    account: "WithAnnotations[Account, Annotations]"
    now: datetime
    can_manage: bool
    latency: LatencyReport
    calls: Calls
    lists: list[ListRow]
    running: list[Progress]
    recent_runs: list[RecentRun] = field(default_factory=list)
    gaps: int = 0
    webhook_address: str = ""

    @property
    def connected(self) -> bool:
        return self.account.state == Account.State.CONNECTED

    @property
    def paused(self) -> bool:
        return self.account.sync_paused_at is not None

    @property
    def silent(self) -> bool:
        """Whether webhook events have stopped although new texts arrive."""
        return self.account.last_event_at is not None and self.account.events_missed >= MISSED_EVENTS

    @property
    def worker_at(self) -> datetime | None:
        return self.account.heartbeat_at

    @property
    def busy(self) -> bool:
        """Whether a sync is running or waiting for the rate limit."""
        return bool(self.calls.blocked_until) or (bool(self.running) and not self.paused)

    @property
    def gaps_text(self) -> str:
        shown = number_format(min(self.gaps, MAX_GAPS), force_grouping=True)
        return f"{shown}+" if self.gaps > MAX_GAPS else shown


def account_statuses(user: User) -> list[AccountStatus]:
    """Return the status of the user's accounts, in ten queries."""
    return _statuses(user, list(_visible_accounts(user)[:MAX_ACCOUNTS]))


def account_status(user: User, pk: int) -> AccountStatus:
    """Return the full status of one account. Raises Http404 if the user cannot see it."""
    key = f"sync-rows-stored-{pk}"
    stored = cache.get(key)
    rows = _visible_accounts(user)
    if stored is None:
        rows = rows.annotate(**{f"stored_{name}": queryset.count_by_account() for name, queryset in STORED.items()})
    account = rows.filter(pk=pk).first()
    if account is None:
        raise Http404("There is no such account.")
    if stored is None:
        stored = {name: getattr(account, f"stored_{name}") for name in STORED}
        cache.set(key, stored, COUNTS_CACHED_FOR)
    return _statuses(user, [account], stored)[0]


def _visible_accounts(user: User) -> QuerySet[Any]:
    managing = Membership.objects.filter(account=OuterRef("pk"), user=user.pk, role=Membership.Role.MANAGER)
    heartbeat = Heartbeat.objects.filter(name="tick").values("at")[:1]
    return (
        Account.objects.for_user(user)
        .select_related("budget", "sync_paused_by")
        .annotate(managed=Exists(managing), heartbeat_at=Subquery(heartbeat))
    )


def _statuses(
    user: User, accounts: "list[WithAnnotations[Account, Annotations]]", stored: dict[str, int] | None = None
) -> list[AccountStatus]:
    """stored: the rows of each list, for the full status of a single account."""
    detailed = stored is not None
    now = timezone.now()
    lists = _by_account(ListSync.objects.filter(account__in=accounts).order_by("pk"))
    since = now - timedelta(hours=HOURS)
    hours = _by_account(FreshHour.objects.filter(account__in=accounts, hour__gt=since))
    spent = _spent(accounts, now)
    running, recent_runs = _runs(accounts, detailed=detailed)
    statuses = []
    for account in accounts:
        can_manage = user.is_superuser or account.managed
        status = AccountStatus(
            account=account,
            now=now,
            can_manage=can_manage,
            latency=summarize_latency(hours.get(account.pk, [])),
            calls=_calls(account, spent, now),
            lists=_lists(account, lists.get(account.pk, []), stored or {}, now),
            running=[progress for progress in running if progress.run.account_id == account.pk],
            recent_runs=recent_runs,
        )
        if detailed:
            # A gap that a running sync is about to fill does not count.
            gaps = ThreadSync.objects.filter(complete=False, pending=False, conversation__account=account)
            status.gaps = gaps.order_by()[: MAX_GAPS + 1].count()
            status.webhook_address = readable_webhook_address(account) if can_manage else ""
        statuses.append(status)
    return statuses


def _by_account(rows: Iterable[Any]) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.account_id, []).append(row)
    return grouped


def _runs(accounts: Sequence[Account], *, detailed: bool) -> tuple[list[Progress], list[RecentRun]]:
    """Return running syncs and, if `detailed`, the latest runs with changes or errors."""
    known = {account.pk: account for account in accounts}
    runs = SyncRun.objects.filter(account__in=known)
    is_running = Q(state=SyncRun.State.RUNNING)
    if detailed:
        notable = Q(changed__gt=0) | Q(state=SyncRun.State.FAILED)
        first = Case(When(is_running, then=0), default=1)
        runs = runs.filter(is_running | notable).order_by(first, "-pk")[: MAX_RUNS + len(SyncRun.Kind.values)]
    else:
        runs = runs.filter(is_running).order_by("pk")
    running: list[SyncRun] = []
    recent: list[SyncRun] = []
    for run in runs:
        run.account = known[run.account_id]
        (running if run.state == SyncRun.State.RUNNING else recent).append(run)
    return (progress_of_all(running) if running else []), [_recent_run(run) for run in recent[:MAX_RUNS]]


def _recent_run(run: SyncRun) -> RecentRun:
    took = span(((run.finished_at or timezone.now()) - run.started_at).total_seconds())
    return RecentRun(run, TONES.get(run.state, ""), took, run.reason.todo(run.account_id) if run.reason else "")


def _spent(accounts: Sequence[Account], now: datetime) -> dict[int, dict[str, tuple[int, int]]]:
    """Return account -> lane -> (calls in the current window, calls in the last minutes)."""
    rows = (
        BudgetCall.objects.filter(budget__account__in=accounts)
        .values_list("budget__account", "lane")
        .annotate(
            used=Count("pk", filter=Q(expires_at__gt=now)),
            made=Count("pk", filter=Q(started_at__gt=now - SPENT_OVER)),
        )
    )
    spent: dict[int, dict[str, tuple[int, int]]] = {}
    for account, lane, used, made in rows:
        spent.setdefault(account, {})[lane] = (used, made)
    return spent


def _calls(account: Account, spent: dict[int, dict[str, tuple[int, int]]], now: datetime) -> Calls:
    by_lane = spent.get(account.pk, {})
    lanes = [(str(lane.label), by_lane[lane][1]) for lane in BudgetCall.Lane if by_lane.get(lane, (0, 0))[1]]
    budget = getattr(account, "budget", None)
    blocked = budget.blocked_until if budget and budget.blocked_until and budget.blocked_until > now else None
    return Calls(
        used=sum(used for used, _ in by_lane.values()),
        limit=settings.SALESMSG_RATE_LIMIT,
        period=settings.SALESMSG_RATE_PERIOD,
        blocked_until=blocked,
        lanes=lanes,
        all=sum(made for _, made in lanes),
    )


def _lists(account: Account, rows: list[ListSync], stored: dict[str, int], now: datetime) -> list[ListRow]:
    """Return the lists in the order of a full sync. A list without a row has not been read yet."""
    known = {row.name: row for row in rows}
    names = [name for name in LABELS if name != "messages"]
    names += [name for name in known if name not in names]
    return [_list(account, name, known.get(name), stored.get(name), now) for name in names]


def _list(account: Account, name: str, row: ListSync | None, stored: int | None, now: datetime) -> ListRow:
    label = str(LABELS.get(name, "")) or name.replace("_", " ").capitalize()
    if row is None:
        return ListRow(name, label, stored)
    inactive = account.sync_paused_at is not None or account.state != Account.State.CONNECTED
    return ListRow(
        name=name,
        label=label,
        stored=stored,
        known=row.looked_at is not None or row.walked_at is not None,
        remote=row.rows,
        calls=row.calls,
        checked=lag(row.looked_at, now),
        full_read=lag(row.walked_at, now),
        changed=lag(row.found_at, now),
        next="" if inactive or name not in (*POLLED, CHECK) else ahead(row.due_at, now),
        interval=span(row.pause),
        repaired=row.repaired,
        late=name in POLLED and not inactive and row.looked_at is not None and row.due_at < now - LATE,
        reason=row.reason,
        todo=row.reason.todo(account.pk, name) if row.reason else "",
        error_at=row.error_at,
    )
