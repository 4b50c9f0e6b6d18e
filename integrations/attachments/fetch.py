"""Downloads one file: claims the row, makes the call and stores the file. Few at a time, to keep workers for texts."""

import logging
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .. import gateway, jobs, mirror
from ..failures import NO_REASON, Code, Reason
from ..gateway import BudgetWait
from ..models import Attachment
from ..salesmsg.errors import NotFound, SalesmsgError, TooLarge, Unfit
from . import kinds
from .request import due_attachments, under_way

LEASE = timedelta(seconds=75)  # longer than the queue's task timeout
PAUSES = (5, 30, 120, 600)  # seconds before each retry
TRIES = len(PAUSES) + 1
State = Attachment.State

log = logging.getLogger(__name__)


def fetch_attachment(picture_id: int) -> str:
    """Task: downloads the file if it is due and few downloads are in progress, and enqueues the next one.

    Returns the outcome in one word.
    """
    if under_way() >= max(1, settings.QUEUE_WORKERS // 2):
        return "later"
    outcome = _fetch(picture_id)
    following = due_attachments().values_list("pk", flat=True).first()
    if following is not None:
        jobs.enqueue(mirror.FETCH_ATTACHMENT, following, keep=False)
    return outcome


def _fetch(picture_id: int) -> str:
    now = timezone.now()
    lease = now + LEASE
    waiting = Attachment.objects.filter(pk=picture_id, state=State.WAITING, due_at__lte=now)
    if not waiting.update(due_at=lease, attempts=F("attempts") + 1, **NO_REASON.columns()):
        return "taken"
    picture = Attachment.objects.select_related("message").defer("message__raw").get(pk=picture_id)
    if picture.attempts > TRIES:
        return _finish(picture, lease, State.LOST, Reason(Code.FILE_INTERRUPTED))
    try:
        body = gateway.file_of(picture.message.account_id, picture.url)
        return _store(picture, lease, body)
    except BudgetWait as wait:
        pause = timedelta(seconds=max(1.0, wait.seconds))
        waits = Reason(Code.NO_BUDGET).columns()
        _settle(picture, lease, due_at=now + pause, attempts=picture.attempts - 1, **waits)
        return "later"
    except TooLarge:
        largest = {"bytes": settings.SALESMSG_PICTURE_LARGEST}
        return _finish(picture, lease, State.REFUSED, Reason(Code.FILE_TOO_LARGE, largest))
    except Unfit:
        return _finish(picture, lease, State.REFUSED, Reason(Code.FILE_UNSAFE_ADDRESS))
    except SalesmsgError as error:
        return _retry(picture, lease, _reason(error))
    except OSError as error:
        log.error("Picture %d could not be written: %s", picture_id, type(error).__name__)
        return _retry(picture, lease, Reason(Code.FILE_NOT_WRITTEN))


def _reason(error: SalesmsgError) -> Reason:
    if isinstance(error, NotFound):
        return Reason(Code.FILE_GONE)
    return Reason(Code.FILE_SERVER_REFUSED if error.again == "never" else Code.FILE_SERVER_FAILED)


def _store(picture: Attachment, lease: datetime, body: bytes) -> str:
    kind = kinds.detect_kind(body)
    if kind is None:
        return _finish(picture, lease, State.REFUSED, Reason(Code.FILE_KIND_NOT_KEPT))
    # A unique name per attempt, so that a worker that lost its claim deletes only its own file.
    name = f"pictures/{picture.created_at:%Y/%m}/{picture.pk}-{secrets.token_hex(8)}"
    name = default_storage.save(name, ContentFile(body))
    stored = _settle(
        picture, lease, state=State.STORED, file=name, content_type=kind.content_type, size=len(body),
        width=kind.width, height=kind.height, fetched_at=timezone.now(), due_at=None,
    )  # fmt: skip
    if not stored:
        default_storage.delete(name)
        return "overtaken"
    if picture.file:
        default_storage.delete(picture.file.name)  # the file from before its URL changed
    return "stored"


def _retry(picture: Attachment, lease: datetime, reason: Reason) -> str:
    """Schedules a retry, or gives up after `TRIES` attempts."""
    if picture.attempts >= TRIES:
        return _finish(picture, lease, State.LOST, reason)
    pause = timedelta(seconds=PAUSES[picture.attempts - 1])
    _settle(picture, lease, due_at=timezone.now() + pause, **reason.columns())
    return "failed"


def _finish(picture: Attachment, lease: datetime, state: str, reason: Reason) -> str:
    _settle(picture, lease, state=state, due_at=None, **reason.columns())
    return str(state)


def _settle(picture: Attachment, lease: datetime, **values) -> bool:
    """Stores the outcome and marks the thread as changed. False if the claim is lost or the URL has changed."""
    message = picture.message
    with transaction.atomic():
        mirror.lock_thread(message.conversation_id)
        claimed = Attachment.objects.filter(pk=picture.pk, state=State.WAITING, due_at=lease, url=picture.url)
        if not claimed.update(**values):
            return False
        if "state" in values:
            mirror.touch(message.account_id, [message.conversation_id])
    return True
