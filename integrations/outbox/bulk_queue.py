"""Bulk texts as the dispatcher sees them: one message at a time, each made as it is about to leave.

A recipient is WAITING until a worker that already holds a place in the budget asks for the `next_message`. So nothing
of a bulk text stands in the way of people's texts, and a contact who opts out meanwhile gets nothing.
"""

import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from .. import mirror
from ..contacts import opt_out
from ..mirror.conversations import refresh_latest
from ..models import Account, Bulk, BulkRecipient, Contact, Message
from ..models.message import DRAFT_RANK
from . import compose

State, Waits = Bulk.State, BulkRecipient.State

SEND = "integrations.tasks.send_bulk"
ONCE = uuid.UUID("0f3a2c5e-8f5d-4c9a-9a63-1c7f0c1f5a77")  # namespace: one message for each recipient
HANDED_OUT = timedelta(seconds=10)  # for so long a message belongs to the worker that was given it
UNDER_WAY = (Message.State.QUEUED, Message.State.SENDING)
OPTED_OUT = "Opted out of texts"
BLOCKED = "Blocked in Salesmsg"
DELETED = "Deleted in Salesmsg"
NO_PHONE = "No phone number"
TWIN = "A contact with this phone has opted out or is blocked"


def exclusion_reason(contact: Contact, refusing: set[str]) -> str:
    """Why this contact gets no bulk text, in words for lists; empty when they do. `refusing`: phones."""
    if contact.opted_out:
        return OPTED_OUT
    if contact.blocked:
        return BLOCKED
    if contact.deleted_at:
        return DELETED
    if not contact.phone:
        return NO_PHONE
    return TWIN if contact.phone in refusing else ""


def refusing_phones(account_id: int, phone: str = "") -> set[str]:
    """Phones of which some contact says no, or is being opted out: a twin speaks for all of them."""
    no = Q(opted_out=True) | Q(blocked=True) | Q(pk__in=opt_out.opted_out_contacts(account_id).values("pk"))
    found = Contact.objects.present().filter(no, account_id=account_id)
    if phone:
        found = found.filter(phone=phone)
    return set(found.values_list("phone", flat=True))


def cancel_waiting(bulk: Bulk) -> None:
    """Cancels its messages that have not left."""
    with transaction.atomic():
        waiting = bulk.messages.filter(state=Message.State.QUEUED)
        threads = set(waiting.values_list("conversation", flat=True))
        waiting.update(state=Message.State.CANCELLED, due_at=None)
        for conversation_id in sorted(threads):
            refresh_latest(conversation_id)
        if threads:
            mirror.touch(bulk.account_id, threads)


def next_message(account_id: int) -> int | None:
    """The message to deliver next, for a worker that holds a place in the budget; None when nothing can leave now.

    Two workers at once get different messages; one that was given out and not claimed is given out again later.
    """
    if not Account.objects.reachable().filter(pk=account_id).exists():
        return None  # it waits until the account is connected again, rather than fail text by text
    running = Bulk.objects.filter(account_id=account_id, state=State.RUNNING).order_by("started_at", "pk")
    for bulk_id in list(running.values_list("pk", flat=True)):
        message_id = _put_back(bulk_id) or _next_recipient(bulk_id)
        if message_id is not None:
            return message_id
        _finish(bulk_id)
    return None


def has_work(account_id: int) -> bool:
    """Whether a text of a running bulk text may leave now, as far as the budget lets it."""
    return _with_work().filter(account_id=account_id).exists()


def settle_bulks() -> set[int]:
    """The sweep's part: ends what is over. Returns the accounts whose bulk texts can go on."""
    for bulk_id in list(Bulk.objects.filter(state=State.RUNNING).values_list("pk", flat=True)):
        _finish(bulk_id)
    # A text that was just leaving when its bulk text was cancelled, and could not leave, waits again.
    left = Message.objects.filter(state=Message.State.QUEUED, bulk__state=State.CANCELLED)
    for bulk in Bulk.objects.filter(pk__in=left.values("bulk")):
        cancel_waiting(bulk)
    return set(_with_work().values_list("account", flat=True))


def _with_work() -> QuerySet[Bulk]:
    waiting = BulkRecipient.objects.filter(bulk=OuterRef("pk"), state=Waits.WAITING)
    due = _to_give_out().filter(bulk=OuterRef("pk"))
    running = Bulk.objects.filter(state=State.RUNNING, account__state=Account.State.CONNECTED)
    return running.filter(Exists(waiting) | Exists(due)).order_by()


def _to_give_out() -> QuerySet[Message]:
    """Waiting messages that are due and that no worker was given a moment ago."""
    now = timezone.now()
    given = Q(claimed_at__gte=F("due_at"), claimed_at__gt=now - HANDED_OUT)
    due = Message.objects.filter(state=Message.State.QUEUED, due_at__lte=now, vendor_id=None)
    return due.filter(Q(claimed_at=None) | ~given)


def _put_back(bulk_id: int) -> int | None:
    """A message of this bulk text that was made earlier and did not leave."""
    running = Bulk.objects.filter(pk=bulk_id, state=State.RUNNING)
    for pk in list(_to_give_out().filter(bulk=bulk_id).order_by("due_at", "pk").values_list("pk", flat=True)[:20]):
        # No join in here: PostgreSQL would not look at it again after waiting for another worker.
        if _to_give_out().filter(pk=pk, bulk__in=running).update(claimed_at=timezone.now()):
            return pk
    return None


def _next_recipient(bulk_id: int) -> int | None:
    """Makes the message of the next recipient who may still be texted."""
    while True:
        with transaction.atomic():
            # This lock puts workers in a row, and orders them with pause and cancel.
            bulk = (
                Bulk.objects.select_for_update(of=("self",), no_key=True)
                .filter(pk=bulk_id, state=State.RUNNING)
                .first()
            )
            if bulk is None:
                return None
            waiting = bulk.recipients.filter(state=Waits.WAITING).select_related("contact__account")
            row = waiting.select_for_update(of=("self",), no_key=True).order_by("pk").first()
            if row is None:
                return None
            if why := exclusion_reason(row.contact, refusing_phones(bulk.account_id, row.contact.phone)):
                BulkRecipient.objects.filter(pk=row.pk).update(state=Waits.LEFT_OUT, reason=f"{why} after the start")
                continue
            message = _make(bulk, row)
            BulkRecipient.objects.filter(pk=row.pk).update(state=Waits.HANDED, message=message)
            return message.pk


def _make(bulk: Bulk, row: BulkRecipient) -> Message:
    """The recipient's message, given out to whoever asked for it."""
    now, author = timezone.now(), bulk.created_by
    message, made = Message.objects.get_or_create(
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
    if made:
        refresh_latest(message.conversation_id)
        mirror.touch(bulk.account_id, [message.conversation_id])
    return message


def _finish(bulk_id: int) -> None:
    """Running → done, once nobody waits and nothing is under way."""
    waiting = BulkRecipient.objects.filter(bulk=OuterRef("pk"), state=Waits.WAITING)
    under_way = Message.objects.filter(bulk=OuterRef("pk"), state__in=UNDER_WAY)
    over = Bulk.objects.filter(~Exists(waiting), ~Exists(under_way), pk=bulk_id, state=State.RUNNING)
    over.update(state=State.DONE, finished_at=timezone.now())
