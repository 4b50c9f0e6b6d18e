"""How far a user has seen and read a thread."""

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from ...cursors import parse_id
from ...models import Conversation, Message, ReadMark
from ..thread.queries import parse_known

_table = connection.ops.quote_name(ReadMark._meta.db_table)
_FORWARD = (
    f"INSERT INTO {_table} (user_id, conversation_id, message_pk, at) VALUES (%s, %s, %s, %s) "  # noqa: S608 - our table
    "ON CONFLICT (user_id, conversation_id) DO UPDATE SET message_pk = excluded.message_pk, at = excluded.at "
    f"WHERE {_table}.message_pk < excluded.message_pk"
)


def mark_read(user, conversation: Conversation, up_to: int) -> bool:
    """Move the user's read mark forward to the message with primary key `up_to`, never back. Returns whether it moved.

    One statement; none when `conversation.read_to` (see thread.queries.find_conversation) is already there."""
    if up_to <= (conversation.read_to or 0):
        return False
    with connection.cursor() as cursor:
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        cursor.execute(_FORWARD, [user.pk, conversation.pk, up_to, now])
    conversation.read_to = up_to
    return True


def shown_to(data, conversation: Conversation) -> int | None:
    """Return the primary key of the newest message the page showed, 0 for none, None when the request does not say.

    The script sends what the page shows now (`have`), a plain form what it showed when it was rendered (`seen`)."""
    if "have" not in data and "seen" not in data:
        return None
    ids = [key for key in parse_known(data) if key.isdigit()]
    shown = Message.objects.filter(conversation=conversation, pk__in=ids)
    return max(parse_id(data.get("seen", "")) or 0, shown.aggregate(newest=Max("pk"))["newest"] or 0)


def mark_unread(user, conversation: Conversation) -> bool:
    """Move the user's read mark back to just before the newest inbound text that counts as unread (`is_news`).

    Returns False when there is no such text."""
    news = Message.objects.filter(conversation=conversation, inbound=True, is_news=True)
    newest = news.order_by("-pk").values_list("pk", flat=True).first()
    if newest is None:
        return False
    ReadMark.objects.update_or_create(
        user=user, conversation=conversation, defaults={"message_pk": newest - 1, "at": timezone.now()}
    )
    return True
