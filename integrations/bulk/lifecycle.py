"""Starts, pauses, resumes and cancels bulk texts."""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import jobs
from ..access import record_audit, require_member
from ..models import Account, AuditEntry, Bulk, BulkRecipient, Message
from ..outbox.bulk_queue import SEND, cancel_waiting, set_due_times
from ..outbox.merge_fields import BulkProblem
from ..outbox.safeguards import Safeguard
from .recipients import Action, State, Waits

AGAIN_WITHIN = timedelta(days=1)


class NeedsConfirmation(BulkProblem):
    """The bulk text was not started yet: the author must confirm it. `questions`: the safeguards that ask."""

    def __init__(self, reason: str, *questions: Safeguard):
        super().__init__(reason)
        self.questions = [one.value for one in questions]


def count_repeated(bulk: Bulk) -> int:
    """How many recipients got the same text by another bulk text within a day, or are waiting for it. One query."""
    others = BulkRecipient.objects.filter(
        bulk__account=bulk.account_id, contact__phone=OuterRef("contact__phone"), text=OuterRef("text")
    ).exclude(bulk=bulk.pk)
    waiting = Q(state=Waits.WAITING, bulk__state__in=[State.RUNNING, State.PAUSED])
    lately = Q(message__created_at__gt=timezone.now() - AGAIN_WITHIN)
    failed = Q(message__state__in=[Message.State.FAILED, Message.State.CANCELLED])
    return bulk.recipients.filter(Exists(others.filter(waiting | lately).exclude(failed)), state=Waits.WAITING).count()


def start_bulk(user, bulk: Bulk, accepted: Collection[str] = ()) -> bool:
    """Draft → running, with the text and times of the given instance. Returns False if it was started already.

    accepted: the safeguards whose questions the author has answered with “send”.
    Raises BulkProblem, NeedsConfirmation, PermissionDenied.
    """
    require_member(user, bulk.account_id)
    account = Account.objects.get(pk=bulk.account_id)
    if account.state != Account.State.CONNECTED:
        raise BulkProblem(
            _("“%(label)s” is not connected, so nothing was started. Reconnect it, then start the bulk text.")
            % {"label": account.label}
        )
    if not bulk.text or not bulk.recipients.filter(state=Waits.WAITING).exists():
        raise BulkProblem(_("This text has no recipients, so nothing was started. Change the text or select contacts."))
    if Safeguard.DUPLICATE not in accepted and (count := count_repeated(bulk)):
        raise NeedsConfirmation(
            ngettext(
                "%(count)s recipient got the same bulk text within the last day, or is about to get it. Nothing was "
                "started.",
                "%(count)s recipients got the same bulk text within the last day, or are about to get it. Nothing was "
                "started.",
                count,
            )
            % {"count": count},
            Safeguard.DUPLICATE,
        )
    seen = {name: getattr(bulk, name) for name in ("text", "start_at", "from_hour", "to_hour")}
    draft_as_seen = Bulk.objects.filter(pk=bulk.pk, state=State.DRAFT, **seen)
    with transaction.atomic():
        started = _switch(
            user,
            bulk,
            draft_as_seen,
            Action.BULK_STARTED,
            state=State.RUNNING,
            started_at=timezone.now(),
            accepted=list(accepted),
        )
        if started:
            set_due_times(bulk)
    if not started and bulk.state == State.DRAFT:
        raise BulkProblem(_("The text was changed in the meantime, so nothing was started. Check it again."))
    return started


def pause_bulk(user, bulk: Bulk) -> bool:
    """Running → paused. A text that is being sent may still be sent. Returns False if it is not running."""
    require_member(user, bulk.account_id)
    running = Bulk.objects.filter(pk=bulk.pk, state=State.RUNNING)
    return _switch(user, bulk, running, Action.BULK_PAUSED, state=State.PAUSED)


def resume_bulk(user, bulk: Bulk) -> bool:
    """Paused → running. Returns False if it is not paused."""
    require_member(user, bulk.account_id)
    paused = Bulk.objects.filter(pk=bulk.pk, state=State.PAUSED)
    return _switch(user, bulk, paused, Action.BULK_RESUMED, state=State.RUNNING)


def cancel_bulk(user, bulk: Bulk) -> bool:
    """Draft, running or paused → cancelled. Sent texts are not affected. Returns False if it has already ended."""
    require_member(user, bulk.account_id)
    not_ended = Bulk.objects.filter(pk=bulk.pk, state__in=[State.DRAFT, State.RUNNING, State.PAUSED])
    with transaction.atomic():
        if not _switch(user, bulk, not_ended, Action.BULK_CANCELLED, state=State.CANCELLED, finished_at=timezone.now()):
            return False
        # Recipients first: one that gets a message at the same time is then cancelled with the messages.
        bulk.recipients.filter(state=Waits.WAITING).update(state=Waits.CANCELLED)
        cancel_waiting(bulk)
    return True


def _switch(user, bulk: Bulk, rows: QuerySet[Bulk], action: AuditEntry.Action, **values) -> bool:
    """Changes the state by a conditional update. Returns False if no row matches, for example after a race."""
    with transaction.atomic():
        changed = bool(rows.update(**values))
        if changed:
            record_audit(user, action, bulk.account, bulk=bulk.pk)
            if values["state"] == State.RUNNING:
                jobs.enqueue(SEND, bulk.account_id)
    bulk.refresh_from_db()
    return changed
