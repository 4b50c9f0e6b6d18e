"""Closes, reopens and assigns conversations, stored as pending changes that `push_changes` sends to Salesmsg."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import jobs, mirror
from ..access import record_audit, require_member
from ..models import Change, Conversation, Member
from .profile_changes import AUDITED, InvalidEdit, Kind, State, supersede
from .push_changes import PUSH, touch_threads


class AlreadyTaken(Exception):
    """Another member has taken the conversation. Nothing was saved."""


def close_conversation(user, conversation: Conversation) -> Change:
    """Closes the conversation for all members and ends its snooze. The inbox shows it immediately."""
    local = {"closed_at": timezone.now(), "snoozed_until": None, "snoozed_by": None}
    return _conversation_change(user, conversation, Kind.CLOSE, {}, local)


def reopen_conversation(user, conversation: Conversation) -> Change:
    return _conversation_change(user, conversation, Kind.REOPEN, {}, {"closed_at": None})


def assign_conversation(user, conversation: Conversation, member: Member | None) -> Change:
    """Assigns the conversation to a member; None removes the assignment. Raises InvalidEdit."""
    if member is not None and member.account_id != conversation.account_id:
        raise InvalidEdit({"member": [_("This member does not belong to the conversation's account.")]})
    values = {"member": member.vendor_id if member else None}
    return _conversation_change(user, conversation, Kind.ASSIGN, values, {"owner_id": member.pk if member else None})


def claim_conversation(user, conversation: Conversation, member: Member) -> Change:
    """Assigns an unassigned conversation to a member. Raises InvalidEdit; AlreadyTaken if it has been assigned."""
    if member.account_id != conversation.account_id:
        raise InvalidEdit({"member": [_("This member does not belong to the conversation's account.")]})
    values, local = {"member": member.vendor_id}, {"owner_id": member.pk}
    return _conversation_change(user, conversation, Kind.ASSIGN, values, local, owner=None)


def _conversation_change(user, conversation: Conversation, kind: str, values: dict, local: dict, **still) -> Change:
    """still: filter that the conversation must match. Raises AlreadyTaken if it does not."""
    require_member(user, conversation.account_id)
    with transaction.atomic():
        same = {Kind.CLOSE, Kind.REOPEN} if kind != Kind.ASSIGN else {Kind.ASSIGN}
        for waiting in Change.objects.select_for_update(no_key=True).filter(
            conversation=conversation, kind__in=same, state=State.PENDING
        ):
            supersede(waiting)
        change = _begin(user, conversation.account_id, kind, values, conversation=conversation)
        if not Conversation.objects.filter(pk=conversation.pk, **still).update(**local):
            raise AlreadyTaken
        mirror.touch(conversation.account_id, [conversation.pk])
        record_audit(user, AUDITED[kind], conversation.account, conversation=conversation.pk)
    return change


def _begin(user, account_id: int, kind: str, values: dict, **target) -> Change:
    change = Change.objects.create(account_id=account_id, kind=kind, values=values, requested_by=user, **target)
    jobs.enqueue(PUSH, change.pk)
    touch_threads(change)
    return change
