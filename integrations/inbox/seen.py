"""How far a person was shown a thread when they did something, as their page tells; and how far they have read it."""

from django.db.models import Max
from django.utils import timezone

from ..models import Conversation, Message, ReadMark
from .pane import known_of
from .queries import number


def shown_to(data, conversation: Conversation) -> int | None:
    """The newest message that the page showed, by primary key; 0 for none. None when the page does not tell.

    A page with its script tells what it shows now (`have`), a plain form what it showed when it was drawn (`seen`)."""
    if "have" not in data and "seen" not in data:
        return None
    here = Message.objects.filter(conversation=conversation, pk__in=[key for key in known_of(data) if key.isdigit()])
    return max(number(data.get("seen", "")) or 0, here.aggregate(newest=Max("pk"))["newest"] or 0)


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
