"""Texts whose outcome nobody saw: what Salesmsg's thread tells about them.

`mirror` links a text to its copy when a page shows exactly one (our direction, the same words, about that time, not
linked to another text). This sweep decides the rest, once a page was read after Salesmsg could no longer accept the
call: nothing there means that it was not sent; a copy that may or may not be it waits for a person.
"""

import re
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import mirror
from ..access import require_member
from ..failures import Code, Reason
from ..mirror.conversations import refresh_latest
from ..mirror.messages import EARLY, LATE, OUR_MEDIA
from ..models import Message
from .compose import CannotSend

State = Message.State

_WORD, _LINK = re.compile(r"\w+"), re.compile(r"(?:https?://|www\.)\S+")

# What Salesmsg tells of a message; the text and who wrote it stay ours.
TOLD = (
    "vendor_id", "state", "vendor_status", "kind", "media", "media_pending", "author_vendor_id", "automated", "source",
    "reason_code", "reason_params", "vendor_reason", "at", "rank", "received_at", "sent_at", "delivered_at",
    "failed_at", "raw",
)  # fmt: skip


def _tells_after(claimed_at: datetime, given_up_at: datetime | None) -> datetime:
    """A page that was read after this moment tells for sure: Salesmsg could no longer act on the call, and no worker
    was still believed to be sending it (until then, pages leave its copy for later)."""
    accepted = claimed_at + timedelta(seconds=settings.SALESMSG_ACCEPTS_FOR)
    return max(accepted, given_up_at or accepted)


def reconcile_unknown() -> int:
    """Settles what can be settled. Returns how many texts were."""
    horizon = timezone.now() - timedelta(seconds=settings.SALESMSG_ACCEPTS_FOR)
    doubtful = Message.objects.filter(
        state=State.UNKNOWN,
        vendor_id=None,
        client_uuid__isnull=False,
        claimed_at__lt=horizon,
        conversation__thread_sync__complete=True,
        conversation__thread_sync__read_at__gt=horizon - timedelta(days=2),
    ).exclude(reason_code=Code.AMBIGUOUS_COPY)
    settled = 0
    dated = doubtful.annotate(given_up_at=Max("attempts__finished_at"))
    for message in dated.select_related("conversation__thread_sync").order_by("claimed_at")[:200]:
        thread = message.conversation.thread_sync
        if thread.cursor or thread.read_at is None or message.claimed_at is None:
            continue
        if thread.read_at > _tells_after(message.claimed_at, message.given_up_at):
            settled += _decide(message)
    return settled


def find_copies(message: Message) -> list[Message]:
    """Texts in Salesmsg's thread that may be this one, the likeliest first: outbound, nobody's, with its words or most
    of them, and from about that time by Salesmsg's clock, or first seen since by ours."""
    if message.claimed_at is None:
        return []
    dated = Q(at__gte=message.claimed_at - EARLY, at__lte=message.claimed_at + LATE)
    near = Message.objects.filter(
        dated | Q(created_at__gte=message.claimed_at),
        conversation_id=message.conversation_id,
        inbound=False,
        client_uuid=None,
    ).exclude(kind=Message.Kind.CALL)
    if message.carries_our_pictures:
        near = near.filter(kind=Message.Kind.MMS)
    wanted = _plain(message.text)
    alike = [copy for copy in near.order_by("at", "rank") if _alike(wanted, _plain(copy.text))]
    return sorted(alike, key=lambda copy: wanted not in _plain(copy.text))


@transaction.atomic
def accept_as_sent(user: User, message: Message) -> None:
    """A person says that it was sent: the oldest copy of it that is nobody's becomes its own.

    Raises CannotSend when Salesmsg shows none; PermissionDenied when the person may not see the account.
    """
    require_member(user, message.account_id)
    # In the order of pages: the conversation first.
    mirror.lock_thread(message.conversation_id)
    ours = Message.objects.select_for_update(of=("self",), no_key=True).get(pk=message.pk)
    if ours.state != State.UNKNOWN or ours.client_uuid is None or ours.vendor_id is not None:
        raise CannotSend(_("What became of this text is known by now."))
    found = find_copies(ours)
    if not found:
        raise CannotSend(
            _(
                "Salesmsg shows no such text around that time, as far as the portal has read. Nothing was "
                "changed. Look into the conversation at Salesmsg, and try again in a minute."
            )
        )
    kept = {"kind", *OUR_MEDIA} if ours.carries_our_pictures else set()
    told = {name: getattr(found[0], name) for name in TOLD if name not in kept}
    found[0].delete()
    Message.objects.filter(pk=ours.pk).update(**told, due_at=None)
    refresh_latest(ours.conversation_id)
    mirror.touch(ours.account_id, [ours.conversation_id])


def _decide(message: Message) -> int:
    values = Reason(Code.AMBIGUOUS_COPY).columns()
    if not find_copies(message):
        values = {"state": State.FAILED, "failed_at": timezone.now(), **Reason(Code.NOT_AT_VENDOR).columns()}
    with transaction.atomic():
        mirror.lock_thread(message.conversation_id)
        if not Message.objects.filter(pk=message.pk, state=State.UNKNOWN, vendor_id=None).update(**values):
            return 0
        refresh_latest(message.conversation_id)
        mirror.touch(message.account_id, [message.conversation_id])
    return 1


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _alike(ours: str, theirs: str) -> bool:
    """Salesmsg may add words (how to opt out), take markup away, or put links of its own in: most words will do."""
    here, there = (set(_WORD.findall(_LINK.sub(" link ", text))) for text in (ours, theirs))
    return bool(ours and ours in theirs) or 2 * len(here & there) > len(here) or not (here or there)
