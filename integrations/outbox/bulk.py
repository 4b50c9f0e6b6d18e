"""Bulk texts: chosen, written, started; then one message at a time, each made as it is about to leave.

A bulk text is a row for each recipient, WAITING until a worker that already holds a place in the budget asks for the
`next_message`. So nothing of it stands in the way of people's texts, and whoever opts out meanwhile gets nothing.
"""

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import jobs, mirror
from ..access import audit
from ..failures import NO_REASON, Code, Reason
from ..mirror.conversations import refresh_latest
from ..models import Account, AuditEntry, Bulk, BulkRecipient, Contact, Message
from ..models.message import DRAFT_RANK
from ..models.reason import REASON_COLUMNS
from . import compose, consent
from .merge import BulkProblem, EmptyField, Template

SEND = "integrations.tasks.send_bulk"
MOST = 5000
BATCH = 1000
ONCE = uuid.UUID("0f3a2c5e-8f5d-4c9a-9a63-1c7f0c1f5a77")  # namespace: one message for each recipient
HANDED_OUT = timedelta(seconds=10)  # for so long a message belongs to the worker that was given it
State, Waits, Action = Bulk.State, BulkRecipient.State, AuditEntry.Action
UNDER_WAY = (Message.State.QUEUED, Message.State.SENDING)

TOO_MANY = gettext_lazy("A bulk text goes to %(most)s contacts at the most. Narrow the choice, or send it in parts.")

# --- Choosing and writing --------------------------------------------------------------------------------------------


def draft(user, account: Account, contacts: QuerySet[Contact] | Iterable[Contact], text: str = "") -> Bulk:
    """A bulk text to those of the contacts that belong to this account. Raises BulkProblem, PermissionDenied."""
    _allowed(user, account.pk)
    ids = _chosen(user, account, contacts)
    if not ids:
        raise BulkProblem(_("Nobody was chosen. Tick at least one contact."))
    with transaction.atomic():
        made = Bulk.objects.create(account=account, created_by=user)
        BulkRecipient.objects.bulk_create([BulkRecipient(bulk=made, contact_id=pk) for pk in ids], batch_size=BATCH)
        audit(user, Action.BULK_DRAFTED, account, bulk=made.pk, contacts=len(ids))
    return write(user, made, text) if text.strip() else made


def add(user, bulk: Bulk, contacts: QuerySet[Contact] | Iterable[Contact]) -> int:
    """More recipients for a draft; returns how many were not among them yet. Raises BulkProblem."""
    _allowed(user, bulk.account_id)
    known = set(bulk.recipients.values_list("contact", flat=True))
    fresh = [pk for pk in _chosen(user, bulk.account, contacts) if pk not in known]
    if len(known) + len(fresh) > MOST:
        raise BulkProblem(TOO_MANY % {"most": number_format(MOST, force_grouping=True)})
    with transaction.atomic():
        if not Bulk.objects.select_for_update(of=("self",), no_key=True).filter(pk=bulk.pk, state=State.DRAFT).exists():
            raise BulkProblem(_("This bulk text was started already, so nobody was added. Begin another one for them."))
        rows = [BulkRecipient(bulk=bulk, contact_id=pk) for pk in fresh]
        BulkRecipient.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    if fresh and bulk.text:
        write(user, bulk, bulk.text)
    return len(fresh)


def remove(user, bulk: Bulk, contact_id: int) -> bool:
    """Takes a contact out of a draft; False when they are not in it. Raises BulkProblem."""
    _allowed(user, bulk.account_id)
    with transaction.atomic():
        if not Bulk.objects.select_for_update(of=("self",), no_key=True).filter(pk=bulk.pk, state=State.DRAFT).exists():
            raise BulkProblem(
                _("This bulk text was started already, so nobody was taken out. You can pause or cancel it.")
            )
        removed, _by_model = bulk.recipients.filter(contact=contact_id).delete()
    if removed and bulk.text:
        write(user, bulk, bulk.text)  # somebody with the same phone may get it now
    return bool(removed)


def _chosen(user, account: Account, contacts: QuerySet[Contact] | Iterable[Contact]) -> list[int]:
    if not isinstance(contacts, QuerySet):
        contacts = Contact.objects.filter(pk__in=[contact.pk for contact in contacts])
    own = Contact.objects.for_user(user).filter(account=account, pk__in=contacts.order_by().values("pk"))
    ids = list(own.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        raise BulkProblem(TOO_MANY % {"most": number_format(MOST, force_grouping=True)})
    return ids


def write(user, bulk: Bulk, text: str) -> Bulk:
    """Sets the text of a draft, and what each recipient would get or why nothing. Raises BulkProblem."""
    _allowed(user, bulk.account_id)
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise BulkProblem(_("Write a text first."))
    template = Template(text)
    heavy = ("contact__raw", "contact__custom_fields", "contact__notes", "contact__tags")
    rows = list(bulk.recipients.select_related("contact").defer(*heavy))
    _fill(rows, template, _refusing(bulk.account_id))
    with transaction.atomic():
        if not Bulk.objects.filter(pk=bulk.pk, state=State.DRAFT).update(text=text):
            raise BulkProblem(_("This bulk text was started already, so its text can no longer be changed."))
        # An upsert by primary key: several times faster than bulk_update, and the lock is held for less.
        fields = ["text", "state", *REASON_COLUMNS]
        BulkRecipient.objects.bulk_create(
            rows, batch_size=BATCH, update_conflicts=True, unique_fields=["pk"], update_fields=fields
        )
    bulk.refresh_from_db()
    return bulk


def _fill(rows: list[BulkRecipient], template: Template, refusing: set[str]) -> None:
    phones: set[str] = set()
    for row in rows:
        row.text, why = "", why_not(row.contact, refusing)
        if not why and row.contact.phone in phones:
            why = Reason(Code.SKIP_SAME_PHONE)
        if not why:
            row.text, why = _filled(template, row.contact)
        row.state = Waits.LEFT_OUT if why else Waits.WAITING
        row.set_reason(why)
        if not why:
            phones.add(row.contact.phone)


def _filled(template: Template, contact: Contact) -> tuple[str, Reason]:
    """(text, no reason), or ("", why not)."""
    try:
        text = template.fill(contact)
    except EmptyField as empty:
        return "", Reason(Code.SKIP_EMPTY_FIELD, {"merge_field": empty.field})
    if not text:
        return "", Reason(Code.SKIP_EMPTY_TEXT)
    if len(text) > compose.MAX_CHARACTERS:
        return "", Reason(Code.SKIP_TOO_LONG, {"most": compose.MAX_CHARACTERS})
    return text, NO_REASON


def why_not(contact: Contact, refusing: set[str]) -> Reason:
    """Why this contact gets no bulk text; empty when they do. `refusing`: phones."""
    if contact.opted_out:
        return Reason(Code.SKIP_OPTED_OUT)
    if contact.blocked:
        return Reason(Code.SKIP_BLOCKED)
    if contact.deleted_at:
        return Reason(Code.SKIP_DELETED)
    if not contact.phone:
        return Reason(Code.SKIP_NO_PHONE)
    return Reason(Code.SKIP_TWIN_REFUSES) if contact.phone in refusing else NO_REASON


def _refusing(account_id: int, phone: str = "") -> set[str]:
    """Phones of which some contact says no, or is being opted out: a twin speaks for all of them."""
    no = Q(opted_out=True) | Q(blocked=True) | Q(pk__in=consent.kept_out(account_id).values("pk"))
    found = Contact.objects.present().filter(no, account_id=account_id)
    if phone:
        found = found.filter(phone=phone)
    return set(found.values_list("phone", flat=True))


# --- Starting and stopping -------------------------------------------------------------------------------------------


def start(user, bulk: Bulk) -> bool:
    """Draft → running, with the text that `bulk` was read with. False when it runs already. Raises BulkProblem."""
    _allowed(user, bulk.account_id)
    account = Account.objects.get(pk=bulk.account_id)
    if account.state != Account.State.CONNECTED:
        raise BulkProblem(
            _("“%(label)s” is not connected, so nothing was started. Connect it again, then start.")
            % {"label": account.label}
        )
    if not bulk.text or not bulk.recipients.filter(state=Waits.WAITING).exists():
        raise BulkProblem(_("Nobody would get this text, so nothing was started. Write it anew, or choose others."))
    draft_as_seen = Bulk.objects.filter(pk=bulk.pk, state=State.DRAFT, text=bulk.text)
    started = _switch(user, bulk, draft_as_seen, Action.BULK_STARTED, state=State.RUNNING, started_at=timezone.now())
    if not started and bulk.state == State.DRAFT:
        raise BulkProblem(_("Somebody changed the text meanwhile, so nothing was started. Look at it again."))
    return started


def pause(user, bulk: Bulk) -> bool:
    """Running → paused; a text that is just leaving may still leave. False when it does not run."""
    _allowed(user, bulk.account_id)
    running = Bulk.objects.filter(pk=bulk.pk, state=State.RUNNING)
    return _switch(user, bulk, running, Action.BULK_PAUSED, state=State.PAUSED)


def resume(user, bulk: Bulk) -> bool:
    """Paused → running."""
    _allowed(user, bulk.account_id)
    paused = Bulk.objects.filter(pk=bulk.pk, state=State.PAUSED)
    return _switch(user, bulk, paused, Action.BULK_RESUMED, state=State.RUNNING)


def cancel(user, bulk: Bulk) -> bool:
    """Ends it for good; what has left stays sent. False when it was over already."""
    _allowed(user, bulk.account_id)
    alive = Bulk.objects.filter(pk=bulk.pk, state__in=[State.DRAFT, State.RUNNING, State.PAUSED])
    with transaction.atomic():
        if not _switch(user, bulk, alive, Action.BULK_CANCELLED, state=State.CANCELLED, finished_at=timezone.now()):
            return False
        # The recipients first: whoever was just handed out is then found among the messages.
        bulk.recipients.filter(state=Waits.WAITING).update(state=Waits.CANCELLED)
        _take_back(bulk)
    return True


def _take_back(bulk: Bulk) -> None:
    """Cancels its messages that have not left."""
    with transaction.atomic():
        waiting = bulk.messages.filter(state=Message.State.QUEUED)
        threads = set(waiting.values_list("conversation", flat=True))
        waiting.update(state=Message.State.CANCELLED, due_at=None)
        for conversation_id in sorted(threads):
            refresh_latest(conversation_id)
        if threads:
            mirror.touch(bulk.account_id, threads)


def _switch(user, bulk: Bulk, rows: QuerySet[Bulk], action: AuditEntry.Action, **values) -> bool:
    """The conditional update behind every change of state; who comes second changes nothing."""
    with transaction.atomic():
        changed = bool(rows.update(**values))
        if changed:
            audit(user, action, bulk.account, bulk=bulk.pk)
            if values["state"] == State.RUNNING:
                jobs.enqueue(SEND, bulk.account_id)
    bulk.refresh_from_db()
    return changed


# --- The worker's side -----------------------------------------------------------------------------------------------


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


def settle() -> set[int]:
    """The sweep's part: ends what is over. Returns the accounts whose bulk texts can go on."""
    for bulk_id in list(Bulk.objects.filter(state=State.RUNNING).values_list("pk", flat=True)):
        _finish(bulk_id)
    # A text that was just leaving when its bulk text was cancelled, and could not leave, waits again.
    left = Message.objects.filter(state=Message.State.QUEUED, bulk__state=State.CANCELLED)
    for bulk in Bulk.objects.filter(pk__in=left.values("bulk")):
        _take_back(bulk)
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
            if why := why_not(row.contact, _refusing(bulk.account_id, row.contact.phone)):
                why = Reason(why.code, {"after_start": True})
                BulkRecipient.objects.filter(pk=row.pk).update(state=Waits.LEFT_OUT, **why.columns())
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
            "conversation": compose.thread_with(row.contact),
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


def _allowed(user, account_id: int) -> None:
    if not Account.objects.for_user(user).filter(pk=account_id).exists():
        raise PermissionDenied(_("You are not a member of this account."))
