"""Handing one text to Salesmsg, once.

queued → sending (committed before anything leaves) → sent | failed | unknown. There is no idempotency key, so only
what surely did not happen is tried again (salesmsg-api.md, section 9); what may have happened is `unknown` until the
thread shows it (`reconcile`) or a person decides.

A claim is a state and a time. Whoever delivers confirms the claim before the call and names it when it settles, so
that a worker that was slow, and whose claim the sweep gave to another one, changes nothing any more.
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
from . import media_urls, scheduled
from .compose import SEND, SEND_BULK

State = Message.State
Lane = BudgetCall.Lane
SHORTEST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
GIVE_UP = timedelta(hours=12)  # a text that could not leave for so long is for a person to decide


def waiting_messages() -> Q:
    """Texts of ours that Salesmsg has not got yet, that are not under way and that nobody has paused."""
    goes_on = Q(bulk=None) | Q(bulk__in=Bulk.objects.filter(state=Bulk.State.RUNNING))
    return Q(goes_on, state=State.QUEUED, client_uuid__isnull=False, vendor_id=None)


def ready_messages(account_id: int) -> QuerySet[Message]:
    """The people's texts that may leave now, soonest due first: the first one of each thread."""
    now = timezone.now()
    due = Message.objects.filter(waiting_messages(), account_id=account_id, bulk=None, due_at__lte=now)
    return due.exclude(Exists(_before(OuterRef("conversation_id"), OuterRef("pk"), now))).order_by("due_at", "pk")


def deliver_message(message_id: int, *, patience: float = 0.0) -> str:
    """Delivers one text now, as the command line does. Returns the state it is left in, "" when it was not to claim.

    patience: seconds that a call may wait for budget in place.
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
    except (NotConnected, Unsealable) as problem:
        return fail_message(message_id, Reason.from_error(problem))
    except SalesmsgError as error:
        return postpone_message(message_id, error)
    finally:
        session.release()


def lane_for(message: Message) -> str:
    return Lane.INTERACTIVE if message.bulk_id is None else Lane.BULK


def send_message(message_id: int, session: ApiSession) -> str:
    """Claims the text and delivers it through a door that has its place already. Returns as `deliver` does."""
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
    if why := opt_out.refusal_reason(message.conversation.contact):
        return _fail(message, why)
    try:
        conversation_id = _conversation(message, session)
    except BudgetWait as wait:
        return _put_back(message, wait.until)
    except (NotConnected, Unsealable) as problem:
        return _fail(message, Reason.from_error(problem))
    except SalesmsgError as error:
        # Nothing was texted yet, and opening a conversation twice gives the same one.
        return _put_back_or_fail(message, error)
    return _send(message, conversation_id, session)


def fail_message(message_id: int, reason: Reason) -> str:
    """Fails a text that cannot leave at all, before any call."""
    message = _claim(message_id)
    return _fail(message, reason) if message is not None else ""


def postpone_message(message_id: int, error: SalesmsgError) -> str:
    """Trouble before the call, as with the token: later, or never when it has been going on for too long."""
    message = _claim(message_id)
    return _put_back_or_fail(message, error) if message is not None else ""


def claim_lifetime() -> timedelta:
    """How long a worker may be silent before its claim is taken for abandoned: longer than any two calls."""
    return timedelta(seconds=sum(settings.SALESMSG_TIMEOUT) * 2.25)


def expire_claims() -> int:
    """The sweep's part: claims whose worker is gone. Never called the vendor: queued again; else unknown."""
    now = timezone.now()
    stale = Message.objects.filter(
        state=State.SENDING, claimed_at__lt=now - claim_lifetime(), client_uuid__isnull=False
    )
    count = 0
    for message in stale[:100]:
        # Whatever does not say that surely nothing happened is a doubt.
        if message.attempts.exclude(outcome__in=[Attempt.Outcome.NOT_DONE, Attempt.Outcome.REFUSED]).exists():
            message.attempts.filter(outcome=Attempt.Outcome.RUNNING).update(
                outcome=Attempt.Outcome.UNCLEAR, finished_at=now, **Reason(Code.WORKER_STOPPED).columns()
            )
            _unknown(message, Reason(Code.WORKER_STOPPED))
        else:
            _put_back(message, now)
        count += 1
    return count


def _before(conversation_id: int | OuterRef, message_id: int | OuterRef, now: datetime) -> QuerySet[Message]:
    """Earlier texts of the thread that go first: under way, or due (also those that are only put off for a while)."""
    due = Q(send_at=None) | Q(send_at__lte=now)
    going = Q(state=State.SENDING) | Q(due, state=State.QUEUED, due_at__isnull=False, bulk=None)
    thread = Message.objects.filter(conversation_id=conversation_id, client_uuid__isnull=False)
    return thread.filter(going, state__in=[State.SENDING, State.QUEUED], pk__lt=message_id).order_by()


def _claim(message_id: int) -> Message | None:
    """queued → sending for this process alone, and only when no earlier text of the thread is still to go."""
    now = timezone.now()
    message = Message.objects.filter(waiting_messages(), pk=message_id, due_at__lte=now).first()
    if message is None or _before(message.conversation_id, message.pk, now).exists():
        return None
    with transaction.atomic():
        claimed = Message.objects.filter(waiting_messages(), pk=message_id, due_at__lte=now).update(
            state=State.SENDING, claimed_at=now
        )
        if not claimed:
            return None
        if message.send_at is not None:  # until now it was only planned, and said nothing of the conversation
            refresh_latest(message.conversation_id)
        mirror.touch(message.account_id, [message.conversation_id])
    return Message.objects.select_related("account", "conversation__contact", "conversation__inbox").get(pk=message_id)


def _ours(message: Message) -> QuerySet[Message]:
    """The row, as long as this claim holds."""
    return Message.objects.filter(pk=message.pk, state=State.SENDING, claimed_at=message.claimed_at)


def _confirm(message: Message) -> Attempt | None:
    """Right before the call: the claim is still ours, and from here on a crash leaves a doubt."""
    with transaction.atomic():
        if not _still_ours(message):
            return None
        return message.attempts.create(started_at=message.claimed_at or timezone.now())


def _still_ours(message: Message) -> bool:
    """Renews the claim, if nobody else has the text by now."""
    now = timezone.now()
    if not _ours(message).update(claimed_at=now):
        return False
    message.claimed_at = now
    return True


def _conversation(message: Message, session: ApiSession) -> int:
    """The vendor id of the thread, after making contact and conversation there when they are drafts of ours."""
    conversation = message.conversation
    if conversation.vendor_id is not None:
        return conversation.vendor_id
    contact = conversation.contact
    contact_id = contact.vendor_id if contact.vendor_id is not None else _contact_id(contact, session)
    inbox = conversation.inbox
    record = session.client.open_conversation(contact_id, inbox.vendor_id if inbox else None)
    with transaction.atomic():
        # Locked: a text that somebody writes into the draft right now must not go away with it.
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


def _contact_id(draft: Contact, session: ApiSession) -> int:
    """The vendor id of the contact, made there."""
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
    if why := opt_out.refusal_reason(message.conversation.contact):
        return _fail(message, why)
    try:
        session.reserve()
    except BudgetWait as wait:
        return _put_back(message, wait.until)
    except (NotConnected, Unsealable) as problem:
        return _fail(message, Reason.from_error(problem))
    except SalesmsgError as error:
        return _put_back_or_fail(message, error)
    attempt = _confirm(message)
    if attempt is None:
        return ""
    session.may_repeat = partial(_still_ours, message)  # a second call, with a new token, may be long after the first
    try:
        record = session.client.send_message(conversation_id, message.text, media_urls.signed_urls(message))
    except (BudgetWait, NotConnected, Unsealable, SalesmsgError) as problem:
        with transaction.atomic():  # the attempt's end and the text's: a crash leaves both or none
            return _not_sent(message, attempt, problem)
    with transaction.atomic():
        mirror.adopt(message, record)
        accepted = record.state != "failed"
        outcome = Attempt.Outcome.ACCEPTED if accepted else Attempt.Outcome.REFUSED
        said = Reason(Code.ACCEPTED, {"id": record.id, "vendor_status": record.vendor_status})
        _close(attempt, outcome, said if accepted else Reason.from_vendor(record.failed_reason))
    if accepted:
        schedule_refresh(message.conversation_id, delay=3.0, following=True)
    return Message.objects.values_list("state", flat=True).get(pk=message.pk)


def _not_sent(message: Message, attempt: Attempt, problem: Exception) -> str:
    """What a call that brought no record means for the text."""
    if isinstance(problem, BudgetWait):
        _close(attempt, Attempt.Outcome.NOT_DONE, Reason(Code.NO_BUDGET))
        return _put_back(message, problem.until)
    reason = Reason.from_error(problem)
    if not isinstance(problem, SalesmsgError):
        _close(attempt, Attempt.Outcome.REFUSED, reason)
        return _fail(message, reason)
    if problem.done is None:
        _close(attempt, Attempt.Outcome.UNCLEAR, reason)
        return _unknown(message, reason)
    if problem.again == "never":
        _close(attempt, Attempt.Outcome.REFUSED, reason)
        return _fail(message, reason.with_carrier_code())
    _close(attempt, Attempt.Outcome.NOT_DONE, reason)
    return _put_back_or_fail(message, problem)


def _close(attempt: Attempt, outcome: str, reason: Reason) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(outcome=outcome, finished_at=timezone.now(), **reason.columns())


def _put_back_or_fail(message: Message, error: SalesmsgError) -> str:
    """Tries again what may be tried again, with growing pauses."""
    if error.done is False and error.again == "never":
        return _fail(message, Reason.from_error(error))
    if timezone.now() - (message.send_at or message.created_at) > GIVE_UP:
        return _fail(message, Reason.from_error(error, gave_up=True))
    tries = message.attempts.filter(outcome=Attempt.Outcome.NOT_DONE).count()
    pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** min(tries, 10))
    if isinstance(error, CredentialRefused):
        pause = SHORTEST_PAUSE
    return _put_back(message, timezone.now() + timedelta(seconds=pause), Reason.from_error(error))


def _put_back(message: Message, until: datetime, why: Reason = NO_REASON) -> str:
    _settle(message, State.QUEUED, due_at=until, **why.columns())
    people = message.bulk_id is None
    delay = max(0.05, (until - timezone.now()).total_seconds())
    jobs.enqueue(SEND if people else SEND_BULK, message.account_id, delay=delay, urgent=people)
    return State.QUEUED


def _fail(message: Message, reason: Reason) -> str:
    _settle(message, State.FAILED, due_at=None, failed_at=timezone.now(), **reason.columns())
    return State.FAILED


def _unknown(message: Message, why: Reason) -> str:
    _settle(message, State.UNKNOWN, due_at=None, **why.columns())
    schedule_refresh(message.conversation_id, delay=1.0)
    return State.UNKNOWN


def _settle(message: Message, state: str, **values: Any) -> None:
    """sending → state, if it still is ours."""
    with transaction.atomic():
        mirror.lock_thread(message.conversation_id)
        settled = _ours(message).update(state=state, **values)
        if settled:
            refresh_latest(message.conversation_id)
            mirror.touch(message.account_id, [message.conversation_id])
