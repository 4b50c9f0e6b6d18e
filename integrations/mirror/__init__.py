"""The only writer of what the vendor owns: records in, rows out, newest wins, unchanged rows are not written.

Every function runs inside its caller's transaction or opens its own, makes no call, and returns what it changed.
"""

from .contacts import gone, upsert_contacts
from .conversations import upsert_conversations
from .feed import hold, touch
from .messages import adopt, upsert_messages
from .organization import upsert_inboxes, upsert_members, upsert_numbers, upsert_organization, upsert_tags

__all__ = [
    "adopt",
    "gone",
    "hold",
    "touch",
    "upsert_contacts",
    "upsert_conversations",
    "upsert_inboxes",
    "upsert_members",
    "upsert_messages",
    "upsert_numbers",
    "upsert_organization",
    "upsert_tags",
]
