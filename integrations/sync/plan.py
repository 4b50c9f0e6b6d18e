"""Which lists a run reads, in which order, and their labels."""

from ..models import ListSync, SyncRun

CHECK = ListSync.Name.CHECK.value  # the comparison of everything, as an entry among the lists
LABELS = {name.value: name.label for name in ListSync.Name}
# Salesmsg has no filter "all": these three together are all conversations (salesmsg-api.md, section 10.10).
FILTERS = ("open", "closed", "outbound")
HOUSE = ("organization", "members", "inboxes", "numbers", "tags")
FULL = (*HOUSE, "contacts", "deleted", *FILTERS, "lost", "messages")
POLLED = (*FILTERS, "contacts")
CHANGES = (*FILTERS, "messages", "contacts")  # messages first: members wait for them
# The inbox works without these lists, so a token that may not read them does not fail the run.
OPTIONAL = {*HOUSE}


def streams_of(kind: str) -> tuple[str, ...]:
    """The streams of a run of this kind, in order."""
    return CHANGES if kind == SyncRun.Kind.CHANGES else FULL
