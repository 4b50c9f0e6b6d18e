"""Reads for the outbox page: recent budget use, the queue with estimated send times, and texts that need attention.

Reads only, with a fixed number of queries regardless of queue length. Times are estimates based on the rules of the
outbox (docs/sending.md): a text uses one call of the budget, the call is available again one period after its answer,
texts of one thread are sent one after the other, and no calls are made during a block.
"""

import heapq
import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..budget import period
from ..models import Account, Budget, BudgetCall, Bulk, BulkRecipient, Message
from .compose import AGAIN

State = Message.State
BUCKETS = 60
SHOWN = 50  # texts listed on the page
READ = 2000  # texts whose times are estimated; beyond that, only their number and the last time
ANSWER = timedelta(seconds=1)  # typical response time of Salesmsg; the next text of a thread waits for it
RECENT = timedelta(days=7)  # older failures are not listed


# --- Recent calls ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bucket:
    """A slice of the chart's time range. `made`: lane -> calls started in it. `window`: lane -> calls started in the
    period that ends with it; never more than the limit."""

    start: datetime
    made: dict[str, int]
    window: dict[str, int]


@dataclass(frozen=True)
class Block:
    at: datetime
    until: datetime


@dataclass(frozen=True)
class Calls:
    """Recent budget use of an account, oldest bucket first."""

    start: datetime
    end: datetime
    buckets: list[Bucket]
    blocks: list[Block]
    used: int
    limit: int
    blocked_until: datetime | None
    lanes: dict[str, int]  # every lane -> calls that count against the limit now
    waits: dict[str, datetime]  # waiting lane -> time when it can call again


def recent_calls(account: Account, minutes: int = 10) -> Calls:
    """Recent calls by lane, and blocks. Three queries.

    minutes: number of limit periods to cover; must divide 60.
    """
    now, length = timezone.now(), period()
    step = length * minutes / BUCKETS
    # Align buckets to round times, so that the chart changes only when its data does.
    end = datetime.fromtimestamp((math.floor(now.timestamp() / step.total_seconds()) + 1) * step.total_seconds(), UTC)
    start = end - length * minutes
    budget = Budget.for_account(account)
    made: list[dict[str, int]] = [{} for _place in range(BUCKETS + BUCKETS // minutes)]
    lanes = dict.fromkeys(BudgetCall.Lane.values, 0)
    blocks: list[Block] = []
    if budget.pk:
        since = start - length
        rows = budget.calls.filter(expires_at__gt=since, started_at__gte=since)
        for lane, started_at, expires_at in rows.values_list("lane", "started_at", "expires_at"):
            place = min(int((started_at - since) / step), len(made) - 1)
            made[place][lane] = made[place].get(lane, 0) + 1
            if expires_at > now:
                lanes[lane] = lanes.get(lane, 0) + 1
        blocks = [Block(*row) for row in budget.blocks.filter(until__gt=start).values_list("at", "until")[:30]]
    before = BUCKETS // minutes
    buckets = [
        Bucket(start + step * place, made[place + before], _sum(made[place + 1 : place + before + 1]))
        for place in range(BUCKETS)
    ]
    blocked = budget.blocked_until if budget.blocked_until and budget.blocked_until > now else None
    waits = {
        lane: datetime.fromtimestamp(until, UTC)
        for lane, until in (budget.waiting or {}).items()
        if isinstance(until, int | float) and until > now.timestamp()
    }
    return Calls(
        start=start,
        end=end,
        buckets=buckets,
        blocks=blocks[::-1],
        used=sum(lanes.values()),
        limit=settings.SALESMSG_RATE_LIMIT,
        blocked_until=blocked,
        lanes=lanes,
        waits=waits,
    )


def _sum(buckets: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in buckets:
        for lane, number in counts.items():
            total[lane] = total.get(lane, 0) + number
    return total


# --- Queue -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leaving:
    """A queued text. `at`: estimated send time; None if the account is not connected."""

    message: Message
    at: datetime | None
    behind: bool  # waits for an earlier text of the same thread
    scheduled: bool


@dataclass(frozen=True)
class BulkLeaving:
    """A bulk text with recipients left. `last`: earliest time of the last message; None if paused."""

    bulk: Bulk
    left: int
    last: datetime | None


@dataclass
class Waiting:
    """The queue of an account, without held texts (see `needs_person`)."""

    count: int = 0  # texts outside bulk texts, including scheduled ones
    scheduled: int = 0
    sending: int = 0
    first: list[Leaving] = field(default_factory=list)
    bulks: list[BulkLeaving] = field(default_factory=list)
    next_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def more(self) -> int:
        """Number of texts that are not listed in `first`."""
        return self.count - len(self.first)


def waiting_texts(account: Account) -> Waiting:
    """The queue with estimated send times, the next text first. At most eight queries."""
    now = timezone.now()
    queue = _outbox(account).filter(state=State.QUEUED, due_at__isnull=False, bulk=None)
    rows = list(
        queue.order_by("due_at", "pk").values_list(
            "pk", "conversation_id", "due_at", "send_at",
            "conversation__vendor_id", "conversation__contact_id", "conversation__contact__vendor_id",
        )[: READ + 1]
    )  # fmt: skip
    busy = set(_outbox(account).filter(state=State.SENDING).values_list("conversation_id", flat=True))
    waiting = Waiting(count=len(rows), sending=len(busy))
    places = _Places(account, now) if account.state == Account.State.CONNECTED else None
    times: dict[int, tuple[datetime | None, bool]] = {}
    due_now: _Places | None = None
    free_at: dict[int, datetime] = dict.fromkeys(busy, now + ANSWER)  # thread -> when its next text may be sent
    drafts: set[int] = set()
    for turn, pk, conversation, due_at, send_at, opened, contact, known in _in_turn(rows[:READ], now):
        if turn > now and due_now is None and places:
            due_now = places.copy()  # for bulk texts: texts scheduled for later do not delay them
        behind = free_at.get(conversation, now) > max(due_at, now)
        at = None
        if places:
            needed = 1 + _drafts(drafts, ("conversation", conversation, opened), ("contact", contact, known))
            at = places.take(max(turn, now, free_at.get(conversation, now)), needed)
            free_at[conversation] = at + ANSWER
        times[pk] = (at, behind)
        waiting.scheduled += bool(send_at and due_at > now)
    if len(rows) > READ:
        waiting.count = queue.count()
    order = sorted(times, key=lambda pk: (times[pk][0] or now, pk))
    texts = _texts(order[:SHOWN])
    for pk in order[:SHOWN]:
        if message := texts.get(pk):
            at, behind = times[pk]
            scheduled = bool(message.send_at and message.due_at and message.due_at > now)
            waiting.first.append(Leaving(message, at, behind, scheduled))
    waiting.bulks = _bulks(account, due_now or places)
    if places:
        leaving = [at for at, _place in times.values() if at]
        last = leaving + [bulk.last for bulk in waiting.bulks if bulk.last]
        if waiting.count > READ:
            last.append(places.after(waiting.count - READ))
        waiting.next_at = min(leaving, default=min(last, default=None))
        waiting.last_at = max(last, default=None)
    return waiting


def _in_turn(rows: list[tuple[Any, ...]], now: datetime) -> list[tuple[Any, ...]]:
    """Rows as (turn, *row), ordered by turn.

    A postponed text stays ahead of later texts of its thread. Only a text scheduled for later lets them pass.
    """
    held_until: dict[int, datetime] = {}
    turns = []
    for row in sorted(rows):
        _pk, conversation, due_at, send_at, *_rest = row
        turn = max(due_at, held_until.get(conversation, due_at))
        if send_at is None or send_at <= now:
            held_until[conversation] = turn
        turns.append((turn, *row))
    return sorted(turns, key=lambda item: item[:2])


class _Places:
    """Simulates the budget: a heap of the times at which each of its calls is available. A used call is available again
    one period later."""

    def __init__(self, account: Account, now: datetime):
        self._now, self._period = now, period()
        limit = settings.SALESMSG_RATE_LIMIT
        budget = Budget.for_account(account)
        counted = (
            budget.calls.filter(expires_at__gt=now).order_by("expires_at") if budget.pk else BudgetCall.objects.none()
        )
        # A call in progress is reserved for its maximum duration and usually ends much earlier.
        taken = [min(at, now + self._period) for at in counted.values_list("expires_at", flat=True)]
        self._free = ([now] * (limit - len(taken)) + taken[max(0, len(taken) - limit) :])[:limit]
        blocked = budget.blocked_until
        self._open = blocked if blocked and blocked > now else now
        heapq.heapify(self._free)

    def copy(self) -> "_Places":
        twin = object.__new__(_Places)
        twin.__dict__ = {**self.__dict__, "_free": list(self._free)}
        return twin

    def take(self, earliest: datetime, number: int) -> datetime:
        """Uses `number` calls. Returns when the last of them is available."""
        at = max(earliest, self._open)
        for _call in range(number):
            at = max(at, heapq.heappop(self._free))
            heapq.heappush(self._free, at + self._period)
        return at

    def after(self, number: int) -> datetime:
        """When the last of `number` calls is available if nothing else calls. Uses none."""
        free = sorted(max(at, self._open) for at in self._free)
        rounds, place = divmod(number - 1, len(free))
        return free[place] + self._period * rounds


def _drafts(seen: set[Any], *parts: tuple[str, int, int | None]) -> int:
    """Extra calls to create the contact or conversation in Salesmsg, counted once each."""
    new = {(kind, key) for kind, key, vendor_id in parts if vendor_id is None} - seen
    seen |= new
    return len(new)


def _outbox(account: Account) -> QuerySet[Message]:
    """Texts from the portal that are queued or being sent."""
    return Message.objects.filter(state__in=[State.QUEUED, State.SENDING], account=account, client_uuid__isnull=False)


def _texts(keys: list[int]) -> dict[int, Message]:
    """The messages by primary key, with their contacts and without large columns."""
    heavy = ("raw", "conversation__raw", "conversation__contact__raw", "conversation__contact__notes",
             "conversation__contact__custom_fields", "conversation__contact__tags")  # fmt: skip
    return Message.objects.select_related("conversation__contact").defer(*heavy).in_bulk(keys)


def _bulks(account: Account, places: _Places | None) -> list[BulkLeaving]:
    """Running and paused bulk texts with messages left, oldest first."""
    live = Bulk.objects.filter(account=account, state__in=[Bulk.State.RUNNING, Bulk.State.PAUSED]).order_by("pk")
    bulks = list(live[:20])
    if not bulks:
        return []
    rows = BulkRecipient.objects.filter(bulk__in=bulks, state=BulkRecipient.State.WAITING).order_by()
    left: dict[int, int] = {}
    held: dict[int, datetime] = {}  # bulk text -> when its last recipient may be texted
    for pk, number, due_at in rows.values_list("bulk").annotate(Count("pk"), Max("due_at")):
        left[pk] = number
        if due_at:
            held[pk] = due_at
    queued = _outbox(account).filter(bulk__in=bulks, state=State.QUEUED).order_by()
    for pk, number in queued.values_list("bulk").annotate(Count("pk")):
        left[pk] = left.get(pk, 0) + number
    leaving, sum_before = [], 0
    for bulk in bulks:
        number = left.get(bulk.pk, 0)
        last = None
        if number and places and bulk.state == Bulk.State.RUNNING:
            sum_before += number
            last = places.after(sum_before)
            last = max(last, held.get(bulk.pk, last))
        if number:
            leaving.append(BulkLeaving(bulk, number, last))
    return leaving


# --- Needs attention -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Need:
    """A text that needs a decision. `kind`: held, unknown or failed; `what`: the recommended action."""

    message: Message
    kind: str
    why: str | Promise
    what: str | Promise


WHAT_TO_DO = {
    "held": _("Send it now if it is still relevant, or cancel it."),
    "unknown": _("The outcome is usually known within minutes. Check in Salesmsg before you send it again."),
    "failed": _("Fix the problem, then send it again."),
}
NO_REASON = {
    "held": _("Waiting for your decision."),
    "unknown": _("The connection was lost before Salesmsg responded. The text may have been sent."),
    "failed": _("Salesmsg gave no reason."),
}


def needs_person(account: Account, lost_keys: list[int] | None = None) -> list[Need]:
    """Held and lost texts (see `lost_messages`), newest first, at most SHOWN. Four queries.

    lost_keys: a cached result of `lost_messages`.
    """
    held = _outbox(account).filter(state=State.QUEUED, due_at=None).order_by("-at").values_list("pk", flat=True)
    wanted = [*held[:SHOWN], *(lost_messages(account) if lost_keys is None else lost_keys)][:SHOWN]
    texts = _texts(wanted)
    needs = [_need(texts[pk]) for pk in wanted if pk in texts]
    return sorted(needs, key=lambda need: (need.message.at, need.message.pk), reverse=True)


def lost_messages(account: Account) -> list[int]:
    """Primary keys of unknown texts, and of texts that failed within `RECENT`, that were not sent again. Newest first.

    Two queries. The result changes only when `account.inbox_version` does.
    """
    since = timezone.now() - RECENT
    wanted = Q(state=State.UNKNOWN) | Q(at__gte=since)
    states = [State.UNKNOWN, State.FAILED]
    rows = Message.objects.filter(wanted, state__in=states, account=account, client_uuid__isnull=False)
    keys = list(rows.order_by("-at", "-rank").values_list("pk", flat=True)[: SHOWN * 4])
    resend_uuids = {uuid.uuid5(AGAIN, str(pk)): pk for pk in keys}
    resent = Message.objects.filter(client_uuid__in=resend_uuids).values_list("client_uuid", flat=True) if keys else []
    repeated = {resend_uuids[client_uuid] for client_uuid in resent if client_uuid}
    return [pk for pk in keys if pk not in repeated][:SHOWN]


def _need(message: Message) -> Need:
    kind = "held" if message.held else str(message.state)
    return Need(message, kind, message.explanation or NO_REASON.get(kind, ""), WHAT_TO_DO.get(kind, ""))
