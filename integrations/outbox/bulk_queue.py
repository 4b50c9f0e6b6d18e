"""Queue of bulk text messages for the dispatcher. Each message is created just before it is sent.

A recipient stays WAITING until a worker that has reserved a call in the budget asks for the `next_message`. Bulk texts
therefore never delay replies, and a contact who opts out before their turn is skipped. In a recipient's quiet hours,
their row gets a `due_at` when these end, and the next recipient is texted.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from .. import mirror
from ..contacts import opt_out
from ..failures import NO_REASON, Code, Reason
from ..mirror.conversations import refresh_latest
from ..models import Account, Bulk, BulkRecipient, Contact, Message
from ..models.message import DRAFT_RANK
from . import compose, quiet_hours

State, Waits = Bulk.State, BulkRecipient.State
SEND = "integrations.tasks.send_bulk"
ONCE = uuid.UUID("0f3a2c5e-8f5d-4c9a-9a63-1c7f0c1f5a77")  # namespace: one message for each recipient
HANDED_OUT = timedelta(seconds=10)  # how long a message stays reserved for the worker that received it
HELD_AT_ONCE = 200  # recipients that are held in one transaction when their quiet hours begin
UNDER_WAY = (Message.State.QUEUED, Message.State.SENDING)
# What `quiet_until` reads of a contact.
ZONE_FIELDS = ("bulk", "contact__phone", "contact__custom_fields", "contact__raw")
MESSAGE_FIELDS = tuple(f"conversation__{name}" for name in ZONE_FIELDS[1:])


def exclusion_reason(contact: Contact, refusing: set[str], doubted: set[str]) -> Reason:
    """Why this contact gets no bulk text; empty if they get it.

    refusing, doubted: phones returned by `opt_out.refusing_phones` and `opt_out.doubted_phones`.
    """
    if contact.opted_out:
        return Reason(Code.SKIP_OPTED_OUT)
    if contact.blocked:
        return Reason(Code.SKIP_BLOCKED)
    if contact.deleted_at:
        return Reason(Code.SKIP_DELETED)
    if not contact.phone:
        return Reason(Code.SKIP_NO_PHONE)
    if contact.phone in refusing:
        return Reason(Code.SKIP_TWIN_REFUSES)
    return Reason(Code.SKIP_DOUBT) if contact.phone in doubted else NO_REASON


def cancel_waiting(bulk: Bulk) -> None:
    """Cancels the messages of this bulk text that are still queued."""
    with transaction.atomic():
        waiting = bulk.messages.filter(state=Message.State.QUEUED)
        threads = set(waiting.values_list("conversation", flat=True))
        waiting.update(state=Message.State.CANCELLED, due_at=None)
        for conversation_id in sorted(threads):
            refresh_latest(conversation_id)
        if threads:
            mirror.touch(bulk.account_id, threads)


def next_message(account_id: int) -> int | None:
    """The id of the message to deliver next, or None if nothing can be sent now.

    Call it with a reserved budget call. Concurrent workers get different messages; a message that its worker does not
    claim is returned again after `HANDED_OUT`.
    """
    if not Account.objects.reachable().filter(pk=account_id).exists():
        return None  # wait for the account to reconnect instead of failing one text after another
    running = Bulk.objects.filter(_begun(), account_id=account_id, state=State.RUNNING).select_related("account")
    for bulk in running.order_by("started_at", "pk"):
        message_id = _retry_message(bulk) or _next_recipient(bulk.pk)
        if message_id is not None:
            return message_id
        _finish(bulk.pk)
    return None


def has_work(account_id: int) -> bool:
    """Whether a running bulk text has a message to send now, regardless of the budget."""
    return _with_work().filter(account_id=account_id).exists()


def settle_bulks() -> set[int]:
    """Sweep: marks completed bulk texts as done. Returns the ids of accounts with bulk texts left to send."""
    for bulk_id in list(Bulk.objects.filter(state=State.RUNNING).values_list("pk", flat=True)):
        _finish(bulk_id)
    # A message in flight while its bulk text was cancelled returns to the queue if the call failed.
    left = Message.objects.filter(state=Message.State.QUEUED, bulk__state=State.CANCELLED)
    for bulk in Bulk.objects.filter(pk__in=left.values("bulk")):
        cancel_waiting(bulk)
    return set(_with_work().values_list("account", flat=True))


def set_due_times(bulk: Bulk) -> None:
    """Sets when each waiting recipient may be texted: at the start, or after their quiet hours. For a new start."""
    now = timezone.now()
    at = max(now, bulk.start_at or now)
    waiting = bulk.recipients.filter(state=Waits.WAITING)
    waiting.update(due_at=at if at > now else None)
    _hold_quiet(bulk, waiting.select_related("contact").only(*ZONE_FIELDS), at)


def _hold_quiet(bulk: Bulk, rows: Iterable[BulkRecipient], at: datetime) -> None:
    """Sets `due_at` of the recipients whose quiet hours include `at`."""
    held: dict[datetime, list[int]] = defaultdict(list)
    for row in rows:
        until = quiet_hours.quiet_until(row.contact, bulk.account, at, bulk.window)
        if until is not None:
            held[until].append(row.pk)
    for until, keys in held.items():  # one for each time zone
        BulkRecipient.objects.filter(pk__in=keys, state=Waits.WAITING).update(due_at=until)


def _begun() -> Q:
    return Q(start_at=None) | Q(start_at__lte=timezone.now())


def _with_work() -> QuerySet[Bulk]:
    waiting = BulkRecipient.objects.filter(bulk=OuterRef("pk"), state=Waits.WAITING)
    # Two lookups in the index on due_at, because one with OR would read all waiting rows.
    recipient_due = Exists(waiting.filter(due_at=None)) | Exists(waiting.filter(due_at__lte=timezone.now()))
    message_due = Exists(_available().filter(bulk=OuterRef("pk")))
    running = Bulk.objects.filter(_begun(), state=State.RUNNING, account__state=Account.State.CONNECTED)
    return running.filter(recipient_due | message_due).order_by()


def _available() -> QuerySet[Message]:
    """Queued messages that are due and not reserved for a worker."""
    now = timezone.now()
    reserved = Q(claimed_at__gte=F("due_at"), claimed_at__gt=now - HANDED_OUT)
    due = Message.objects.filter(state=Message.State.QUEUED, due_at__lte=now, vendor_id=None)
    return due.filter(Q(claimed_at=None) | ~reserved)


def _retry_message(bulk: Bulk) -> int | None:
    """Reserves a message of this bulk text that was created earlier but not sent, except in quiet hours."""
    running, now = Bulk.objects.filter(pk=bulk.pk, state=State.RUNNING), timezone.now()
    due = _available().filter(bulk=bulk).order_by("due_at", "pk").select_related("conversation__contact")
    for message in list(due.only(*MESSAGE_FIELDS)[:20]):
        # No join: PostgreSQL does not re-evaluate a join after waiting for another worker's lock.
        mine = _available().filter(pk=message.pk, bulk__in=running)
        until = quiet_hours.quiet_until(message.conversation.contact, bulk.account, now, bulk.window)
        if until is not None:
            _hold_message(mine, until)
        elif mine.update(claimed_at=now):
            return message.pk
    return None


def _hold_message(rows: QuerySet[Message], until: datetime) -> None:
    """Postpones a queued message. Its retries count from then: a night is not a time in which it could not be sent."""
    with transaction.atomic():
        keys = list(rows.values_list("pk", flat=True))
        if rows.update(due_at=until, created_at=until):
            BulkRecipient.objects.filter(message__in=keys).update(due_at=until)


def _next_recipient(bulk_id: int) -> int | None:
    """Creates the message of the next recipient who may be texted, and excludes recipients who may not."""
    while True:
        with transaction.atomic():
            # The lock serializes workers with each other and with pause and cancel.
            bulk = (
                Bulk.objects.select_for_update(of=("self",), no_key=True)
                .select_related("account")
                .filter(pk=bulk_id, state=State.RUNNING)
                .first()
            )
            if bulk is None:
                return None
            now = timezone.now()
            due = bulk.recipients.filter(Q(due_at=None) | Q(due_at__lte=now), state=Waits.WAITING).order_by("pk")
            waiting = due.select_related("contact__account").select_for_update(of=("self",), no_key=True)
            row = waiting.first()
            if row is None:
                return None
            if quiet_hours.quiet_until(row.contact, bulk.account, now, bulk.window):
                _hold_quiet(bulk, due.select_related("contact").only(*ZONE_FIELDS)[:HELD_AT_ONCE], now)
                continue
            if reason := _exclusion_now(bulk.account_id, row.contact):
                reason = Reason(reason.code, {"after_start": True})
                BulkRecipient.objects.filter(pk=row.pk).update(state=Waits.LEFT_OUT, **reason.columns())
                continue
            message = _create_message(bulk, row)
            BulkRecipient.objects.filter(pk=row.pk).update(state=Waits.HANDED, message=message)
            return message.pk


def _exclusion_now(account_id: int, contact: Contact) -> Reason:
    phone = contact.phone
    return exclusion_reason(
        contact, opt_out.refusing_phones(account_id, phone), opt_out.doubted_phones(account_id, phone)
    )


def _create_message(bulk: Bulk, row: BulkRecipient) -> Message:
    """The recipient's message, reserved for the calling worker."""
    now, author = timezone.now(), bulk.created_by
    message, created = Message.objects.get_or_create(
        client_uuid=uuid.uuid5(ONCE, str(row.pk)),
        defaults={
            "account_id": bulk.account_id,
            "conversation": compose.conversation_for(row.contact),
            "state": Message.State.QUEUED,
            "text": row.text,
            "sender": author,
            "author_name": (author.get_full_name() or author.get_username())[:255] if author else "",
            "at": now,
            "rank": DRAFT_RANK + int(now.timestamp() * 1_000_000),
            "due_at": now,
            "claimed_at": now,
            "bulk": bulk,
        },
    )
    if created:
        refresh_latest(message.conversation_id)
        mirror.touch(bulk.account_id, [message.conversation_id])
    return message


def _finish(bulk_id: int) -> None:
    """Running → done, once no recipient is waiting and no message is queued or being sent."""
    waiting = BulkRecipient.objects.filter(bulk=OuterRef("pk"), state=Waits.WAITING)
    under_way = Message.objects.filter(bulk=OuterRef("pk"), state__in=UNDER_WAY)
    completed = Bulk.objects.filter(~Exists(waiting), ~Exists(under_way), pk=bulk_id, state=State.RUNNING)
    completed.update(state=State.DONE, finished_at=timezone.now())
