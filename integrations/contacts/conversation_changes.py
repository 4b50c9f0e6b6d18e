"""Close, reopen and assign conversations: a pending change first; then `push_changes` tells Salesmsg."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import jobs, mirror
from ..access import record_audit, require_member
from ..models import Change, Conversation, Member
from ..told import english
from .profile_changes import InvalidEdit, supersede
from .push_changes import PUSH, shown_changed

Kind, State = Change.Kind, Change.State


class AlreadyTaken(Exception):
    """Nothing was saved: somebody else has taken the conversation."""


def close_conversation(user, conversation: Conversation) -> Change:
    """Closes for everybody at Salesmsg; the inbox shows it at once. What is done needs not come back by itself."""
    local = {"closed_at": timezone.now(), "snoozed_until": None, "snoozed_by": None}
    return _conversation_change(user, conversation, Kind.CLOSE, {}, local)


def reopen_conversation(user, conversation: Conversation) -> Change:
    return _conversation_change(user, conversation, Kind.REOPEN, {}, {"closed_at": None})


def assign_conversation(user, conversation: Conversation, member: Member | None) -> Change:
    """Assigns to a Salesmsg member, or to nobody."""
    if member is not None and member.account_id != conversation.account_id:
        raise InvalidEdit({"member": [_("This person does not belong to the conversation's account.")]})
    values = {"member": member.vendor_id if member else None}
    return _conversation_change(user, conversation, Kind.ASSIGN, values, {"owner_id": member.pk if member else None})


def claim_conversation(user, conversation: Conversation, member: Member) -> Change:
    """Assigns to a member where nobody owns it. Raises Taken when somebody was quicker."""
    if member.account_id != conversation.account_id:
        raise InvalidEdit({"member": [_("This person does not belong to the conversation's account.")]})
    values, local = {"member": member.vendor_id}, {"owner_id": member.pk}
    return _conversation_change(user, conversation, Kind.ASSIGN, values, local, owner=None)


def _conversation_change(user, conversation: Conversation, kind: str, values: dict, local: dict, **still) -> Change:
    """still: what must hold of the conversation yet, or nothing is changed. Raises Taken."""
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
        record_audit(
            user, english(change.get_kind_display).lower(), conversation.account, f"conversation {conversation.pk}"
        )
    return change


def _begin(user, account_id: int, kind: str, values: dict, **target) -> Change:
    change = Change.objects.create(account_id=account_id, kind=kind, values=values, requested_by=user, **target)
    jobs.enqueue(PUSH, change.pk)
    shown_changed(change)
    return change
