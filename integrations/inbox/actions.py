"""What reading staff change in the cache."""

from django.db import connection
from django.utils import timezone

from ..models import Conversation, ReadMark

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
