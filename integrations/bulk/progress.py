"""What a bulk text will take, and how far it is. Reads only, in a fixed number of queries."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Exists, OuterRef
from django.utils import timezone

from ..models import Bulk, BulkRecipient, Conversation, Message
from ..salesmsg.text import segments

Waits, State = BulkRecipient.State, Message.State
NAMES = 20  # of those left out, for each reason
SAMPLES = 3
RECENT = timedelta(minutes=3)  # what the present rate is measured over
LIGHT = ("contact__first_name", "contact__last_name", "contact__full_name", "contact__phone")


@dataclass
class LeftOut:
    """Recipients that get nothing for one reason; `rows` are the first of them."""

    reason: str
    count: int = 0
    rows: list[BulkRecipient] = field(default_factory=list)

    @property
    def more(self) -> int:
        return self.count - len(self.rows)


@dataclass
class Preview:
    """What starting would do. `seconds`: at the least, when nothing else is sent; `ahead`: texts that go first."""

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

    @property
    def left_out_count(self) -> int:
        return sum(group.count for group in self.left_out)


def read_preview(bulk: Bulk) -> Preview:
    """Of a bulk text whose text is written."""
    rows = list(bulk.recipients.select_related("contact").only("text", "state", "reason", "bulk", *LIGHT))
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
    )


def group_left_out(rows: list[BulkRecipient]) -> list[LeftOut]:
    """Those of the rows that get nothing, by reason, the most frequent first."""
    groups: dict[str, LeftOut] = {}
    for row in rows:
        if row.state == Waits.LEFT_OUT:
            group = groups.setdefault(row.reason, LeftOut(row.reason))
            group.count += 1
            if len(group.rows) < NAMES:
                group.rows.append(row)
    return sorted(groups.values(), key=lambda group: -group.count)


def seconds_for(calls: float) -> float:
    """The least time for so many calls: all of the limit but one place, which is kept for people."""
    return calls * settings.SALESMSG_RATE_PERIOD / max(1, settings.SALESMSG_RATE_LIMIT - 1)


def _calls(bulk: Bulk) -> int:
    """One for each text that waits, and one more to open a conversation where there is none."""
    thread = Conversation.objects.filter(contact=OuterRef("contact"), vendor_id__isnull=False)
    waiting = bulk.recipients.filter(state=Waits.WAITING).order_by()
    return waiting.count() + waiting.filter(~Exists(thread)).count()


def _ahead(bulk: Bulk) -> int:
    running = Bulk.objects.filter(account=bulk.account_id, state=Bulk.State.RUNNING).exclude(pk=bulk.pk)
    return BulkRecipient.objects.filter(bulk__in=running, state=Waits.WAITING).count()


def _samples(waiting: list[BulkRecipient]) -> list[BulkRecipient]:
    """The shortest, the longest, and one from the middle of the list: what is worth looking at."""
    if len(waiting) <= SAMPLES:
        return waiting
    picked = [waiting[0], max(waiting, key=lambda row: len(row.text)), min(waiting, key=lambda row: len(row.text))]
    fill = (row for row in (waiting[len(waiting) // 2], waiting[-1], *waiting[1:4]))
    found: list[BulkRecipient] = []
    for row in (*picked, *fill):
        if row not in found and len(found) < SAMPLES:
            found.append(row)
    return found


@dataclass
class Progress:
    """How many recipients stand where. `ends_at`: at the present rate; None when nobody can tell, or it is over."""

    waiting: int = 0
    sending: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    left_out: int = 0
    cancelled: int = 0
    ends_at: datetime | None = None

    @property
    def total(self) -> int:
        """All who were to get the text when it was looked at, or still are."""
        return self.open + self.over

    @property
    def open(self) -> int:
        return self.waiting + self.sending

    @property
    def handled(self) -> int:
        """Those whose text has left, or was tried."""
        return self.sent + self.delivered + self.failed + self.unknown

    @property
    def over(self) -> int:
        return self.handled + self.cancelled

    @property
    def percent(self) -> int:
        """Whole percents, 100 only at the end."""
        return 100 if not self.open else self.over * 100 // self.total

    @property
    def token(self) -> str:
        """Differs when any of the numbers does."""
        shown = (self.waiting, self.sending, self.sent, self.delivered, self.failed, self.unknown)
        return "-".join(map(str, (*shown, self.left_out, self.cancelled)))


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
    """Two queries at the most."""
    found = read_progresses([bulk])[bulk.pk]
    if bulk.state == Bulk.State.RUNNING and found.open:
        found.ends_at = timezone.now() + timedelta(seconds=found.open * _seconds_each(bulk))
    return found


def read_progresses(bulks: list[Bulk]) -> dict[int, Progress]:
    """Of many, by primary key, in one query and without `ends_at`."""
    found = {bulk.pk: Progress() for bulk in bulks}
    rows = BulkRecipient.objects.filter(bulk__in=list(found)).order_by()
    for pk, state, message_state, count in rows.values_list("bulk", "state", "message__state").annotate(Count("pk")):
        # A message that is gone from the thread was there once: nobody knows more.
        name = COUNTED_AS.get(message_state, "unknown") if state == Waits.HANDED else str(state)
        setattr(found[pk], name, getattr(found[pk], name) + count)
    return found


def _seconds_each(bulk: Bulk) -> float:
    """Between two texts, as the last minutes had it; before there is enough to measure, as the limit has it."""
    now = timezone.now()
    made = list(bulk.messages.filter(created_at__gt=now - RECENT).order_by().values_list("created_at", flat=True))
    if len(made) < 5:
        return seconds_for(1)
    return max(seconds_for(1), (now - min(made)).total_seconds() / len(made))
