"""Requests a sync or the refresh of a thread, and reports the progress of a sync. Makes no request to Salesmsg."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from .. import access, jobs
from ..models import Account, AuditEntry, Budget, Contact, Conversation, ListSync, SyncRun, SyncStream, ThreadSync
from .checkpoints import ListCursor
from .plan import POLLED, streams_of
from .progress import Progress, StreamProgress, progress, progress_of

Action = AuditEntry.Action

__all__ = [
    "Progress",
    "StreamProgress",
    "fill_history",
    "pause_sync",
    "progress",
    "progress_of",
    "request_contact",
    "request_conversation",
    "resume_sync",
    "schedule_refresh",
    "schedule_refreshes",
    "start_changes",
    "start_comparison",
    "start_full",
    "start_quick_changes",
    "stop_sync",
    "watch_conversation",
]

STEP = "integrations.tasks.sync_step"
THREAD = "integrations.tasks.refresh_thread"
CONTACT = "integrations.tasks.refresh_contact"
FRESH = timedelta(seconds=4)  # an open thread is not read again within
THREADS_OF_ONE = 20  # of a contact whose refresh a member requests


def start_full(account: Account, user: User | None = None) -> SyncRun:
    """Starts a full sync and stops other runs; returns the running full sync if there is one."""
    return _begin(account, SyncRun.Kind.FULL, user, streams_of(SyncRun.Kind.FULL))


def start_changes(account: Account, user: User | None = None) -> SyncRun:
    """Starts a check for changes that reads a whole list where its order cannot be trusted."""
    return _begin(account, SyncRun.Kind.CHANGES, user, streams_of(SyncRun.Kind.CHANGES))


def start_quick_changes(account: Account, names: list[str]) -> SyncRun:
    """Starts a quick check of these lists only; it leaves what it cannot find to the comparison."""
    wanted = tuple(name for name in streams_of(SyncRun.Kind.CHANGES) if name in names or name == "messages")
    return _begin(account, SyncRun.Kind.CHANGES, None, wanted, quick=True)


def start_comparison(account: Account, user: User | None = None) -> SyncRun:
    """Starts a comparison of everything with Salesmsg, in idle budget; it corrects differences."""
    return _begin(account, SyncRun.Kind.CHECK, user, streams_of(SyncRun.Kind.CHECK))


def stop_sync(account: Account) -> bool:
    """Stops the running syncs; what they have read stays. False if none is running."""
    return _stop(SyncRun.objects.filter(account=account))


def _stop(runs: QuerySet[SyncRun]) -> bool:
    stopped = {"state": SyncRun.State.STOPPED, "finished_at": timezone.now(), "step": F("step") + 1}
    return bool(runs.filter(state=SyncRun.State.RUNNING).update(**stopped, lease_until=None))


def pause_sync(account: Account, user: User) -> bool:
    """Pauses automatic reading, running syncs included. Members and events still refresh threads and contacts, and
    texts and edits are sent. False if it was paused already."""
    with transaction.atomic():
        paused = Account.objects.filter(pk=account.pk, sync_paused_at=None).update(
            sync_paused_at=timezone.now(), sync_paused_by=user
        )
        if paused:
            access.record_audit(user, Action.SYNC_PAUSED, account)
    return bool(paused)


def resume_sync(account: Account, user: User) -> bool:
    """Continues paused runs and checks for changes at once. False if it was not paused."""
    now = timezone.now()
    with transaction.atomic():
        resumed = Account.objects.filter(pk=account.pk, sync_paused_at__isnull=False).update(
            sync_paused_at=None, sync_paused_by=None
        )
        if resumed:
            ListSync.objects.filter(account=account, name__in=POLLED).update(due_at=now)
            access.record_audit(user, Action.SYNC_RESUMED, account)
            for run in SyncRun.objects.filter(account=account, state=SyncRun.State.RUNNING):
                jobs.enqueue(STEP, run.pk, run.step)
    return bool(resumed)


def request_contact(contact: Contact, user: User) -> bool:
    """Refreshes this contact and its conversations at once. False for a draft that Salesmsg does not have.

    Known threads become due, so the sweep reads them even if their task is lost. If the contact's task is lost, the
    next check of the list of contacts brings its fields.
    """
    if contact.vendor_id is None:
        return False
    access.record_audit(user, Action.CONTACT_REFRESHED, contact.account, contact)
    for conversation in contact.conversations.filter(vendor_id__isnull=False).newest_first()[:THREADS_OF_ONE]:
        watch_conversation(conversation)
    jobs.enqueue(CONTACT, contact.pk, 0, keep=False, urgent=True)
    return True


def request_conversation(conversation: Conversation, user: User) -> bool:
    """Refreshes the newest page of this thread at once. False for a draft that Salesmsg does not have."""
    if conversation.vendor_id is None:
        return False
    access.record_audit(user, Action.CONVERSATION_REFRESHED, conversation.account, conversation=conversation.pk)
    watch_conversation(conversation)
    return True


def watch_conversation(conversation: Conversation) -> None:
    """Refreshes an open thread soon, unless it was read or requested within FRESH."""
    now = timezone.now()
    if conversation.vendor_id is None:
        return
    ThreadSync.objects.get_or_create(conversation=conversation)
    stale = Q(read_at=None) | Q(read_at__lt=now - FRESH)
    unasked = Q(wanted_at=None) | Q(wanted_at__lt=now - FRESH)
    wanted = {"wanted_at": now, "due_at": now, "following": False}
    if ThreadSync.objects.filter(stale, unasked, conversation=conversation).update(**wanted):
        jobs.enqueue(THREAD, conversation.pk, keep=False)


def fill_history(conversation: Conversation) -> None:
    """Reads the rest of this thread's history before other threads', because a member reached the end of the cache."""
    now = timezone.now()
    ThreadSync.objects.get_or_create(conversation=conversation)
    unasked = Q(wanted_at=None) | Q(wanted_at__lt=now - FRESH)
    wanted = {"run": None, "pending": False, "wanted_at": now, "due_at": now, "following": False}
    if ThreadSync.objects.filter(unasked, conversation=conversation, complete=False).update(**wanted):
        jobs.enqueue(THREAD, conversation.pk, keep=False)


def schedule_refresh(conversation_id: int, delay: float = 0.0, *, following: bool = False) -> None:
    """Refreshes a thread `delay` seconds from now, or sooner if that is planned already.

    following: only to check the delivery of sent texts, which must not use much budget, so the sweep starts it.
    """
    at = timezone.now() + timedelta(seconds=delay)
    thread, _ = ThreadSync.objects.get_or_create(conversation_id=conversation_id)
    later = ThreadSync.objects.filter(pk=thread.pk).filter(Q(due_at=None) | Q(due_at__gt=at))
    if later.update(due_at=at, following=following) and not following:
        jobs.enqueue(THREAD, conversation_id, delay=delay, keep=False)


def schedule_refreshes(account_id: int, conversation_ids: list[int]) -> None:
    """Refreshes many threads of an account now. The sweep starts those that exceed the budget."""
    if not conversation_ids:
        return
    now = timezone.now()
    with transaction.atomic():
        threads = ThreadSync.objects.filter(conversation__in=conversation_ids)
        missing = set(conversation_ids) - set(threads.values_list("conversation_id", flat=True))
        ThreadSync.objects.bulk_create([ThreadSync(conversation_id=pk) for pk in missing], ignore_conflicts=True)
        later = threads.filter(Q(due_at=None) | Q(due_at__gt=now)).select_for_update(no_key=True)
        # In one order, so that two requests for the same threads cannot deadlock.
        ids = list(later.order_by("conversation_id").values_list("conversation_id", flat=True))
        ThreadSync.objects.filter(conversation__in=ids).update(due_at=now, following=False)
        used, limit, blocked = Budget.for_account(Account(pk=account_id)).used_now()
        # At least one: the budget remembers a refused lane and reserves it a call.
        jobs.enqueue_each(THREAD, ids[: 1 if blocked else max(1, limit - used)])


def _begin(account: Account, kind: str, user: User | None, names: tuple[str, ...], *, quick: bool = False) -> SyncRun:
    """Starts a run, or returns a running one that covers it. At most one run of each kind is running."""
    cursor = ListCursor(quick=True).to_json() if quick else {}
    for _ in range(3):
        running = {run.kind: run for run in SyncRun.objects.filter(account=account, state=SyncRun.State.RUNNING)}
        full = running.get(SyncRun.Kind.FULL)
        if full is not None and (kind != SyncRun.Kind.CHANGES or not _lists_read(full)):
            return full
        same = running.get(kind)
        if same is not None and not _wants_more(same, names, quick):
            return same
        try:
            with transaction.atomic():
                if kind == SyncRun.Kind.FULL:
                    stop_sync(account)
                elif same is not None:
                    _stop(SyncRun.objects.filter(pk=same.pk))
                run = SyncRun.objects.create(account=account, kind=kind, requested_by=user)
                SyncStream.objects.bulk_create(
                    SyncStream(run=run, name=name, position=place, cursor=cursor) for place, name in enumerate(names)
                )
                jobs.enqueue(STEP, run.pk, run.step)
            return run
        except IntegrityError:
            continue  # another process started one at the same time
    return SyncRun.objects.get(account=account, kind=kind, state=SyncRun.State.RUNNING)


def _lists_read(run: SyncRun) -> bool:
    """Whether a full sync has read all lists and is at the threads, so it no longer sees changes in the lists."""
    return not run.streams.exclude(name="messages").filter(done=False).exists()


def _wants_more(run: SyncRun, names: tuple[str, ...], quick: bool) -> bool:
    """Whether a run covers less than requested: it lacks lists, or is quick where a thorough check is requested."""
    streams = dict(run.streams.values_list("name", "cursor"))
    if not set(names) <= streams.keys():
        return True
    return not quick and any(ListCursor.from_json(cursor).quick for cursor in streams.values())
