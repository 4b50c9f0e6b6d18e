"""Messages as a thread shows them: what stands together, what is explained, what a person can do."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import blake2s

from django.utils import timezone
from django.utils.translation import gettext as _

from ...models import Attachment, Attempt, Message
from .attachment_items import AttachmentItem, items_of_message
from .note_items import NoteItem

GROUP_GAP = timedelta(minutes=10)
NEEDS_A_LOOK = "look at the conversation"  # in what `outbox.reconcile` says of a text that only a person can settle
State = Message.State


@dataclass
class MessageItem:
    """A message as the thread shows it. `day` is set on the first one of each day, `plans` on the first planned one."""

    message: Message
    attempts: list[Attempt] = field(default_factory=list)
    files: list[AttachmentItem] = field(default_factory=list)
    day: date | None = None
    plans: bool = False
    opens: bool = True  # first of what one author said in one go
    closes: bool = True  # last of it

    note = False

    @property
    def key(self) -> str:
        """What its element is found by; a note's begins with "n"."""
        return str(self.message.pk)

    @property
    def at(self) -> datetime:
        return self.message.at

    @property
    def rank(self) -> int:
        return self.message.rank

    @property
    def inbound(self) -> bool:
        return self.message.inbound

    @property
    def author(self) -> str:
        """Who of us wrote it."""
        sender = self.message.sender
        if sender is not None:
            # Who is a Salesmsg user as well has one name in the thread, wherever the text was written.
            return getattr(self.message, "sender_member", None) or sender.get_full_name() or sender.get_username()
        return self.message.author_name or (_("Automatic") if self.message.automated else "")

    @property
    def settled(self) -> bool:
        """Nothing to explain or to do."""
        return self.message.state in {State.RECEIVED, State.SENT, State.DELIVERED}

    @property
    def says_state(self) -> bool:
        return self.closes or not self.settled

    @property
    def scheduled(self) -> bool:
        """Waits for its hour, or missed it; can be changed, sent or taken back."""
        return self.message.state == State.QUEUED and self.message.send_at is not None

    @property
    def planned(self) -> bool:
        """Waits for its hour: it stands below the conversation, in no day."""
        return self.scheduled and not self.message.held

    @property
    def needs_a_look(self) -> bool:
        """Whether only a person can find out what became of it."""
        return self.message.state == State.UNKNOWN and NEEDS_A_LOOK in self.message.failure.lower()

    @property
    def repeatable(self) -> bool:
        states = {State.FAILED, State.UNKNOWN, State.CANCELLED}
        return (
            not self.message.inbound
            and self.message.state in states
            and bool(self.message.text or self.message.carries_our_pictures)
        )

    @property
    def told_attempts(self) -> list[Attempt]:
        """The tries to send it, where they explain something."""
        unclear = self.message.state in {State.FAILED, State.UNKNOWN}
        return self.attempts if unclear or len(self.attempts) > 1 else []

    @property
    def etag(self) -> str:
        """Differs when anything that the bubble shows differs."""
        it = self.message
        shown = (it.at, it.state, it.kind, it.text, it.media_pending, it.call, it.failure, self.author)
        later = (it.held, it.send_at, it.zone, it.stop_on_reply, self.plans)
        tries = [(one.pk, one.outcome, one.detail) for one in self.told_attempts]
        files = [file.shown for file in self.files]
        place = (self.day, self.opens, self.closes)
        return blake2s(repr((shown, files, later, tries, place)).encode(), digest_size=6).hexdigest()


def day_of(item: MessageItem | NoteItem) -> date:
    """In the viewer's zone."""
    return timezone.localtime(item.at).date()


def item_order(item: MessageItem | NoteItem | Message) -> tuple[datetime, int]:
    """Orders a thread."""
    return item.at, item.rank


def arrange_items(
    rows: list[Message],
    attempts: dict[int, list[Attempt]],
    pictures: dict[int, dict[int, Attachment]],
    notes: list[NoteItem] | None = None,
) -> list[MessageItem | NoteItem]:
    """Marks where a day begins and what was said in one go; what is planned comes last, and says where it begins."""
    bubbles = [
        MessageItem(row, attempts.get(row.pk, []), items_of_message(row, pictures.get(row.pk, {}))) for row in rows
    ]
    said = [bubble for bubble in bubbles if not bubble.planned]
    if notes:
        said = sorted([*said, *notes], key=item_order)
    for before, after in zip([None, *said], said, strict=False):
        if before is None or day_of(before) != day_of(after):
            after.day = day_of(after)
        elif _together(before, after):
            before.closes = after.opens = False
    planned = [bubble for bubble in bubbles if bubble.planned]
    for first in planned[:1]:
        first.plans = True
    return said + planned


def _together(first: MessageItem | NoteItem, second: MessageItem | NoteItem) -> bool:
    if isinstance(first, NoteItem) or isinstance(second, NoteItem):
        return False
    one, two = first.message, second.message
    return (
        one.inbound == two.inbound
        and "call" not in (one.kind, two.kind)
        and first.settled
        and second.settled
        and first.author == second.author
        and two.at - one.at < GROUP_GAP
    )
