"""Requests downloads of message files. Makes no calls; `fetch` downloads them."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from .. import jobs, mirror
from ..failures import NO_REASON
from ..models import Attachment, Message
from ..models.attachment import AttachmentQuerySet

State = Attachment.State


def due_attachments() -> AttachmentQuerySet:
    """Attachments to download now. The latest due first, because a user is most likely viewing them."""
    return Attachment.objects.filter(state=State.WAITING, due_at__lte=timezone.now()).order_by("-due_at", "-pk")


def under_way() -> int:
    """Number of downloads in progress: waiting attachments with a future due time and no reason are claimed."""
    return Attachment.objects.filter(state=State.WAITING, due_at__gt=timezone.now(), reason_code="").count()


def request_files(conversation_id: int, message_ids: Iterable[int]) -> None:
    """Schedules the files of messages that a user is viewing for download now, regardless of age."""
    ids = list(message_ids)
    with transaction.atomic():
        mirror.lock_thread(conversation_id)
        mirror.keep_attachments(Message.objects.filter(pk__in=ids).only("media", "is_news", "at"), fetch_now=True)
        unscheduled = Attachment.objects.filter(message__in=ids, state=State.WAITING, due_at=None)
        scheduled = list(unscheduled.order_by("message__at").values_list("pk", flat=True))
        if scheduled:
            Attachment.objects.filter(pk__in=scheduled, due_at=None).update(due_at=timezone.now())
            mirror.wake_fetches(scheduled)


def request_again(picture: Attachment) -> bool:
    """Schedules another download of a file that failed or is missing from storage. False if already scheduled."""
    with transaction.atomic():
        mirror.lock_thread(picture.message.conversation_id)
        unchanged = Attachment.objects.filter(pk=picture.pk, state=picture.state).exclude(state=State.WAITING)
        if not unchanged.update(state=State.WAITING, attempts=0, due_at=timezone.now(), **NO_REASON.columns()):
            return False
        mirror.touch(picture.message.account_id, [picture.message.conversation_id])
        mirror.wake_fetches([picture.pk])
    return True


def wake_due() -> int:
    """Sweep: enqueues a download task if attachments are due and none is in progress. Returns how many tasks."""
    first = due_attachments().values_list("pk", flat=True).first()
    if first is None or under_way():
        return 0
    jobs.enqueue(mirror.FETCH_ATTACHMENT, first, keep=False)
    return 1
