"""The database models: fields, constraints and querysets. Models make no calls."""

from .account import Account, AuthorizationState, Credential, Inbox, Member, Membership, Number, Tag
from .attachment import Attachment
from .audit import AuditEntry
from .budget import Budget, BudgetBlock, BudgetCall
from .bulk import Bulk, BulkRecipient
from .change import Change
from .collaboration import Draft, InternalNote, Mention, Presence, SavedReply
from .consent import ConsentEntry
from .contact import Contact
from .conversation import Conversation, ReadMark
from .message import Attempt, Message
from .sync import FreshHour, Heartbeat, ListSync, SyncRun, SyncSeen, SyncStream, ThreadSync
from .webhook import WebhookEvent

__all__ = [
    "Account",
    "Attachment",
    "Attempt",
    "AuditEntry",
    "AuthorizationState",
    "Budget",
    "BudgetBlock",
    "BudgetCall",
    "Bulk",
    "BulkRecipient",
    "Change",
    "ConsentEntry",
    "Contact",
    "Conversation",
    "Credential",
    "Draft",
    "FreshHour",
    "Heartbeat",
    "Inbox",
    "InternalNote",
    "ListSync",
    "Member",
    "Membership",
    "Mention",
    "Message",
    "Number",
    "Presence",
    "ReadMark",
    "SavedReply",
    "SyncRun",
    "SyncSeen",
    "SyncStream",
    "Tag",
    "ThreadSync",
    "WebhookEvent",
]
