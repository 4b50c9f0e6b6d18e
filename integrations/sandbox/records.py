"""JSON records of the API (salesmsg-api.md, section 6). The only module that knows the vendor's keys."""

import html
from datetime import datetime

from . import phones
from .model import Contact, Conversation, Media, Message, Note, Number, Tag, Team, User, World


class Records:
    """Creates records. ``iso_times`` is a function, because the switch can change at run time."""

    def __init__(self, world: World, iso_times):
        self.world = world
        self._iso_times = iso_times

    def time(self, moment: datetime | None) -> str | None:
        """Format a time without zone, or as ISO 8601 with Z if the switch is on (section 8)."""
        if moment is None:
            return None
        return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z" if self._iso_times() else "%Y-%m-%d %H:%M:%S")

    # -- 6.1 ------------------------------------------------------------------------------------------------

    def contact(self, contact: Contact) -> dict:
        return {
            "id": contact.id,
            "owner_id": contact.owner_id,
            "color": contact.color,
            "first_name": contact.first_name,
            "last_name": contact.last_name,
            "full_name": contact.full_name or contact.first_name,
            "email": contact.email,
            "photo_url": None,
            "number": contact.number,
            "formatted_number": phones.formatted(contact.number),
            "national_number": phones.national(contact.number),
            "country": phones.country_of(contact.number),
            "country_calling_code": phones.CALLING_CODES.get(phones.country_of(contact.number) or ""),
            "is_blocked": contact.is_blocked,
            "opt_out": contact.opt_out,
            "opt_out_at": self.time(contact.opt_out_at),
            "opt_in_request_at": None,
            "opt_in_requests": [],
            "opt_in_at": self.time(contact.opt_in_at),
            "shortcode_opt_outs": [],
            "created_at": self.time(contact.created_at),
            "updated_at": self.time(contact.updated_at),
            "integration_vendor_id": None,
            "prevent_autolink": False,
            "integration": [],
            "custom_fields": [self._custom_field(contact, field) for field in contact.custom_fields],
            "tags": [self.tag(tag) for tag in contact.tags],
            "notes": [self.note(note) for note in contact.notes],
            "total_received_sms": contact.received_sms,
        }

    def short_contact(self, contact: Contact) -> dict:
        """Short contact of POST /contacts/list (``useShortResponse``) and of webhooks (section 7)."""
        return {
            "id": contact.id,
            "owner_id": contact.owner_id,
            "first_name": contact.first_name,
            "last_name": contact.last_name,
            "full_name": contact.full_name or contact.first_name,
            "number": contact.number,
            "formatted_number": phones.formatted(contact.number),
            "opt_out": contact.opt_out,
        }

    def _custom_field(self, contact: Contact, field) -> dict:
        return {
            "id": field.id,
            "custom_field_id": field.definition_id,
            "contact_id": contact.id,
            "field_key": field.key,
            "organization_id": self.world.organization.id,
            "text": field.value,
            "number": None,
            "date": None,
            "value": field.value,
            "created_at": self.time(field.created_at),
            "updated_at": self.time(field.created_at),
        }

    def note(self, note: Note) -> dict:
        moment = self.time(note.created_at)
        return {"id": note.id, "text": note.text, "created_at": moment, "updated_at": moment}

    def tag(self, tag: Tag) -> dict:
        return {"id": tag.id, "name": tag.name, "label": tag.label, "created_at": self.time(tag.created_at)}

    # -- 6.2 ------------------------------------------------------------------------------------------------

    def conversation(self, conversation: Conversation) -> dict:
        contact = self.world.contacts[conversation.contact_id]
        owner = self.world.users.get(conversation.owner_id or 0)
        number = self.world.teams[conversation.team_id].number
        latest = conversation.messages[-1] if conversation.messages else None
        short = self.short_contact(contact)
        return {
            "id": conversation.id,
            "contact_id": contact.id,
            "name": contact.full_name or phones.formatted(contact.number),
            "inbox_id": conversation.team_id,
            "contact": short,
            "participants": [short],
            "owner": {"id": owner.id, "full_name": owner.full_name} if owner else None,
            "number": {"id": number.id, "number": number.number, "formatted_number": phones.formatted(number.number)},
            "unread": conversation.unread,
            "started_at": self.time(conversation.started_at),
            "closed_at": self.time(conversation.closed_at),
            "last_message_at": self.time(conversation.last_message_at),
            "last_message": {
                "id": latest.id,
                "body": self.body(latest),
                "status": latest.status,
                "created_at": self.time(latest.created_at),
            }
            if latest
            else None,
        }

    # -- 6.3 ------------------------------------------------------------------------------------------------

    def body(self, message: Message) -> str:
        """Return the body. Some contain entities and ``<br>``; ``body_raw`` is always plain text."""
        if message.id % 3 == 0 or "<" in message.text:
            return html.escape(message.text).replace("&#x27;", "&#039;").replace("\n", "<br>")
        return message.text

    def message(self, message: Message) -> dict:
        user = self.world.users.get(message.user_id or 0)
        icon = ""
        if message.type == "call":
            icon = "icon_inbound_call" if message.inbound else "icon_outbound_call"
        return {
            "id": message.id,
            "conversation_id": message.conversation_id,
            "contact_id": message.contact_id,
            "automated": message.automated,
            "status": message.status,
            "type": message.type,
            "mms_status": message.mms_status,
            "body": self.body(message),
            "body_raw": message.text,
            "has_tagging": False,
            "icon": icon,
            "received_at": self.time(message.received_at),
            "send_at": self.time(message.send_at),
            "queued_at": self.time(message.queued_at),
            "sent_at": self.time(message.sent_at),
            "delivered_at": self.time(message.delivered_at),
            "failed_at": self.time(message.failed_at),
            "failed_reason": message.failed_reason,
            "created_at": self.time(message.created_at),
            "stop_on_response": False,
            "record": self._record(message),
            "user_id": message.user_id,
            "user": {"id": user.id, "full_name": user.full_name} if user else None,
            "source": message.source,
            "source_id": message.source_id,
            "media": [self.media(media) for media in message.media],
            "pending_mentions": [],
        }

    def _record(self, message: Message) -> dict | None:
        call = message.call
        if call is None:
            return None
        moment = self.time(message.created_at)
        return {
            "id": call.id,
            "message_id": message.id,
            "sid": call.sid,
            "record_id": None,
            "duration": call.duration,
            "status": call.status,
            "url": "",
            "is_voicemail": call.is_voicemail,
            "created_at": moment,
            "updated_at": moment,
        }

    def media(self, media: Media) -> dict:
        """Section 6.4."""
        return {
            "id": media.id,
            "content_type": media.content_type,
            "source": media.source,
            "source_short": media.source,
            "created_at": self.time(media.created_at),
        }

    def attachment(self, media: Media) -> dict:
        """Record of ``/attachments/recently``, which does not say which message it belongs to (section 6.4)."""
        return {
            "id": media.id,
            "type": "image",
            "name": media.source.rpartition("/")[2],
            "source": media.source,
            "content_type": media.content_type,
            "processing": 0,
            "is_allowed_for_media_url": True,
            "created_at": self.time(media.created_at),
        }

    # -- 6.5 ------------------------------------------------------------------------------------------------

    def number(self, number: Number) -> dict:
        team = self.world.teams[number.team_id]
        return self._line(number) | {"numberable": {"id": team.id, "name": team.name}}

    def _line(self, number: Number) -> dict:
        return {
            "id": number.id,
            "country": phones.country_of(number.number),
            "number": number.number,
            "formatted_number": phones.formatted(number.number),
            "mms": "1",
        }

    def team(self, team: Team) -> dict:
        return {
            "id": team.id,
            "name": team.name,
            "inbox_identifier": team.identifier,
            "number": self._line(team.number),
        }

    def user(self, user: User) -> dict:
        team = self.world.teams[user.team_ids[0]]
        mine = [c for c in self.world.conversations.values() if c.team_id in user.team_ids]
        return {
            "id": user.id,
            "email": user.email,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "full_name": user.full_name,
            "role": user.role,
            "inbox_id": team.id,
            "organization_id": self.world.organization.id,
            "photo_url": None,
            "unread": sum(c.unread > 0 for c in mine),
            "number": team.number.number,
            "formatted_number": phones.formatted(team.number.number),
            "organizationNumber": [self._line(team.number)],
            "userPermissions": [],
        }

    def organization(self) -> dict:
        organization = self.world.organization
        return {
            "id": organization.id,
            "name": organization.name,
            "timezone": organization.timezone,
            "account_credits": organization.account_credits,
        }
