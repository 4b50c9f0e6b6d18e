"""Writes contacts received from Salesmsg."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from ..models import BulkRecipient, Contact, Conversation, Draft, InternalNote, Message
from ..salesmsg.records import Contact as Record
from . import consent
from .conversation_summary import refresh_latest
from .diff import by_vendor_id, collector_paused, cut, differing, insert_new, save_changed
from .versions import touch

# column -> field of the record
COLUMNS = {
    "phone": "phone",
    "first_name": "first_name",
    "last_name": "last_name",
    "full_name": "full_name",
    "email": "email",
    "country": "country",
    "color": "color",
    "photo_url": "photo_url",
    "owner_vendor_id": "owner_id",
    "opted_out": "opted_out",
    "blocked": "blocked",
    "opted_out_at": "opted_out_at",
    "opted_in_at": "opted_in_at",
    "custom_fields": "custom_fields",
    "notes": "notes",
    "tags": "tags",
    "vendor_created_at": "created_at",
    "vendor_updated_at": "updated_at",
}


@collector_paused()
@transaction.atomic
def upsert_contacts(
    account_id: int, records: Iterable[Record], *, partial: bool = False
) -> tuple[dict[int, Contact], int]:
    """Write contacts; a record older than its row changes nothing.

    partial: the records are nested in other records, so they only fill rows that no full record has filled. Returns
    ({vendor id: row}, number of rows created or changed).
    """
    newest = _newest(records)
    rows = by_vendor_id(Contact, account_id, newest)
    before = {row.pk: row.opted_out for row in rows.values()}
    changed: dict[Contact, list[str]] = {}
    missing = {vendor_id: record for vendor_id, record in newest.items() if vendor_id not in rows}
    for vendor_id, draft in _drafts(account_id, missing).items():
        draft.vendor_id = vendor_id
        rows[vendor_id] = draft
        changed[draft] = ["vendor_id"]
    new: dict[int, Contact] = {}
    for vendor_id, record in newest.items():
        values = _values(record, partial)
        row = rows.get(vendor_id)
        if row is None:
            new[vendor_id] = Contact(account_id=account_id, vendor_id=vendor_id, **values)
        elif _applies(row, record, partial):
            changed[row] = changed.get(row, []) + differing(row, values)
    if not insert_new(list(new.values())):
        # Another process inserted one of them first: start again and compare with its rows.
        return upsert_contacts(account_id, newest.values(), partial=partial)
    rows |= new
    count = save_changed(changed) + len(new)
    consent.read_contacts(account_id, before, [*changed, *new.values()])
    if count:
        _touch(account_id, [row.pk for row, names in changed.items() if names])
    return rows, count


@transaction.atomic
def contact_gone(account_id: int, vendor_id: int) -> int:
    """Mark a contact as deleted because Salesmsg reports that it does not exist. Returns the number of rows marked."""
    present = Contact.objects.present().filter(account_id=account_id, vendor_id=vendor_id)
    ids = list(present.values_list("pk", flat=True))
    marked = present.update(deleted_at=timezone.now())
    if marked:
        _touch(account_id, ids)
    return marked


@transaction.atomic
def merge_draft(draft: Contact, into: Contact) -> None:
    """Merge a draft into the existing contact with the same phone number."""
    if draft.pk == into.pk:
        return
    # Locked so that a text written to the draft at the same time is not lost.
    Contact.objects.select_for_update().get(pk=draft.pk)
    for conversation in draft.conversations.select_for_update(of=("self",)):
        twin = Conversation.objects.filter(contact=into, inbox=conversation.inbox, vendor_id=None).first()
        if twin and conversation.vendor_id is None:
            Message.objects.filter(conversation=conversation).update(conversation=twin)
            _move_internal_data(conversation, twin)
            conversation.delete()
            refresh_latest(twin.pk)
        else:
            Conversation.objects.filter(pk=conversation.pk).update(contact=into)
    draft.changes.update(contact=into)
    known = BulkRecipient.objects.filter(contact=into).values("bulk")
    BulkRecipient.objects.filter(contact=draft).exclude(bulk__in=known).update(contact=into)
    draft.delete()


def _move_internal_data(conversation: Conversation, twin: Conversation) -> None:
    """Move notes and drafts of a conversation that is about to be deleted."""
    InternalNote.objects.filter(conversation=conversation).update(conversation=twin)
    for draft in Draft.objects.filter(conversation=conversation).exclude(text=""):
        existing = Draft.objects.filter(user=draft.user_id, conversation=twin).first()
        if existing is None:
            Draft.objects.filter(pk=draft.pk).update(conversation=twin)
        else:
            text = f"{existing.text}\n{draft.text}".strip()
            Draft.objects.filter(pk=existing.pk).update(text=text, revision=F("revision") + 1)


def _touch(account_id: int, contact_ids: list[int]) -> None:
    """Raise the versions of the list and of these contacts' threads."""
    threads = Conversation.objects.filter(contact__in=contact_ids) if contact_ids else Conversation.objects.none()
    touch(account_id, threads.values_list("pk", flat=True))


def _newest(records: Iterable[Record]) -> dict[int, Record]:
    found: dict[int, Record] = {}
    for record in records:
        other = found.get(record.id)
        if other is None or _time(record.updated_at) >= _time(other.updated_at):
            found[record.id] = record
    return found


def _time(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _applies(row: Contact, record: Record, partial: bool) -> bool:
    if partial:
        return not row.raw
    return not (row.vendor_updated_at and record.updated_at and record.updated_at < row.vendor_updated_at)


def _values(record: Record, partial: bool) -> dict[str, Any]:
    """Return the columns that the record contains."""
    values = {column: getattr(record, name) for column, name in COLUMNS.items() if name in record.present}
    if values.get("opted_out") is False:
        values["opted_out_at"] = record.opted_out_at
    if "tags" in values:
        values["tags"] = [tag.label or tag.name for tag in record.tags]
    for name in ("custom_fields", "notes"):
        if name in values:
            values[name] = list(values[name])
    if not partial:
        values["raw"] = record.raw
        values["deleted_at"] = None
    return cut(values, Contact)


def _drafts(account_id: int, missing: dict[int, Record]) -> dict[int, Contact]:
    """Return drafts whose phone number belongs to a new contact: {vendor id: draft}."""
    phones = {record.phone: vendor_id for vendor_id, record in missing.items() if record.phone}
    if not phones:
        return {}
    drafts = Contact.objects.select_for_update(no_key=True).filter(
        account_id=account_id, vendor_id=None, phone__in=phones
    )
    return {phones[draft.phone]: draft for draft in drafts}
