"""Claim unassigned conversations and link portal users to Salesmsg members."""

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from ...access import record_audit
from ...contacts import conversation_changes
from ...models import AuditEntry, Conversation, Member, Membership


class CannotClaim(Exception):
    """Raised before anything changes. `reason` is a message for staff: the cause and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def member_of_user(user, account_id: int) -> Member | None:
    """Return the Salesmsg member that the user is linked to in this account, or None."""
    linked = Membership.objects.filter(user=user, account=account_id).exclude(member=None)
    membership = linked.select_related("member").defer("member__raw").first()
    return membership.member if membership else None


def claim_conversation(user, conversation: Conversation) -> None:
    """Assign an unassigned conversation to the user. Raises CannotClaim."""
    member = member_of_user(user, conversation.account_id)
    if member is None:
        raise CannotClaim(
            _(
                "You are not linked to a Salesmsg user yet, so the conversation is still unassigned. "
                "Open the assignee menu, choose yourself under “Who are you in Salesmsg?”, then claim it."
            )
        )
    try:
        conversation_changes.claim_conversation(user, conversation, member)
    except conversation_changes.AlreadyTaken:
        owner = Member.objects.filter(conversations=conversation.pk).defer("raw").first()
        if owner is None or owner.pk != member.pk:
            message = _("%(name)s has just claimed this conversation, so it was not assigned to you.")
            raise CannotClaim(message % {"name": owner or _("Another user")}) from None


def linkable_members(user) -> QuerySet[Member]:
    """Members of the user's accounts that no other user is linked to."""
    others = Membership.objects.filter(member=OuterRef("pk")).exclude(user=user)
    return Member.objects.for_user(user).filter(~Exists(others)).defer("raw")


def unlinked_members(user) -> list[Member]:
    """Members this user can link to, in accounts where the user is not linked yet: 200 at most. One query."""
    linked = Membership.objects.filter(user=user, account=OuterRef("account")).exclude(member=None)
    members = linkable_members(user).filter(~Exists(linked)).select_related("account")
    return list(members.defer("raw", "account__webhook_secret", "account__vendor_reason")[:200])


def link_member(user, pk: int | None) -> Member:
    """Link the user to a Salesmsg member. Only an administrator can change the link later. Raises CannotClaim."""
    member = linkable_members(user).select_related("account").filter(pk=pk).first() if pk is not None else None
    if member is None:
        raise CannotClaim(_("Choose yourself from the list. If you are not listed, ask an administrator to link you."))
    with transaction.atomic():
        # Superusers can work without a membership, but need one to own conversations.
        membership, _created = Membership.objects.get_or_create(user=user, account=member.account)
        unlinked = Membership.objects.filter(pk=membership.pk, member=None)
        if not unlinked.update(member=member):
            if membership.member_id == member.pk:
                return member
            raise CannotClaim(
                _("You are already linked to a Salesmsg user. An administrator can change this in your membership.")
            )
        record_audit(user, AuditEntry.Action.MEMBER_LINKED, member.account, member=member.pk)
    return member
