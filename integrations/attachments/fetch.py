"""Fetching one file: claim, call, store. Few at a time, so that texts always find a free worker."""

import logging
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from .. import gateway, jobs, mirror
from ..gateway import BudgetWait
from ..models import Attachment
from ..salesmsg.errors import NotFound, SalesmsgError, TooLarge, Unfit
from . import kinds
from .request import due_attachments, under_way

LEASE = timedelta(seconds=75)  # longer than the queue lets a task live
PAUSES = (5, 30, 120, 600)  # seconds after each failure; the one after the last is final
TRIES = len(PAUSES) + 1
State = Attachment.State

log = logging.getLogger(__name__)


def fetch_attachment(picture_id: int) -> str:
    """The task: fetches the file if it is due and a place is free. Returns what came of it, in a word."""
    if under_way() >= max(1, settings.QUEUE_WORKERS // 2):
        return "later"
    outcome = _fetched(picture_id)
    following = due_attachments().values_list("pk", flat=True).first()
    if following is not None:
        jobs.enqueue(mirror.FETCH_ATTACHMENT, following, keep=False)
    return outcome


def _fetched(picture_id: int) -> str:
    now = timezone.now()
    lease = now + LEASE
    waiting = Attachment.objects.filter(pk=picture_id, state=State.WAITING, due_at__lte=now)
    if not waiting.update(due_at=lease, attempts=F("attempts") + 1, reason=""):
        return "taken"
    picture = Attachment.objects.select_related("message").defer("message__raw").get(pk=picture_id)
    if picture.attempts > TRIES:
        return _ended(picture, lease, State.LOST, "Fetching it broke off again and again.")
    try:
        body = gateway.file_of(picture.message.account_id, picture.url)
        return _stored(picture, lease, body)
    except BudgetWait as wait:
        pause = timedelta(seconds=max(1.0, wait.seconds))
        _settle(picture, lease, due_at=now + pause, attempts=picture.attempts - 1, reason="Waits for a free call.")
        return "later"
    except TooLarge:
        bound = filesizeformat(settings.SALESMSG_PICTURE_LARGEST).replace(".0", "")
        return _ended(picture, lease, State.REFUSED, f"It is larger than {bound}. Salesmsg still has it.")
    except Unfit:
        return _ended(picture, lease, State.REFUSED, "It lies at an address that is not safe to ask.")
    except SalesmsgError as trouble:
        return _failed(picture, lease, _words(trouble))
    except OSError as trouble:
        log.error("Picture %d could not be written: %s", picture_id, type(trouble).__name__)
        return _failed(picture, lease, "It could not be written to the portal's disk.")


def _words(trouble: SalesmsgError) -> str:
    if isinstance(trouble, NotFound):
        return "It is no longer where Salesmsg said it is."
    if trouble.again == "never":
        return "The server that keeps it refused to give it."
    return "The server that keeps it did not answer as it should."


def _stored(picture: Attachment, lease: datetime, body: bytes) -> str:
    kind = kinds.detect_kind(body)
    if kind is None:
        kept = "pictures, sound, video, PDF and contact cards"
        return _ended(picture, lease, State.REFUSED, f"It is of no kind that is kept here ({kept}).")
    # A name of its own for every try: who is too late deletes only what is theirs.
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
        default_storage.delete(picture.file.name)  # what it was before its address changed
    return "stored"


def _failed(picture: Attachment, lease: datetime, reason: str) -> str:
    """Later again, and given up after some tries."""
    if picture.attempts >= TRIES:
        return _ended(picture, lease, State.LOST, reason)
    pause = timedelta(seconds=PAUSES[picture.attempts - 1])
    _settle(picture, lease, due_at=timezone.now() + pause, reason=reason)
    return "failed"


def _ended(picture: Attachment, lease: datetime, state: str, reason: str) -> str:
    _settle(picture, lease, state=state, reason=reason, due_at=None)
    return str(state)


def _settle(picture: Attachment, lease: datetime, **values) -> bool:
    """Writes the outcome unless the row has moved on: claimed by somebody else, or told anew. Open threads learn it."""
    message = picture.message
    with transaction.atomic():
        mirror.lock_thread(message.conversation_id)
        mine = Attachment.objects.filter(pk=picture.pk, state=State.WAITING, due_at=lease, url=picture.url)
        if not mine.update(**values):
            return False
        if "state" in values:
            mirror.touch(message.account_id, [message.conversation_id])
    return True
