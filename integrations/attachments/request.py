"""Ask for the files of messages. Makes no call itself."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from .. import jobs, mirror
from ..failures import NO_REASON
from ..models import Attachment, Message
from ..models.attachment import AttachmentQuerySet

State = Attachment.State


def due_attachments() -> AttachmentQuerySet:
    """What may be fetched now, what became due last first: that is what somebody looks at."""
    return Attachment.objects.filter(state=State.WAITING, due_at__lte=timezone.now()).order_by("-due_at", "-pk")


def under_way() -> int:
    """How many are being fetched: a claim lies ahead, and gives no reason for it."""
    return Attachment.objects.filter(state=State.WAITING, due_at__gt=timezone.now(), reason_code="").count()


def request_files(conversation_id: int, message_ids: Iterable[int]) -> None:
    """Somebody looks at these messages of a thread: their files are fetched now, however old they are."""
    ids = list(message_ids)
    with transaction.atomic():
        mirror.lock_thread(conversation_id)
        mirror.keep_attachments(Message.objects.filter(pk__in=ids).only("media", "is_news", "at"), fetch_now=True)
        asleep = Attachment.objects.filter(message__in=ids, state=State.WAITING, due_at=None)
        woken = list(asleep.order_by("message__at").values_list("pk", flat=True))
        if woken:
            Attachment.objects.filter(pk__in=woken, due_at=None).update(due_at=timezone.now())
            mirror.wake_fetches(woken)


def request_again(picture: Attachment) -> bool:
    """A person wants a file that could not be fetched, or that is missing on our disk. False: it was asked for."""
    with transaction.atomic():
        mirror.lock_thread(picture.message.conversation_id)
        asked = Attachment.objects.filter(pk=picture.pk, state=picture.state).exclude(state=State.WAITING)
        if not asked.update(state=State.WAITING, attempts=0, due_at=timezone.now(), **NO_REASON.columns()):
            return False
        mirror.touch(picture.message.account_id, [picture.message.conversation_id])
        mirror.wake_fetches([picture.pk])
    return True


def wake_due() -> int:
    """The sweep's part: nothing is under way although something is due. Returns how many nudges."""
    first = due_attachments().values_list("pk", flat=True).first()
    if first is None or under_way():
        return 0
    jobs.enqueue(mirror.FETCH_ATTACHMENT, first, keep=False)
    return 1
