"""Ask for a sync, a look at one thread, or how far the newest sync has come. Makes no call itself."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from .. import access, jobs
from ..models import Account, AuditEntry, Budget, Contact, Conversation, ListSync, SyncRun, SyncStream, ThreadSync
from .plan import LOOKED, streams_of
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
    "start_look",
    "stop_sync",
    "watch_conversation",
]

STEP = "integrations.tasks.sync_step"
THREAD = "integrations.tasks.refresh_thread"
CONTACT = "integrations.tasks.refresh_contact"
FRESH = timedelta(seconds=4)  # a thread somebody looks at is not read again within
THREADS_OF_ONE = 20  # of a contact that somebody wants to have read now


def start_full(account: Account, user: User | None = None) -> SyncRun:
    """Reads everything again. Other runs give way; a full one that runs already is returned."""
    return _begin(account, SyncRun.Kind.FULL, user, streams_of(SyncRun.Kind.FULL))


def start_changes(account: Account, user: User | None = None) -> SyncRun:
    """Reads what changed since the last look, the long way where the order of a list cannot be trusted."""
    return _begin(account, SyncRun.Kind.CHANGES, user, streams_of(SyncRun.Kind.CHANGES))


def start_look(account: Account, names: list[str]) -> SyncRun:
    """The quick form of `changes`, for these lists only: what it cannot find is left to the comparison."""
    wanted = tuple(name for name in streams_of(SyncRun.Kind.CHANGES) if name in names or name == "messages")
    return _begin(account, SyncRun.Kind.CHANGES, None, wanted, {"quick": True})


def start_comparison(account: Account, user: User | None = None) -> SyncRun:
    """Compares everything with Salesmsg in idle budget, and puts right what differs."""
    return _begin(account, SyncRun.Kind.CHECK, user, streams_of(SyncRun.Kind.CHECK))


def stop_sync(account: Account) -> bool:
    """Ends the running sync where it stands; what it has read stays. False if none runs."""
    return _stop(SyncRun.objects.filter(account=account))


def _stop(runs: QuerySet[SyncRun]) -> bool:
    stopped = {"state": SyncRun.State.STOPPED, "finished_at": timezone.now(), "step": F("step") + 1}
    return bool(runs.filter(state=SyncRun.State.RUNNING).update(**stopped, lease_until=None))


def pause_sync(account: Account, user: User) -> bool:
    """From now on nothing is read by itself: no looks, no walks. What people and events ask for still is, and texts
    and edits leave. A run that is under way waits where it stands. False if it was paused already."""
    with transaction.atomic():
        paused = Account.objects.filter(pk=account.pk, sync_paused_at=None).update(
            sync_paused_at=timezone.now(), sync_paused_by=user
        )
        if paused:
            access.record_audit(user, Action.SYNC_PAUSED, account)
    return bool(paused)


def resume_sync(account: Account, user: User) -> bool:
    """Goes on where `pause` stopped, with a look for changes at once. False if it was not paused."""
    now = timezone.now()
    with transaction.atomic():
        resumed = Account.objects.filter(pk=account.pk, sync_paused_at__isnull=False).update(
            sync_paused_at=None, sync_paused_by=None
        )
        if resumed:
            ListSync.objects.filter(account=account, name__in=LOOKED).update(due_at=now)
            access.record_audit(user, Action.SYNC_RESUMED, account)
            for run in SyncRun.objects.filter(account=account, state=SyncRun.State.RUNNING):
                jobs.enqueue(STEP, run.pk, run.step)
    return bool(resumed)


def request_contact(contact: Contact, user: User) -> bool:
    """Has this contact and its conversations read at once. False for a draft that Salesmsg does not know.

    The threads that are known become due, so the sweep reads them whatever becomes of the nudge; of the contact's own
    fields a lost nudge loses nothing but time, for the next look at the list of contacts brings them.
    """
    if contact.vendor_id is None:
        return False
    access.record_audit(user, Action.CONTACT_REFRESHED, contact.account, contact)
    for conversation in contact.conversations.filter(vendor_id__isnull=False).newest_first()[:THREADS_OF_ONE]:
        watch_conversation(conversation)
    jobs.enqueue(CONTACT, contact.pk, 0, keep=False, urgent=True)
    return True


def request_conversation(conversation: Conversation, user: User) -> bool:
    """Has the newest page of this thread read at once. False for a draft that Salesmsg does not know."""
    if conversation.vendor_id is None:
        return False
    access.record_audit(user, Action.CONVERSATION_REFRESHED, conversation.account, conversation=conversation.pk)
    watch_conversation(conversation)
    return True


def watch_conversation(conversation: Conversation) -> None:
    """Somebody looks at this thread: have it read again soon, unless it is fresh or asked for already."""
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
    """Somebody has come to where the cache of this thread ends: have the rest of its history read before others'."""
    now = timezone.now()
    ThreadSync.objects.get_or_create(conversation=conversation)
    unasked = Q(wanted_at=None) | Q(wanted_at__lt=now - FRESH)
    wanted = {"run": None, "pending": False, "wanted_at": now, "due_at": now, "following": False}
    if ThreadSync.objects.filter(unasked, conversation=conversation, complete=False).update(**wanted):
        jobs.enqueue(THREAD, conversation.pk, keep=False)


def schedule_refresh(conversation_id: int, delay: float = 0.0, *, following: bool = False) -> None:
    """Has a thread read `delay` seconds from now, or sooner if that is planned already.

    following: only to see whether our texts were delivered, which must not take much of the budget: the sweep asks.
    """
    at = timezone.now() + timedelta(seconds=delay)
    thread, _ = ThreadSync.objects.get_or_create(conversation_id=conversation_id)
    later = ThreadSync.objects.filter(pk=thread.pk).filter(Q(due_at=None) | Q(due_at__gt=at))
    if later.update(due_at=at, following=following) and not following:
        jobs.enqueue(THREAD, conversation_id, delay=delay, keep=False)


def schedule_refreshes(account_id: int, conversation_ids: list[int]) -> None:
    """As `look_again`, now, for many of an account at once. What finds no place in the budget is left to the sweep."""
    if not conversation_ids:
        return
    now = timezone.now()
    with transaction.atomic():
        here = ThreadSync.objects.filter(conversation__in=conversation_ids)
        missing = set(conversation_ids) - set(here.values_list("conversation_id", flat=True))
        ThreadSync.objects.bulk_create([ThreadSync(conversation_id=pk) for pk in missing], ignore_conflicts=True)
        later = here.filter(Q(due_at=None) | Q(due_at__gt=now)).select_for_update(no_key=True)
        # In one order: two who ask for the same threads must not wait for each other.
        ids = list(later.order_by("conversation_id").values_list("conversation_id", flat=True))
        ThreadSync.objects.filter(conversation__in=ids).update(due_at=now, following=False)
        used, limit, blocked = Budget.for_account(Account(pk=account_id)).used_now()
        # One at least: a lane that was refused is remembered, and given a place.
        jobs.enqueue_each(THREAD, ids[: 1 if blocked else max(1, limit - used)])


def _begin(
    account: Account, kind: str, user: User | None, names: tuple[str, ...], cursor: dict[str, Any] | None = None
) -> SyncRun:
    """A run of each kind at most; one that does at least what is wanted is returned instead of a new one."""
    for _ in range(3):
        running = {run.kind: run for run in SyncRun.objects.filter(account=account, state=SyncRun.State.RUNNING)}
        whole = running.get(SyncRun.Kind.FULL)
        if whole is not None and (kind != SyncRun.Kind.CHANGES or not _lists_read(whole)):
            return whole
        same = running.get(kind)
        if same is not None and not _wants_more(same, names, cursor or {}):
            return same
        try:
            with transaction.atomic():
                if kind == SyncRun.Kind.FULL:
                    stop_sync(account)
                elif same is not None:
                    _stop(SyncRun.objects.filter(pk=same.pk))
                run = SyncRun.objects.create(account=account, kind=kind, requested_by=user)
                SyncStream.objects.bulk_create(
                    SyncStream(run=run, name=name, position=place, cursor=cursor or {})
                    for place, name in enumerate(names)
                )
                jobs.enqueue(STEP, run.pk, run.step)
            return run
        except IntegrityError:
            continue  # somebody else began one at the same moment
    return SyncRun.objects.get(account=account, kind=kind, state=SyncRun.State.RUNNING)


def _lists_read(run: SyncRun) -> bool:
    """Whether a full run has come to the threads: from then on it does not see what changes in the lists."""
    return not run.streams.exclude(name="messages").filter(done=False).exists()


def _wants_more(run: SyncRun, names: tuple[str, ...], cursor: dict[str, Any]) -> bool:
    """Whether a run does less than what is wanted: other lists, or a quick look where a thorough one is asked for."""
    walked = dict(run.streams.values_list("name", "cursor"))
    if not set(names) <= walked.keys():
        return True
    return not cursor.get("quick") and any(each.get("quick") for each in walked.values())
