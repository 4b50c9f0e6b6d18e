"""Data classes of a Salesmsg organisation. ``records`` converts them to JSON."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time as the vendor does: UTC in whole seconds (section 8)."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(slots=True)
class User:
    id: int
    first_name: str
    last_name: str
    email: str
    role: str
    team_ids: tuple[int, ...]

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(slots=True)
class Number:
    id: int
    number: str
    team_id: int


@dataclass(slots=True)
class Team:
    """An inbox (section 6.5)."""

    id: int
    name: str
    identifier: str
    number: Number


@dataclass(slots=True)
class Tag:
    id: int
    name: str
    label: str
    created_at: datetime


@dataclass(slots=True)
class Note:
    id: int
    text: str
    created_at: datetime


@dataclass(slots=True)
class CustomField:
    id: int
    definition_id: int
    key: str
    value: str
    created_at: datetime


@dataclass(slots=True)
class Contact:
    id: int
    number: str
    created_at: datetime
    updated_at: datetime
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    color: str | None = None
    owner_id: int | None = None
    is_blocked: bool = False
    opt_out: bool = False
    opt_out_at: datetime | None = None
    opt_in_at: datetime | None = None
    received_sms: int = 0
    stopped_by_text: bool = False  # section 8: only a START text from the contact lifts this
    tags: list[Tag] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    custom_fields: list[CustomField] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part)


@dataclass(slots=True)
class File:
    """A file downloaded from the sender's URL."""

    content_type: str
    body: bytes


@dataclass(slots=True)
class Media:
    id: int
    content_type: str
    source: str
    created_at: datetime


@dataclass(slots=True)
class Call:
    """The ``record`` of a message of type call (section 6.3)."""

    id: int
    sid: str
    duration: int
    status: str
    is_voicemail: bool


@dataclass(slots=True)
class Message:
    id: int
    conversation_id: int
    contact_id: int
    inbound: bool  # internal: the API has no direction field
    text: str
    status: str
    created_at: datetime
    type: str = "sms"
    user_id: int | None = None
    automated: bool = False
    source: str = "conversation"
    source_id: int | None = None
    mms_status: str = ""
    received_at: datetime | None = None
    send_at: datetime | None = None
    queued_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    failed_at: datetime | None = None
    failed_reason: str | None = None
    media: list[Media] = field(default_factory=list)
    call: Call | None = None

    @property
    def order(self) -> tuple[datetime, int]:
        """Sort key. The ID breaks ties within a second (section 8)."""
        return self.created_at, self.id


@dataclass(slots=True)
class Conversation:
    id: int
    contact_id: int
    team_id: int
    started_at: datetime
    owner_id: int | None = None
    closed_at: datetime | None = None
    unread: int = 0
    messages: list[Message] = field(default_factory=list)  # oldest first

    @property
    def last_message_at(self) -> datetime | None:
        return self.messages[-1].created_at if self.messages else None

    @property
    def order(self) -> tuple[datetime, int]:
        """Sort key: time of the last message, or the start if there are no messages."""
        return self.last_message_at or self.started_at, self.id

    @property
    def folder(self) -> str:
        """The only filter among open, closed and outbound that matches this conversation.

        closed: ``closed_at`` is set. open: not closed, and the contact wrote or called at least once.
        outbound: not closed, and nothing from the contact yet (or no messages at all).
        """
        if self.closed_at:
            return "closed"
        return "open" if any(message.inbound for message in self.messages) else "outbound"


@dataclass(slots=True)
class Organization:
    id: int
    name: str
    timezone: str
    account_credits: int


@dataclass(slots=True)
class World:
    """One organisation with all its data."""

    organization: Organization
    users: dict[int, User] = field(default_factory=dict)
    teams: dict[int, Team] = field(default_factory=dict)
    tags: dict[int, Tag] = field(default_factory=dict)
    contacts: dict[int, Contact] = field(default_factory=dict)
    conversations: dict[int, Conversation] = field(default_factory=dict)
    next_id: dict[str, int] = field(default_factory=dict)
    files: dict[int, File] = field(default_factory=dict)  # by media ID
