"""Read a thread in a fixed number of queries."""

from dataclasses import dataclass, field

from django.db.models import OuterRef, Q, QuerySet, Subquery

from ... import cursors
from ...contacts import profile_changes
from ...cursors import format_cursor, parse_cursor
from ...db.json_subquery import JsonSubquery, rows_from_json
from ...models import Attachment, Attempt, Conversation, Credential, Draft, Membership, Message, ReadMark, ThreadSync
from ...models.reason import REASON_COLUMNS
from . import note_items
from .message_items import MessageItem, arrange_items, day_of, item_order
from .note_items import NoteItem
from .reactions import place_reactions

KNOWN_AT_MOST = 80


def parse_known(data) -> dict[str, str]:
    """Return the messages and notes that the browser shows, in its order: {key: etag}."""
    known: dict[str, str] = {}
    for item in data.get("have", "")[:4000].split(",")[:KNOWN_AT_MOST]:
        key, _dash, etag = item.partition("-")
        if cursors.parse_key(key) is not None:
            known[key] = etag
    return known


MESSAGES = 50
LATER_REACTIONS = 50  # reactions below a slice that are searched for those to its texts


def find_conversation(user, pk: int) -> Conversation | None:
    """Return the conversation with its contact and account, or None when the user cannot see it. One query.

    `.read_to` is the user's read mark, None when there is none."""
    return _first(_visible(user, pk))


def read_conversation(user, pk: int) -> Conversation | None:
    """Return the conversation with everything its header and contact panel show, or None. One query.

    Annotations of the user besides those of `find_conversation`: `.draft_text` and `.draft_revision`, each None when
    there is none, and `.mentioned` (has an unseen mention). `.scopes` are the account's OAuth scopes, [] when
    unknown."""
    draft = Draft.objects.filter(user=user, conversation=OuterRef("pk"))
    found = _visible(user, pk).select_related("inbox", "owner", "snoozed_by")
    found = found.defer("inbox__raw", "owner__raw", "snoozed_by__password").annotate(
        draft_text=Subquery(draft.values("text")[:1]),
        draft_revision=Subquery(draft.values("revision")[:1]),
        mentioned=note_items.is_mentioned(user),
        scopes=Subquery(Credential.objects.filter(account=OuterRef("account")).values("scopes")[:1]),
    )
    return _first(found)


def _visible(user, pk: int) -> QuerySet[Conversation]:
    mark = ReadMark.objects.filter(user=user, conversation=OuterRef("pk")).values("message_pk")[:1]
    found = Conversation.objects.for_user(user).filter(pk=pk).select_related("contact", "account", "thread_sync")
    found = found.defer("raw", "contact__raw", "account__webhook_secret")
    return found.annotate(read_to=Subquery(mark), **profile_changes.annotate_names())


def _first(found: QuerySet[Conversation]) -> Conversation | None:
    rows = list(found[:1])
    profile_changes.apply_names(rows)
    return rows[0] if rows else None


@dataclass
class ThreadSlice:
    """A part of a thread, oldest first. `older` is the cursor of earlier messages, empty at the beginning."""

    items: list[MessageItem | NoteItem] = field(default_factory=list)
    older: str = ""
    gap: bool = False  # earlier messages have not been synced from Salesmsg yet
    begins: str = ""  # with a gap: the cursor before which they will appear

    @property
    def asleep(self) -> list[int]:
        """Primary keys of messages with attachments that have not been requested yet."""
        return [item.message.pk for item in self.items if any(file.asleep for file in item.files)]

    @property
    def messages(self) -> list[Message]:
        """The messages without the notes."""
        return [item.message for item in self.items if not item.note]

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
    "machine",
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


def read_slice(
    conversation: Conversation, *, before: str = "", limit: int = MESSAGES, top: str | None = None
) -> ThreadSlice:
    """Return the newest messages and notes, or the newest before a cursor.

    top: the key of the first item the browser shows. When it is above the slice, the first item gets no day heading."""
    account_id = conversation.account_id
    member = Membership.objects.filter(user=OuterRef("sender"), account=account_id).values("member__full_name")
    found = Message.objects.filter(conversation=conversation).select_related("sender").only(*_SHOWN)
    tries = Attempt.objects.filter(message=OuterRef("pk")).order_by("pk")
    files = Attachment.objects.filter(message=OuterRef("pk")).order_by("position")
    found = found.annotate(sender_member=Subquery(member[:1]), tries=JsonSubquery(tries), files=JsonSubquery(files))
    start = parse_cursor(before)
    if start is not None:
        at, rank = start
        # The boundary message is included, because its grouping can change with the messages above it.
        found = found.filter(Q(at__lt=at) | Q(rank__lte=rank), at__lte=at)
        limit += 1
    both = [*found.order_by("-at", "-rank")[: limit + 1], *note_items.newest_notes(conversation, limit + 1, start)]
    both = sorted(both, key=item_order)[-limit - 1 :]
    rows = [one for one in both if isinstance(one, Message)]
    older = len(both) > limit
    badges, placed = place_reactions(
        [*rows[older and isinstance(both[0], Message) :], *_later_reactions(conversation, start)]
    )
    rows = [row for row in rows if row.pk not in placed]
    attempts = {row.pk: rows_from_json(Attempt, row.tries) for row in rows}
    pictures = {row.pk: {one.position: one for one in rows_from_json(Attachment, row.files)} for row in rows}
    items = arrange_items(rows, attempts, pictures, [one for one in both if isinstance(one, NoteItem)], badges)
    if older:
        del items[0]
        del both[0]
    if items and not items[0].planned and (top is None or any(item.key == top for item in items)):
        items[0].day = day_of(items[0])
    if older:
        return ThreadSlice(items, format_cursor(both[0].at, both[0].rank))
    thread_sync: ThreadSync | None = getattr(conversation, "thread_sync", None)
    complete = thread_sync is not None and thread_sync.complete
    gap = conversation.vendor_id is not None and conversation.gone_at is None and not complete
    return ThreadSlice(items, gap=gap, begins=format_cursor(both[0].at, both[0].rank) if both else "")


def _later_reactions(conversation: Conversation, start: tuple | None) -> list[Message]:
    """The reactions after a slice that ends at `start`, oldest first. No query for the newest slice."""
    if start is None:
        return []
    at, rank = start
    found = Message.objects.filter(Q(at__gt=at) | Q(rank__gt=rank), at__gte=at, conversation=conversation)
    found = found.filter(machine=Message.Machine.REACTION).only("inbound", "state", "text", "machine")
    return list(found.order_by("at", "rank")[:LATER_REACTIONS])


def keys_above(conversation_id: int, thread_slice: ThreadSlice, keys: list[str]) -> set[str]:
    """Return the keys of the messages and notes that come before the slice; empty at the beginning of the thread."""
    if not (thread_slice.older and keys):
        return set()
    at, rank = item_order(thread_slice.items[0])
    earlier = Q(at__lt=at) | Q(at=at, rank__lt=rank)
    ids = [int(key) for key in keys if key.isdigit()]
    found = Message.objects.filter(earlier, conversation=conversation_id, pk__in=ids).values_list("pk", flat=True)
    return {str(pk) for pk in found} | note_items.notes_above(conversation_id, (at, rank), keys)
