"""Handing a text to Salesmsg, once.

queued → sending (committed before anything leaves) → sent | failed | unknown. There is no idempotency key, so only
what surely did not happen is tried again (salesmsg-api.md, section 9); what may have happened is `unknown` until the
thread shows it or a person decides.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from .. import gateway, jobs, mirror
from ..crypto import Unsealable
from ..gateway import BudgetWait, Door, NotConnected
from ..mirror.contacts import merge_draft
from ..mirror.conversations import refresh_latest
from ..models import Account, Attempt, BudgetCall, Contact, Conversation, Message
from ..salesmsg.errors import CredentialRefused, Invalid, SalesmsgError
from ..salesmsg.records import failure_reason
from ..sync.request import look_again
from .compose import DELIVER

State = Message.State
SHORTEST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
GIVE_UP = timedelta(hours=12)  # a text that could not leave for so long is for a person to decide


def deliver(message_id: int, *, patience: float = 0.0) -> str:
    """The task. Claims the text and delivers it; returns the state it left it in, "" when it was not ours to claim.

    patience: seconds that a call may wait for budget in place (the command line); 0 puts the text back instead.
    """
    if not _claim(message_id):
        return ""
    message = Message.objects.select_related("account", "conversation__contact", "conversation__inbox").get(
        pk=message_id
    )
    contact = message.conversation.contact
    if message.account.state != Account.State.CONNECTED:
        return _fail(message, "This account is not connected to Salesmsg. Connect it again, then send again.")
    if contact.why_not_textable:
        return _fail(message, contact.why_not_textable)
    door = gateway.door(message.account_id, BudgetCall.Lane.PEOPLE, patience=patience)
    try:
        conversation_id = _conversation(message, door)
    except BudgetWait as wait:
        return _put_back(message, wait.until)
    except (NotConnected, Unsealable) as problem:
        return _fail(message, str(problem))
    except SalesmsgError as error:
        # Nothing was texted yet, and opening a conversation twice gives the same one.
        return _put_back_or_fail(message, error)
    return _send(message, conversation_id, door)


def expire_claims() -> int:
    """The sweep's part: claims whose worker is gone. Never called the vendor: queued again; else unknown."""
    now = timezone.now()
    longest = timedelta(seconds=sum(settings.SALESMSG_TIMEOUT) * 2 + 10)
    stale = Message.objects.filter(state=State.SENDING, claimed_at__lt=now - longest, client_uuid__isnull=False)
    count = 0
    for message in stale[:100]:
        running = message.attempts.filter(outcome=Attempt.Outcome.RUNNING)
        if running.exists():
            running.update(
                outcome=Attempt.Outcome.UNCLEAR, finished_at=now, detail="The worker stopped before an answer came."
            )
            _unknown(message, "")
        else:
            _put_back(message, now)
        count += 1
    return count


def nudge_due() -> int:
    """The sweep's part: texts that are due and were not nudged."""
    due = Message.objects.filter(state=State.QUEUED, due_at__lt=timezone.now() - timedelta(seconds=2), vendor_id=None)
    ids = list(due.order_by("due_at").values_list("pk", flat=True)[:50])
    for pk in ids:
        jobs.enqueue(DELIVER, pk)
    return len(ids)


def _claim(message_id: int) -> bool:
    """queued → sending for this process alone, and only when no earlier text of the thread is still to go."""
    now = timezone.now()
    row = (
        Message.objects.filter(pk=message_id, state=State.QUEUED, client_uuid__isnull=False, vendor_id=None)
        .values_list("conversation_id", "due_at")
        .first()
    )
    if row is None:
        return False
    conversation_id, due_at = row
    earlier = Message.objects.filter(
        conversation_id=conversation_id,
        state__in=[State.QUEUED, State.SENDING],
        client_uuid__isnull=False,
        pk__lt=message_id,
    )
    if due_at > now or earlier.exists():
        jobs.enqueue(DELIVER, message_id, delay=max(0.3, (due_at - now).total_seconds()))
        return False
    claimed = Message.objects.filter(
        pk=message_id, state=State.QUEUED, client_uuid__isnull=False, vendor_id=None, due_at__lte=now
    ).update(state=State.SENDING, claimed_at=now)
    if claimed:
        account_id = Message.objects.values_list("account_id", flat=True).get(pk=message_id)
        mirror.touch(account_id, [conversation_id])
    return bool(claimed)


def _conversation(message: Message, door: Door) -> int:
    """The vendor id of the thread, after making contact and conversation there when they are drafts of ours."""
    conversation = message.conversation
    if conversation.vendor_id is not None:
        return conversation.vendor_id
    contact = conversation.contact
    if contact.vendor_id is None:
        contact = _contact(contact, door)
    inbox = conversation.inbox
    record = door.client.open_conversation(contact.vendor_id, inbox.vendor_id if inbox else None)
    with transaction.atomic():
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


def _contact(draft: Contact, door: Door) -> Contact:
    try:
        record = door.client.create_contact(draft.phone)
    except Invalid as invalid:
        if invalid.contact_id is None:
            raise
        record = door.client.contact(invalid.contact_id)
    with transaction.atomic():
        rows, _ = mirror.upsert_contacts(draft.account_id, [record])
        real = rows[record.id]
        draft.refresh_from_db()
        if draft.vendor_id is None:
            merge_draft(draft, real)
    return real


def _send(message: Message, conversation_id: int, door: Door) -> str:
    message.conversation.contact.refresh_from_db()
    if message.conversation.contact.why_not_textable:
        return _fail(message, message.conversation.contact.why_not_textable)
    attempt = message.attempts.create()
    try:
        record = door.client.send_message(conversation_id, message.text)
    except BudgetWait as wait:
        attempt.delete()
        return _put_back(message, wait.until)
    except (NotConnected, Unsealable) as problem:
        _close(attempt, Attempt.Outcome.REFUSED, str(problem))
        return _fail(message, str(problem))
    except SalesmsgError as error:
        if error.done is None:
            _close(attempt, Attempt.Outcome.UNCLEAR, error.text)
            return _unknown(message, error.text)
        if error.again == "never":
            _close(attempt, Attempt.Outcome.REFUSED, error.text)
            return _fail(message, failure_reason(error.text))
        _close(attempt, Attempt.Outcome.NOT_DONE, error.text)
        return _put_back_or_fail(message, error)
    with transaction.atomic():
        mirror.adopt(message, record)
        accepted = record.state != "failed"
        outcome = Attempt.Outcome.ACCEPTED if accepted else Attempt.Outcome.REFUSED
        _close(attempt, outcome, "" if accepted else failure_reason(record.failed_reason))
    if accepted:
        look_again(message.conversation_id, delay=3.0)
    _next_in_thread(message)
    return Message.objects.values_list("state", flat=True).get(pk=message.pk)


def _close(attempt: Attempt, outcome: str, detail: str) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(outcome=outcome, detail=detail[:400], finished_at=timezone.now())


def _put_back_or_fail(message: Message, error: SalesmsgError) -> str:
    """Tries again what may be tried again, with growing pauses."""
    if error.done is False and error.again == "never":
        return _fail(message, error.text)
    if timezone.now() - message.created_at > GIVE_UP:
        return _fail(message, f"{error.text} Nothing was sent.")
    tries = message.attempts.filter(outcome=Attempt.Outcome.NOT_DONE).count()
    pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** min(tries, 10))
    if isinstance(error, CredentialRefused):
        pause = SHORTEST_PAUSE
    return _put_back(message, timezone.now() + timedelta(seconds=pause), f"{error.text} Trying again.")


def _put_back(message: Message, until: datetime, why: str = "") -> str:
    _settle(message, State.QUEUED, failure=why, due_at=until)
    jobs.enqueue(DELIVER, message.pk, delay=max(0.05, (until - timezone.now()).total_seconds()))
    return State.QUEUED


def _fail(message: Message, reason: str) -> str:
    _settle(message, State.FAILED, failure=reason, due_at=None, failed_at=timezone.now())
    _next_in_thread(message)
    return State.FAILED


def _unknown(message: Message, why: str) -> str:
    explanation = f"{why} It may have been sent: Salesmsg is being asked.".strip()
    _settle(message, State.UNKNOWN, failure=explanation, due_at=None)
    look_again(message.conversation_id, delay=1.0)
    _next_in_thread(message)
    return State.UNKNOWN


def _settle(message: Message, state: str, **values) -> None:
    """sending → state, if it still is ours."""
    with transaction.atomic():
        settled = Message.objects.filter(pk=message.pk, state=State.SENDING).update(state=state, **values)
        if settled:
            refresh_latest(message.conversation_id)
            mirror.touch(message.account_id, [message.conversation_id])


def _next_in_thread(message: Message) -> None:
    following = Message.objects.filter(
        conversation_id=message.conversation_id, state=State.QUEUED, client_uuid__isnull=False, pk__gt=message.pk
    )
    pk = following.order_by("pk").values_list("pk", flat=True).first()
    if pk is not None:
        jobs.enqueue(DELIVER, pk)
