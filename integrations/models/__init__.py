"""The cache and the books: fields, constraints and querysets. No model talks to anybody."""

from .account import Account, ConsentState, Credential, Inbox, Member, Membership, Number
from .audit import AuditEntry
from .budget import Budget, BudgetBlock, BudgetCall
from .bulk import Bulk, BulkRecipient
from .change import Change
from .contact import Contact
from .conversation import Conversation, ReadMark
from .message import Attempt, Message
from .sync import Heartbeat, SyncPage, SyncRun, SyncStream, ThreadSync
from .webhook import WebhookEvent

__all__ = [
    "Account",
    "Attempt",
    "AuditEntry",
    "Budget",
    "BudgetBlock",
    "BudgetCall",
    "Bulk",
    "BulkRecipient",
    "Change",
    "ConsentState",
    "Contact",
    "Conversation",
    "Credential",
    "Heartbeat",
    "Inbox",
    "Member",
    "Membership",
    "Message",
    "Number",
    "ReadMark",
    "SyncPage",
    "SyncRun",
    "SyncStream",
    "ThreadSync",
    "WebhookEvent",
]
