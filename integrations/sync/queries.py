"""What the sync page shows, from the database alone, in a fixed number of queries however many accounts and rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
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
from .latency_report import HOURS, LatencyReport
from .latency_report import summarize_latency as freshness
from .plan import CHECK, LABELS, LOOKED
from .progress import Progress, progress_of_all

ACCOUNTS = 50  # on one page
FOUND = 10  # runs that are told one by one
GAPS = 1000  # conversations with gaps are counted so far
SPENT_OVER = timedelta(minutes=15)  # how long the budget keeps its calls
LATE = timedelta(minutes=5)  # a look so much overdue is late
COUNTED_FOR = 15  # seconds: counting 100,000 contacts takes longer than the rest of the page
MISSED = 3  # texts in a row without an event: events have stopped coming
TONES = {SyncRun.State.DONE: "badge-ok", SyncRun.State.FAILED: "badge-error", SyncRun.State.RUNNING: "badge-accent"}
# List -> how its rows here are counted. Unanswered conversations are among the open ones.
HERE: dict[str, QuerySet[Any]] = {
    "contacts": Contact.objects.filter(deleted_at=None, vendor_id__isnull=False),
    "deleted": Contact.objects.filter(deleted_at__isnull=False),
    "open": Conversation.objects.filter(closed_at=None, vendor_id__isnull=False),
    "closed": Conversation.objects.filter(closed_at__isnull=False),
    "members": Member.objects.all(),
    "inboxes": Inbox.objects.all(),
    "numbers": Number.objects.all(),
    "tags": Tag.objects.all(),
}


@dataclass(frozen=True)
class ListRow:
    """One list of an account as people read it; `known` is False before it was first looked at."""

    name: str
    label: str
    here: int | None
    known: bool = False
    there: int | None = None
    calls: int = 0
    looked: str = ""
    walked: str = ""
    found: str = ""
    next: str = ""
    every: str = ""
    repaired: int = 0
    late: bool = False
    reason: Reason = NO_REASON
    todo: str = ""
    error_at: datetime | None = None


@dataclass(frozen=True)
class Calls:
    """The budget: the window that the limit is about, and what the last minutes were spent on."""

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


@dataclass
class AccountStatus:
    """How one account stands; `gaps` and `found` only where one account is shown alone."""

    account: Account
    now: datetime
    can_manage: bool
    fresh: LatencyReport
    calls: Calls
    lists: list[ListRow]
    running: list[Progress]
    found: list[SyncRun] = field(default_factory=list)
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
        """Events came once and no longer do, although texts arrive."""
        return self.account.last_event_at is not None and self.account.events_missed >= MISSED

    @property
    def worker_at(self) -> datetime | None:
        return self.account.heartbeat_at

    @property
    def busy(self) -> bool:
        """Whether something moves that people wait for."""
        return bool(self.calls.blocked_until) or (bool(self.running) and not self.paused)

    @property
    def gaps_words(self) -> str:
        shown = number_format(min(self.gaps, GAPS), force_grouping=True)
        return f"{shown}+" if self.gaps > GAPS else shown


def account_statuses(user: User) -> list[AccountStatus]:
    """The person's accounts, in ten queries."""
    return _standings(user, list(_accounts(user)[:ACCOUNTS]), alone=False)


def account_status(user: User, pk: int) -> AccountStatus:
    """One account with everything. Raises Http404 when it is not this person's."""
    key = f"sync-rows-here-{pk}"
    here = cache.get(key)
    rows = _accounts(user)
    if here is None:
        rows = rows.annotate(**{f"here_{name}": _count(counted) for name, counted in HERE.items()})
    account = rows.filter(pk=pk).first()
    if account is None:
        raise Http404("There is no such account.")
    if here is None:
        here = {name: getattr(account, f"here_{name}") for name in HERE}
        cache.set(key, here, COUNTED_FOR)
    account.rows_here = here
    return _standings(user, [account], alone=True)[0]


def _accounts(user: User) -> QuerySet[Account]:
    managing = Membership.objects.filter(account=OuterRef("pk"), user=user.pk, role=Membership.Role.MANAGER)
    heartbeat = Heartbeat.objects.filter(name="tick").values("at")[:1]
    return (
        Account.objects.for_user(user)
        .select_related("budget", "sync_paused_by")
        .annotate(managed=Exists(managing), heartbeat_at=Subquery(heartbeat))
    )


def _count(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.filter(account=OuterRef("pk")).order_by().values("account").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def _standings(user: User, accounts: list[Account], *, alone: bool) -> list[AccountStatus]:
    now = timezone.now()
    lists = _by_account(ListSync.objects.filter(account__in=accounts).order_by("pk"))
    since = now - timedelta(hours=HOURS)
    hours = _by_account(FreshHour.objects.filter(account__in=accounts, hour__gt=since))
    spent = _spent(accounts, now)
    running, found = _runs(accounts, alone=alone)
    standings = []
    for account in accounts:
        can_manage = user.is_superuser or account.managed
        standing = AccountStatus(
            account=account,
            now=now,
            can_manage=can_manage,
            fresh=freshness(hours.get(account.pk, [])),
            calls=_calls(account, spent, now),
            lists=_lists(account, lists.get(account.pk, []), now),
            running=[progress for progress in running if progress.run.account_id == account.pk],
            found=found,
        )
        if alone:
            # What a running sync is about to read is no gap.
            gaps = ThreadSync.objects.filter(complete=False, pending=False, conversation__account=account)
            standing.gaps = gaps.order_by()[: GAPS + 1].count()
            standing.webhook_address = readable_webhook_address(account) if can_manage else ""
        standings.append(standing)
    return standings


def _by_account(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.account_id, []).append(row)
    return found


def _runs(accounts: list[Account], *, alone: bool) -> tuple[list[Progress], list[SyncRun]]:
    """What runs, and, of an account shown alone, the last runs that found something or failed."""
    runs = SyncRun.objects.filter(account__in=accounts)
    is_running = Q(state=SyncRun.State.RUNNING)
    if alone:
        told = Q(changed__gt=0) | Q(state=SyncRun.State.FAILED)
        first = Case(When(is_running, then=0), default=1)
        runs = runs.filter(is_running | told).order_by(first, "-pk")[: FOUND + len(SyncRun.Kind.values)]
    else:
        runs = runs.filter(is_running).order_by("pk")
    known = {account.pk: account for account in accounts}
    running: list[SyncRun] = []
    found: list[SyncRun] = []
    for run in runs:
        run.account = known[run.account_id]
        (running if run.state == SyncRun.State.RUNNING else found).append(run)
    for run in found:
        run.tone = TONES.get(run.state, "")
        run.took = span(((run.finished_at or timezone.now()) - run.started_at).total_seconds())
        run.todo = run.reason.todo(run.account_id) if run.reason else ""
    return (progress_of_all(running) if running else []), found[:FOUND]


def _spent(accounts: list[Account], now: datetime) -> dict[int, dict[str, tuple[int, int]]]:
    """Account -> lane -> (calls that count now, calls of the last minutes)."""
    rows = (
        BudgetCall.objects.filter(budget__account__in=accounts)
        .values_list("budget__account", "lane")
        .annotate(
            used=Count("pk", filter=Q(expires_at__gt=now)),
            made=Count("pk", filter=Q(started_at__gt=now - SPENT_OVER)),
        )
    )
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for account, lane, used, made in rows:
        found.setdefault(account, {})[lane] = (used, made)
    return found


def _calls(account: Account, spent: dict[int, dict[str, tuple[int, int]]], now: datetime) -> Calls:
    mine = spent.get(account.pk, {})
    lanes = [(lane.label, mine[lane][1]) for lane in BudgetCall.Lane if mine.get(lane, (0, 0))[1]]
    budget = getattr(account, "budget", None)
    blocked = budget.blocked_until if budget and budget.blocked_until and budget.blocked_until > now else None
    return Calls(
        used=sum(used for used, _ in mine.values()),
        limit=settings.SALESMSG_RATE_LIMIT,
        period=settings.SALESMSG_RATE_PERIOD,
        blocked_until=blocked,
        lanes=lanes,
        all=sum(made for _, made in lanes),
    )


def _lists(account: Account, rows: list[ListSync], now: datetime) -> list[ListRow]:
    """In the order in which a full sync reads them; a list that has no row yet is not read yet."""
    known = {row.name: row for row in rows}
    names = [name for name in LABELS if name != "messages"]
    names += [name for name in known if name not in names]
    return [_list(account, name, known.get(name), now) for name in names]


def _list(account: Account, name: str, row: ListSync | None, now: datetime) -> ListRow:
    label = str(LABELS.get(name, "")) or name.replace("_", " ").capitalize()
    here = getattr(account, "rows_here", {}).get(name)
    if row is None:
        return ListRow(name, label, here)
    still = account.sync_paused_at is not None or account.state != Account.State.CONNECTED
    return ListRow(
        name=name,
        label=label,
        here=here,
        known=row.looked_at is not None or row.walked_at is not None,
        there=row.rows,
        calls=row.calls,
        looked=lag(row.looked_at, now),
        walked=lag(row.walked_at, now),
        found=lag(row.found_at, now),
        next="" if still or name not in (*LOOKED, CHECK) else ahead(row.due_at, now),
        every=span(row.pause),
        repaired=row.repaired,
        late=name in LOOKED and not still and row.looked_at is not None and row.due_at < now - LATE,
        reason=row.reason,
        todo=row.reason.todo(account.pk, name) if row.reason else "",
        error_at=row.error_at,
    )
