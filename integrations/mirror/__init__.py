"""The only writer of vendor-owned fields: records in, rows out. The newest record wins; unchanged rows are not written.

Every function runs inside its caller's transaction or opens its own, makes no calls, and returns what it changed.
"""

from .attachments import FETCH as FETCH_ATTACHMENT
from .attachments import keep_attachments
from .attachments import wake as wake_fetches
from .contacts import contact_gone, upsert_contacts
from .conversations import conversation_gone, upsert_conversations
from .messages import adopt, upsert_messages
from .organization import upsert_inboxes, upsert_members, upsert_numbers, upsert_organization, upsert_tags
from .versions import lock_thread, touch

__all__ = [
    "FETCH_ATTACHMENT",
    "adopt",
    "contact_gone",
    "conversation_gone",
    "keep_attachments",
    "lock_thread",
    "touch",
    "upsert_contacts",
    "upsert_conversations",
    "upsert_inboxes",
    "upsert_members",
    "upsert_messages",
    "upsert_numbers",
    "upsert_organization",
    "upsert_tags",
    "wake_fetches",
]
