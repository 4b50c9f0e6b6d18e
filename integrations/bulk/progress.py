"""Preview and progress of a bulk text. Reads only, with a fixed number of queries."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Exists, OuterRef
from django.utils import timezone

from ..failures import Reason
from ..models import Bulk, BulkRecipient, Conversation, Message
from ..models.reason import REASON_COLUMNS
from ..salesmsg.text import segments
from .departures import Departures, plan_departures

Waits, State = BulkRecipient.State, Message.State
NAMES = 20  # excluded recipients listed per reason
SAMPLES = 3
RECENT = timedelta(minutes=3)  # period over which the current rate is measured
LIGHT = (
    "contact__first_name", "contact__last_name", "contact__full_name", "contact__phone", "contact__custom_fields",
    "contact__raw",
)  # fmt: skip


@dataclass
class LeftOut:
    """Recipients excluded for one reason. `rows`: the first of them."""

    reason: Reason
    count: int = 0
    rows: list[BulkRecipient] = field(default_factory=list)

    @property
    def more(self) -> int:
        return self.count - len(self.rows)


@dataclass
class Preview:
    """What starting a bulk text would do. `seconds`: minimum duration; `ahead`: texts of other bulk texts before it."""

    recipients: int
    left_out: list[LeftOut]
    segments: int
    most_segments: int
    longest: int
    unicode: int
    calls: int
    seconds: float
    ahead: int
    samples: list[BulkRecipient]
    departures: Departures

    @property
    def left_out_count(self) -> int:
        return sum(group.count for group in self.left_out)


def read_preview(bulk: Bulk) -> Preview:
    """The preview of a draft that has a text."""
    rows = list(bulk.recipients.select_related("contact").only("text", "state", *REASON_COLUMNS, "bulk", *LIGHT))
    waiting = [row for row in rows if row.state == Waits.WAITING]
    sizes = [segments(row.text) for row in waiting]
    calls = _calls(bulk)
    return Preview(
        recipients=len(waiting),
        left_out=group_left_out(rows),
        segments=sum(size.segments for size in sizes),
        most_segments=max((size.segments for size in sizes), default=0),
        longest=max((size.characters for size in sizes), default=0),
        unicode=sum(1 for size in sizes if size.encoding != "GSM-7"),
        calls=calls,
        seconds=seconds_for(calls),
        ahead=_ahead(bulk),
        samples=_samples(waiting),
        departures=plan_departures(bulk, waiting, seconds_for(calls / max(1, len(waiting)))),
    )


def group_left_out(rows: list[BulkRecipient]) -> list[LeftOut]:
    """The excluded rows grouped by reason, largest group first."""
    groups: dict[str, LeftOut] = {}
    for row in rows:
        if row.state == Waits.LEFT_OUT:
            group = groups.setdefault(row.reason.text, LeftOut(row.reason))
            group.count += 1
            if len(group.rows) < NAMES:
                group.rows.append(row)
    return sorted(groups.values(), key=lambda group: -group.count)


def seconds_for(calls: float) -> float:
    """Minimum time for this many calls, in seconds. One call of the limit is reserved for replies."""
    return calls * settings.SALESMSG_RATE_PERIOD / max(1, settings.SALESMSG_RATE_LIMIT - 1)


def _calls(bulk: Bulk) -> int:
    """One call per waiting text, and one more to open a conversation if there is none."""
    thread = Conversation.objects.filter(contact=OuterRef("contact"), vendor_id__isnull=False)
    waiting = bulk.recipients.filter(state=Waits.WAITING).order_by()
    return waiting.count() + waiting.filter(~Exists(thread)).count()


def _ahead(bulk: Bulk) -> int:
    running = Bulk.objects.filter(account=bulk.account_id, state=Bulk.State.RUNNING).exclude(pk=bulk.pk)
    return BulkRecipient.objects.filter(bulk__in=running, state=Waits.WAITING).count()


def _samples(waiting: list[BulkRecipient]) -> list[BulkRecipient]:
    """The first, the longest and the shortest text; others if two of them are the same."""
    if len(waiting) <= SAMPLES:
        return waiting
    preferred = [waiting[0], max(waiting, key=lambda row: len(row.text)), min(waiting, key=lambda row: len(row.text))]
    fallback = (row for row in (waiting[len(waiting) // 2], waiting[-1], *waiting[1:4]))
    samples: list[BulkRecipient] = []
    for row in (*preferred, *fallback):
        if row not in samples and len(samples) < SAMPLES:
            samples.append(row)
    return samples


@dataclass
class Progress:
    """Number of recipients per state. `ends_at`: estimate at the current rate; None if unknown or completed.

    held: moment -> number of recipients who wait for it, such as the end of their quiet hours.
    """

    waiting: int = 0
    sending: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    left_out: int = 0
    cancelled: int = 0
    ends_at: datetime | None = None
    held: dict[datetime, int] = field(default_factory=dict)

    @property
    def held_count(self) -> int:
        return sum(self.held.values())

    @property
    def held_first(self) -> datetime | None:
        return min(self.held, default=None)

    @property
    def held_last(self) -> datetime | None:
        return max(self.held, default=None)

    @property
    def total(self) -> int:
        """All recipients except those excluded."""
        return self.open + self.over

    @property
    def open(self) -> int:
        return self.waiting + self.sending

    @property
    def handled(self) -> int:
        """Recipients whose text was sent or attempted."""
        return self.sent + self.delivered + self.failed + self.unknown

    @property
    def over(self) -> int:
        return self.handled + self.cancelled

    @property
    def percent(self) -> int:
        """Progress in whole percent; 100 only when complete."""
        return 100 if not self.open else self.over * 100 // self.total

    @property
    def token(self) -> str:
        """Token that changes whenever a number does."""
        shown = (self.waiting, self.sending, self.sent, self.delivered, self.failed, self.unknown)
        return "-".join(map(str, (*shown, self.left_out, self.cancelled, self.held_count, len(self.held))))


COUNTED_AS = {
    State.QUEUED: "sending",
    State.SENDING: "sending",
    State.SENT: "sent",
    State.DELIVERED: "delivered",
    State.FAILED: "failed",
    State.UNKNOWN: "unknown",
    State.CANCELLED: "cancelled",
}


def read_progress(bulk: Bulk) -> Progress:
    """The progress of a bulk text. At most two queries."""
    progress = read_progresses([bulk])[bulk.pk]
    if bulk.state == Bulk.State.RUNNING and progress.open:
        progress.ends_at = _estimate_end(progress, _seconds_per_text(bulk))
    return progress


def _estimate_end(progress: Progress, seconds: float) -> datetime:
    at = timezone.now() + timedelta(seconds=(progress.open - progress.held_count) * seconds)
    for due, count in sorted(progress.held.items()):
        at = max(at, due) + timedelta(seconds=count * seconds)
    return at


def read_progresses(bulks: list[Bulk]) -> dict[int, Progress]:
    """The progress of several bulk texts by primary key, without `ends_at`. One query."""
    progresses, now = {bulk.pk: Progress() for bulk in bulks}, timezone.now()
    rows = BulkRecipient.objects.filter(bulk__in=list(progresses)).order_by()
    groups = rows.values_list("bulk", "state", "message__state", "due_at").annotate(Count("pk"))
    for pk, state, message_state, due_at, count in groups:
        progress = progresses[pk]
        # A message that was deleted from the thread counts as unknown.
        name = COUNTED_AS.get(message_state, "unknown") if state == Waits.HANDED else str(state)
        if name in {"waiting", "sending"} and message_state != State.SENDING and due_at and due_at > now:
            name = "waiting"
            progress.held[due_at] = progress.held.get(due_at, 0) + count
        setattr(progress, name, getattr(progress, name) + count)
    return progresses


def _seconds_per_text(bulk: Bulk) -> float:
    """Seconds per text, measured over `RECENT`; calculated from the limit until there are enough texts."""
    now = timezone.now()
    created = list(bulk.messages.filter(created_at__gt=now - RECENT).order_by().values_list("created_at", flat=True))
    if len(created) < 5:
        return seconds_for(1)
    return max(seconds_for(1), (now - min(created)).total_seconds() / len(created))
