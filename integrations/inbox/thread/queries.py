"""What one thread shows. Reads only, in a fixed number of queries."""

from dataclasses import dataclass, field

from django.db.models import OuterRef, Q, Subquery

from ... import cursors
from ...contacts import profile_changes
from ...cursors import format_cursor, parse_cursor
from ...db.json_subquery import JsonSubquery, rows_from_json
from ...models import Attachment, Attempt, Conversation, Credential, Draft, Membership, Message, ReadMark, ThreadSync
from ...models.reason import REASON_COLUMNS
from . import note_items
from .message_items import MessageItem, arrange_items, day_of, item_order
from .note_items import NoteItem

KNOWN_AT_MOST = 80


def parse_known(data) -> dict[str, str]:
    """The messages and notes that a browser shows, in its order: {key: etag}."""
    known: dict[str, str] = {}
    for item in data.get("have", "")[:4000].split(",")[:KNOWN_AT_MOST]:
        key, _dash, etag = item.partition("-")
        if cursors.parse_key(key) is not None:
            known[key] = etag
    return known


MESSAGES = 50


def read_conversation(user, pk: int) -> Conversation | None:
    """The conversation with all that its head and its card show; of this person `.read_to`, their mark,
    `.draft_text` and `.draft_revision`, each None when there is none, and `.mentioned`: in a note, unseen; `.scopes`,
    what the account's access may do, [] where that is not known."""
    mark = ReadMark.objects.filter(user=user, conversation=OuterRef("pk")).values("message_pk")[:1]
    related = ("contact", "inbox", "owner", "account", "thread_sync", "snoozed_by")
    found = Conversation.objects.for_user(user).select_related(*related).annotate(read_to=Subquery(mark))
    draft = Draft.objects.filter(user=user, conversation=OuterRef("pk"))
    found = found.annotate(
        draft_text=Subquery(draft.values("text")[:1]),
        draft_revision=Subquery(draft.values("revision")[:1]),
        mentioned=note_items.is_mentioned(user),
        scopes=Subquery(Credential.objects.filter(account=OuterRef("account")).values("scopes")[:1]),
        **profile_changes.annotate_names(),
    )
    heavy = ("raw", "contact__raw", "inbox__raw", "owner__raw", "account__webhook_secret", "snoozed_by__password")
    rows = list(found.defer(*heavy).filter(pk=pk)[:1])
    profile_changes.apply_names(rows)
    return rows[0] if rows else None


@dataclass
class ThreadSlice:
    """A stretch of a thread, oldest first. `older` is the cursor of what comes before, empty at the beginning."""

    bubbles: list[MessageItem | NoteItem] = field(default_factory=list)
    older: str = ""
    gap: bool = False  # what comes before has not been read from Salesmsg yet,
    begins: str = ""  # and this is the place before which it will stand

    @property
    def asleep(self) -> list[int]:
        """Messages with files that nobody has asked for yet."""
        return [bubble.message.pk for bubble in self.bubbles if any(file.asleep for file in bubble.files)]

    @property
    def messages(self) -> list[Message]:
        """Those of it, without the notes."""
        return [bubble.message for bubble in self.bubbles if not bubble.note]

    @property
    def newest_inbound(self) -> int:
        return max((message.pk for message in self.messages if message.inbound), default=0)


_SHOWN = (
    "id",
    "account_id",
    "conversation_id",
    "inbound",
    "kind",
    "state",
    "text",
    "media",
    "media_pending",
    "call",
    "author_name",
    "author_vendor_id",
    "automated",
    *REASON_COLUMNS,
    "at",
    "rank",
    "is_news",
    "client_uuid",
    "due_at",
    "send_at",
    "zone",
    "stop_on_reply",
    "sender_id",
    "sender__username",
    "sender__first_name",
    "sender__last_name",
)


def read_slice(of: Conversation, *, before: str = "", limit: int = MESSAGES, top: str | None = None) -> ThreadSlice:
    """The newest messages and notes, or those before a cursor. `top`: the key of what a browser shows first; when that
    lies above the stretch, the first message here need not name its day."""
    member = Membership.objects.filter(user=OuterRef("sender"), account=of.account_id).values("member__full_name")
    found = Message.objects.filter(conversation=of).select_related("sender").only(*_SHOWN)
    tries = Attempt.objects.filter(message=OuterRef("pk")).order_by("pk")
    files = Attachment.objects.filter(message=OuterRef("pk")).order_by("position")
    found = found.annotate(sender_member=Subquery(member[:1]), tries=JsonSubquery(tries), files=JsonSubquery(files))
    start = parse_cursor(before)
    if start is not None:
        at, rank = start
        # The boundary itself comes along, so that it can be drawn anew below what is now above it.
        found = found.filter(Q(at__lt=at) | Q(rank__lte=rank), at__lte=at)
        limit += 1
    both = [*found.order_by("-at", "-rank")[: limit + 1], *note_items.newest_notes(of, limit + 1, start)]
    both = sorted(both, key=item_order)[-limit - 1 :]
    rows = [one for one in both if isinstance(one, Message)]
    attempts = {row.pk: rows_from_json(Attempt, row.tries) for row in rows}
    pictures = {row.pk: {one.position: one for one in rows_from_json(Attachment, row.files)} for row in rows}
    bubbles = arrange_items(rows, attempts, pictures, [one for one in both if isinstance(one, NoteItem)])
    older = len(both) > limit
    if older:
        del bubbles[0]
        del both[0]
    if bubbles and not bubbles[0].planned and (top is None or any(bubble.key == top for bubble in bubbles)):
        bubbles[0].day = day_of(bubbles[0])
    if older:
        return ThreadSlice(bubbles, format_cursor(both[0].at, both[0].rank))
    known: ThreadSync | None = getattr(of, "thread_sync", None)
    gap = of.vendor_id is not None and of.gone_at is None and not (known and known.complete)
    return ThreadSlice(bubbles, gap=gap, begins=format_cursor(both[0].at, both[0].rank) if both else "")


def keys_above(of: int, stretch: ThreadSlice, keys: list[str]) -> set[str]:
    """Which of these messages and notes of a conversation stand above the stretch, where it begins in the middle."""
    if not (stretch.older and keys):
        return set()
    at, rank = item_order(stretch.bubbles[0])
    earlier = Q(at__lt=at) | Q(at=at, rank__lt=rank)
    ids = [int(key) for key in keys if key.isdigit()]
    found = Message.objects.filter(earlier, conversation=of, pk__in=ids).values_list("pk", flat=True)
    return {str(pk) for pk in found} | note_items.notes_above(of, (at, rank), keys)
