"""Reading the newest page of one thread: somebody looks at it, an event named it, or a text is on its way."""

import random
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from .. import gateway, jobs, mirror
from ..crypto import Unsealable
from ..gateway import BudgetWait, NotConnected
from ..models import BudgetCall, Conversation, ThreadSync
from ..salesmsg.errors import NotAllowed, NotFound, SalesmsgError
from . import latency, list_state
from . import thread as threads
from .request import THREAD
from .runner import step_lease

Lane = BudgetCall.Lane
FEW = 3  # threads of an account that may come back by themselves; more would all ask for the same place
JITTER = 0.3  # seconds; well below budget.COMES_BACK, for which a refused lane is waited for


def refresh_thread(conversation_id: int) -> int:
    """The task: reads the thread if it is due and nobody else reads it. Returns the number of changed messages."""
    now = timezone.now()
    conversation = Conversation.objects.filter(pk=conversation_id, vendor_id__isnull=False)
    paused = list(conversation.values_list("account__sync_paused_at", flat=True))
    if not paused:
        return 0
    # By columns of its own alone: through a join PostgreSQL would let two claims pass.
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    if paused[0]:
        free &= Q(following=False)  # in a pause only what a person or an event asked for, or a text in doubt
    until = now + step_lease()  # due again when the lease ends; what is asked for meanwhile becomes due sooner
    claimed = ThreadSync.objects.filter(free, conversation_id=conversation_id, due_at__lte=now).update(
        lease_until=until, due_at=until, failures=F("failures") + 1
    )
    if not claimed:
        return 0
    thread = ThreadSync.objects.select_related("conversation__account").get(conversation_id=conversation_id)
    try:
        session = gateway.open_session(thread.conversation.account_id, _lane(thread))
        # A thread with gaps is read to its end, unless a run is about to do so.
        keep = threads.fetch(thread, session.client, deep=not thread.complete and not thread.pending, asked=until)
    except BudgetWait as wait:
        return _put_off(thread, wait.seconds, failed=False)
    except (NotFound, NotAllowed, NotConnected, Unsealable):
        ThreadSync.objects.filter(pk=thread.pk).update(lease_until=None, due_at=None)
        return 0
    except SalesmsgError:
        return _put_off(thread, min(300.0, 2.0**thread.failures), failed=True)
    with transaction.atomic():
        mirror.lock_thread(conversation_id)
        locked = ThreadSync.objects.select_for_update(no_key=True).get(pk=thread.pk)
        if locked.lease_until != thread.lease_until:
            return 0  # we were too slow and somebody else has it now
        result = keep()
        latency.record_arrivals(thread.conversation.account, result.arrivals, announced=True)
        list_state.spent(thread.conversation.account_id, "messages", session.calls)
    if thread.due_at and not thread.following:
        _wake(thread)
    return result.changed


def _lane(thread: ThreadSync) -> str:
    """The first page is news that somebody waits for; the history behind it is not."""
    if thread.following:
        return Lane.DELIVERY_STATUS
    return Lane.SYNC if thread.cursor.get("deep") and not thread.pending else Lane.EVENT


def _put_off(thread: ThreadSync, seconds: float, *, failed: bool) -> int:
    """Many threads may wait for the same place: only those that somebody looks at, and news while they are few, come
    back by themselves, one after another; the sweep brings the others, the longest due first."""
    failures = F("failures") if failed else F("failures") - 1
    seconds += random.random() * JITTER
    thread.due_at = timezone.now() + timedelta(seconds=seconds)
    ThreadSync.objects.filter(pk=thread.pk).update(lease_until=None, due_at=thread.due_at, failures=failures)
    if thread.wanted_at or (not thread.following and _are_few(thread.conversation.account_id)):
        _wake(thread)
    return 0


def _are_few(account_id: int) -> bool:
    waiting = ThreadSync.objects.filter(due_at__isnull=False, following=False, conversation__account=account_id)
    return len(waiting.order_by().values_list("pk")[: FEW + 1]) <= FEW


def _wake(thread: ThreadSync) -> None:
    delay = max(0.05, (thread.due_at - timezone.now()).total_seconds())
    jobs.enqueue(THREAD, thread.conversation_id, delay=delay, keep=False)
