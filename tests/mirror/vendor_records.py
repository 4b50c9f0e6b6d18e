"""What the vendor sends, as records: wire keys with small defaults."""

from integrations.salesmsg.records import Contact, Conversation, Message

DAY = "2026-04-10"


def contact(key: int = 1, **wire) -> Contact:
    return Contact.parse({"id": key, "number": f"+1305555{key:04d}", "first_name": f"Ana{key}"} | wire)


def conversation(key: int = 10, contact_id: int | None = 1, **wire) -> Conversation:
    raw = {"id": key, "contact_id": contact_id, "inbox_id": 7, "closed_at": None, "unread": 0}
    return Conversation.parse(raw | {"last_message_at": f"{DAY} 09:00:00"} | wire)


def message(key: int, at: str = "09:00:00", **wire) -> Message:
    """An inbound text, unless a status says otherwise."""
    raw = {"id": key, "conversation_id": 10, "status": "received", "type": "sms", "body": f"Text {key}", "media": []}
    return Message.parse(raw | {"created_at": f"{DAY} {at}"} | wire)


def ours(key: int, status: str, at: str = "09:00:00", **wire) -> Message:
    """One of our texts, as far as the status says."""
    times = dict.fromkeys(("sent_at", "delivered_at", "failed_at"))
    if status in {"sent", "delivered", "failed"}:
        times["sent_at"] = f"{DAY} {at}"
    if status in {"delivered", "failed"}:
        times[f"{status}_at"] = f"{DAY} {at}"
    return message(key, at, status=status, user_id=5, **(times | wire))
