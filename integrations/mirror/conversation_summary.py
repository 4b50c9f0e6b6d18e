"""Copies of message data on the conversation, so that the list does not query messages."""

from typing import Any

from django.db import connection
from django.db.models import Case, CharField, F, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from ..models import Conversation, Message
from .versions import lock_thread

# Scheduled texts that are waiting or were cancelled before their time: not shown as the latest message.
_not_sent_yet = Q(send_at__isnull=False) & (
    Q(state=Message.State.QUEUED, due_at__isnull=False) | Q(state=Message.State.CANCELLED)
)


LATEST_KINDS: dict[str, Conversation.LatestKind] = {
    Message.Kind.MMS: Conversation.LatestKind.PICTURE,
    Message.Kind.CALL: Conversation.LatestKind.CALL,
}


def refresh_latest(conversation_id: int, *, locked: bool = False) -> None:
    """Update a conversation's copies of message data: the newest message of a person, the newest inbound one that
    counts as new, and a problem with the newest outbound text.

    Call it in the same transaction after inserting, moving, deleting or settling messages. locked: the caller has
    locked the row; else it is locked here, so that no concurrent message is missed.
    """
    if not locked and connection.features.has_select_for_update:
        lock_thread(conversation_id)
    messages = Message.objects.filter(conversation_id=conversation_id)
    shown = messages.exclude(_not_sent_yet).order_by("-at", "-rank")
    newest = shown.filter(machine="").first() or shown.first()
    values = {} if newest is None else latest_of(newest)
    Conversation.objects.filter(pk=conversation_id).update(**values, **standing_of(messages))


def standing_of(messages: QuerySet[Any]) -> dict[str, Any]:
    """Return `news_pk` and `trouble` of a conversation as expressions over its messages. Also works with OuterRef."""
    news = messages.filter(inbound=True, is_news=True).order_by("-pk").values("pk")
    waiting = Q(state=Message.State.QUEUED, send_at__isnull=False, due_at__isnull=False)
    ours = messages.filter(inbound=False).exclude(waiting).order_by("-at", "-rank")
    held = When(state=Message.State.QUEUED, due_at=None, then=Value("held"))
    lost = When(state__in=[Message.State.FAILED, Message.State.UNKNOWN], then=F("state"))
    labelled = ours.annotate(label=Case(held, lost, default=Value(""), output_field=CharField())).values("label")
    return {"news_pk": Subquery(news[:1]), "trouble": Coalesce(Subquery(labelled[:1]), Value(""))}


def latest_of(message: Message) -> dict[str, Any]:
    """Return the conversation's columns copied from this message."""
    return {
        "latest_at": message.at,
        "latest_text": message.text[:200],
        "latest_kind": LATEST_KINDS.get(message.kind, Conversation.LatestKind.TEXT),
        "latest_inbound": message.inbound,
        "latest_state": "held" if message.held else message.state,
    }
