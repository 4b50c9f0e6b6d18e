"""Texts whose outcome nobody saw: what Salesmsg's thread tells about them.

`mirror` links a text to its copy when a page shows exactly one (our direction, the same words, about that time, not
linked to another text). This sweep decides the rest, once a page was read after Salesmsg could no longer accept the
call: nothing there means that it was not sent; a copy that may or may not be it waits for a person.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from .. import mirror
from ..mirror.conversations import refresh_latest
from ..mirror.messages import EARLY, LATE
from ..models import Message

State = Message.State
NOT_SENT = "Salesmsg does not have this text, so it was not sent."
AMBIGUOUS = (
    "Salesmsg has a text with these words from about that time, but it cannot be told whether it is this one. Look at "
    "the conversation and decide."
)


def accepted_until(message: Message):
    """Until when Salesmsg could still act on the call."""
    return message.claimed_at + timedelta(seconds=settings.SALESMSG_ACCEPTS_FOR)


def sweep() -> int:
    """Settles what can be settled. Returns how many texts were."""
    horizon = timezone.now() - timedelta(seconds=settings.SALESMSG_ACCEPTS_FOR)
    doubtful = Message.objects.filter(
        state=State.UNKNOWN,
        vendor_id=None,
        client_uuid__isnull=False,
        claimed_at__lt=horizon,
        conversation__thread_sync__complete=True,
        conversation__thread_sync__read_at__gt=horizon - timedelta(days=2),
    ).exclude(failure=AMBIGUOUS)
    settled = 0
    for message in doubtful.select_related("conversation__thread_sync").order_by("claimed_at")[:200]:
        thread = message.conversation.thread_sync
        if thread.read_at > accepted_until(message) and not thread.cursor:
            settled += _decide(message)
    return settled


def copies(message: Message):
    """Texts in Salesmsg's thread that may be this one: outbound, about that time, not linked, with its words."""
    near = Message.objects.filter(
        conversation_id=message.conversation_id,
        inbound=False,
        client_uuid=None,
        at__gte=message.claimed_at - EARLY,
        at__lte=message.claimed_at + LATE,
    ).order_by("at", "rank")
    # Salesmsg may add words of its own, such as how to opt out.
    wanted = _plain(message.text)
    return [copy for copy in near if wanted in _plain(copy.text)]


def _decide(message: Message) -> int:
    values = {"failure": AMBIGUOUS}
    if not copies(message):
        values = {"state": State.FAILED, "failure": NOT_SENT, "failed_at": timezone.now()}
    with transaction.atomic():
        if not Message.objects.filter(pk=message.pk, state=State.UNKNOWN, vendor_id=None).update(**values):
            return 0
        refresh_latest(message.conversation_id)
        mirror.touch(message.account_id, [message.conversation_id])
    return 1


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
