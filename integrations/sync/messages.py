"""The threads that a run reads: all, or those that moved, have gaps, or hold a text whose outcome nobody saw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from ..failures import Code, Reason
from ..models import Conversation, Message, SyncRun, SyncStream, ThreadSync
from ..salesmsg.errors import NotAllowed, NotFound
from . import latency
from . import thread as threads
from .checkpoints import finish, note

if TYPE_CHECKING:
    from ..salesmsg.client import Client

Store = Callable[[], None]
MOST_REFUSED = 3  # threads that may not be read, before it is taken for a missing scope
SAMPLES = 10  # threads that a comparison reads once more, the longest unread first
BATCH = 500


def messages(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    """One page of the next thread, newest conversation first."""
    if not stream.cursor.get("planned"):
        return lambda: _plan(run, stream)
    thread = _next(run, stream)
    if thread is None:
        return lambda: finish(stream)
    deep = run.kind == SyncRun.Kind.FULL or not thread.complete
    try:
        keep = threads.fetch(thread, client, deep=deep)
    except NotFound:
        return lambda: _lost(run, stream, thread, Code.CONVERSATION_GONE)
    except NotAllowed:
        times = stream.cursor.get("refused", 0) + 1
        if times > MOST_REFUSED and times > stream.seen:
            raise  # not one of them may be read: it is the token, not the thread
        return lambda: _lost(run, stream, thread, Code.CONVERSATION_NOT_ALLOWED, times)

    def store() -> None:
        result = keep()
        run.changed += result.changed
        run.messages += result.new + result.met
        latency.record_arrivals(run.account, result.arrivals, announced=False)
        if not thread.cursor:
            ThreadSync.objects.filter(pk=thread.pk).update(pending=False)
            stream.seen += 1

    return store


def _next(run: SyncRun, stream: SyncStream) -> ThreadSync | None:
    """The newest thread that is still to be read. From where the last one stood, down the index: to sort all that are
    left for each of 50,000 threads would take longer than to read them."""
    waiting = ThreadSync.objects.filter(run=run, pending=True)
    here = Conversation.objects.filter(Exists(waiting.filter(conversation=OuterRef("pk"))), account=run.account)
    here = here.newest_first().values_list("latest_at", "pk")
    found = None
    if place := stream.cursor.get("place"):
        at, pk = datetime.fromisoformat(place[0]), place[1]
        found = here.filter(Q(latest_at__lt=at) | Q(pk__lte=pk), latest_at__lte=at).first()
    found = found or here.first()  # some may have moved to the front meanwhile
    if found is None:
        return None
    stream.cursor["place"] = [found[0].isoformat(), found[1]]
    return ThreadSync.objects.select_related("conversation__account").get(conversation=found[1])


def want(run: SyncRun, conversation_ids: set[int]) -> None:
    """Has these threads read in this run, from where the cache ends."""
    ids = sorted(conversation_ids)
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        have = set(ThreadSync.objects.filter(conversation__in=part).values_list("conversation_id", flat=True))
        ThreadSync.objects.filter(conversation__in=part).update(run=run, pending=True, cursor={})
        ThreadSync.objects.bulk_create(
            [ThreadSync(conversation_id=pk, run=run, pending=True) for pk in part if pk not in have],
            ignore_conflicts=True,
        )


def refused(conversation_ids: set[int]) -> set[int]:
    """Threads that were not given to us when they were as they are now: asking again would only cost calls."""
    found = ThreadSync.objects.select_related("conversation").filter(conversation__in=conversation_ids)
    return {
        thread.conversation_id
        for thread in found.exclude(cursor={})
        if thread.cursor.get("refused") == _as_of(thread.conversation)
    }


def planned(run: SyncRun, conversation_ids: set[int], read_to: datetime | None) -> set[int]:
    """Threads that another run is about to read and in which nothing was said since: to take them from it, a look
    during a first sync would read history while news wait."""
    if not conversation_ids or read_to is None:
        return set()
    theirs = ThreadSync.objects.filter(
        pending=True, run__state=SyncRun.State.RUNNING, conversation__in=conversation_ids
    )
    theirs = theirs.exclude(run=run).filter(conversation__last_message_at__lt=read_to)
    return set(theirs.values_list("conversation_id", flat=True))


def _plan(run: SyncRun, stream: SyncStream) -> None:
    conversations = Conversation.objects.filter(account=run.account, vendor_id__isnull=False, gone_at=None)
    wanted = conversations.order_by() if run.kind == SyncRun.Kind.FULL else _unfinished(run, conversations)
    ids: list[int] = []
    for pk in wanted.values_list("pk", flat=True).iterator(chunk_size=BATCH):
        ids.append(pk)
        if len(ids) == BATCH:
            want(run, set(ids))
            ids = []
    want(run, set(ids))
    if run.kind == SyncRun.Kind.CHECK:
        sample = conversations.filter(thread_sync__complete=True).exclude(
            thread_sync__run=run, thread_sync__pending=True
        )
        want(run, set(sample.order_by("thread_sync__read_at").values_list("pk", flat=True)[:SAMPLES]))
    stream.total = run.threads.filter(pending=True).count()
    stream.cursor = {"planned": True}
    stream.done = not stream.total


def _unfinished(run: SyncRun, conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Those with gaps that no other run is about to fill, and those with a text in doubt."""
    doubtful = Message.objects.filter(account=run.account, state=Message.State.UNKNOWN, inbound=False)
    others = SyncRun.objects.filter(account=run.account, state=SyncRun.State.RUNNING).exclude(pk=run.pk)
    planned = ThreadSync.objects.filter(pending=True, run__in=others)
    gaps = ~Q(thread_sync__complete=True) & ~Q(pk__in=planned.values("conversation"))
    return conversations.filter(gaps | Q(pk__in=doubtful.values("conversation"))).order_by()


def _as_of(conversation: Conversation) -> str:
    return str(conversation.last_message_at)


def _lost(run: SyncRun, stream: SyncStream, thread: ThreadSync, why: Code, times: int = 0) -> None:
    note(run, Reason(why, {"id": thread.conversation.vendor_id}))
    if times:
        stream.cursor["refused"] = times
    cursor = {"refused": _as_of(thread.conversation)}
    ThreadSync.objects.filter(pk=thread.pk).update(pending=False, cursor=cursor, complete=True)
    stream.seen += 1
