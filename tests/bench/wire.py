"""Contacts, conversations and messages as Salesmsg writes them, any number of them, without a server."""

from datetime import UTC, datetime, timedelta

from integrations.salesmsg.records import Contact, Conversation, Message

BEGIN = datetime(2026, 4, 10, 9, tzinfo=UTC)


def moment(minute: int) -> str:
    """The vendor's way of writing a time."""
    return (BEGIN + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M:%S")


def contact(key: int, edition: int = 0) -> Contact:
    """A contact's full record; every edition is a later one, with another name, note and field."""
    name = f"Ana{key} Gomez-{edition}"
    when = moment(edition)
    return Contact.parse(
        {
            "id": key, "owner_id": 5, "color": "#4f46e5", "first_name": f"Ana{key}", "last_name": f"Gomez-{edition}",
            "full_name": name, "email": f"ana{key}@example.com", "photo_url": None,
            "number": f"+1{2_100_000_000 + key}", "formatted_number": f"(210) {key:07d}",
            "national_number": f"210{key:07d}", "country": "US",
            "country_calling_code": "1", "is_blocked": False, "opt_out": False, "opt_out_at": None, "opt_in_at": None,
            "opt_in_request_at": None, "opt_in_requests": [], "shortcode_opt_outs": [], "created_at": moment(0),
            "updated_at": when, "integration_vendor_id": None, "prevent_autolink": False, "integration": [],
            "custom_fields": [
                {"id": key, "custom_field_id": 3, "contact_id": key, "field_key": "plan", "organization_id": 1,
                 "text": f"plan {edition}", "number": None, "date": None, "value": f"plan {edition}",
                 "created_at": when, "updated_at": when}
            ],
            "tags": [{"id": 1, "name": "vip", "label": "VIP", "created_at": moment(0)}],
            "notes": [{"id": key, "text": f"Called on day {edition}.", "created_at": when, "updated_at": when}],
            "total_received_sms": edition,
        }
    )  # fmt: skip


def conversation(key: int, edition: int = 0, contacts: int = 0) -> Conversation:
    """The conversation of the contact with the same key (or one of the first `contacts`), moved by each edition."""
    person = 1 + key % contacts if contacts else key
    name, when = f"Ana{person} Gomez", moment(edition)
    short = {
        "id": person, "owner_id": 5, "first_name": f"Ana{person}", "last_name": "Gomez", "full_name": name,
        "opt_out": False, "number": f"+1{2_100_000_000 + person}", "formatted_number": f"(210) {person:07d}",
    }  # fmt: skip
    last = {"id": key * 100 + edition, "body": f"Text {edition} of {name}", "status": "received", "created_at": when}
    return Conversation.parse(
        {
            "id": key, "contact_id": person, "name": name, "inbox_id": 7, "contact": short, "participants": [short],
            "owner": {"id": 5, "full_name": "Sam Ortiz"}, "unread": edition, "started_at": moment(0),
            "number": {"id": 2, "number": "+13055550100", "formatted_number": "(305) 555-0100"},
            "closed_at": None, "last_message_at": when, "last_message": last,
        }
    )  # fmt: skip


def message(key: int, edition: int = 0) -> Message:
    """A text of ours: at first sent, later delivered, each edition in other words."""
    text = f"Your appointment {key} is confirmed ({edition})."
    when, done = moment(key), edition > 0
    return Message.parse(
        {
            "id": key, "conversation_id": 1, "contact_id": 1, "body": text, "body_raw": text,
            "status": "delivered" if done else "sent",
            "type": "sms", "media": [], "user_id": 5, "user": {"id": 5, "full_name": "Sam Ortiz"}, "source": "web",
            "automated": False, "failed_reason": None, "mms_status": None, "created_at": when, "queued_at": when,
            "sent_at": when, "delivered_at": moment(key + edition) if done else None, "failed_at": None,
            "received_at": None, "send_at": None, "num_segments": 1, "record": None, "icon": None,
        }
    )  # fmt: skip
