"""Mentions in internal notes: who can be mentioned, and who has been."""

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from ... import mirror
from ...models import Conversation, InternalNote, Mention
from ..thread import note_items

OFFERED = 200  # after an "@"
MOST = 50  # people in one note


def mentionable_users(account_id: int) -> QuerySet:
    """Who can see the account, and so be mentioned in it."""
    found = get_user_model().objects.filter(is_active=True, is_staff=True)
    may = Q(is_superuser=True) | Q(salesmsg_memberships__account=account_id)
    return found.filter(may).distinct().order_by("username")


def store_mentions(note: InternalNote) -> int:
    """Stores who is named in the note; what names nobody stays text. Returns how many."""
    if "@" not in note.text:
        return 0
    known = dict(mentionable_users(note.account_id).values_list("username", "pk"))
    named = {known[name] for _, _, name in note_items.mention_spans(note.text, known)}
    people = sorted(named - {note.author_id})[:MOST]
    Mention.objects.bulk_create([Mention(note=note, user_id=pk) for pk in people], ignore_conflicts=True)
    return len(people)


def mark_mentions_seen(user, conversation: Conversation) -> bool:
    """This person sees the conversation, and so every mention in it. True when there was one to see.

    `conversation.mentioned` (see queries.conversation) spares the write."""
    if not conversation.mentioned:
        return False
    with transaction.atomic():
        unseen = Mention.objects.filter(user=user, read_at=None, note__conversation=conversation)
        seen = unseen.update(read_at=timezone.now())
        if seen:
            mirror.touch(conversation.account_id)  # the badges beside the list, on every device of this person
    conversation.mentioned = False
    return bool(seen)
