"""Mentions in internal notes: list mentionable users, store mentions, mark them as seen."""

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from ... import mirror
from ...models import Conversation, InternalNote, Mention
from ..thread import note_items

OFFERED = 200  # suggestions after an "@"
MOST = 50  # mentions stored per note


def mentionable_users(account_id: int) -> QuerySet:
    """Active staff users who can see the account."""
    staff = get_user_model().objects.filter(is_active=True, is_staff=True)
    has_access = Q(is_superuser=True) | Q(salesmsg_memberships__account=account_id)
    return staff.filter(has_access).distinct().order_by("username")


def store_mentions(note: InternalNote) -> int:
    """Store a mention for each user named in the note; unknown names stay plain text. Returns how many were stored."""
    if "@" not in note.text:
        return 0
    known = dict(mentionable_users(note.account_id).values_list("username", "pk"))
    named = {known[name] for _, _, name in note_items.mention_spans(note.text, known)}
    user_ids = sorted(named - {note.author_id})[:MOST]
    Mention.objects.bulk_create([Mention(note=note, user_id=pk) for pk in user_ids], ignore_conflicts=True)
    return len(user_ids)


def mark_mentions_seen(user, conversation: Conversation) -> bool:
    """Mark the user's mentions in the conversation as seen. Returns whether there were unseen ones.

    Writes nothing when `conversation.mentioned` (see thread.queries.read_conversation) is false."""
    if not conversation.mentioned:
        return False
    with transaction.atomic():
        unseen = Mention.objects.filter(user=user, read_at=None, note__conversation=conversation)
        seen = unseen.update(read_at=timezone.now())
        if seen:
            mirror.touch(conversation.account_id)  # updates the badges on the user's other devices
    conversation.mentioned = False
    return bool(seen)
