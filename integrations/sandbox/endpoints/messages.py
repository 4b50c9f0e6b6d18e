"""Messages and attachments (section 5, Messages).

``/messages/{x}``: x is a conversation for GET and POST, a message for PUT. There is no GET of one message,
no idempotency key, and no delete.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from .. import phones
from ..model import Conversation, Message
from ..routing import Call, route
from ..web import Response, invalid, missing, not_found

CAP = 100


def _newest_first(messages: Iterable[Message]) -> list[Message]:
    return sorted(messages, key=lambda m: m.order, reverse=True)


def _older_than(call: Call, messages: list[Message], name: str) -> list[Message]:
    """Apply the cursor: return messages before this one in the thread's order."""
    if call.params.text(name) is None:
        return messages
    cursor = call.params.integer(name, low=1)
    place = next((m.order for m in messages if m.id == cursor), None)
    if place is None:  # a deleted message or one of another thread: compare IDs, which increase with time
        return [m for m in messages if m.id < cursor]
    return [m for m in messages if m.order < place]


def _listed(call: Call, messages: list[Message]) -> Response:
    limit = min(call.params.integer("limit", default=20, low=1), CAP)
    messages = _older_than(call, _older_than(call, messages, "before_id"), "before")
    page = call.params.integer("page", default=1, low=0) or 1
    rows = call.envelopes.window(messages, (page - 1) * limit, limit)
    return call.envelopes.bare([call.records.message(message) for message in rows])


@route("GET", "/messages/contacts", "messages:read")
def messages_of_contacts(call: Call) -> Response:
    """v2.1."""
    wanted = {int(value) for value in call.params.many("contacts") if value.isdigit()}
    if not wanted:
        raise missing("contacts")
    threads = (c for c in call.world.conversations.values() if c.contact_id in wanted)
    return _listed(call, _newest_first(message for thread in threads for message in thread.messages))


@route("GET", "/messages/{conversation}", "messages:read")
def list_messages(call: Call, conversation: int) -> Response:
    return _listed(call, _newest_first(call.store.conversation(conversation).messages))


@route("GET", "/messages/{conversation}/paginated", "messages:read")
def paginated(call: Call, conversation: int) -> Response:
    if not call.switches.paginated:
        raise not_found()
    thread = call.store.conversation(conversation)
    page = call.params.integer("page", low=1)
    per_page = call.params.integer("per_page", low=1, high=100)
    found = _newest_first(thread.messages)
    if call.params.text("only_scheduled") in {"1", "true"}:
        found = [message for message in found if message.status == "scheduled"]
    return call.envelopes.page(found, page, per_page, call.records.message)


@route("POST", "/messages/{conversation}", "messages:write")
def send_to_conversation(call: Call, conversation: int) -> Response:
    thread = call.store.conversation(conversation)
    return _send(call, thread, _text(call, needed=not call.params.media_urls()))


@route("POST", "/messages", "messages:write")
@route("POST", "/async/messages", "messages:write")
def send_to_number(call: Call) -> Response:
    """Send to a phone number. Creates the contact and conversation if needed."""
    written = call.params.required("number")
    call.params.required("team_id")
    text = _text(call, needed=True)
    team_id = call.params.integer("team_id")
    if team_id not in call.world.teams:
        raise invalid("team_id", "The selected team id is invalid.")
    number = phones.normalise(written)
    if len(re.sub(r"\D", "", number)) < 3:
        raise invalid("number", "The number format is invalid.")
    contact = call.store.contact_by_number(number) or call.store.add_contact(number)
    thread, _ = call.store.open_conversation(contact, team_id)
    return _send(call, thread, text)


def _text(call: Call, needed: bool) -> str:
    value = call.params.raw("message")
    text = value if isinstance(value, str) else call.params.text("message") or ""
    if needed and not text.strip():
        raise missing("message")
    return text


def _send(call: Call, thread: Conversation, text: str) -> Response:
    send_at = None
    if written := call.params.text("send_at"):
        try:
            send_at = datetime.fromisoformat(written)
        except ValueError:
            raise invalid("send_at", "The send at is not a valid date.") from None
        send_at = send_at.replace(tzinfo=UTC) if send_at.tzinfo is None else send_at.astimezone(UTC)
        send_at = send_at.replace(microsecond=0)
    message = call.store.send(thread, text, call.user, call.params.media_urls(), send_at)
    call.journal.sent(message.id)
    return call.envelopes.one(call.records.message(message))


@route("PUT", "/messages/{message}", "messages:write")
def edit_message(call: Call, message: int) -> Response:
    """Undocumented. Here, edits the text of a scheduled message."""
    found = call.store.message(message)
    if found.status != "scheduled":
        raise invalid("message", "Only scheduled messages can be changed.")
    found.text = _text(call, needed=True)
    return call.envelopes.one(call.records.message(found))


@route("GET", "/attachments/recently", "attachments:read")
def recent_attachments(call: Call) -> Response:
    media = [m for thread in call.world.conversations.values() for message in thread.messages for m in message.media]
    media.sort(key=lambda m: m.id, reverse=True)
    return call.envelopes.bare([call.records.attachment(m) for m in media[:50]])
