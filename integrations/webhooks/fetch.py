"""Finds what events name in the cache, or fetches it from Salesmsg. One call serves all events that name the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from .. import mirror
from ..models import Contact, Conversation, Message
from ..salesmsg.errors import NotFound

if TYPE_CHECKING:
    from ..salesmsg.client import Client


@dataclass(frozen=True)
class Thread:
    """A conversation, as needed to process an event.

    contact_id: the vendor's id. bare: the contact is only known from data nested in a conversation.
    """

    pk: int
    contact_id: int | None
    bare: bool
    closed: bool
    read_at: datetime | None


def known(account_id: int, vendor_ids: Iterable[int]) -> dict[int, Thread]:
    """Return the cached conversations with these vendor ids, by vendor id."""
    ours = Conversation.objects.filter(account_id=account_id, vendor_id__in=set(vendor_ids)).order_by()
    bare = set(ours.filter(contact__raw={}).values_list("pk", flat=True))
    fields = ("vendor_id", "pk", "contact__vendor_id", "closed_at", "thread_sync__read_at")
    return {
        vendor_id: Thread(pk, contact_id, pk in bare, closed_at is not None, read_at)
        for vendor_id, pk, contact_id, closed_at, read_at in ours.values_list(*fields)
    }


def our_texts(account_id: int, message_ids: Iterable[int]) -> set[int]:
    """Return which of these messages the portal sent: they are already complete from the API's answers."""
    ours = Message.objects.filter(account_id=account_id, client_uuid__isnull=False, vendor_id__in=set(message_ids))
    return set(ours.values_list("vendor_id", flat=True))


def under_way(account_id: int, conversation_ids: Iterable[int]) -> set[int]:
    """Return which of these conversations (vendor ids) have a text that is being sent right now."""
    ours = Message.objects.filter(
        account_id=account_id,
        client_uuid__isnull=False,
        state=Message.State.SENDING,
        conversation__vendor_id__in=set(conversation_ids),
    )
    return set(ours.values_list("conversation__vendor_id", flat=True))


def conversation(account_id: int, client: Client, vendor_id: int) -> Thread | None:
    """Fetch a conversation that is not cached, or was closed and may be reopened by a text. Returns None if it has no
    contact.
    """
    mirror.upsert_conversations(account_id, [client.conversation(vendor_id)])
    return known(account_id, [vendor_id]).get(vendor_id)


def conversations_of(account_id: int, client: Client, contact_id: int | None, phone: str) -> list[int]:
    """Fetch the conversations of a contact that an event names only by id or phone. Returns their primary keys."""
    if contact_id is None:
        contact_id = _by_phone(account_id, phone)
    if contact_id is None:
        contacts = [contact for contact in client.find_contacts(phone) if contact.phone == phone]
        mirror.upsert_contacts(account_id, contacts)
        contact_id = _by_phone(account_id, phone)
    if contact_id is None:
        return []
    upserted = mirror.upsert_conversations(account_id, client.contact_conversations(contact_id))
    return [row.pk for row in upserted.rows.values()]


def contact(account_id: int, client: Client, contact_id: int) -> None:
    """Fetch a contact, or mark it as deleted if Salesmsg no longer has it."""
    try:
        record = client.contact(contact_id)
    except NotFound:
        mirror.contact_gone(account_id, contact_id)
        return
    mirror.upsert_contacts(account_id, [record])


def _by_phone(account_id: int, phone: str) -> int | None:
    found = Contact.objects.filter(account_id=account_id, phone=phone, vendor_id__isnull=False).order_by("pk")
    return found.values_list("vendor_id", flat=True).first()
