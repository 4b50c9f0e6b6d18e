"""What the budget did in the last minutes, what waits and when it will leave, and what waits for a person.

Pure reads, a fixed number of queries whatever the length of the queue. Times are estimates by the rules that the
outbox itself keeps (docs/sending.md): a text takes a place in the window, a place comes back one period after its
answer, texts of one thread leave one after the other, and nobody calls while a block lasts.
"""

import heapq
import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..budget import period
from ..models import Account, Budget, BudgetCall, Bulk, BulkRecipient, Message
from .compose import AGAIN

State = Message.State
BUCKETS = 60
SHOWN = 50  # texts that are shown one by one
READ = 2000  # texts whose times are worked out; beyond it only the number is known, and the last time
ANSWER = timedelta(seconds=1)  # what Salesmsg usually takes to answer: the next text of a thread waits for it
RECENT = timedelta(days=7)  # older failures are history


# --- The last minutes ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bucket:
    """An even stretch of time. `made`: lane -> calls that began in it. `window`: lane -> calls that began in the
    period that ends with it, which never are more than the limit."""

    start: datetime
    made: dict[str, int]
    window: dict[str, int]


@dataclass(frozen=True)
class Block:
    at: datetime
    until: datetime


@dataclass(frozen=True)
class Calls:
    """The last minutes of an account's budget, oldest bucket first."""

    start: datetime
    end: datetime
    buckets: list[Bucket]
    blocks: list[Block]
    used: int
    limit: int
    blocked_until: datetime | None
    lanes: dict[str, int]  # every lane -> its calls that count now
    waits: dict[str, datetime]  # lanes that wait for a place, and until when


def recent_calls(account: Account, minutes: int = 10) -> Calls:
    """Calls by lane and blocks of the last minutes. A "minute" is the limit's period; 60 must be a multiple of
    their number. Three queries."""
    now, length = timezone.now(), period()
    step = length * minutes / BUCKETS
    # Buckets begin at round times, so that a picture without news stays the same picture.
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


def _sum(stretch: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in stretch:
        for lane, number in counts.items():
            total[lane] = total.get(lane, 0) + number
    return total


# --- What waits ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leaving:
    """A text that waits. `at`: when it will leave, None while nobody can tell (the account is not connected)."""

    message: Message
    at: datetime | None
    behind: bool  # an earlier text of the same thread goes first
    scheduled: bool


@dataclass(frozen=True)
class BulkLeaving:
    """A bulk text with recipients left. `last`: when the last of them leaves at the earliest; None when paused."""

    bulk: Bulk
    left: int
    last: datetime | None


@dataclass
class Waiting:
    """All that waits by itself; held texts wait for a person and are with `needs_person`."""

    count: int = 0  # people's texts, with the scheduled ones
    scheduled: int = 0
    sending: int = 0
    first: list[Leaving] = field(default_factory=list)
    bulks: list[BulkLeaving] = field(default_factory=list)
    next_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def more(self) -> int:
        """People's texts beyond those in `first`."""
        return self.count - len(self.first)


def waiting_texts(account: Account) -> Waiting:
    """What waits and when it will leave, the first to leave first. At most eight queries."""
    now = timezone.now()
    queue = _outbox(account).filter(state=State.QUEUED, due_at__isnull=False, bulk=None)
    rows = list(
        queue.order_by("due_at", "pk").values_list(
            "pk", "conversation_id", "due_at", "send_at",
            "conversation__vendor_id", "conversation__contact_id", "conversation__contact__vendor_id",
        )[: READ + 1]
    )  # fmt: skip
    busy = set(_outbox(account).filter(state=State.SENDING).values_list("conversation_id", flat=True))
    found = Waiting(count=len(rows), sending=len(busy))
    places = _Places(account, now) if account.state == Account.State.CONNECTED else None
    times: dict[int, tuple[datetime | None, bool]] = {}
    due_now: _Places | None = None
    free_at: dict[int, datetime] = dict.fromkeys(busy, now + ANSWER)  # thread -> when its next text may leave
    drafts: set[int] = set()
    for turn, pk, conversation, due_at, send_at, opened, contact, known in _in_turn(rows[:READ], now):
        if turn > now and due_now is None and places:
            due_now = places.copy()  # what bulk texts find: tomorrow's texts take no place from them today
        behind = free_at.get(conversation, now) > max(due_at, now)
        at = None
        if places:
            needed = 1 + _drafts(drafts, ("conversation", conversation, opened), ("contact", contact, known))
            at = places.take(max(turn, now, free_at.get(conversation, now)), needed)
            free_at[conversation] = at + ANSWER
        times[pk] = (at, behind)
        found.scheduled += bool(send_at and due_at > now)
    if len(rows) > READ:
        found.count = queue.count()
    order = sorted(times, key=lambda pk: (times[pk][0] or now, pk))
    texts = _texts(order[:SHOWN])
    for pk in order[:SHOWN]:
        if message := texts.get(pk):
            at, behind = times[pk]
            found.first.append(
                Leaving(message, at, behind, bool(message.send_at and message.due_at and message.due_at > now))
            )
    found.bulks = _bulks(account, due_now or places)
    if places:
        leaving = [at for at, _place in times.values() if at]
        last = leaving + [one.last for one in found.bulks if one.last]
        if found.count > READ:
            last.append(places.after(found.count - READ))
        found.next_at = min(leaving, default=min(last, default=None))
        found.last_at = max(last, default=None)
    return found


def _in_turn(rows: list[tuple[Any, ...]], now: datetime) -> list[tuple[Any, ...]]:
    """(turn, *row) by the time of their turn: who is put off keeps its place before later texts of its thread; only
    a text that is scheduled for later lets them pass."""
    held_until: dict[int, datetime] = {}
    found = []
    for row in sorted(rows):
        _pk, conversation, due_at, send_at, *_rest = row
        turn = max(due_at, held_until.get(conversation, due_at))
        if send_at is None or send_at <= now:
            held_until[conversation] = turn
        found.append((turn, *row))
    return sorted(found, key=lambda each: each[:2])


class _Places:
    """The window's places by the time when each is free; a taken one comes back a period later."""

    def __init__(self, account: Account, now: datetime):
        self._now, self._period = now, period()
        limit = settings.SALESMSG_RATE_LIMIT
        budget = Budget.for_account(account)
        counted = (
            budget.calls.filter(expires_at__gt=now).order_by("expires_at") if budget.pk else BudgetCall.objects.none()
        )
        # A call under way is booked for the longest time it may take; it usually ends long before.
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
        """Takes so many places, one after the other; when the last of them is there."""
        at = max(earliest, self._open)
        for _one in range(number):
            at = max(at, heapq.heappop(self._free))
            heapq.heappush(self._free, at + self._period)
        return at

    def after(self, number: int) -> datetime:
        """When the last of so many calls could leave if nothing else called."""
        free = sorted(max(at, self._open) for at in self._free)
        rounds, place = divmod(number - 1, len(free))
        return free[place] + self._period * rounds


def _drafts(seen: set[Any], *parts: tuple[str, int, int | None]) -> int:
    """Calls more than the text itself: Salesmsg does not know the contact or the conversation yet."""
    new = {(kind, key) for kind, key, vendor_id in parts if vendor_id is None} - seen
    seen |= new
    return len(new)


def _outbox(account: Account) -> QuerySet[Message]:
    """Our texts that wait or are being sent."""
    return Message.objects.filter(state__in=[State.QUEUED, State.SENDING], account=account, client_uuid__isnull=False)


def _texts(keys: list[int]) -> dict[int, Message]:
    """The messages with whom they are for, without what is large."""
    heavy = ("raw", "conversation__raw", "conversation__contact__raw", "conversation__contact__notes",
             "conversation__contact__custom_fields", "conversation__contact__tags")  # fmt: skip
    return Message.objects.select_related("conversation__contact").defer(*heavy).in_bulk(keys)


def _bulks(account: Account, places: _Places | None) -> list[BulkLeaving]:
    """Running and paused bulk texts, in the order in which they began."""
    live = Bulk.objects.filter(account=account, state__in=[Bulk.State.RUNNING, Bulk.State.PAUSED]).order_by("pk")
    bulks = list(live[:20])
    if not bulks:
        return []
    rows = BulkRecipient.objects.filter(bulk__in=bulks, state=BulkRecipient.State.WAITING).order_by()
    left = dict(rows.values_list("bulk").annotate(Count("pk")))
    handed = _outbox(account).filter(bulk__in=bulks, state=State.QUEUED).order_by()
    for pk, number in handed.values_list("bulk").annotate(Count("pk")):
        left[pk] = left.get(pk, 0) + number
    found, sum_before = [], 0
    for bulk in bulks:
        number = left.get(bulk.pk, 0)
        last = None
        if number and places and bulk.state == Bulk.State.RUNNING:
            sum_before += number
            last = places.after(sum_before)
        if number:
            found.append(BulkLeaving(bulk, number, last))
    return found


# --- What needs a person ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Need:
    """A text that nothing will move but a person. `kind`: held, unknown or failed; `what` says what to do."""

    message: Message
    kind: str
    why: str | Promise
    what: str | Promise


WHAT_TO_DO = {
    "held": _("Send it now if it still fits, or cancel it."),
    "unknown": _("Usually it is known within minutes. Look into Salesmsg before you send it again."),
    "failed": _("Mend what the reason says, then send it again."),
}
NO_REASON = {
    "held": _("It waits for your word."),
    "unknown": _("The connection broke before Salesmsg answered. It may have arrived."),
    "failed": _("Salesmsg gave no reason."),
}


def needs_person(account: Account, lost_keys: list[int] | None = None) -> list[Need]:
    """Held texts and lost ones (see `lost`), the newest first, at most SHOWN. Four queries.

    lost_keys: what `lost` answered, for who keeps it.
    """
    held = _outbox(account).filter(state=State.QUEUED, due_at=None).order_by("-at").values_list("pk", flat=True)
    wanted = [*held[:SHOWN], *(lost_messages(account) if lost_keys is None else lost_keys)][:SHOWN]
    texts = _texts(wanted)
    found = [_need(texts[pk]) for pk in wanted if pk in texts]
    return sorted(found, key=lambda need: (need.message.at, need.message.pk), reverse=True)


def lost_messages(account: Account) -> list[int]:
    """Our texts whose outcome is unknown, and those of the last days that failed, that nobody has sent again: primary
    keys, the newest first. Two queries; changes only when `account.inbox_version` does."""
    since = timezone.now() - RECENT
    wanted = Q(state=State.UNKNOWN) | Q(at__gte=since)
    states = [State.UNKNOWN, State.FAILED]
    rows = Message.objects.filter(wanted, state__in=states, account=account, client_uuid__isnull=False)
    keys = list(rows.order_by("-at", "-rank").values_list("pk", flat=True)[: SHOWN * 4])
    second = {uuid.uuid5(AGAIN, str(pk)): pk for pk in keys}
    tried = Message.objects.filter(client_uuid__in=second).values_list("client_uuid", flat=True) if keys else []
    repeated = {second[one] for one in tried if one}
    return [pk for pk in keys if pk not in repeated][:SHOWN]


def _need(message: Message) -> Need:
    kind = "held" if message.held else str(message.state)
    return Need(message, kind, message.explanation or NO_REASON.get(kind, ""), WHAT_TO_DO.get(kind, ""))
