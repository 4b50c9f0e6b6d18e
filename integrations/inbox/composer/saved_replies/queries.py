"""Saved replies: whose they are, who may change them, and what one says to a contact."""

from collections.abc import Iterable
from copy import copy

from django.db.models import F, Q, QuerySet

from ....contacts import profile_changes
from ....models import Account, Contact, Conversation, Membership, SavedReply
from ....outbox import merge_fields

OWN_AT_MOST = 200  # in one account
SHARED_AT_MOST = 300


def visible_replies(user) -> QuerySet[SavedReply]:
    """The shared ones of the person's accounts, and their own."""
    return SavedReply.objects.for_user(user).filter(Q(owner=None) | Q(owner=user))


def managed_accounts(user) -> list[Account]:
    """The accounts whose shared replies this person may change."""
    found = Account.objects.for_user(user).defer("webhook_secret", "last_error")
    if not user.is_superuser:
        manager = Membership.objects.filter(user=user, role=Membership.Role.MANAGER)
        found = found.filter(pk__in=manager.values("account"))
    return list(found)


def can_change(user, reply: SavedReply, managers: Iterable[Account]) -> bool:
    """managers: `managed(user)`."""
    return reply.owner_id == user.pk or (reply.owner_id is None and reply.account_id in {one.pk for one in managers})


def is_full(user, account: Account, shared: bool) -> bool:
    """Whether no more of them can be made: what “/” offers is one short list."""
    rows = SavedReply.objects.filter(account=account, owner=None if shared else user)
    return rows.count() >= (SHARED_AT_MOST if shared else OWN_AT_MOST)


def effective_copy(contact: Contact) -> Contact:
    """A copy with what staff changed and Salesmsg has still to take. One query; not to be saved."""
    contact = copy(contact)
    for name, value in profile_changes.shown_values(contact).items():
        setattr(contact, name, value)
    return contact


def offered_replies(user, conversation: Conversation) -> list[dict]:
    """What can be put into this conversation, the most used first: {id, name, text, empty}; `text` is filled in, and
    `empty` are the fields for which the contact has nothing. Two queries."""
    contact = effective_copy(conversation.contact)
    rows = visible_replies(user).filter(account=conversation.account_id).order_by("-used", "name", "pk")
    return [_offer(row, contact) for row in rows[: OWN_AT_MOST + SHARED_AT_MOST]]


def _offer(row: SavedReply, contact: Contact) -> dict:
    text = merge_fields.fill_fields(row.text, contact)
    return {"id": row.pk, "name": row.name, "text": text, "empty": merge_fields.find_fields(text)}


def count_use(user, conversation: Conversation, pk: int) -> bool:
    """Notes that one was used here; False when there is no such one."""
    return bool(visible_replies(user).filter(account=conversation.account_id, pk=pk).update(used=F("used") + 1))


def append_reply(typed: str, reply: str) -> str:
    """What was typed, and the reply after it."""
    return f"{typed.rstrip()} {reply}" if typed.strip() else reply
