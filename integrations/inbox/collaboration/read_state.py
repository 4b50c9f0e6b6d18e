"""How far a person was shown a thread, and how far they have read it."""

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
    """Moves this person's mark forward to the message with that primary key, never back. True when it moved.

    `conversation.read_to` (see queries.conversation) spares the write when there is nothing new. One statement."""
    if up_to <= (conversation.read_to or 0):
        return False
    with connection.cursor() as cursor:
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        cursor.execute(_FORWARD, [user.pk, conversation.pk, up_to, now])
    conversation.read_to = up_to
    return True


def shown_to(data, conversation: Conversation) -> int | None:
    """The newest message that the page showed, by primary key; 0 for none. None when the page does not tell.

    A page with its script tells what it shows now (`have`), a plain form what it showed when it was drawn (`seen`)."""
    if "have" not in data and "seen" not in data:
        return None
    here = Message.objects.filter(conversation=conversation, pk__in=[key for key in parse_known(data) if key.isdigit()])
    return max(parse_id(data.get("seen", "")) or 0, here.aggregate(newest=Max("pk"))["newest"] or 0)


def mark_unread(user, conversation: Conversation) -> bool:
    """Moves this person's mark back to before the newest text that came as news. False when there is none."""
    news = Message.objects.filter(conversation=conversation, inbound=True, is_news=True)
    newest = news.order_by("-pk").values_list("pk", flat=True).first()
    if newest is None:
        return False
    ReadMark.objects.update_or_create(
        user=user, conversation=conversation, defaults={"message_pk": newest - 1, "at": timezone.now()}
    )
    return True
