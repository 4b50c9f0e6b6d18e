"""Drafts of bulk texts: their recipients and their text.

A bulk text is a row for each recipient, WAITING until the dispatcher asks `outbox.bulk_queue` for the next message.
"""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..access import record_audit, require_member
from ..models import Account, Bulk, BulkRecipient, Contact
from ..outbox import compose
from ..outbox.bulk_queue import exclusion_reason, refusing_phones
from ..outbox.merge_fields import BulkProblem, EmptyField, Template

State, Waits = Bulk.State, BulkRecipient.State
MOST = 5000
BATCH = 1000

TOO_MANY = gettext_lazy("A bulk text goes to %(most)s contacts at the most. Narrow the choice, or send it in parts.")
SAME_PHONE = "Same phone as another recipient"
EMPTY = "Nothing would be left of the text"
TOO_LONG = f"Longer than {compose.MAX_CHARACTERS} characters with their details filled in"


def create_draft(user, account: Account, contacts: QuerySet[Contact] | Iterable[Contact], text: str = "") -> Bulk:
    """A bulk text to those of the contacts that belong to this account. Raises BulkProblem, PermissionDenied."""
    require_member(user, account.pk)
    ids = _chosen(user, account, contacts)
    if not ids:
        raise BulkProblem(_("Nobody was chosen. Tick at least one contact."))
    with transaction.atomic():
        made = Bulk.objects.create(account=account, created_by=user)
        BulkRecipient.objects.bulk_create([BulkRecipient(bulk=made, contact_id=pk) for pk in ids], batch_size=BATCH)
        record_audit(user, "bulk text drafted", account, f"bulk text {made.pk}, {len(ids)} contacts")
    return write_text(user, made, text) if text.strip() else made


def add_recipients(user, bulk: Bulk, contacts: QuerySet[Contact] | Iterable[Contact]) -> int:
    """More recipients for a draft; returns how many were not among them yet. Raises BulkProblem."""
    require_member(user, bulk.account_id)
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
        write_text(user, bulk, bulk.text)
    return len(fresh)


def remove_recipient(user, bulk: Bulk, contact_id: int) -> bool:
    """Takes a contact out of a draft; False when they are not in it. Raises BulkProblem."""
    require_member(user, bulk.account_id)
    with transaction.atomic():
        if not Bulk.objects.select_for_update(of=("self",), no_key=True).filter(pk=bulk.pk, state=State.DRAFT).exists():
            raise BulkProblem(
                _("This bulk text was started already, so nobody was taken out. You can pause or cancel it.")
            )
        removed, _by_model = bulk.recipients.filter(contact=contact_id).delete()
    if removed and bulk.text:
        write_text(user, bulk, bulk.text)  # somebody with the same phone may get it now
    return bool(removed)


def _chosen(user, account: Account, contacts: QuerySet[Contact] | Iterable[Contact]) -> list[int]:
    if not isinstance(contacts, QuerySet):
        contacts = Contact.objects.filter(pk__in=[contact.pk for contact in contacts])
    own = Contact.objects.for_user(user).filter(account=account, pk__in=contacts.order_by().values("pk"))
    ids = list(own.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        raise BulkProblem(TOO_MANY % {"most": number_format(MOST, force_grouping=True)})
    return ids


def write_text(user, bulk: Bulk, text: str) -> Bulk:
    """Sets the text of a draft, and what each recipient would get or why nothing. Raises BulkProblem."""
    require_member(user, bulk.account_id)
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise BulkProblem(_("Write a text first."))
    template = Template(text)
    heavy = ("contact__raw", "contact__custom_fields", "contact__notes", "contact__tags")
    rows = list(bulk.recipients.select_related("contact").defer(*heavy))
    _fill(rows, template, refusing_phones(bulk.account_id))
    with transaction.atomic():
        if not Bulk.objects.filter(pk=bulk.pk, state=State.DRAFT).update(text=text):
            raise BulkProblem(_("This bulk text was started already, so its text can no longer be changed."))
        # An upsert by primary key: several times faster than bulk_update, and the lock is held for less.
        fields = ["text", "state", "reason"]
        BulkRecipient.objects.bulk_create(
            rows, batch_size=BATCH, update_conflicts=True, unique_fields=["pk"], update_fields=fields
        )
    bulk.refresh_from_db()
    return bulk


def _fill(rows: list[BulkRecipient], template: Template, refusing: set[str]) -> None:
    phones: set[str] = set()
    for row in rows:
        row.text, why = "", exclusion_reason(row.contact, refusing)
        if not why and row.contact.phone in phones:
            why = SAME_PHONE
        if not why:
            row.text, why = _filled(template, row.contact)
        row.state, row.reason = (Waits.LEFT_OUT, why) if why else (Waits.WAITING, "")
        if not why:
            phones.add(row.contact.phone)


def _filled(template: Template, contact: Contact) -> tuple[str, str]:
    """(text, "") or ("", why not)."""
    try:
        text = template.fill(contact)
    except EmptyField as empty:
        return "", f"No {empty.field.replace('_', ' ')}, and the text has nothing to put in its place"
    if not text:
        return "", EMPTY
    return ("", TOO_LONG) if len(text) > compose.MAX_CHARACTERS else (text, "")
