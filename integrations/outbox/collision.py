"""Whether a thread moved on since a person was shown it: then what they wrote may answer the wrong thing."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from ..models import Conversation, Membership, Message

State = Message.State
LATE = timedelta(minutes=5)  # a text may reach us after one that was written later; what is older is history
UNSHOWN = timedelta(hours=1)  # a page that showed no text at all had not missed what is older than this
PLANNED = Q(state=State.QUEUED, send_at__isnull=False, due_at__isnull=False)


def newer_message(user: User, conversation: Conversation, seen: int) -> Message | None:
    """The newest text that this person, whose page showed everything up to the primary key `seen`, has not been shown:
    one of the contact, or one of somebody else of us. Primary keys grow in order of arrival, so history that is filled
    in is told apart by its time. Two or three queries."""
    thread = Message.objects.filter(conversation=conversation).exclude(PLANNED)
    theirs = Q(inbound=True) | (Q(inbound=False, automated=False) & ~Q(state=State.CANCELLED) & ~_own(user))
    found = thread.filter(theirs, pk__gt=seen).exclude(kind=Message.Kind.CALL)
    unseen = list(found.select_related("sender").defer("raw").order_by("-at", "-rank")[:20])
    if not unseen:
        return None
    end = _shown_to(thread, seen)
    told = [message for message in unseen if message.at > end]
    return next((message for message in told if message.inbound), told[0] if told else None)


def collision_reason(user: User, conversation: Conversation, seen: int) -> str:
    """What to tell a person whose text must wait until they have read what is new; empty when nothing is."""
    message = newer_message(user, conversation, seen)
    if message is None:
        return ""
    if message.inbound:
        said = _(
            "%(name)s texted while you wrote. Your text has not been sent; read what is new, then send again."
        )  # fmt: skip
        return said % {"name": conversation.contact.name}
    if name := message_author(message):
        said = _("%(name)s answered while you wrote. Your text has not been sent; read what is new, then send again.")
        return said % {"name": name}
    return _("Somebody answered while you wrote. Your text has not been sent; read what is new, then send again.")


def message_author(message: Message) -> str:
    """Who of us wrote it; empty when Salesmsg does not say."""
    sender = message.sender
    return (sender.get_full_name() or sender.get_username()) if sender else message.author_name


def _own(user: User) -> Q:
    """What this person wrote here, or at Salesmsg itself."""
    me = Membership.objects.filter(user=user).exclude(member=None).values_list("member__vendor_id", flat=True)
    return Q(sender=user) | Q(sender=None, author_vendor_id__isnull=False, author_vendor_id__in=me)


def _shown_to(thread: QuerySet[Message], seen: int) -> datetime:
    """The time behind which a text stands at the end of what was shown."""
    newest = thread.filter(pk__lte=seen).order_by("-at", "-rank").values_list("at", flat=True).first()
    return newest - LATE if newest else timezone.now() - UNSHOWN
