"""The vendor's state, protected by one lock, and all changes to it.

The API, the phone simulator and timers all change the state here. Each change calls
``listener(event, **things)``.
"""

import threading
import zlib
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from . import phones
from .data import FAILURES, REFUSED_BLOCKED, REFUSED_NUMBER, REFUSED_OPT_OUT
from .model import (
    Call,
    Contact,
    Conversation,
    CustomField,
    File,
    Media,
    Message,
    Note,
    Tag,
    User,
    World,
    now,
)
from .web import invalid, not_found

# The vendor's words alone, compared as its document says (section 8): the portal knows more, and must cope with that.
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
FAILING_SHARE = 3  # percent of texts sent through the API


class Store:
    """The state. Callers must hold ``lock``, which is reentrant."""

    def __init__(self, world: World, seed: int, media_url: str):
        self.world = world
        self.lock = threading.RLock()
        self.media_url = media_url
        self.listener: Callable[..., None] = lambda event, **things: None
        self._seed = seed
        self._sends = 0
        self._by_number = {contact.number: contact.id for contact in world.contacts.values()}
        self._messages: dict[int, Message] = {}
        self._threads: dict[int, list[int]] = defaultdict(list)  # contact -> conversations
        for conversation in world.conversations.values():
            self._threads[conversation.contact_id].append(conversation.id)
            for message in conversation.messages:
                self._messages[message.id] = message

    def new_id(self, kind: str) -> int:
        number = self.world.next_id[kind]
        self.world.next_id[kind] += 1
        return number

    # -- lookups --------------------------------------------------------------------------------------------

    def contact(self, contact_id: int) -> Contact:
        found = self.world.contacts.get(contact_id)
        if found is None:
            raise not_found("Contact")
        return found

    def contact_by_number(self, number: str) -> Contact | None:
        return self.world.contacts.get(self._by_number.get(number, 0))

    def conversation(self, conversation_id: int) -> Conversation:
        found = self.world.conversations.get(conversation_id)
        if found is None:
            raise not_found("Conversation")
        return found

    def conversations_of(self, contact: Contact) -> list[Conversation]:
        """Newest first."""
        mine = [self.world.conversations[key] for key in self._threads[contact.id]]
        return sorted(mine, key=lambda c: c.order, reverse=True)

    def find_message(self, message_id: int) -> Message | None:
        return self._messages.get(message_id)

    def message(self, message_id: int) -> Message:
        found = self._messages.get(message_id)
        if found is None:
            raise not_found("Message")
        return found

    # -- contacts -------------------------------------------------------------------------------------------

    def add_contact(self, number: str, **fields: str | None) -> Contact:
        moment = now()
        contact = Contact(self.new_id("contact"), number, moment, moment, **fields)
        self.world.contacts[contact.id] = contact
        self._by_number[number] = contact.id
        self.listener("contact.created", contact=contact)
        return contact

    def edit_contact(self, contact: Contact, changes: dict) -> None:
        if "number" in changes and changes["number"] != contact.number:
            del self._by_number[contact.number]
            self._by_number[changes["number"]] = contact.id
        for name, value in changes.items():
            setattr(contact, name, value)
        self.touch(contact)

    def touch(self, contact: Contact) -> None:
        contact.updated_at = now()
        self.listener("contact.updated", contact=contact)

    def remove_contact(self, contact: Contact) -> None:
        """Delete a contact and its conversations. A new text from its number creates a new contact."""
        for key in self._threads.pop(contact.id, []):
            for message in self.world.conversations.pop(key).messages:
                del self._messages[message.id]
        del self._by_number[contact.number]
        del self.world.contacts[contact.id]

    def set_opt_out(self, contact: Contact, out: bool, by_text: bool = False) -> None:
        contact.opt_out = out
        if out:
            contact.opt_out_at = now()
            contact.stopped_by_text = by_text or contact.stopped_by_text
        else:
            contact.opt_out_at, contact.opt_in_at = None, now()
            contact.stopped_by_text = contact.stopped_by_text and not by_text
        self.touch(contact)

    def add_note(self, contact: Contact, text: str) -> Note:
        note = Note(self.new_id("note"), text, now())
        contact.notes.append(note)
        self.touch(contact)
        return note

    def set_custom_field(self, contact: Contact, key: str, value: str) -> None:
        field = next((f for f in contact.custom_fields if f.key == key), None)
        if field is None:
            definition = {"birthday": 301, "plan": 302}.get(key, 303 + zlib.crc32(key.encode()) % 600)
            contact.custom_fields.append(CustomField(self.new_id("custom_field"), definition, key, value, now()))
        else:
            field.value = value

    def add_tag(self, label: str) -> Tag:
        tag = Tag(self.new_id("tag"), label.lower().replace(" ", "-"), label, now())
        self.world.tags[tag.id] = tag
        return tag

    # -- conversations --------------------------------------------------------------------------------------

    def open_conversation(self, contact: Contact, team_id: int) -> tuple[Conversation, bool]:
        """Return the contact's conversation in this inbox, created if needed (section 11), and whether it is new."""
        for conversation in self.conversations_of(contact):
            if conversation.team_id == team_id:
                return conversation, False
        conversation = Conversation(self.new_id("conversation"), contact.id, team_id, now())
        self.world.conversations[conversation.id] = conversation
        self._threads[contact.id].append(conversation.id)
        return conversation, True

    # -- messages -------------------------------------------------------------------------------------------

    def _append(self, conversation: Conversation, message: Message) -> None:
        message.created_at = max(message.created_at, conversation.last_message_at or message.created_at)
        conversation.messages.append(message)
        conversation.closed_at = None  # both inbound and outbound texts reopen it (section 11)
        self._messages[message.id] = message

    def send(
        self,
        conversation: Conversation,
        text: str,
        user: User,
        media_urls: list[str] = (),
        send_at: datetime | None = None,
    ) -> Message:
        """Send a text. It is queued, or fails immediately if it cannot be sent."""
        contact = self.world.contacts[conversation.contact_id]
        moment = now()
        message = Message(
            self.new_id("message"), conversation.id, contact.id, False, text, "queued", moment, user_id=user.id
        )
        self._append(conversation, message)
        if media_urls:
            message.type, message.mms_status = "mms", "busy"
        conversation.unread = 0
        if reason := self._refusal(contact):
            message.status, message.failed_at, message.failed_reason = "failed", moment, reason
            return message
        if send_at and send_at > moment:
            message.status, message.send_at = "scheduled", send_at
        else:
            message.queued_at = moment
        self._sends += 1
        self.listener("send", message=message, media_urls=list(media_urls), number=self._sends)
        return message

    def _refusal(self, contact: Contact) -> str | None:
        if not phones.is_possible(contact.number):
            return REFUSED_NUMBER
        if contact.opt_out or contact.stopped_by_text:
            return REFUSED_OPT_OUT
        if contact.is_blocked:
            return REFUSED_BLOCKED
        return None

    def will_fail(self, number: int) -> str | None:
        """Return the carrier's reason for a fixed share of texts, else None."""
        draw = zlib.crc32(f"{self._seed}/{number}".encode())
        return FAILURES[draw // 100 % len(FAILURES)] if draw % 100 < FAILING_SHARE else None

    def advance(self, message: Message, status: str, reason: str | None = None) -> None:
        """Move a message to queued, sent, delivered or failed."""
        if message.id not in self._messages or message.status == "failed":
            return  # a failed text is not delivered afterwards
        moment = now()
        message.status = status
        if status == "queued":
            message.queued_at = moment
        elif status == "sent":
            message.sent_at = moment
        elif status == "delivered":
            message.delivered_at = moment
        elif status == "failed":
            message.failed_at, message.failed_reason = moment, reason
        self.listener(f"message.{status}", message=message)

    def attach(self, message: Message, files: list[File | None]) -> None:
        """Add pictures to a message and announce it again (section 6.3, mms_status).

        None in ``files`` stands for a generated picture.
        """
        if message.id not in self._messages:
            return
        for file in files:
            number = self.new_id("media")
            content_type = file.content_type if file else "image/png"
            if file:
                self.world.files[number] = file
            source = f"{self.media_url}/{number}.{content_type.rpartition('/')[2]}"
            message.media.append(Media(number, content_type, source, now()))
        message.mms_status = "done"
        if message.inbound or message.sent_at:
            self.listener("message.received" if message.inbound else "message.sent", message=message)

    def receive(self, contact: Contact, text: str, photo: bool = False, team_id: int | None = None) -> Message:
        """Receive a text from a contact."""
        conversation = self._for_inbound(contact, team_id)
        moment = now()
        message = Message(self.new_id("message"), conversation.id, contact.id, True, text, "received", moment)
        message.received_at = moment
        if photo:
            message.type, message.mms_status = "mms", "busy"
        self._append(conversation, message)
        conversation.unread += 1
        contact.received_sms += 1
        self.listener("message.received", message=message)
        word = text.strip().upper()
        if word in STOP_WORDS and not contact.stopped_by_text:
            self.set_opt_out(contact, out=True, by_text=True)
        elif word in START_WORDS and (contact.opt_out or contact.stopped_by_text):
            self.set_opt_out(contact, out=False, by_text=True)
        if photo:
            self.listener("photo", message=message)
        return message

    def receive_call(self, contact: Contact, duration: int, voicemail: bool, team_id: int | None = None) -> Message:
        """Receive a call from a contact."""
        conversation = self._for_inbound(contact, team_id)
        moment = now()
        message = Message(self.new_id("message"), conversation.id, contact.id, True, "", "record", moment, type="call")
        message.source, message.received_at = "call", moment
        number = self.new_id("call")
        state = "voicemail" if voicemail else "completed"
        sid = f"CA{zlib.crc32(str(number).encode()):032x}"
        message.call = Call(number, sid, duration, state, voicemail)
        self._append(conversation, message)
        conversation.unread += 1
        self.listener("call", message=message)
        return message

    def _for_inbound(self, contact: Contact, team_id: int | None) -> Conversation:
        if team_id is not None and team_id not in self.world.teams:
            raise invalid("inbox_id", "The selected inbox is invalid.")
        threads = self.conversations_of(contact)
        if team_id is None and threads:
            return threads[0]
        return self.open_conversation(contact, team_id or next(iter(self.world.teams)))[0]
