"""The sweep: starts due work whose task was lost, for example because a worker died."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from .. import jobs
from ..models import Account, ListSync, SyncRun, SyncSeen, ThreadSync, WebhookEvent
from . import latency, list_state, request
from .plan import CHECK, POLLED

GRACE = timedelta(seconds=3)  # how long a task may take to start
FOLLOWED_AT_ONCE = 3  # threads of an account that one sweep reads for delivery only
KEEP_CHECKS = timedelta(days=2)


def wake_due_work() -> int:
    """Enqueues tasks for due runs and threads, and starts due checks. Returns how many."""
    now = timezone.now()
    wakes = 0
    late = Q(due_at__lt=now - GRACE) & (Q(lease_until=None) | Q(lease_until__lt=now))
    running = SyncRun.objects.filter(late, state=SyncRun.State.RUNNING, account__sync_paused_at=None)
    for run_id, step in running.values_list("pk", "step")[:50]:
        jobs.enqueue(request.STEP, run_id, step)
        wakes += 1
    return wakes + _wake_threads(now, late) + _start_checks(now)


def _wake_threads(now: datetime, late: Q) -> int:
    """Enqueues a few due threads of each account, so that one account's backlog does not delay the others."""
    late &= Q(following=False)
    followed = Q(Q(lease_until=None) | Q(lease_until__lt=now), following=True, due_at__lte=now)
    followed &= Q(conversation__account__sync_paused_at=None)
    due = ThreadSync.objects.filter(conversation__account__state=Account.State.CONNECTED)
    wakes = 0
    for wanted, most in ((late, 20), (followed, FOLLOWED_AT_ONCE)):
        accounts = due.filter(wanted).order_by().values_list("conversation__account", flat=True).distinct()
        for account_id in list(accounts):
            first = due.filter(wanted, conversation__account=account_id).order_by("due_at")
            for conversation_id in first.values_list("conversation_id", flat=True)[:most]:
                jobs.enqueue(request.THREAD, conversation_id, keep=False)
                wakes += 1
    return wakes


def _start_checks(now: datetime) -> int:
    """Starts a check for changes where a list is due, and a comparison where one is. Moving due times claims them."""
    started = 0
    due = ListSync.objects.filter(due_at__lte=now, name__in=(*POLLED, CHECK))
    accounts = Account.objects.reachable().filter(sync_paused_at=None, pk__in=due.values("account"))
    for account in accounts[:20]:
        names = list_state.due_now(account)
        if names and list_state.claim_lists(account, names):
            request.start_quick_changes(account, names)
            started += 1
        elif due.filter(account=account, name=CHECK).update(due_at=now + list_state.RETRY_AFTER):
            request.start_comparison(account)
            started += 1
    return started


def prune_sync() -> int:
    """Deletes old completed checks, processed events and list positions. Returns the number of rows."""
    now = timezone.now()
    old = SyncRun.objects.filter(kind=SyncRun.Kind.CHANGES, state=SyncRun.State.DONE, finished_at__lt=now - KEEP_CHECKS)
    events = WebhookEvent.objects.filter(state=WebhookEvent.State.DONE, received_at__lt=now - timedelta(days=30))
    seen = SyncSeen.objects.exclude(stream__run__state=SyncRun.State.RUNNING)
    return old.delete()[0] + events.delete()[0] + seen.delete()[0] + latency.prune_latency()
