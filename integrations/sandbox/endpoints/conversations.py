"""Conversations (section 5, Conversations)."""

from datetime import UTC, datetime

from ..model import Contact, Conversation, now
from ..routing import Call, route
from ..web import Response, invalid
from .contacts import matching


def _in_my_teams(call: Call, conversation: Conversation) -> bool:
    """Filters of the list. Assigned and unassigned only include inboxes of the calling user."""
    return conversation.closed_at is None and conversation.team_id in call.user.team_ids


def _contact(call: Call, conversation: Conversation) -> Contact:
    return call.world.contacts[conversation.contact_id]


# Every conversation is in exactly one of open, closed and outbound: see Conversation.folder.
FILTERS = {
    "open": lambda call, c: c.folder == "open",
    "closed": lambda call, c: c.folder == "closed",
    "outbound": lambda call, c: c.folder == "outbound",
    "unread": lambda call, c: c.unread > 0,
    "assigned": lambda call, c: _in_my_teams(call, c) and c.owner_id is not None,
    "unassigned": lambda call, c: _in_my_teams(call, c) and c.owner_id is None,
    "optout": lambda call, c: _contact(call, c).opt_out,
    "nocalls": lambda call, c: c.closed_at is None and all(m.type != "call" for m in c.messages),
}


@route("GET", "/conversations", "conversations:read")
def list_conversations(call: Call) -> Response:
    """List conversations. ``filter`` and ``limit`` are required. There is no "all" filter, total or meta."""
    name = call.params.required("filter")
    if name not in FILTERS:
        raise invalid("filter", "The selected filter is invalid.")
    limit = min(call.params.integer("limit", low=1), 100)
    offset = call.params.integer("offset", default=0, low=0)
    if "offset" not in call.params and "page" in call.params:  # one client uses it (section 4)
        offset = (max(1, call.params.integer("page", default=1, low=0)) - 1) * limit
    found = [c for c in call.world.conversations.values() if FILTERS[name](call, c)]
    if query := call.params.text("query"):
        people = {contact.id for contact in matching(call, query)}
        found = [c for c in found if c.contact_id in people]
    for key, attribute in (("contact_id", "contact_id"), ("inbox_id", "team_id")):
        if call.params.text(key):
            wanted = call.params.integer(key)
            found = [c for c in found if getattr(c, attribute) == wanted]
    if before := _date(call, "before"):
        found = [c for c in found if c.last_message_at and c.last_message_at < before]
    if after := _date(call, "after"):
        found = [c for c in found if c.last_message_at and c.last_message_at >= after]
    found.sort(key=lambda c: c.order, reverse=True)
    return call.envelopes.bare([call.records.conversation(c) for c in call.envelopes.window(found, offset, limit)])


def _date(call: Call, name: str) -> datetime | None:
    """Parse a date or an ISO date-time. ``before`` a date excludes that day."""
    text = call.params.text(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(name, f"The {name} is not a valid date.") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


@route("GET", "/conversations/search", "conversations:read")
def search_conversations(call: Call) -> Response:
    """v2.1: search by contact or message text."""
    term = call.params.required("term")
    page = call.params.integer("page", default=1, low=0) or 1
    if call.params.text("type") == "messages":
        needle = term.casefold()
        found = [c for c in call.world.conversations.values() if any(needle in m.text.casefold() for m in c.messages)]
    else:
        people = {contact.id for contact in matching(call, term)}
        found = [c for c in call.world.conversations.values() if c.contact_id in people]
    found.sort(key=lambda c: c.order, reverse=True)
    chunk, _ = call.envelopes.cut(found, page, 50)
    return call.envelopes.bare([call.records.conversation(c) for c in chunk])


@route("GET", "/conversations/{conversation}", "conversations:read")
def get_conversation(call: Call, conversation: int) -> Response:
    return call.conversation(call.store.conversation(conversation))


@route("POST", "/conversations", "conversations:write")
def create_conversation(call: Call) -> Response:
    """Create a conversation or return the existing one."""
    call.params.required("contact_id")
    contact = call.world.contacts.get(call.params.integer("contact_id", low=1))
    if contact is None:
        raise invalid("contact_id", "The selected contact id is invalid.")
    team_id = call.user.team_ids[0]
    if call.params.text("number_id"):
        lines = {team.number.id: team.id for team in call.world.teams.values()}
        team_id = lines.get(call.params.integer("number_id"), 0)
        if not team_id:
            raise invalid("number_id", "The selected number id is invalid.")
    if call.params.text("team_id"):
        team_id = call.params.integer("team_id")
        if team_id not in call.world.teams:
            raise invalid("team_id", "The selected team id is invalid.")
    conversation, created = call.store.open_conversation(contact, team_id)
    return call.conversation(conversation, 201 if created else 200)


@route("PUT", "/conversations/{conversation}/close", "conversations:write")
def close(call: Call, conversation: int) -> Response:
    thread = call.store.conversation(conversation)
    thread.closed_at = thread.closed_at or now()
    return call.conversation(thread)


@route("PUT", "/conversations/{conversation}/open", "conversations:write")
def reopen(call: Call, conversation: int) -> Response:
    thread = call.store.conversation(conversation)
    thread.closed_at = None
    return call.conversation(thread)


@route("POST", "/conversations/{conversation}/reassign", "conversations:write")
def reassign(call: Call, conversation: int) -> Response:
    """Assign a conversation. An empty ``user_id`` unassigns it."""
    thread = call.store.conversation(conversation)
    if call.params.text("user_id") is None:
        thread.owner_id = None
        return call.conversation(thread)
    user_id = call.params.integer("user_id")
    if user_id not in call.world.users:
        raise invalid("user_id", "The selected user id is invalid.")
    thread.owner_id = user_id
    return call.conversation(thread)
