"""Delivers one text to Salesmsg, at most once.

queued → sending (committed before the call) → sent | failed | unknown. The API has no idempotency key, so a call is
repeated only if it surely had no effect (salesmsg-api.md, section 9). A text that may have been sent stays `unknown`
until the thread shows it (`reconcile`) or a person decides.

A claim consists of the state `sending` and `claimed_at`. A worker confirms its claim before the call and filters by it
when it stores the outcome, so a slow worker whose claim has expired changes nothing.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from .. import gateway, jobs, mirror
from ..contacts import opt_out
from ..crypto import Unsealable
from ..failures import NO_REASON, Code, Reason
from ..gateway import ApiSession, BudgetWait, NotConnected
from ..mirror.contacts import merge_draft
from ..mirror.conversations import refresh_latest
from ..models import Account, Attempt, BudgetCall, Bulk, Contact, Conversation, Message
from ..salesmsg.errors import CredentialRefused, Invalid, SalesmsgError
from ..sync.request import schedule_refresh
from . import media_urls, safeguards, scheduled
from .compose import SEND, SEND_BULK
from .safeguards import Answer, Finding

State = Message.State
Lane = BudgetCall.Lane
SHORTEST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
GIVE_UP = timedelta(hours=12)  # a text that could not be sent for this long fails, for a person to decide


def waiting_messages() -> Q:
    """Queued texts from the portal that do not belong to a paused or ended bulk text."""
    not_paused = Q(bulk=None) | Q(bulk__in=Bulk.objects.filter(state=Bulk.State.RUNNING))
    return Q(not_paused, state=State.QUEUED, client_uuid__isnull=False, vendor_id=None)


def ready_messages(account_id: int) -> QuerySet[Message]:
    """Texts that may be sent now, without bulk texts: the first of each thread, earliest due first."""
    now = timezone.now()
    due = Message.objects.filter(waiting_messages(), account_id=account_id, bulk=None, due_at__lte=now)
    return due.exclude(Exists(_before(OuterRef("conversation_id"), OuterRef("pk"), now))).order_by("due_at", "pk")


def deliver_message(message_id: int, *, patience: float = 0.0) -> str:
    """Delivers one text now, for the command line. Returns its new state, or "" if it cannot be claimed.

    patience: seconds to wait for the budget.
    """
    now = timezone.now()
    row = Message.objects.filter(waiting_messages(), pk=message_id, due_at__lte=now).first()
    if row is None or _before(row.conversation_id, row.pk, now).exists():
        return ""
    session = gateway.open_session(row.account_id, lane_for(row), patience=patience)
    try:
        session.reserve()
        return send_message(message_id, session)
    except BudgetWait:
        return State.QUEUED
    except (NotConnected, Unsealable) as error:
        return fail_message(message_id, Reason.from_error(error))
    except SalesmsgError as error:
        return postpone_message(message_id, error)
    finally:
        session.release()


def lane_for(message: Message) -> str:
    return Lane.INTERACTIVE if message.bulk_id is None else Lane.BULK


def send_message(message_id: int, session: ApiSession) -> str:
    """Claims and delivers a text with a session that has reserved its call. Returns the same as `deliver_message`."""
    message = _claim(message_id)
    if message is None:
        return ""
    if verdict := scheduled.check_hold(message):
        values = scheduled.kept_back(message, verdict)
        _settle(message, **values)
        state: str = values["state"]
        return state
    if message.account.state != Account.State.CONNECTED:
        return _fail(message, Reason(Code.NOT_CONNECTED))
    if finding := safeguards.check_dispatch(message):
        return _stop(message, finding)
    try:
        conversation_id = _open_conversation(message, session)
    except BudgetWait as wait:
        return _requeue(message, wait.until)
    except (NotConnected, Unsealable) as error:
        return _fail(message, Reason.from_error(error))
    except SalesmsgError as error:
        # Safe to retry: no text was sent, and opening a conversation twice returns the same one.
        return _requeue_or_fail(message, error)
    return _send(message, conversation_id, session)


def fail_message(message_id: int, reason: Reason) -> str:
    """Fails a text that cannot be sent, before any call."""
    message = _claim(message_id)
    return _fail(message, reason) if message is not None else ""


def postpone_message(message_id: int, error: SalesmsgError) -> str:
    """Requeues a text after an error before the call, such as a token error; fails it after `GIVE_UP`."""
    message = _claim(message_id)
    return _requeue_or_fail(message, error) if message is not None else ""


def claim_lifetime() -> timedelta:
    """How long a claim is valid without renewal: longer than two calls can take."""
    return timedelta(seconds=sum(settings.SALESMSG_TIMEOUT) * 2.25)


def expire_claims() -> int:
    """Sweep: releases the claims of workers that stopped. Returns how many.

    A text without a call to Salesmsg is queued again; one with a call becomes unknown.
    """
    now = timezone.now()
    stale = Message.objects.filter(
        state=State.SENDING, claimed_at__lt=now - claim_lifetime(), client_uuid__isnull=False
    )
    count = 0
    for message in stale[:100]:
        # Only these outcomes prove that the text was not sent.
        if message.attempts.exclude(outcome__in=[Attempt.Outcome.NOT_DONE, Attempt.Outcome.REFUSED]).exists():
            message.attempts.filter(outcome=Attempt.Outcome.RUNNING).update(
                outcome=Attempt.Outcome.UNCLEAR, finished_at=now, **Reason(Code.WORKER_STOPPED).columns()
            )
            _mark_unknown(message, Reason(Code.WORKER_STOPPED))
        else:
            _requeue(message, now)
        count += 1
    return count


def _before(conversation_id: int | OuterRef, message_id: int | OuterRef, now: datetime) -> QuerySet[Message]:
    """Earlier texts of the thread that go first: being sent, due or postponed."""
    due = Q(send_at=None) | Q(send_at__lte=now)
    first = Q(state=State.SENDING) | Q(due, state=State.QUEUED, due_at__isnull=False, bulk=None)
    thread = Message.objects.filter(conversation_id=conversation_id, client_uuid__isnull=False)
    return thread.filter(first, state__in=[State.SENDING, State.QUEUED], pk__lt=message_id).order_by()


def _claim(message_id: int) -> Message | None:
    """queued → sending, for this worker only. None if claimed elsewhere or if an earlier text of the thread waits."""
    now = timezone.now()
    message = Message.objects.filter(waiting_messages(), pk=message_id, due_at__lte=now).first()
    if message is None or _before(message.conversation_id, message.pk, now).exists():
        return None
    with transaction.atomic():
        mirror.lock_thread(message.conversation_id)  # the thread first, as everywhere
        claimed = Message.objects.filter(waiting_messages(), pk=message_id, due_at__lte=now).update(
            state=State.SENDING, claimed_at=now
        )
        if not claimed:
            return None
        if message.send_at is not None:  # a scheduled text is not the latest message until it is sent
            refresh_latest(message.conversation_id)
        mirror.touch(message.account_id, [message.conversation_id])
    return Message.objects.select_related("account", "conversation__contact", "conversation__inbox").get(pk=message_id)


def _claimed(message: Message) -> QuerySet[Message]:
    """Queryset of the message's row while this claim is valid."""
    return Message.objects.filter(pk=message.pk, state=State.SENDING, claimed_at=message.claimed_at)


def _confirm(message: Message) -> Attempt | None:
    """Records an attempt right before the call, so that a crash is recognized. None if the claim is lost."""
    with transaction.atomic():
        if not _renew_claim(message):
            return None
        return message.attempts.create(started_at=message.claimed_at or timezone.now())


def _renew_claim(message: Message) -> bool:
    """Renews the claim. False if it is lost."""
    now = timezone.now()
    if not _claimed(message).update(claimed_at=now):
        return False
    message.claimed_at = now
    return True


def _open_conversation(message: Message, session: ApiSession) -> int:
    """The vendor id of the conversation. Creates the contact and conversation in Salesmsg if they are drafts."""
    conversation = message.conversation
    if conversation.vendor_id is not None:
        return conversation.vendor_id
    contact = conversation.contact
    contact_id = contact.vendor_id if contact.vendor_id is not None else _create_contact(contact, session)
    inbox = conversation.inbox
    record = session.client.open_conversation(contact_id, inbox.vendor_id if inbox else None)
    with transaction.atomic():
        # Lock, so that a text queued in the draft at the same time is not deleted with it.
        Conversation.objects.select_for_update(of=("self",)).get(pk=conversation.pk)
        rows = mirror.upsert_conversations(message.account_id, [record]).rows
        real = rows.get(record.id)
        if real is None:
            real = conversation
            Conversation.objects.filter(pk=real.pk).update(vendor_id=record.id)
        if real.pk != conversation.pk:
            Message.objects.filter(conversation=conversation).update(conversation=real)
            conversation.delete()
            refresh_latest(real.pk)
        message.conversation = real
    return record.id


def _create_contact(draft: Contact, session: ApiSession) -> int:
    """Creates the contact in Salesmsg and returns its vendor id."""
    try:
        record = session.client.create_contact(draft.phone)
    except Invalid as invalid:
        if invalid.contact_id is None:
            raise
        record = session.client.contact(invalid.contact_id)
    with transaction.atomic():
        rows, _ = mirror.upsert_contacts(draft.account_id, [record])
        real = rows[record.id]
        draft.refresh_from_db()
        if draft.vendor_id is None:
            merge_draft(draft, real)
    return record.id


def _send(message: Message, conversation_id: int, session: ApiSession) -> str:
    message.conversation.contact.refresh_from_db()
    if reason := opt_out.why_not_textable(message.conversation.contact):
        return _fail(message, reason)
    try:
        session.reserve()
    except BudgetWait as wait:
        return _requeue(message, wait.until)
    except (NotConnected, Unsealable) as error:
        return _fail(message, Reason.from_error(error))
    except SalesmsgError as error:
        return _requeue_or_fail(message, error)
    attempt = _confirm(message)
    if attempt is None:
        return ""
    session.may_repeat = partial(_renew_claim, message)  # a retry with a new token may come much later
    try:
        record = session.client.send_message(conversation_id, message.text, media_urls.signed_urls(message))
    except (BudgetWait, NotConnected, Unsealable, SalesmsgError) as error:
        with transaction.atomic():  # store the outcome of attempt and text together
            return _record_error(message, attempt, error)
    with transaction.atomic():
        mirror.adopt(message, record)
        accepted = record.state != "failed"
        outcome = Attempt.Outcome.ACCEPTED if accepted else Attempt.Outcome.REFUSED
        reason = Reason(Code.ACCEPTED, {"id": record.id, "vendor_status": record.vendor_status})
        _close(attempt, outcome, reason if accepted else Reason.from_vendor(record.failed_reason))
    if accepted:
        schedule_refresh(message.conversation_id, delay=3.0, following=True)
    return Message.objects.values_list("state", flat=True).get(pk=message.pk)


def _record_error(message: Message, attempt: Attempt, error: Exception) -> str:
    """Stores the outcome of a call that raised an error. Returns the new state of the text."""
    if isinstance(error, BudgetWait):
        _close(attempt, Attempt.Outcome.NOT_DONE, Reason(Code.NO_BUDGET))
        return _requeue(message, error.until)
    reason = Reason.from_error(error)
    if not isinstance(error, SalesmsgError):
        _close(attempt, Attempt.Outcome.REFUSED, reason)
        return _fail(message, reason)
    if error.done is None:
        _close(attempt, Attempt.Outcome.UNCLEAR, reason)
        return _mark_unknown(message, reason)
    if error.again == "never":
        _close(attempt, Attempt.Outcome.REFUSED, reason)
        return _fail(message, reason.with_carrier_code())
    _close(attempt, Attempt.Outcome.NOT_DONE, reason)
    return _requeue_or_fail(message, error)


def _close(attempt: Attempt, outcome: str, reason: Reason) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(outcome=outcome, finished_at=timezone.now(), **reason.columns())


def _requeue_or_fail(message: Message, error: SalesmsgError) -> str:
    """Requeues the text with exponential backoff, or fails it if the error is permanent or `GIVE_UP` has passed."""
    if error.done is False and error.again == "never":
        return _fail(message, Reason.from_error(error))
    if timezone.now() - (message.send_at or message.created_at) > GIVE_UP:
        return _fail(message, Reason.from_error(error, gave_up=True))
    tries = message.attempts.filter(outcome=Attempt.Outcome.NOT_DONE).count()
    pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** min(tries, 10))
    if isinstance(error, CredentialRefused):
        pause = SHORTEST_PAUSE
    return _requeue(message, timezone.now() + timedelta(seconds=pause), Reason.from_error(error))


def _requeue(message: Message, until: datetime, reason: Reason = NO_REASON) -> str:
    _settle(message, State.QUEUED, due_at=until, **reason.columns())
    interactive = message.bulk_id is None
    delay = max(0.05, (until - timezone.now()).total_seconds())
    jobs.enqueue(SEND if interactive else SEND_BULK, message.account_id, delay=delay, urgent=interactive)
    return State.QUEUED


def _fail(message: Message, reason: Reason) -> str:
    _settle(message, State.FAILED, due_at=None, failed_at=timezone.now(), **reason.columns())
    return State.FAILED


def _stop(message: Message, finding: Finding) -> str:
    """Fails the text, lets it wait, or holds it until a person sends or cancels it."""
    if finding.answer == Answer.WAIT:
        # `GIVE_UP` counts from the morning; the sweep wakes the account then.
        _settle(message, State.QUEUED, due_at=finding.until, created_at=finding.until)
        return State.QUEUED
    if finding.answer != Answer.HOLD:
        return _fail(message, finding.reason)
    _settle(message, State.QUEUED, due_at=None, **finding.reason.columns())
    return State.QUEUED


def _mark_unknown(message: Message, reason: Reason) -> str:
    _settle(message, State.UNKNOWN, due_at=None, **reason.columns())
    schedule_refresh(message.conversation_id, delay=1.0)
    return State.UNKNOWN


def _settle(message: Message, state: str, **values: Any) -> None:
    """sending → state, while the claim is valid."""
    with transaction.atomic():
        mirror.lock_thread(message.conversation_id)
        settled = _claimed(message).update(state=state, **values)
        if settled:
            refresh_latest(message.conversation_id)
            mirror.touch(message.account_id, [message.conversation_id])
