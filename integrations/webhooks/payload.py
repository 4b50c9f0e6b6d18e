"""Reads the ids, the phone number and the text from an event. The rest of the body is not used."""

import json
from dataclasses import dataclass

from ..salesmsg.phones import possible


@dataclass(frozen=True)
class EventSubject:
    """What an event names; None or "" if absent. `text`: the words of its message."""

    message_id: int | None = None
    conversation_id: int | None = None
    contact_id: int | None = None
    phone: str = ""
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.conversation_id or self.contact_id or self.phone)


def read_subject(body: str) -> EventSubject:
    """Read an event's body. Never fails."""
    data = _data(body)
    message, contact, conversation = (_dict(data.get(key)) for key in ("message", "contact", "conversation"))
    if not message and "conversation_id" in data:
        message = data
    text = message.get("body_raw") or message.get("body") or ""
    return EventSubject(
        _id(message.get("id")),
        _id(message.get("conversation_id")) or _id(conversation.get("id")),
        _id(message.get("contact_id")) or _id(contact.get("id")),
        _phone(contact.get("number")),
        text if isinstance(text, str) else "",
    )


def _data(body: str) -> dict:
    """Return the data of an event, or {} if it cannot be read."""
    try:
        payload = _dict(json.loads(body))
    except (ValueError, RecursionError):
        return {}
    return _dict(payload.get("data")) or payload


def _dict(value) -> dict:
    return value if isinstance(value, dict) else {}


def _id(value) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 < number < 2**63 else None


def _phone(value) -> str:
    return possible(value) if isinstance(value, str) else ""
