"""Read the data of the contact panel: the contact, possible assignees, tags and other conversations."""

from dataclasses import dataclass

from django.db.models import F

from ...contacts import conflicts, profile_changes
from ...models import Change, Conversation, Member
from .assignees import read_choices


@dataclass
class ContactPanel:
    """The data of the contact panel."""

    values: dict  # the editable fields with pending changes applied
    change: Change | None  # the newest change to report; a change in conflict comes first
    clash: list[str]  # labels of fields that a pending change and Salesmsg both changed
    members: list[Member]
    labels: list[str]  # tags of the account
    others: list[Conversation]

    @property
    def me(self) -> Member | None:
        return next((member for member in self.members if member.is_me), None)


def read_panel(user, conversation: Conversation, change: Change | None) -> ContactPanel:
    """Return the contact panel of a conversation. change: the contact edit to report, if any.

    Two queries (members and tags; other conversations), more only when a pending change is in conflict."""
    contact = conversation.contact
    clash, values = [], {name: getattr(contact, name) for name in profile_changes.EDITABLE}
    if change is not None and change.waiting:
        change.contact = contact
        clash = conflicts.clashing_labels(change)
        values |= change.values
    elif change is not None and change.state == Change.State.CONFLICT:
        values = profile_changes.shown_values(contact)  # another change may be pending at the same time
    members, labels = read_choices(user, conversation.account_id)
    others = Conversation.objects.for_user(user).filter(contact=contact).exclude(pk=conversation.pk)
    return ContactPanel(
        values=values,
        change=change,
        clash=clash,
        members=members,
        labels=labels,
        others=list(others.select_related("inbox").defer("raw", "inbox__raw").order_by(F("latest_at").desc())[:8]),
    )
