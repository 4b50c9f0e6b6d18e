"""Messages as the thread shows them: grouping, explanations and available actions."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

from django.utils import timezone
from django.utils.translation import gettext as _

from ...digests import digest
from ...failures import Code
from ...models import Attachment, Attempt, Message
from ...salesmsg.machine_replies import Kind, Reaction, read_reaction
from .attachment_items import AttachmentItem, items_of_message
from .note_items import NoteItem
from .reactions import Badge

GROUP_GAP = timedelta(minutes=10)
State = Message.State


@dataclass
class MessageItem:
    """A message in the thread. `day` is set on the first message of a day, `plans` on the first scheduled text."""

    message: Message
    attempts: list[Attempt] = field(default_factory=list)
    files: list[AttachmentItem] = field(default_factory=list)
    badge: Badge | None = None  # the contact's reaction to it
    day: date | None = None
    plans: bool = False
    opens: bool = True  # first message of a group by one author
    closes: bool = True  # last message of the group

    note = False

    @property
    def key(self) -> str:
        """The id of its element. Keys of notes begin with "n"."""
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

    @cached_property
    def reaction(self) -> Reaction | None:
        """The reaction that this message is, when the text it names is not in this part of the thread."""
        return read_reaction(self.message.text) if self.message.machine == Message.Machine.REACTION else None

    @property
    def removes(self) -> bool:
        return self.reaction is not None and self.reaction.kind == Kind.REMOVED

    @property
    def author(self) -> str:
        """The name of the author of an outbound message."""
        sender = self.message.sender
        if sender is not None:
            # A user linked to a member has the member's name, so both are one author in the thread.
            return getattr(self.message, "sender_member", None) or sender.get_full_name() or sender.get_username()
        return self.message.author_name or (_("Automatic") if self.message.automated else "")

    @property
    def settled(self) -> bool:
        """Whether the state needs no explanation and no action."""
        return self.message.state in {State.RECEIVED, State.SENT, State.DELIVERED}

    @property
    def says_state(self) -> bool:
        return self.closes or not self.settled

    @property
    def scheduled(self) -> bool:
        """Whether it is a scheduled text, waiting or overdue, that can be changed, sent or cancelled."""
        return self.message.state == State.QUEUED and self.message.send_at is not None

    @property
    def planned(self) -> bool:
        """Whether it waits for its send time. It is listed below the conversation, without a day."""
        return self.scheduled and not self.message.held

    @property
    def needs_review(self) -> bool:
        """Whether the portal cannot find out if it was sent, so that a user must check."""
        return self.message.state == State.UNKNOWN and self.message.reason_code == Code.AMBIGUOUS_COPY

    @property
    def repeatable(self) -> bool:
        states = {State.FAILED, State.UNKNOWN, State.CANCELLED}
        return (
            not self.message.inbound
            and self.message.state in states
            and bool(self.message.text or self.message.carries_our_pictures)
        )

    @property
    def shown_attempts(self) -> list[Attempt]:
        """The attempts to send it, when they explain its state."""
        unclear = self.message.state in {State.FAILED, State.UNKNOWN}
        return self.attempts if unclear or len(self.attempts) > 1 else []

    @property
    def etag(self) -> str:
        """Changes when anything the message shows changes."""
        row = self.message
        shown = (row.at, row.state, row.kind, row.text, row.media_pending, row.call, row.explanation, self.author)
        schedule = (row.held, row.send_at, row.zone, row.stop_on_reply, self.plans)
        attempts = [(attempt.pk, attempt.outcome, attempt.reason.text) for attempt in self.shown_attempts]
        files = [file.shown for file in self.files]
        group = (self.day, self.opens, self.closes, self.badge, row.machine)
        return digest(repr((shown, files, schedule, attempts, group)))


def day_of(item: MessageItem | NoteItem) -> date:
    """The day of the item in the viewer's time zone."""
    return timezone.localtime(item.at).date()


def item_order(item: MessageItem | NoteItem | Message) -> tuple[datetime, int]:
    """The sort key of the thread."""
    return item.at, item.rank


def arrange_items(
    rows: list[Message],
    attempts: dict[int, list[Attempt]],
    pictures: dict[int, dict[int, Attachment]],
    notes: list[NoteItem] | None = None,
    badges: dict[int, Badge] | None = None,
) -> list[MessageItem | NoteItem]:
    """Order messages and notes, group them, and mark where a day begins. Scheduled texts come last."""
    items = [
        MessageItem(
            row,
            attempts.get(row.pk, []),
            items_of_message(row, pictures.get(row.pk, {})),
            (badges or {}).get(row.pk),
        )
        for row in rows
    ]
    sent = [item for item in items if not item.planned]
    if notes:
        sent = sorted([*sent, *notes], key=item_order)
    for before, after in zip([None, *sent], sent, strict=False):
        if before is None or day_of(before) != day_of(after):
            after.day = day_of(after)
        elif _is_same_group(before, after):
            before.closes = after.opens = False
    planned = [item for item in items if item.planned]
    for first in planned[:1]:
        first.plans = True
    return sent + planned


def _is_same_group(first: MessageItem | NoteItem, second: MessageItem | NoteItem) -> bool:
    if isinstance(first, NoteItem) or isinstance(second, NoteItem):
        return False
    one, two = first.message, second.message
    return (
        one.inbound == two.inbound
        and "call" not in (one.kind, two.kind)
        and not (one.machine or two.machine)
        and first.settled
        and second.settled
        and first.author == second.author
        and two.at - one.at < GROUP_GAP
    )
