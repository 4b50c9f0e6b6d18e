"""Whose a conversation is: taking one that nobody has, and saying who one is at Salesmsg."""

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from ...access import record_audit
from ...contacts import conversation_changes
from ...models import Conversation, Member, Membership


class CannotClaim(Exception):
    """Nothing was changed; `reason` tells staff why and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def member_of_user(user, account_id: int) -> Member | None:
    """Who this person is at Salesmsg, in this account."""
    mine = Membership.objects.filter(user=user, account=account_id).exclude(member=None)
    found = mine.select_related("member").defer("member__raw").first()
    return found.member if found else None


def claim_conversation(user, conversation: Conversation) -> None:
    """Gives this person the conversation, where nobody has it. Raises CannotClaim."""
    member = member_of_user(user, conversation.account_id)
    if member is None:
        raise CannotClaim(
            _(
                "The portal does not know yet who you are at Salesmsg, so the conversation still belongs to nobody. "
                "Open the menu of owners, choose yourself under “Who are you at Salesmsg?”, then claim it."
            )
        )
    try:
        conversation_changes.claim_conversation(user, conversation, member)
    except conversation_changes.AlreadyTaken:
        owner = Member.objects.filter(conversations=conversation.pk).defer("raw").first()
        if owner is None or owner.pk != member.pk:
            said = _("%(name)s took this conversation a moment ago, so it was not given to you.")
            raise CannotClaim(said % {"name": owner or _("Somebody")}) from None


def linkable_members(user) -> QuerySet[Member]:
    """Salesmsg users of this person's accounts whom nobody else has said to be."""
    others = Membership.objects.filter(member=OuterRef("pk")).exclude(user=user)
    return Member.objects.for_user(user).filter(~Exists(others)).defer("raw")


def unlinked_members(user) -> list[Member]:
    """Whom this person may say to be, in accounts where the portal does not know yet. One query."""
    known = Membership.objects.filter(user=user, account=OuterRef("account")).exclude(member=None)
    found = linkable_members(user).filter(~Exists(known)).select_related("account")
    return list(found.defer("raw", "account__webhook_secret", "account__last_error")[:200])


def link_member(user, pk: int | None) -> Member:
    """Remembers who this person is at Salesmsg. Once said, only an administrator changes it. Raises CannotClaim."""
    member = linkable_members(user).select_related("account").filter(pk=pk).first() if pk is not None else None
    if member is None:
        raise CannotClaim(_("Choose yourself from the list. If you are not in it, ask an administrator to link you."))
    with transaction.atomic():
        # A superuser needs no membership to work here; to own conversations they need one.
        membership, _made = Membership.objects.get_or_create(user=user, account=member.account)
        mine = Membership.objects.filter(pk=membership.pk, member=None)
        if not mine.update(member=member):
            if membership.member_id == member.pk:
                return member
            raise CannotClaim(
                _("You are linked to a Salesmsg user already. An administrator can change it in your membership.")
            )
        record_audit(user, "linked to a Salesmsg user", member.account, f"member {member.pk}")
    return member
