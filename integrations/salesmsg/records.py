"""The vendor's records, typed, frozen and parsed leniently (salesmsg-api.md, section 6).

Each record has one table, `FIELDS`: field name -> reader and possible paths in the raw record, with dots for nesting.
Unknown keys are kept in `raw` and ignored; only a record without an `id` is an error. `present` names the fields that
the raw record contained, so that a partial record does not overwrite other fields.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Self

from .errors import Unreadable
from .phones import phone_of_record
from .text import plain
from .values import dicts, flag, ident, moment, number, string, web_address
from .vocabulary import KINDS, STATES

__all__ = [
    "Contact",
    "Conversation",
    "Media",
    "Message",
    "Number",
    "Organization",
    "Record",
    "Tag",
    "Team",
    "User",
]

Fields = dict[str, tuple[Any, ...]]  # field name: (reader, wire path, wire path, …)
_MISSING = object()


def _at(raw: dict[str, Any], path: str) -> Any:
    """Return the value at a dotted path. With an empty parent ("owner": null), the paths below it count as present."""
    value: Any = raw
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step, _MISSING) if value or value is raw else None
        elif isinstance(value, list) and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else _MISSING
        elif value is _MISSING:
            return _MISSING
        else:
            return _MISSING if value else None
    return value


def _read(raw: dict[str, Any], reader: Callable[[Any], Any], paths: tuple[str, ...]) -> tuple[bool, Any]:
    """Return whether any of the paths was present, and the first value that is not empty."""
    carried, found = False, reader(None)
    for path in paths:
        value = _at(raw, path)
        if value is _MISSING:
            continue
        carried, found = True, reader(value)
        if found or (found == 0 and found is not False):
            break
    return carried, found


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Record:
    """Base class of records. The repr shows only the id, to keep names, phones and texts out of logs."""

    FIELDS: ClassVar[Fields] = {}
    IDS: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    raw: dict[str, Any] = field(default_factory=dict, compare=False)
    present: frozenset[str] = field(default=frozenset(), compare=False)

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> Self:
        """Parse a raw record. Raises Unreadable if it is not an object or has no id; anything else is tolerated."""
        _, key = _read(raw, ident, cls.IDS) if isinstance(raw, dict) else (False, None)
        if key is None:
            raise Unreadable("answer_without_id")
        values, present = {}, set()
        for name, (reader, *paths) in cls.FIELDS.items():
            carried, values[name] = _read(raw, reader, tuple(paths))
            if carried:
                present.add(name)
        derived, more = cls._derive(raw, values, present)
        return cls(id=key, raw=raw, present=frozenset(present | more), **(values | derived))

    @classmethod
    def _derive(cls, raw: dict[str, Any], values: dict[str, Any], present: set[str]) -> tuple[dict[str, Any], set[str]]:
        """Return the values of fields derived from several keys, and the names of those that are present."""
        return {}, set()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


def _nested(kind: type[Record]) -> Callable[[Any], Any]:
    """Return a reader for a nested record; one without an id becomes None."""

    def read(value: Any) -> Record | None:
        try:
            return kind.parse(value)
        except Unreadable:
            return None

    return read


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Tag(Record):
    """A tag (section 6.5)."""

    IDS: ClassVar = ("id", "tag_id")
    FIELDS: ClassVar = {
        "name": (string, "name"),
        "label": (string, "label"),
        "created_at": (moment, "created_at"),
    }

    name: str = ""
    label: str = ""
    created_at: datetime | None = None


def _tags(value: Any) -> tuple[Tag, ...]:
    found = (_nested(Tag)(item) for item in dicts(value))
    return tuple(tag for tag in found if tag)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Contact(Record):
    """A contact (section 6.1). `phone` is E.164. `opted_out` and `blocked` both forbid texts."""

    FIELDS: ClassVar = {
        "first_name": (string, "first_name"),
        "last_name": (string, "last_name"),
        "full_name": (string, "full_name"),
        "email": (string, "email"),
        "phone": (string, "number"),
        "formatted_phone": (string, "formatted_number", "typeted_number"),
        "country": (string, "country"),
        "color": (string, "color"),
        "photo_url": (web_address, "photo_url"),
        "owner_id": (ident, "owner_id", "owner.id"),
        "opted_out": (flag, "opt_out", "opted_out", "is_opted_out", "unsubscribed"),  # alternative keys: [observed?] O1
        "blocked": (flag, "is_blocked"),
        "opted_out_at": (moment, "opt_out_at", "opted_out_at", "unsubscribed_at"),
        "opted_in_at": (moment, "opt_in_at"),
        "created_at": (moment, "created_at"),
        "updated_at": (moment, "updated_at"),
        "tags": (_tags, "tags"),
        "custom_fields": (dicts, "custom_fields"),
        "notes": (dicts, "notes"),
    }

    first_name: str = ""
    last_name: str = ""
    full_name: str = ""
    email: str = ""
    phone: str = ""
    formatted_phone: str = ""
    country: str = ""
    color: str = ""
    photo_url: str = ""
    owner_id: int | None = None
    opted_out: bool = False
    blocked: bool = False
    opted_out_at: datetime | None = None
    opted_in_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    tags: tuple[Tag, ...] = ()
    custom_fields: tuple[dict[str, Any], ...] = ()
    notes: tuple[dict[str, Any], ...] = ()

    @classmethod
    def _derive(cls, raw: dict[str, Any], values: dict[str, Any], present: set[str]) -> tuple[dict[str, Any], set[str]]:
        country = values["country"]
        return {"phone": phone_of_record(values["phone"], country if len(country) == 2 else "US")}, set()


@dataclass(frozen=True, slots=True)
class Media:
    """A file of a message (section 6.4). `url` may be "" while the vendor is still fetching the file."""

    id: int | None = None
    url: str = ""
    content_type: str = ""

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> Self:
        """Parse a raw file. Never fails."""
        _, url = _read(raw, web_address, ("source", "url", "original_url", "link"))
        return cls(ident(raw.get("id")), url, string(raw.get("content_type")))


def _media(value: Any) -> tuple[Media, ...]:
    return tuple(Media.parse(item) for item in dicts(value))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Message(Record):
    """A text or a call (section 6.3).

    `inbound`: derived, because the vendor has no direction field; see `_is_inbound`. `kind`: sms, mms, call, other.
    `state`: received, queued, sent, delivered, failed, scheduled; `vendor_status` is the vendor's value. `text` is
    plain text, never HTML. `call`: {duration: seconds, status, url, voicemail} of a call, else {}. `failed_reason` is
    the vendor's text; `failures.Reason.from_vendor` maps it to a code.
    """

    FIELDS: ClassVar = {
        "conversation_id": (ident, "conversation_id", "conversation.id"),
        "contact_id": (ident, "contact_id", "contact.id"),
        "vendor_status": (string, "status"),
        "media": (_media, "media"),
        "user_id": (ident, "user_id", "user.id"),
        "author_name": (string, "user.full_name"),
        "source": (string, "source"),
        "failed_reason": (string, "failed_reason"),
        "automated": (flag, "automated"),
        "created_at": (moment, "created_at"),
        "received_at": (moment, "received_at"),
        "queued_at": (moment, "queued_at"),
        "sent_at": (moment, "sent_at"),
        "delivered_at": (moment, "delivered_at"),
        "failed_at": (moment, "failed_at"),
        "send_at": (moment, "send_at"),
    }

    conversation_id: int | None = None
    contact_id: int | None = None
    inbound: bool = False
    kind: str = "sms"
    state: str = "queued"
    vendor_status: str = ""
    text: str = ""
    media: tuple[Media, ...] = ()
    media_pending: bool = False
    user_id: int | None = None
    author_name: str = ""
    source: str = ""
    failed_reason: str = ""
    automated: bool = False
    call: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    received_at: datetime | None = None
    queued_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    failed_at: datetime | None = None
    send_at: datetime | None = None

    @property
    def at(self) -> datetime | None:
        """The time that orders the thread. Many messages share a second, so order by (at, id)."""
        return self.created_at or self.received_at or self.sent_at or self.queued_at

    @classmethod
    def _derive(cls, raw: dict[str, Any], values: dict[str, Any], present: set[str]) -> tuple[dict[str, Any], set[str]]:
        kind = _kind(raw, values)
        inbound = _is_inbound(kind, raw, values)
        if inbound:
            state = "received"
        elif kind == "call":
            state = "sent"
        else:
            state = STATES.get(values["vendor_status"].strip().lower(), "queued")
        has_raw, text = _read(raw, string, ("body_raw",))
        is_raw = bool(text)
        has_text = has_raw or "body" in raw
        text = text or string(raw.get("body"))
        more = {
            name
            for name, keys in {
                "inbound": ("status", "received_at", "icon"),
                "kind": ("type",),
                "state": ("status",),
                "media_pending": ("mms_status",),
                "call": ("record",),
                "at": ("created_at", "received_at", "sent_at", "queued_at"),
            }.items()
            if any(key in raw for key in keys)
        }
        return {
            "kind": kind,
            "inbound": inbound,
            "state": state,
            "text": plain(text, raw=is_raw),
            "media_pending": string(raw.get("mms_status")).lower() == "busy",
            "call": _call(raw) if kind == "call" else {},
        }, (more | {"text"} if has_text else more)


def _kind(raw: dict[str, Any], values: dict[str, Any]) -> str:
    word = string(raw.get("type")).strip().lower()
    if word == "call" or values["source"].lower() == "call":
        return "call"
    return KINDS.get(word, "other") if word else ("mms" if values["media"] else "sms")


def _is_inbound(kind: str, raw: dict[str, Any], values: dict[str, Any]) -> bool:
    """A message is inbound if its status is `received`. If that is inconclusive, use the other signs of section 6.3."""
    status = values["vendor_status"].strip().lower()
    received_by_nobody = values["received_at"] is not None and values["user_id"] is None
    if kind == "call":
        icon = string(raw.get("icon")).lower()
        if any(word in icon for word in ("inbound", "incoming", "missed", "voicemail")):
            return True
        if any(word in icon for word in ("outbound", "outgoing")):
            return False
        return status == "received" or received_by_nobody
    if status in STATES:
        return STATES[status] == "received"
    return received_by_nobody and values["sent_at"] is None and values["queued_at"] is None


def _call(raw: dict[str, Any]) -> dict[str, Any]:
    found = raw.get("record")
    record = found if isinstance(found, dict) else {}
    return {
        "duration": number(record.get("duration")),
        "status": string(record.get("status")),
        "url": web_address(record.get("url")),
        "voicemail": flag(record.get("is_voicemail")),
    }


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Conversation(Record):
    """A conversation (section 6.2). `closed_at` None: open. `number`: the organisation's number, E.164. `contact` may
    be partial.
    """

    FIELDS: ClassVar = {
        "contact_id": (ident, "contact_id", "contact.id", "participants.0.id"),
        "contact": (_nested(Contact), "contact", "participants.0"),
        "name": (string, "name"),
        "inbox_id": (ident, "inbox_id", "team_id", "inbox.id", "team.id"),  # inbox = team [assumed]
        "owner_id": (ident, "owner.id", "owner_id"),
        "number_id": (ident, "number_id", "number.id"),
        "number": (phone_of_record, "number.number", "number"),
        "unread": (number, "unread", "unread_count"),  # key not documented [assumed]
        "started_at": (moment, "started_at"),
        "closed_at": (moment, "closed_at"),
        "last_message_at": (moment, "last_message_at"),
        "last_message": (_nested(Message), "last_message", "latest_message"),  # key [assumed]
    }

    contact_id: int | None = None
    contact: Contact | None = None
    name: str = ""
    inbox_id: int | None = None
    owner_id: int | None = None
    number_id: int | None = None
    number: str = ""
    unread: int | None = None
    started_at: datetime | None = None
    closed_at: datetime | None = None
    last_message_at: datetime | None = None
    last_message: Message | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Team(Record):
    """An inbox (section 6.5). `phone`: its number, E.164."""

    FIELDS: ClassVar = {
        "name": (string, "name"),
        "identifier": (string, "inbox_identifier", "identifier"),
        "number_id": (ident, "number_id", "number.id"),
        "phone": (phone_of_record, "number.number", "number"),
    }

    name: str = ""
    identifier: str = ""
    number_id: int | None = None
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Number(Record):
    """A phone number of the organisation (section 6.5). `team_id`: its `numberable`, which may also be a user's id."""

    FIELDS: ClassVar = {
        "phone": (phone_of_record, "number"),
        "formatted_phone": (string, "formatted_number", "typeted_number"),
        "country": (string, "country"),
        "team_id": (ident, "numberable.id", "team_id"),
        "mms": (flag, "mms"),
    }

    phone: str = ""
    formatted_phone: str = ""
    country: str = ""
    team_id: int | None = None
    mms: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class User(Record):
    """A user or member of the organisation (section 6.5)."""

    FIELDS: ClassVar = {
        "email": (string, "email"),
        "first_name": (string, "first_name"),
        "last_name": (string, "last_name"),
        "full_name": (string, "full_name"),
        "role": (string, "role", "role.name"),
        "inbox_id": (ident, "inbox_id"),
        "organization_id": (ident, "organization_id", "organization.id"),
    }

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    full_name: str = ""
    role: str = ""
    inbox_id: int | None = None
    organization_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Organization(Record):
    """The organisation (section 6.5); the keys of `name` and `timezone` ("America/New_York") are assumed."""

    FIELDS: ClassVar = {"name": (string, "name"), "timezone": (string, "timezone")}

    name: str = ""
    timezone: str = ""
