"""Writes conversations received from Salesmsg."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from ..models import Contact, Conversation, Inbox, Member, Message, ThreadSync
from ..salesmsg.records import Contact as ContactRecord
from ..salesmsg.records import Conversation as Record
from .contacts import upsert_contacts
from .conversation_summary import refresh_latest as refresh_latest  # where others look for it
from .diff import by_vendor_id, collector_paused, differing, insert_new, save_changed
from .machine import read_machine
from .versions import touch

SAME_SECOND = timedelta(seconds=2)  # includes clock drift


@dataclass
class Conversations:
    """The result of an upsert.

    rows: {vendor id: row}. changed: number of rows created or changed. moved: primary keys of conversations with unread
    messages in Salesmsg that are not cached. homeless: vendor ids of conversations without a contact, which were
    skipped.
    """

    rows: dict[int, Conversation] = field(default_factory=dict)
    changed: int = 0
    moved: set[int] = field(default_factory=set)
    homeless: list[int] = field(default_factory=list)


@collector_paused()
@transaction.atomic
def upsert_conversations(
    account_id: int, records: Iterable[Record], *, closed: bool | None = None, believed: bool = False
) -> Conversations:
    """Write conversations, with stubs of contacts, inboxes and members that are not cached yet.

    closed: whether the records come from the list of closed or of open conversations, used if the record does not say.
    believed: from a full sync, which is also right if a last message was deleted.
    """
    found = {record.id: record for record in records}
    result = Conversations()
    # Before their contacts, whose changes lock the account. Reading threads takes locks in the same order.
    result.rows = by_vendor_id(Conversation, account_id, found)
    contacts = _contacts(account_id, found.values())
    drafts = _drafts([contacts[r.contact_id] for r in found.values() if r.id not in result.rows and r.contact_id])
    known = _known_messages(account_id, found.values())
    read_at = dict(
        ThreadSync.objects.filter(conversation__in=result.rows.values()).values_list("conversation_id", "read_at")
    )
    inboxes = _stubs(account_id, Inbox, (record.inbox_id for record in found.values()))
    members = _stubs(account_id, Member, (record.owner_id for record in found.values()))
    new: dict[int, Conversation] = {}
    changed: dict[Conversation, list[str]] = {}
    for vendor_id, record in found.items():
        row = result.rows.get(vendor_id)
        contact_id = contacts.get(record.contact_id) if record.contact_id else None
        if contact_id is None and row is None:
            result.homeless.append(vendor_id)
            continue
        if row is not None and not believed and _is_older(record, row):
            continue
        values = {**_values(record, contact_id, inboxes, members), **_closing(row, record, closed)}
        if row is None and contact_id and (draft := _draft(drafts.get(contact_id, []), values)):
            draft.vendor_id = vendor_id
            row = result.rows[vendor_id] = draft
            changed[row] = ["vendor_id"]
        if row is None:
            values |= _latest(None, record)
            new[vendor_id] = Conversation(account_id=account_id, vendor_id=vendor_id, **values)
            continue
        moved = _moved(row, record, known, read_at)
        if moved:
            result.moved.add(row.pk)
            values |= _latest(row, record)
        changed[row] = changed.get(row, []) + differing(row, values)
    if not insert_new(list(new.values())):
        # Another process inserted one of them first: start again and compare with its rows.
        return upsert_conversations(account_id, found.values(), closed=closed, believed=believed)
    result.rows |= new
    result.moved.update(row.pk for row in new.values())
    result.changed = save_changed(changed, counter="version") + len(new)
    if result.changed:
        touch(account_id)
    return result


@transaction.atomic
def conversation_gone(account_id: int, vendor_id: int) -> int:
    """Mark a conversation that Salesmsg reports as not existing. Returns the number of rows marked."""
    present = Conversation.objects.filter(account_id=account_id, vendor_id=vendor_id, gone_at=None)
    ids = list(present.values_list("pk", flat=True))
    marked = present.update(gone_at=timezone.now())
    if marked:
        touch(account_id, ids)
    return marked


def _values(record: Record, contact_id: int | None, inboxes: dict[int, int], members: dict[int, int]) -> dict[str, Any]:
    values: dict[str, Any] = {"raw": record.raw, "gone_at": None}
    if contact_id is not None:
        values["contact_id"] = contact_id
    if "inbox_id" in record.present:
        values["inbox_id"] = inboxes.get(record.inbox_id or 0)
    if "owner_id" in record.present:
        values["owner_id"] = members.get(record.owner_id or 0)
    if "number" in record.present and record.number:
        values["line_phone"] = record.number[:32]
    if "unread" in record.present:
        values["unread_at_vendor"] = max(0, min(record.unread or 0, 2**31 - 1))
    for name in ("started_at", "closed_at", "last_message_at"):
        if name in record.present:
            values[name] = getattr(record, name)
    return values


def _latest(row: Conversation | None, record: Record) -> dict[str, Any]:
    """Return the list's message summary until the message itself is read; never goes back in time."""
    last = record.last_message
    at = record.last_message_at or (last.at if last else None) or record.started_at
    if row is not None and (at is None or (row.latest_state and at < row.latest_at)):
        return {}
    if row is not None and row.latest_state and last is not None and last.inbound and read_machine(last.text):
        return {}  # a reaction or an automatic reply moves nothing
    values: dict[str, Any] = {"latest_at": at or timezone.now()}
    if last is not None and (last.text or last.kind != "sms"):
        text = last.text or {"call": "Call", "mms": "Picture"}.get(last.kind, "")
        values |= {"latest_text": text[:200], "latest_inbound": last.inbound, "latest_state": STATES[last.state]}
    return values


# Record state -> message state: texts accepted by Salesmsg count as sent; only the outbox queues.
STATES = {
    "received": Message.State.RECEIVED,
    "queued": Message.State.SENT,
    "scheduled": Message.State.SENT,
    "sent": Message.State.SENT,
    "delivered": Message.State.DELIVERED,
    "failed": Message.State.FAILED,
}


def _known_messages(account_id: int, records: Iterable[Record]) -> set[int]:
    """Return which of the last messages named by these conversations are cached."""
    ids = [record.last_message.id for record in records if record.last_message]
    known = Message.objects.filter(account_id=account_id, vendor_id__in=ids).values_list("vendor_id", flat=True)
    return {vendor_id for vendor_id in known if vendor_id is not None}


def _closing(row: Conversation | None, record: Record, closed: bool | None) -> dict[str, Any]:
    """Return the closed state implied by the record's list, if the record does not contain it."""
    if closed is False and record.closed_at is None:
        return {"closed_at": None}
    if closed and record.closed_at is None:
        known = row.closed_at if row is not None else None
        return {"closed_at": known or record.last_message_at or record.started_at or timezone.now()}
    return {}


def _is_older(record: Record, row: Conversation) -> bool:
    """Return whether the record is older than the row. Only its last message tells: messages are not deleted, so a
    record with an earlier last message was read before the later one arrived.
    """
    if record.last_message_at is None or row.last_message_at is None or record.last_message_at > row.last_message_at:
        return False
    if record.last_message_at < row.last_message_at:
        return True
    if record.last_message is None or record.raw == row.raw:
        return False
    known = Record.parse({"id": row.vendor_id, **row.raw}).last_message
    return known is not None and record.last_message.id < known.id


def _moved(row: Conversation, record: Record, known: set[int], read_at: dict[int, datetime | None]) -> bool:
    """Return whether Salesmsg has messages in the conversation that are not cached."""
    if record.last_message is not None:
        return record.last_message.id not in known
    if record.last_message_at is None:
        return False
    last_read = read_at.get(row.pk)
    # Times are whole seconds, so a message that arrived in the second of the last read is visible in no other way.
    read_in_same_second = last_read is not None and last_read <= record.last_message_at + SAME_SECOND
    return read_in_same_second or record.last_message_at != row.last_message_at


def _contacts(account_id: int, records: Iterable[Record]) -> dict[int, int]:
    """Return {vendor id: primary key} of these conversations' contacts. Contacts without a full record are filled from
    the nested data.
    """
    nested: dict[int, ContactRecord] = {}
    for record in records:
        if record.contact_id is None:
            continue
        contact = record.contact
        if contact is None or contact.id != record.contact_id:
            contact = ContactRecord.parse({"id": record.contact_id})
        nested[record.contact_id] = contact
    full = Contact.objects.filter(account_id=account_id, vendor_id__in=nested).exclude(raw={})
    known = full.values_list("vendor_id", "pk")
    found = {vendor_id: pk for vendor_id, pk in known if vendor_id is not None}
    if rest := [record for vendor_id, record in nested.items() if vendor_id not in found]:
        found |= {vendor_id: row.pk for vendor_id, row in upsert_contacts(account_id, rest, partial=True)[0].items()}
    return found


def _stubs(account_id: int, model: type[Inbox] | type[Member], ids: Iterable[int | None]) -> dict[int, int]:
    """Return {vendor id: primary key} of inboxes or members, creating stubs for missing ones."""
    wanted = {vendor_id for vendor_id in ids if vendor_id}
    if not wanted:
        return {}
    queryset = model.objects.filter(account_id=account_id, vendor_id__in=wanted)
    known: dict[int, int] = dict(queryset.values_list("vendor_id", "pk"))
    if missing := wanted - known.keys():
        rows: list[Any] = [model(vendor_id=vendor_id, account_id=account_id) for vendor_id in missing]
        model.objects.bulk_create(rows, ignore_conflicts=True)
        known = dict(queryset.values_list("vendor_id", "pk"))
    return known


def _drafts(contacts: list[int]) -> dict[int, list[Conversation]]:
    """Return conversations started here with these contacts and not yet opened in Salesmsg, by contact."""
    found: dict[int, list[Conversation]] = {}
    waiting = (
        Conversation.objects.select_for_update(no_key=True).filter(contact__in=contacts, vendor_id=None).order_by("pk")
    )
    for draft in waiting if contacts else ():
        found.setdefault(draft.contact_id, []).append(draft)
    return found


def _draft(waiting: list[Conversation], values: dict[str, Any]) -> Conversation | None:
    """Take the draft that matches this conversation: first by its inbox, then one without an inbox."""
    for inbox_id in (values.get("inbox_id"), None):
        for draft in waiting:
            if draft.inbox_id == inbox_id:
                waiting.remove(draft)
                return draft
    return None
