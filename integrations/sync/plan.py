"""Which lists a run walks, in which order, and what people call them."""

from ..models import SyncRun

LABELS = {
    "organization": "Organisation",
    "members": "Members",
    "inboxes": "Inboxes",
    "numbers": "Numbers",
    "contacts": "Contacts",
    "deleted": "Deleted contacts",
    "open": "Open conversations",
    "closed": "Closed conversations",
    "outbound": "Unanswered conversations",
    "messages": "Conversations read",
}
FULL = (
    "organization",
    "members",
    "inboxes",
    "numbers",
    "contacts",
    "deleted",
    "open",
    "closed",
    "outbound",
    "messages",
)
# There is no filter “all”: these three together are all conversations (salesmsg-api.md, section 10.10).
CHANGES = ("open", "closed", "outbound", "contacts", "messages")
FILTERS = ("open", "closed", "outbound")
# Lists without which the inbox still works: a token that may not read them is no failure.
OPTIONAL = {"organization", "members", "inboxes", "numbers"}


def streams_of(kind: str) -> tuple[str, ...]:
    """The streams of a run of this kind, in order."""
    return FULL if kind == SyncRun.Kind.FULL else CHANGES
