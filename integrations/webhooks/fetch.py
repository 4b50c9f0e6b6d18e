"""What events name, found in the cache or fetched from Salesmsg. Each call is for all events that name the same."""

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
    """A conversation as an event needs it. contact_id: the vendor's; bare: of its contact we know only what a
    conversation told in passing."""

    pk: int
    contact_id: int | None
    bare: bool
    closed: bool
    read_at: datetime | None


def known(account_id: int, vendor_ids: Iterable[int]) -> dict[int, Thread]:
    """The conversations of these vendor ids that are cached, by vendor id."""
    ours = Conversation.objects.filter(account_id=account_id, vendor_id__in=set(vendor_ids)).order_by()
    bare = set(ours.filter(contact__raw={}).values_list("pk", flat=True))
    fields = ("vendor_id", "pk", "contact__vendor_id", "closed_at", "thread_sync__read_at")
    return {
        vendor_id: Thread(pk, contact_id, pk in bare, closed_at is not None, read_at)
        for vendor_id, pk, contact_id, closed_at, read_at in ours.values_list(*fields)
    }


def our_texts(account_id: int, message_ids: Iterable[int]) -> set[int]:
    """Which of these the portal sent itself: their answers told all of it already."""
    ours = Message.objects.filter(account_id=account_id, client_uuid__isnull=False, vendor_id__in=set(message_ids))
    return set(ours.values_list("vendor_id", flat=True))


def under_way(account_id: int, conversation_ids: Iterable[int]) -> set[int]:
    """In which of these conversations (vendor ids) a text of ours is being handed over right now."""
    ours = Message.objects.filter(
        account_id=account_id,
        client_uuid__isnull=False,
        state=Message.State.SENDING,
        conversation__vendor_id__in=set(conversation_ids),
    )
    return set(ours.values_list("conversation__vendor_id", flat=True))


def conversation(account_id: int, client: Client, vendor_id: int) -> Thread | None:
    """Fetches a conversation that is new to us, or was closed: a text opens it again. None: nobody's conversation."""
    mirror.upsert_conversations(account_id, [client.conversation(vendor_id)])
    return known(account_id, [vendor_id]).get(vendor_id)


def conversations_of(account_id: int, client: Client, contact_id: int | None, phone: str) -> list[int]:
    """Fetches the conversations of a contact whom an event names by id or phone alone; their primary keys."""
    if contact_id is None:
        contact_id = _by_phone(account_id, phone)
    if contact_id is None:
        contacts = [contact for contact in client.find_contacts(phone) if contact.phone == phone]
        mirror.upsert_contacts(account_id, contacts)
        contact_id = _by_phone(account_id, phone)
    if contact_id is None:
        return []
    found = mirror.upsert_conversations(account_id, client.contact_conversations(contact_id))
    return [row.pk for row in found.rows.values()]


def contact(account_id: int, client: Client, contact_id: int) -> None:
    """Fetches a contact; one that Salesmsg does not know any more is marked."""
    try:
        record = client.contact(contact_id)
    except NotFound:
        mirror.contact_gone(account_id, contact_id)
        return
    mirror.upsert_contacts(account_id, [record])


def _by_phone(account_id: int, phone: str) -> int | None:
    found = Contact.objects.filter(account_id=account_id, phone=phone, vendor_id__isnull=False).order_by("pk")
    return found.values_list("vendor_id", flat=True).first()
