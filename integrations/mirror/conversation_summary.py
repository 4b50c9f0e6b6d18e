"""What a conversation repeats of its messages, so that the list needs no look at them."""

from typing import Any

from django.db import connection
from django.db.models import Case, CharField, F, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from ..models import Conversation, Message
from .versions import lock_thread

# Scheduled texts that wait for their hour, or were taken back before it: they are no news of the conversation.
_not_said = Q(send_at__isnull=False) & (
    Q(state=Message.State.QUEUED, due_at__isnull=False) | Q(state=Message.State.CANCELLED)
)


LATEST_KINDS: dict[str, Conversation.LatestKind] = {
    Message.Kind.MMS: Conversation.LatestKind.PICTURE,
    Message.Kind.CALL: Conversation.LatestKind.CALL,
}


def refresh_latest(conversation_id: int, *, held: bool = False) -> None:
    """Repeats in a conversation what its messages say: the newest one as the list shows it, the newest news, and what
    is wrong with our newest text. Whoever inserts, moves, deletes or settles messages calls it, in the same
    transaction.

    held: the caller has the row locked. Else it is locked here, so that no other writer's message is overlooked.
    """
    if not held and connection.features.has_select_for_update:
        lock_thread(conversation_id)
    messages = Message.objects.filter(conversation_id=conversation_id)
    newest = messages.exclude(_not_said).order_by("-at", "-rank").first()
    values = {} if newest is None else latest_of(newest)
    Conversation.objects.filter(pk=conversation_id).update(**values, **standing_of(messages))


def standing_of(messages: QuerySet[Any]) -> dict[str, Any]:
    """`news_pk` and `trouble` of a conversation, as expressions over its messages. Also with OuterRef."""
    news = messages.filter(inbound=True, is_news=True).order_by("-pk").values("pk")
    waiting = Q(state=Message.State.QUEUED, send_at__isnull=False, due_at__isnull=False)
    ours = messages.filter(inbound=False).exclude(waiting).order_by("-at", "-rank")
    held = When(state=Message.State.QUEUED, due_at=None, then=Value("held"))
    lost = When(state__in=[Message.State.FAILED, Message.State.UNKNOWN], then=F("state"))
    told = ours.annotate(told=Case(held, lost, default=Value(""), output_field=CharField())).values("told")
    return {"news_pk": Subquery(news[:1]), "trouble": Coalesce(Subquery(told[:1]), Value(""))}


def latest_of(message: Message) -> dict[str, Any]:
    """The columns of a conversation that repeat this message."""
    return {
        "latest_at": message.at,
        "latest_text": message.text[:200],
        "latest_kind": LATEST_KINDS.get(message.kind, Conversation.LatestKind.TEXT),
        "latest_inbound": message.inbound,
        "latest_state": "held" if message.held else message.state,
    }
