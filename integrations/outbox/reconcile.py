"""Finding out what became of a text whose outcome was not seen."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction

from .. import mirror
from ..mirror.conversations import refresh_latest
from ..models import Account, Conversation, Message
from .compose import CannotSend

# Clocks differ, and the vendor writes whole seconds: how far from the claim its copy may be dated.
EARLY, LATE = timedelta(seconds=30), timedelta(minutes=10)
# What Salesmsg tells of a message; the text and who wrote it stay ours.
TOLD = (
    "vendor_id", "state", "vendor_status", "kind", "media", "media_pending", "author_vendor_id", "automated", "source",
    "failure", "at", "rank", "received_at", "sent_at", "delivered_at", "failed_at", "raw",
)  # fmt: skip


@transaction.atomic
def accept(user, message: Message) -> None:
    """A person says that it was sent: the oldest copy of it that Salesmsg shows and that is nobody's becomes its own.

    Raises CannotSend when there is none.
    """
    if not Account.objects.for_user(user).filter(pk=message.account_id).exists():
        raise PermissionDenied("You are not a member of this account.")
    Conversation.objects.select_for_update(of=("self",)).get(pk=message.conversation_id)  # in the order of pages
    ours = Message.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if ours.state != Message.State.UNKNOWN or ours.client_uuid is None or ours.vendor_id is not None:
        raise CannotSend("What became of this text is known by now.")
    copy = _copy(ours)
    if copy is None:
        raise CannotSend(
            "Salesmsg shows no such text around that time, as far as the portal has read. Nothing was changed. "
            "Look into the conversation at Salesmsg, and try again in a minute."
        )
    told = {name: getattr(copy, name) for name in TOLD}
    copy.delete()
    Message.objects.filter(pk=ours.pk).update(**told, due_at=None)
    refresh_latest(ours.conversation_id)
    mirror.touch(ours.account_id, [ours.conversation_id])


def _copy(ours: Message) -> Message | None:
    if ours.claimed_at is None:
        return None
    theirs = Message.objects.select_for_update(of=("self",)).filter(
        conversation=ours.conversation_id,
        inbound=False,
        client_uuid=None,
        vendor_id__isnull=False,
        at__gte=ours.claimed_at - EARLY,
        at__lte=ours.claimed_at + LATE,
    )
    words = ours.text.split()
    return next((one for one in theirs.order_by("at", "rank") if one.text.split() == words), None)
