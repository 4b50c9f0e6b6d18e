"""The only writer of what the vendor owns: records in, rows out, newest wins, unchanged rows are not written.

Every function runs inside its caller's transaction or opens its own, makes no call, and returns what it changed.
"""

from .attachments import FETCH as FETCH_PICTURE
from .attachments import keep_pictures
from .attachments import nudge as nudge_pictures
from .contacts import gone, upsert_contacts
from .conversations import conversation_gone, upsert_conversations
from .messages import adopt, upsert_messages
from .organization import upsert_inboxes, upsert_members, upsert_numbers, upsert_organization, upsert_tags
from .versions import hold, touch

__all__ = [
    "FETCH_PICTURE",
    "adopt",
    "conversation_gone",
    "gone",
    "hold",
    "keep_pictures",
    "nudge_pictures",
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
