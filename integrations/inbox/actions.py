"""What reading staff change in the cache."""

from django.utils import timezone

from ..models import Conversation, ReadMark


def mark_read(user, conversation: Conversation, up_to: int) -> bool:
    """Moves this person's mark forward to the message with that primary key, never back. True when it moved.

    `conversation.read_to` (see queries.conversation) spares the write when there is nothing new. One statement; who
    loses a race against another tab of the same person moves the mark with the next poll."""
    if up_to <= (conversation.read_to or 0):
        return False
    now = timezone.now()
    if conversation.read_to is None:
        mark = ReadMark(user=user, conversation=conversation, message_pk=up_to, at=now)
        ReadMark.objects.bulk_create([mark], ignore_conflicts=True)
    else:
        marks = ReadMark.objects.filter(user=user, conversation=conversation, message_pk__lt=up_to)
        marks.update(message_pk=up_to, at=now)
    conversation.read_to = up_to
    return True
