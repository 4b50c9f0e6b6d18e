"""Which lists a run walks, in which order, and what people call them."""

from ..models import ListSync, SyncRun

CHECK = ListSync.Name.CHECK.value  # the comparison of everything, as an entry among the lists
LABELS = {name.value: name.label for name in ListSync.Name}
# There is no filter “all”: these three together are all conversations (salesmsg-api.md, section 10.10).
FILTERS = ("open", "closed", "outbound")
HOUSE = ("organization", "members", "inboxes", "numbers", "tags")
FULL = (*HOUSE, "contacts", "deleted", *FILTERS, "lost", "messages")
LOOKED = (*FILTERS, "contacts")
CHANGES = (*FILTERS, "messages", "contacts")  # texts first: people wait for them
# Lists without which the inbox still works: a token that may not read them is no failure.
OPTIONAL = {*HOUSE}


def streams_of(kind: str) -> tuple[str, ...]:
    """The streams of a run of this kind, in order."""
    return CHANGES if kind == SyncRun.Kind.CHANGES else FULL
