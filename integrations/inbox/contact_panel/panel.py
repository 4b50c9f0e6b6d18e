"""What stands beside a thread: the contact, who can own the conversation, other conversations. Reads only."""

from dataclasses import dataclass

from django.db.models import F

from ...contacts import conflicts, profile_changes
from ...models import Change, Conversation, Member
from .assignees import read_choices


@dataclass
class ContactPanel:
    """What stands beside a thread."""

    values: dict  # the editable fields, as people should see them now
    change: Change | None  # the newest change that still says something; one that waits for a choice comes first
    clash: list[str]  # labels of what a waiting change will meet: changed in Salesmsg, too
    members: list[Member]
    labels: list[str]  # tags of the account
    others: list[Conversation]

    @property
    def me(self) -> Member | None:
        return next((member for member in self.members if member.is_me), None)


def read_panel(user, of: Conversation, change: Change | None) -> ContactPanel:
    """Two queries: who can own the conversation and what the account's tags are, other conversations. More only where
    a waiting change met another one in Salesmsg. change: the edit of the contact that still says something."""
    contact = of.contact
    clash, values = [], {name: getattr(contact, name) for name in profile_changes.EDITABLE}
    if change is not None and change.waiting:
        change.contact = contact
        clash = conflicts.clashing_labels(change)
        values |= change.values
    elif change is not None and change.state == Change.State.CONFLICT:
        values = profile_changes.shown_values(contact)  # another change may be on its way beside it
    members, labels = read_choices(user, of.account_id)
    others = Conversation.objects.for_user(user).filter(contact=contact).exclude(pk=of.pk).select_related("inbox")
    return ContactPanel(
        values=values,
        change=change,
        clash=clash,
        members=members,
        labels=labels,
        others=list(others.defer("raw", "inbox__raw").order_by(F("latest_at").desc())[:8]),
    )
