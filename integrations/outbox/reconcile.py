"""Resolves texts whose outcome is unknown by comparing them with the thread in Salesmsg.

`mirror` links a text to its copy when a page contains exactly one (outbound, same text, about the same time, not linked
to another text). This sweep decides the rest after the thread was synced at a time when Salesmsg could no longer accept
the call: without a copy, the text has failed; an ambiguous copy is left for a person to decide.
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
from .safeguards import CannotSend

State = Message.State

_WORD, _LINK = re.compile(r"\w+"), re.compile(r"(?:https?://|www\.)\S+")

# Columns taken from the Salesmsg copy. The text and its author are kept.
VENDOR_COLUMNS = (
    "vendor_id", "state", "vendor_status", "kind", "media", "media_pending", "author_vendor_id", "automated", "source",
    "reason_code", "reason_params", "vendor_reason", "at", "rank", "received_at", "sent_at", "delivered_at",
    "failed_at", "raw",
)  # fmt: skip


def _conclusive_after(claimed_at: datetime, given_up_at: datetime | None) -> datetime:
    """The time from which a synced page is conclusive.

    By then Salesmsg no longer accepts the call, and the claim has expired (until then, mirror does not link copies).
    """
    accepted = claimed_at + timedelta(seconds=settings.SALESMSG_ACCEPTS_FOR)
    return max(accepted, given_up_at or accepted)


def reconcile_unknown() -> int:
    """Sweep: resolves the unknown texts that can be decided. Returns how many."""
    horizon = timezone.now() - timedelta(seconds=settings.SALESMSG_ACCEPTS_FOR)
    unknown = Message.objects.filter(
        state=State.UNKNOWN,
        vendor_id=None,
        client_uuid__isnull=False,
        claimed_at__lt=horizon,
        conversation__thread_sync__complete=True,
        conversation__thread_sync__read_at__gt=horizon - timedelta(days=2),
    ).exclude(reason_code=Code.AMBIGUOUS_COPY)
    resolved = 0
    dated = unknown.annotate(given_up_at=Max("attempts__finished_at"))
    for message in dated.select_related("conversation__thread_sync").order_by("claimed_at")[:200]:
        thread = message.conversation.thread_sync
        if thread.cursor or thread.read_at is None or message.claimed_at is None:
            continue
        if thread.read_at > _conclusive_after(message.claimed_at, message.given_up_at):
            resolved += _decide(message)
    return resolved


def find_copies(message: Message) -> list[Message]:
    """Messages in the Salesmsg thread that may be this text, likeliest first.

    They are outbound, not linked to another text, contain most of its words, and were either sent at about that time
    by the Salesmsg clock or first synced after the attempt.
    """
    if message.claimed_at is None:
        return []
    dated = Q(at__gte=message.claimed_at - EARLY, at__lte=message.claimed_at + LATE)
    candidates = Message.objects.filter(
        dated | Q(created_at__gte=message.claimed_at),
        conversation_id=message.conversation_id,
        inbound=False,
        client_uuid=None,
    ).exclude(kind=Message.Kind.CALL)
    if message.carries_our_pictures:
        candidates = candidates.filter(kind=Message.Kind.MMS)
    text = _normalize(message.text)
    copies = [copy for copy in candidates.order_by("at", "rank") if _is_similar(text, _normalize(copy.text))]
    return sorted(copies, key=lambda copy: text not in _normalize(copy.text))


@transaction.atomic
def accept_as_sent(user: User, message: Message) -> None:
    """Marks an unknown text as sent and links it to its likeliest copy.

    Raises CannotSend if Salesmsg has no copy; PermissionDenied if the user has no access to the account.
    """
    require_member(user, message.account_id)
    # Same lock order as in mirror: the conversation first.
    mirror.lock_thread(message.conversation_id)
    ours = Message.objects.select_for_update(of=("self",), no_key=True).get(pk=message.pk)
    if ours.state != State.UNKNOWN or ours.client_uuid is None or ours.vendor_id is not None:
        raise CannotSend(_("The outcome of this text is already known."))
    copies = find_copies(ours)
    if not copies:
        raise CannotSend(
            _(
                "No matching text has been synced from Salesmsg yet. Nothing was changed. Check the conversation in "
                "Salesmsg and try again in a minute."
            )
        )
    kept = {"kind", *OUR_MEDIA} if ours.carries_our_pictures else set()
    values = {name: getattr(copies[0], name) for name in VENDOR_COLUMNS if name not in kept}
    copies[0].delete()
    Message.objects.filter(pk=ours.pk).update(**values, due_at=None)
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


def _normalize(text: str) -> str:
    return " ".join(text.casefold().split())


def _is_similar(ours: str, theirs: str) -> bool:
    """Whether most words match. Salesmsg may add words (how to opt out), remove markup and replace links."""
    our_words, their_words = (set(_WORD.findall(_LINK.sub(" link ", text))) for text in (ours, theirs))
    overlap = len(our_words & their_words)
    return bool(ours and ours in theirs) or 2 * overlap > len(our_words) or not (our_words or their_words)
