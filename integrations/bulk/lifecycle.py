"""Starts, pauses, resumes and cancels bulk texts."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import jobs
from ..access import record_audit, require_member
from ..models import Account, Bulk, BulkRecipient
from ..outbox.bulk_queue import SEND, cancel_waiting
from ..outbox.merge_fields import BulkProblem

State, Waits = Bulk.State, BulkRecipient.State


def start_bulk(user, bulk: Bulk) -> bool:
    """Draft → running, with the text that `bulk` was read with. False when it runs already. Raises BulkProblem."""
    require_member(user, bulk.account_id)
    account = Account.objects.get(pk=bulk.account_id)
    if account.state != Account.State.CONNECTED:
        raise BulkProblem(
            _("“%(label)s” is not connected, so nothing was started. Connect it again, then start.")
            % {"label": account.label}
        )
    if not bulk.text or not bulk.recipients.filter(state=Waits.WAITING).exists():
        raise BulkProblem(_("Nobody would get this text, so nothing was started. Write it anew, or choose others."))
    draft_as_seen = Bulk.objects.filter(pk=bulk.pk, state=State.DRAFT, text=bulk.text)
    started = _switch(user, bulk, draft_as_seen, "started", state=State.RUNNING, started_at=timezone.now())
    if not started and bulk.state == State.DRAFT:
        raise BulkProblem(_("Somebody changed the text meanwhile, so nothing was started. Look at it again."))
    return started


def pause_bulk(user, bulk: Bulk) -> bool:
    """Running → paused; a text that is just leaving may still leave. False when it does not run."""
    require_member(user, bulk.account_id)
    return _switch(user, bulk, Bulk.objects.filter(pk=bulk.pk, state=State.RUNNING), "paused", state=State.PAUSED)


def resume_bulk(user, bulk: Bulk) -> bool:
    """Paused → running."""
    require_member(user, bulk.account_id)
    return _switch(user, bulk, Bulk.objects.filter(pk=bulk.pk, state=State.PAUSED), "resumed", state=State.RUNNING)


def cancel_bulk(user, bulk: Bulk) -> bool:
    """Ends it for good; what has left stays sent. False when it was over already."""
    require_member(user, bulk.account_id)
    alive = Bulk.objects.filter(pk=bulk.pk, state__in=[State.DRAFT, State.RUNNING, State.PAUSED])
    with transaction.atomic():
        if not _switch(user, bulk, alive, "cancelled", state=State.CANCELLED, finished_at=timezone.now()):
            return False
        # The recipients first: whoever was just handed out is then found among the messages.
        bulk.recipients.filter(state=Waits.WAITING).update(state=Waits.CANCELLED)
        cancel_waiting(bulk)
    return True


def _switch(user, bulk: Bulk, rows: QuerySet[Bulk], word: str, **values) -> bool:
    """The conditional update behind every change of state; who comes second changes nothing."""
    with transaction.atomic():
        changed = bool(rows.update(**values))
        if changed:
            record_audit(user, f"bulk text {word}", bulk.account, f"bulk text {bulk.pk}")
            if values["state"] == State.RUNNING:
                jobs.enqueue(SEND, bulk.account_id)
    bulk.refresh_from_db()
    return changed
