"""Ask for a sync, a look at one thread, or how far the newest sync has come. Makes no call itself."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from .. import access, jobs
from ..models import Account, Contact, Conversation, SyncRun, SyncStream, ThreadSync
from .plan import streams_of
from .progress import Progress, StreamProgress, progress, progress_of

__all__ = [
    "Progress",
    "StreamProgress",
    "changes",
    "contact_now",
    "conversation_now",
    "full",
    "look_again",
    "pause",
    "progress",
    "progress_of",
    "resume",
    "stop",
    "watch",
]

STEP = "integrations.tasks.sync_step"
THREAD = "integrations.tasks.refresh_thread"
CONTACT = "integrations.tasks.refresh_contact"
FRESH = timedelta(seconds=4)  # a thread somebody looks at is not read again within
THREADS_OF_ONE = 20  # of a contact that somebody wants to have read now


def full(account: Account, user=None) -> SyncRun:
    """Reads everything again. A run for changes gives way; a full one that runs already is returned."""
    return _begin(account, SyncRun.Kind.FULL, user)


def changes(account: Account, user=None, *, contacts: bool = True, thorough: bool = False) -> SyncRun:
    """Reads what changed since the last look. Any run that is under way is returned instead.

    thorough: reads the lists of conversations to their end, since closing and assigning move nothing to the front.
    """
    leave_out = () if contacts else ("contacts",)
    return _begin(account, SyncRun.Kind.CHANGES, user, leave_out, {"thorough": True} if thorough else {})


def stop(account: Account) -> bool:
    """Ends the running sync where it stands; what it has read stays. False if none runs."""
    return bool(
        SyncRun.objects.filter(account=account, state=SyncRun.State.RUNNING).update(
            state=SyncRun.State.STOPPED, finished_at=timezone.now(), step=F("step") + 1, lease_until=None
        )
    )


def pause(account: Account, user) -> bool:
    """From now on nothing is read by itself: no looks, no walks. What people and events ask for still is, and texts
    and edits leave. A run that is under way waits where it stands. False if it was paused already."""
    with transaction.atomic():
        paused = Account.objects.filter(pk=account.pk, sync_paused_at=None).update(
            sync_paused_at=timezone.now(), sync_paused_by=user
        )
        if paused:
            access.audit(user, "sync.paused", account)
    return bool(paused)


def resume(account: Account, user) -> bool:
    """Goes on where `pause` stopped, with a look for changes at once. False if it was not paused."""
    now = timezone.now()
    with transaction.atomic():
        resumed = Account.objects.filter(pk=account.pk, sync_paused_at__isnull=False).update(
            sync_paused_at=None, sync_paused_by=None, conversations_due_at=now
        )
        if resumed:
            access.audit(user, "sync.resumed", account)
            for run in SyncRun.objects.filter(account=account, state=SyncRun.State.RUNNING):
                jobs.enqueue(STEP, run.pk, run.step)
    return bool(resumed)


def contact_now(contact: Contact, user) -> bool:
    """Has this contact and its conversations read at once. False for a draft that Salesmsg does not know.

    The threads that are known become due, so the sweep reads them whatever becomes of the nudge; of the contact's own
    fields a lost nudge loses nothing but time, for the next look at the list of contacts brings them.
    """
    if contact.vendor_id is None:
        return False
    access.audit(user, "contact.read again", contact.account, f"contact {contact.pk}")
    for conversation in contact.conversations.filter(vendor_id__isnull=False).newest_first()[:THREADS_OF_ONE]:
        watch(conversation)
    jobs.enqueue(CONTACT, contact.pk, 0, keep=False, urgent=True)
    return True


def conversation_now(conversation: Conversation, user) -> bool:
    """Has the newest page of this thread read at once. False for a draft that Salesmsg does not know."""
    if conversation.vendor_id is None:
        return False
    access.audit(user, "conversation.read again", conversation.account, f"conversation {conversation.pk}")
    watch(conversation)
    return True


def watch(conversation: Conversation) -> None:
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


def look_again(conversation_id: int, delay: float = 0.0, *, following: bool = False) -> None:
    """Has a thread read `delay` seconds from now, or sooner if that is planned already.

    following: only to see whether our texts were delivered, which must not take much of the budget: the sweep asks.
    """
    at = timezone.now() + timedelta(seconds=delay)
    thread, _ = ThreadSync.objects.get_or_create(conversation_id=conversation_id)
    later = ThreadSync.objects.filter(pk=thread.pk).filter(Q(due_at=None) | Q(due_at__gt=at))
    if later.update(due_at=at, following=following) and not following:
        jobs.enqueue(THREAD, conversation_id, delay=delay, keep=False)


def _begin(account: Account, kind: str, user, leave_out: tuple[str, ...] = (), cursor: dict | None = None) -> SyncRun:
    running = SyncRun.objects.filter(account=account, state=SyncRun.State.RUNNING)
    wanted = {name for name in streams_of(kind) if name not in leave_out}
    for _ in range(3):
        run = running.first()
        if run is not None and (run.kind == SyncRun.Kind.FULL or wanted <= _walked(run, kind)):
            return run
        try:
            with transaction.atomic():
                if run is not None:
                    stop(account)
                run = SyncRun.objects.create(account=account, kind=kind, requested_by=user)
                SyncStream.objects.bulk_create(
                    SyncStream(run=run, name=name, position=place, cursor=cursor or {})
                    for place, name in enumerate(streams_of(kind))
                    if name in wanted
                )
                jobs.enqueue(STEP, run.pk, run.step)
            return run
        except IntegrityError:
            continue  # somebody else began one at the same moment
    return running.get()


def _walked(run: SyncRun, kind: str) -> set[str]:
    """The lists of a run of this kind; a look at conversations alone cannot stand in for one at contacts too."""
    return set(run.streams.values_list("name", flat=True)) if run.kind == kind else set()
