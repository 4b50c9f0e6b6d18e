"""Entry points for django-q2: each takes ids, calls one service, and returns ids and counts.

The queue stores arguments, results and exception texts, so exceptions are reduced to their type and place. A database
error, for example, would quote the row.
"""

import logging
import traceback
from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from django.db.models import F
from django.utils import timezone

from . import gateway, jobs, tokens
from .attachments import fetch, files
from .attachments import request as attachments
from .contacts import keyword_opt_outs, push_changes
from .crypto import Unsealable
from .gateway import BudgetWait, NotConnected
from .inbox.collaboration import presence, snooze
from .models import Heartbeat
from .outbox import deliver, dispatcher, reconcile, scheduled
from .salesmsg.errors import SalesmsgError
from .sync import contact_refresh, runner, thread_refresh
from .sync import sweep as sync_sweep
from .tokens import BeingRenewed
from .webhooks import process

log = logging.getLogger(__name__)
TICK_SECONDS = 3.0
TICK_LOST = timedelta(seconds=20)
PRUNE_EVERY = 600  # ticks


class TaskFailed(Exception):
    """A task failed. The message holds no personal data."""


def _without_private_data(task: Callable[..., int | str]) -> Callable[..., int | str]:
    @wraps(task)
    def guarded(*args: int) -> int | str:
        try:
            return task(*args)
        except Exception as error:  # noqa: BLE001 - the boundary: exception texts must not be stored
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} in {last.name}, line {last.lineno}"
        log.error("%s%s failed: %s", task.__name__, args, place)
        raise TaskFailed(place)

    return guarded


@_without_private_data
def sync_step(run_id: int, step: int) -> int:
    return runner.run_steps(run_id, step)


@_without_private_data
def refresh_thread(conversation_id: int) -> int:
    return thread_refresh.refresh_thread(conversation_id)


@_without_private_data
def refresh_contact(contact_id: int, tries: int) -> int:
    return contact_refresh.refresh_contact(contact_id, tries)


@_without_private_data
def send_due(account_id: int) -> int:
    return dispatcher.INTERACTIVE.run(account_id)


@_without_private_data
def send_bulk(account_id: int) -> int:
    return dispatcher.BULK.run(account_id)


@_without_private_data
def push_change(change_id: int) -> str:
    return push_changes.push_change(change_id)


@_without_private_data
def process_event(event_id: int) -> str:
    return process.process_event(event_id)


@_without_private_data
def fetch_picture(picture_id: int) -> str:
    return fetch.fetch_attachment(picture_id)


@_without_private_data
def process_events(account_id: int) -> int:
    return process.process_due(account_id)


@_without_private_data
def renew_token(account_id: int, generation: int) -> str:
    try:
        gateway.renew(account_id, generation)
    except (BudgetWait, BeingRenewed, SalesmsgError) as problem:
        return type(problem).__name__  # the next tick retries it
    except (NotConnected, Unsealable):
        return "broken"
    return "renewed"


@_without_private_data
def tick(sequence: int = 0) -> int:
    """Find due work that no task was enqueued for, every few seconds. Returns the number of tasks enqueued.

    Each tick enqueues the next one; the sequence number ensures that only one chain runs. The schedule calls it without
    a number, which starts a new chain if the old one is lost. A starting worker (jobs.NEW_CHAIN) always starts one.
    """
    now = timezone.now()
    Heartbeat.objects.get_or_create(name="tick", defaults={"at": now - TICK_LOST * 2})
    pulse = Heartbeat.objects.filter(name="tick")
    if sequence != jobs.NEW_CHAIN:
        pulse = pulse.filter(sequence=sequence) if sequence else pulse.filter(at__lt=now - TICK_LOST)
    if not pulse.update(sequence=F("sequence") + 1, at=now):
        return 0
    following = Heartbeat.objects.values_list("sequence", flat=True).get(name="tick")
    jobs.enqueue("integrations.tasks.tick", following, delay=TICK_SECONDS, keep=False)
    return sweep(following)


def sweep(sequence: int = 0) -> int:
    """Run all parts of a tick. Safe at any time in any number of processes; a failing part does not stop others."""
    parts = (
        deliver.expire_claims, reconcile.reconcile_unknown, scheduled.sweep_scheduled, dispatcher.wake_due,
        push_changes.wake_due, keyword_opt_outs.sweep_keyword_opt_outs, process.wake_due, attachments.wake_due,
        sync_sweep.wake_due_work, snooze.end_due_snoozes, _wake_renewals,
    )  # fmt: skip
    wakes = 0
    for part in parts:
        try:
            wakes += part()
        except Exception as error:  # noqa: BLE001 - its text must not be logged, and the other parts must run
            log.error("%s.%s failed: %s", part.__module__, part.__name__, type(error).__name__)
    if sequence % PRUNE_EVERY == 1:
        sync_sweep.prune_sync()
        files.prune_orphans()
        presence.prune_presence()
    return wakes


def _wake_renewals() -> int:
    tokens_due = tokens.due()
    for account_id, generation in tokens_due:
        jobs.enqueue("integrations.tasks.renew_token", account_id, generation, keep=False)
    return len(tokens_due)
