"""Detects messages that arrived while a user was writing, so that a reply does not answer an outdated thread."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from ..models import Conversation, Membership, Message

State = Message.State
LATE = timedelta(minutes=5)  # messages may arrive out of order by this much; older ones are history
UNSHOWN = timedelta(hours=1)  # for a page that showed no message: older messages are history
PLANNED = Q(state=State.QUEUED, send_at__isnull=False, due_at__isnull=False)


def newer_message(user: User, conversation: Conversation, seen: int) -> Message | None:
    """The newest message that the user has not seen, from the contact (preferred) or from another member.

    seen: the highest message primary key on the user's page. Primary keys follow the order of arrival, so synced
    history is recognized by its time. Two or three queries.
    """
    thread = Message.objects.filter(conversation=conversation).exclude(PLANNED)
    theirs = Q(inbound=True, machine="") | (Q(inbound=False, automated=False) & ~Q(state=State.CANCELLED) & ~_own(user))
    found = thread.filter(theirs, pk__gt=seen).exclude(kind=Message.Kind.CALL)
    unseen = list(found.select_related("sender").defer("raw").order_by("-at", "-rank")[:20])
    if not unseen:
        return None
    cutoff = _history_cutoff(thread, seen)
    newer = [message for message in unseen if message.at > cutoff]
    return next((message for message in newer if message.inbound), newer[0] if newer else None)


def collision_reason(user: User, conversation: Conversation, seen: int) -> str:
    """The message shown to a user who must read new messages before sending; empty if there are none."""
    message = newer_message(user, conversation, seen)
    if message is None:
        return ""
    if message.inbound:
        return _(
            "%(name)s texted while you were writing. Your text has not been sent. "
            "Read the new messages, then send it again."
        ) % {"name": conversation.contact.name}
    if name := message_author(message):
        return _(
            "%(name)s replied while you were writing. Your text has not been sent. "
            "Read the new messages, then send it again."
        ) % {"name": name}
    return _(
        "Someone replied while you were writing. Your text has not been sent. "
        "Read the new messages, then send it again."
    )


def message_author(message: Message) -> str:
    """Name of the member who wrote the message; empty if unknown."""
    sender = message.sender
    return (sender.get_full_name() or sender.get_username()) if sender else message.author_name


def _own(user: User) -> Q:
    """Messages that the user wrote in the portal or in Salesmsg."""
    members = Membership.objects.filter(user=user).exclude(member=None).values_list("member__vendor_id", flat=True)
    return Q(sender=user) | Q(sender=None, author_vendor_id__isnull=False, author_vendor_id__in=members)


def _history_cutoff(thread: QuerySet[Message], seen: int) -> datetime:
    """Messages at or before this time are history rather than news."""
    newest = thread.filter(pk__lte=seen).order_by("-at", "-rank").values_list("at", flat=True).first()
    return newest - LATE if newest else timezone.now() - UNSHOWN
