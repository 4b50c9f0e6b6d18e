"""Reads the newest page of one thread: a member opened it, an event named it, or a text is being sent."""

import random
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from .. import gateway, jobs, mirror
from ..crypto import Unsealable
from ..gateway import BudgetWait, NotConnected
from ..models import BudgetCall, Conversation, ThreadSync
from ..salesmsg.errors import NotAllowed, NotFound, SalesmsgError
from . import latency, list_state
from .request import THREAD
from .runner import step_lease
from .thread import ThreadCursor, fetch_thread_page, store_thread_page

Lane = BudgetCall.Lane
FEW = 3  # waiting threads of an account that enqueue themselves again; more would compete for the same call
JITTER = 0.3  # seconds; well below budget.COMES_BACK, how long the budget waits for a refused lane


def refresh_thread(conversation_id: int) -> int:
    """The task: reads the thread if it is due and no other task reads it. Returns the number of changed messages."""
    now = timezone.now()
    conversation = Conversation.objects.filter(pk=conversation_id, vendor_id__isnull=False)
    paused = list(conversation.values_list("account__sync_paused_at", flat=True))
    if not paused:
        return 0
    # No join: PostgreSQL would let two concurrent claims pass.
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    if paused[0]:
        free &= Q(following=False)  # a paused sync reads only for members, events and texts of unknown outcome
    until = now + step_lease()  # due again when the lease ends; a refresh requested in between is due sooner
    claimed = ThreadSync.objects.filter(free, conversation_id=conversation_id, due_at__lte=now).update(
        lease_until=until, due_at=until, failures=F("failures") + 1
    )
    if not claimed:
        return 0
    thread = ThreadSync.objects.select_related("conversation__account").get(conversation_id=conversation_id)
    try:
        session = gateway.open_session(thread.conversation.account_id, _lane(thread))
        # A thread with gaps is read to its end, unless a run will do so.
        deep = not thread.complete and not thread.pending
        page = fetch_thread_page(thread, session.client, deep=deep, requested_for=until)
    except BudgetWait as wait:
        return _postpone(thread, wait.seconds, failed=False)
    except (NotFound, NotAllowed, NotConnected, Unsealable):
        ThreadSync.objects.filter(pk=thread.pk).update(lease_until=None, due_at=None)
        return 0
    except SalesmsgError:
        return _postpone(thread, min(300.0, 2.0**thread.failures), failed=True)
    with transaction.atomic():
        mirror.lock_thread(conversation_id)
        locked = ThreadSync.objects.select_for_update(no_key=True).get(pk=thread.pk)
        if locked.lease_until != thread.lease_until:
            return 0  # the lease ended and another task has the thread
        result = store_thread_page(page)
        latency.record_arrivals(thread.conversation.account, result.arrivals, announced=True)
        list_state.add_calls(thread.conversation.account_id, "messages", session.calls)
    if thread.due_at and not thread.following:
        _wake(thread.conversation_id, thread.due_at)
    return result.changed


def _lane(thread: ThreadSync) -> str:
    """Members wait for the first page, not for the history behind it."""
    if thread.following:
        return Lane.DELIVERY_STATUS
    return Lane.SYNC if ThreadCursor.from_json(thread.cursor).deep and not thread.pending else Lane.EVENT


def _postpone(thread: ThreadSync, seconds: float, *, failed: bool) -> int:
    """Frees the thread and makes it due later. Returns 0.

    Many threads may wait for the same budget: only open ones, and others while they are few, enqueue themselves again.
    The sweep starts the rest, the longest due first.
    """
    failures = F("failures") if failed else F("failures") - 1
    seconds += random.random() * JITTER
    thread.due_at = timezone.now() + timedelta(seconds=seconds)
    ThreadSync.objects.filter(pk=thread.pk).update(lease_until=None, due_at=thread.due_at, failures=failures)
    if thread.wanted_at or (not thread.following and _are_few(thread.conversation.account_id)):
        _wake(thread.conversation_id, thread.due_at)
    return 0


def _are_few(account_id: int) -> bool:
    waiting = ThreadSync.objects.filter(due_at__isnull=False, following=False, conversation__account=account_id)
    return len(waiting.order_by().values_list("pk")[: FEW + 1]) <= FEW


def _wake(conversation_id: int, due_at: datetime) -> None:
    delay = max(0.05, (due_at - timezone.now()).total_seconds())
    jobs.enqueue(THREAD, conversation_id, delay=delay, keep=False)
