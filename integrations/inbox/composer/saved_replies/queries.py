"""Saved replies: which ones a user can see and change, and their text for a contact."""

from collections.abc import Iterable
from copy import copy

from django.db.models import F, Q, QuerySet

from ....contacts import profile_changes
from ....models import Account, Contact, Conversation, Membership, SavedReply
from ....outbox import merge_fields

OWN_AT_MOST = 200  # per user and account
SHARED_AT_MOST = 300  # per account


def visible_replies(user) -> QuerySet[SavedReply]:
    """The shared replies of the user's accounts and the user's own."""
    return SavedReply.objects.for_user(user).filter(Q(owner=None) | Q(owner=user))


def managed_accounts(user) -> list[Account]:
    """The accounts whose shared replies the user can change."""
    accounts = Account.objects.for_user(user).defer("webhook_secret", "vendor_reason")
    if not user.is_superuser:
        managed = Membership.objects.filter(user=user, role=Membership.Role.MANAGER)
        accounts = accounts.filter(pk__in=managed.values("account"))
    return list(accounts)


def can_change(user, reply: SavedReply, managers: Iterable[Account]) -> bool:
    """Whether the user can change the reply. managers: the result of `managed_accounts(user)`."""
    return reply.owner_id == user.pk or (reply.owner_id is None and reply.account_id in {one.pk for one in managers})


def is_full(user, account: Account, shared: bool) -> bool:
    """Whether the limit is reached. The limit keeps the list that “/” opens short."""
    rows = SavedReply.objects.filter(account=account, owner=None if shared else user)
    return rows.count() >= (SHARED_AT_MOST if shared else OWN_AT_MOST)


def effective_copy(contact: Contact) -> Contact:
    """Return a copy of the contact with pending changes applied. Do not save it. One query."""
    contact = copy(contact)
    for name, value in profile_changes.shown_values(contact).items():
        setattr(contact, name, value)
    return contact


def offered_replies(user, conversation: Conversation) -> list[dict]:
    """The replies for this conversation, most used first: {id, name, text, empty}. Two queries.

    `text` has the contact's details filled in; `empty` lists the merge fields the contact has no value for."""
    contact = effective_copy(conversation.contact)
    rows = visible_replies(user).filter(account=conversation.account_id).order_by("-used", "name", "pk")
    return [_offer(row, contact) for row in rows[: OWN_AT_MOST + SHARED_AT_MOST]]


def _offer(row: SavedReply, contact: Contact) -> dict:
    text = merge_fields.fill_fields(row.text, contact)
    return {"id": row.pk, "name": row.name, "text": text, "empty": merge_fields.find_fields(text)}


def convert_text(text: str, conversation: Conversation) -> str:
    """The text with its placeholders filled in for the contact, pending changes included. One query."""
    return merge_fields.fill_fields(text.replace("\r\n", "\n"), effective_copy(conversation.contact))


def convert_offer(text: str, conversation: Conversation) -> str:
    """The label of the button that does so; empty if nothing can be filled in. One query."""
    return merge_fields.fill_offer(text, effective_copy(conversation.contact))


def count_use(user, conversation: Conversation, pk: int) -> bool:
    """Count a use of the reply. Returns False when the user has no such reply in this account."""
    return bool(visible_replies(user).filter(account=conversation.account_id, pk=pk).update(used=F("used") + 1))


def append_reply(typed: str, reply: str) -> str:
    """Return the typed text followed by the reply."""
    return f"{typed.rstrip()} {reply}" if typed.strip() else reply
