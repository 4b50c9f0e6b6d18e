"""The threads a run reads: all of them, or those with new messages, gaps, or a text with an unknown outcome."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from django.db.models import Exists, OuterRef, Q, QuerySet

from ..failures import Code, Reason
from ..models import Conversation, Message, SyncRun, SyncStream, ThreadSync
from ..salesmsg.errors import NotAllowed, NotFound
from . import latency
from .checkpoints import Cursor, StepResult, Stored
from .thread import ThreadCursor, ThreadPage, fetch_thread_page, store_thread_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..salesmsg.client import Client

MOST_REFUSED = 3  # refused threads before the run assumes that the token's scope is missing
SAMPLES = 10  # threads that a comparison reads once more, the longest unread first
BATCH = 500


@dataclass(frozen=True)
class MessagesCursor(Cursor):
    """planned: the run knows which threads to read; position: (latest ISO time, id) of the conversation read last;
    refused: threads the token may not read."""

    old_keys: ClassVar[Mapping[str, str]] = {"place": "position"}

    planned: bool = False
    position: tuple[str, int] | None = None
    refused: int = 0


@dataclass(frozen=True)
class ThreadPlan:
    """The threads a run will read, as queries that run when the plan is stored; `sample` adds up to SAMPLES more."""

    conversations: QuerySet[Conversation]
    sample: QuerySet[Conversation] | None


@dataclass(frozen=True)
class UnreadableThread:
    """A thread that Salesmsg did not return; the run leaves it until it has newer messages."""

    thread: ThreadSync


def read_messages(
    run: SyncRun, stream: SyncStream, client: Client
) -> StepResult[ThreadPlan | ThreadPage | UnreadableThread]:
    """Plans the threads first; each further step reads one page of the next thread, newest conversation first."""
    cursor = MessagesCursor.from_json(stream.cursor)
    if not cursor.planned:
        return StepResult(MessagesCursor(planned=True), content=_plan(run))
    following = _next_thread(run, cursor)
    if following is None:
        return StepResult(cursor, done=True)
    thread, position = following
    cursor = replace(cursor, position=position)
    deep = run.kind == SyncRun.Kind.FULL or not thread.complete
    try:
        return StepResult(cursor, content=fetch_thread_page(thread, client, deep=deep))
    except NotFound:
        code = Code.CONVERSATION_GONE
    except NotAllowed:
        cursor = replace(cursor, refused=cursor.refused + 1)
        if cursor.refused > MOST_REFUSED and cursor.refused > stream.seen:
            raise  # the token may read no thread at all
        code = Code.CONVERSATION_NOT_ALLOWED
    note = Reason(code, {"id": thread.conversation.vendor_id})
    return StepResult(cursor, content=UnreadableThread(thread), seen=1, notes=(note,))


def store_messages(run: SyncRun, stream: SyncStream, content: ThreadPlan | ThreadPage | UnreadableThread) -> Stored:
    if isinstance(content, ThreadPlan):
        total = _store_plan(run, content)
        return Stored(total=total, done=not total)
    if isinstance(content, UnreadableThread):
        _store_unreadable(content.thread)
        return Stored()
    result = store_thread_page(content)
    latency.record_arrivals(run.account, result.arrivals, announced=False)
    thread = content.thread
    if not thread.cursor:
        ThreadSync.objects.filter(pk=thread.pk).update(pending=False)
    return Stored(changed=result.changed, messages=result.new + result.met, seen=0 if thread.cursor else 1)


def plan_threads(run: SyncRun, conversation_ids: set[int]) -> None:
    """Adds these threads to the run, to be read from where the cache ends."""
    ids = sorted(conversation_ids)
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        existing = set(ThreadSync.objects.filter(conversation__in=batch).values_list("conversation_id", flat=True))
        ThreadSync.objects.filter(conversation__in=batch).update(run=run, pending=True, cursor={})
        ThreadSync.objects.bulk_create(
            [ThreadSync(conversation_id=pk, run=run, pending=True) for pk in batch if pk not in existing],
            ignore_conflicts=True,
        )


def refused_threads(conversation_ids: set[int]) -> set[int]:
    """Threads that Salesmsg refused and that have no newer message since: asking again would only cost requests."""
    threads = ThreadSync.objects.select_related("conversation").filter(conversation__in=conversation_ids)
    return {
        thread.conversation_id
        for thread in threads.exclude(cursor={})
        if ThreadCursor.from_json(thread.cursor).refused_as_of == _as_of(thread.conversation)
    }


def planned_elsewhere(run: SyncRun, conversation_ids: set[int], read_to: datetime | None) -> set[int]:
    """Threads without news since `read_to` that another run will read. If a check took them over during a first sync,
    it would read history while new messages wait."""
    if not conversation_ids or read_to is None:
        return set()
    planned = ThreadSync.objects.filter(
        pending=True, run__state=SyncRun.State.RUNNING, conversation__in=conversation_ids
    )
    planned = planned.exclude(run=run).filter(conversation__last_message_at__lt=read_to)
    return set(planned.values_list("conversation_id", flat=True))


def _next_thread(run: SyncRun, cursor: MessagesCursor) -> tuple[ThreadSync, tuple[str, int]] | None:
    """The newest thread still to be read, and its position.

    Continues down the index from the previous position: sorting all remaining threads, for each of 50,000, would take
    longer than reading them.
    """
    pending = ThreadSync.objects.filter(run=run, pending=True)
    conversations = Conversation.objects.filter(
        Exists(pending.filter(conversation=OuterRef("pk"))), account=run.account
    )
    positions = conversations.newest_first().values_list("latest_at", "pk")
    following = None
    if cursor.position:
        at, pk = datetime.fromisoformat(cursor.position[0]), cursor.position[1]
        following = positions.filter(Q(latest_at__lt=at) | Q(pk__lte=pk), latest_at__lte=at).first()
    following = following or positions.first()  # threads may have moved to the front since
    if following is None:
        return None
    latest_at, pk = following
    thread = ThreadSync.objects.select_related("conversation__account").get(conversation=pk)
    return thread, (latest_at.isoformat(), pk)


def _plan(run: SyncRun) -> ThreadPlan:
    conversations = Conversation.objects.filter(account=run.account, vendor_id__isnull=False, gone_at=None)
    sample = None
    if run.kind == SyncRun.Kind.CHECK:
        sample = conversations.filter(thread_sync__complete=True)
        sample = sample.exclude(thread_sync__run=run, thread_sync__pending=True).order_by("thread_sync__read_at")
    if run.kind == SyncRun.Kind.FULL:
        return ThreadPlan(conversations.order_by(), sample)
    return ThreadPlan(_unfinished(run, conversations), sample)


def _store_plan(run: SyncRun, plan: ThreadPlan) -> int:
    """Adds the planned threads to the run; returns how many threads the run will read."""
    ids: list[int] = []
    for pk in plan.conversations.values_list("pk", flat=True).iterator(chunk_size=BATCH):
        ids.append(pk)
        if len(ids) == BATCH:
            plan_threads(run, set(ids))
            ids = []
    plan_threads(run, set(ids))
    if plan.sample is not None:
        plan_threads(run, set(plan.sample.values_list("pk", flat=True)[:SAMPLES]))
    return run.threads.filter(pending=True).count()


def _store_unreadable(thread: ThreadSync) -> None:
    cursor = ThreadCursor(refused_as_of=_as_of(thread.conversation))
    ThreadSync.objects.filter(pk=thread.pk).update(pending=False, cursor=cursor.to_json(), complete=True)


def _unfinished(run: SyncRun, conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Conversations with gaps that no other run will fill, and those with a text of unknown outcome."""
    unknown = Message.objects.filter(account=run.account, state=Message.State.UNKNOWN, inbound=False)
    others = SyncRun.objects.filter(account=run.account, state=SyncRun.State.RUNNING).exclude(pk=run.pk)
    planned = ThreadSync.objects.filter(pending=True, run__in=others)
    gaps = ~Q(thread_sync__complete=True) & ~Q(pk__in=planned.values("conversation"))
    return conversations.filter(gaps | Q(pk__in=unknown.values("conversation"))).order_by()


def _as_of(conversation: Conversation) -> str:
    return str(conversation.last_message_at)
