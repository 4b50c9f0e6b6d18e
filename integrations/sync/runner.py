"""Runs the steps of a sync run: each reads one page, stores page and cursor in one transaction, and starts the next.

A step is claimed by run, number and lease. A task with an older number does nothing, so a task that runs twice or
after its lease changes nothing. The sweep finds a run that a killed worker left behind.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils import timezone

from .. import gateway, jobs
from ..crypto import Unsealable
from ..failures import NO_REASON, Code, Reason
from ..gateway import ApiSession, BudgetWait, NotConnected
from ..models import Account, SyncRun, SyncSeen, SyncStream
from ..salesmsg.errors import NotAllowed, NotFound, SalesmsgError
from . import list_state
from .checkpoints import StepResult, Stored, SyncProblem, add_notes, skip_list
from .plan import OPTIONAL
from .request import STEP
from .streams import next_page, store_content

TASK_SECONDS = 0.5  # how long a task reads further pages, if the budget allows
WAIT_IN_PLACE = 0.15  # seconds; for a longer wait the task returns to the queue and frees its worker
MOST_FAILURES = 8  # of one step, with growing pauses in between


def step_lease() -> timedelta:
    return timedelta(seconds=sum(settings.SALESMSG_TIMEOUT) * 2.25)


def run_steps(run_id: int, step: int) -> int:
    """The task: reads pages for TASK_SECONDS, then enqueues the next task. Returns the number of pages stored."""
    until = time.monotonic() + TASK_SECONDS
    pages = 0
    session = None
    while True:
        run = _claim(run_id, step)
        if run is None:
            return pages
        session = session or gateway.open_session(run.account_id, run.lane, patience=WAIT_IN_PLACE)
        if not advance_run(run, session):
            _wake(run_id)
            return pages
        pages += 1
        step = run.step
        if run.state != SyncRun.State.RUNNING:
            return pages
        if time.monotonic() > until:
            jobs.enqueue(STEP, run_id, step)
            return pages


def claim_step(run_id: int) -> SyncRun | None:
    """Claims the run's current step for the foreground; None if another process has it or the run has ended."""
    step = SyncRun.objects.filter(pk=run_id, state=SyncRun.State.RUNNING).values_list("step", flat=True).first()
    return None if step is None else _claim(run_id, step)


def advance_run(run: SyncRun, session: ApiSession) -> bool:
    """Does one claimed step. True if a page was stored or the run ended; False if it must wait until `due_at`."""
    stream = run.streams.filter(done=False).first()
    before = session.calls
    if stream is not None and stream.began_at is None:
        stream.began_at = timezone.now()
    try:
        if stream is None:
            return _store(run, None, None, 0)
        try:
            result = next_page(run, stream, session.client)
        except (NotAllowed, NotFound, SyncProblem) as error:
            if stream.name not in OPTIONAL:
                raise
            result = skip_list(stream, Reason.from_error(error))
        return _store(run, stream, result, session.calls - before)
    except BudgetWait as wait:
        _pause(run, stream, wait.until, session.calls - before)
    except (SyncProblem, NotConnected, Unsealable) as problem:
        _fail(run, stream, Reason.from_error(problem), session.calls - before)
    except SalesmsgError as error:
        if error.again == "never" or run.failures >= MOST_FAILURES:
            _fail(run, stream, Reason.from_error(error, list=stream.name if stream else ""), session.calls - before)
        else:
            _pause(run, stream, _retry_at(run), session.calls - before, Reason.from_error(error))
    except BaseException:
        # Ctrl-C or a fault in the portal: the step is free again and still counts as failed.
        with suppress(DatabaseError):
            _pause(run, stream, _retry_at(run), session.calls - before, Reason(Code.STEP_INTERRUPTED))
        raise
    return False


def apply_result(run: SyncRun, stream: SyncStream, result: StepResult[Any]) -> None:
    """Writes what a step read: records through the mirror, then counts, then the cursor. Saves the stream, not the run.

    Runs inside the step's transaction.
    """
    stored = Stored() if result.content is None else store_content(run, stream, result.content)
    SyncSeen.objects.bulk_create([SyncSeen(stream=stream, vendor_id=pk) for pk in sorted(result.new_ids)])
    run.changed += stored.changed
    run.messages += stored.messages
    if result.contacts is not None:
        run.contacts = result.contacts
    if result.conversations is not None:
        run.conversations = result.conversations
    add_notes(run, (*stored.notes, *result.notes))
    stream.changed += stored.changed
    stream.pages += result.pages
    stream.seen += result.seen + stored.seen
    for total in (result.total, stored.total):
        stream.total = stream.total if total is None else total
    if result.restart:
        stream.met.all().delete()
        stream.restarts += 1
        stream.seen, stream.total = 0, None
    stream.cursor = result.cursor.to_json()
    unchanged = not (stored.changed or stored.threads)
    stream.done = result.done or stored.done or (result.done_if_unchanged and unchanged)
    stream.save()


def _retry_at(run: SyncRun) -> datetime:
    return timezone.now() + timedelta(seconds=min(60.0, 2.0**run.failures))


def _claim(run_id: int, step: int) -> SyncRun | None:
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    # No join: PostgreSQL would let two concurrent claims pass.
    free &= Q(account__in=Account.objects.filter(sync_paused_at=None))
    claimed = SyncRun.objects.filter(free, pk=run_id, step=step, state=SyncRun.State.RUNNING, due_at__lte=now).update(
        lease_until=now + step_lease(), failures=F("failures") + 1
    )
    if not claimed:
        return None
    run: SyncRun = SyncRun.objects.select_related("account").get(pk=run_id)
    if run.failures > MOST_FAILURES * 2:
        stream = run.streams.filter(done=False).first()
        _fail(run, stream, Reason(Code.STEP_NEVER_ENDED), 0)
        return None
    return run


def _store(run: SyncRun, stream: SyncStream | None, result: StepResult[Any] | None, calls: int) -> bool:
    """Stores page, cursor and step in one transaction; False if the run was stopped or taken over in between.

    Without a stream the run is complete.
    """
    with transaction.atomic():
        locked = SyncRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        if locked.state != SyncRun.State.RUNNING or locked.step != run.step:
            return False
        if stream is not None and result is not None:
            stream.calls += calls
            apply_result(run, stream, result)
            list_state.add_calls(run.account_id, stream.name, calls)
            if stream.done:
                list_state.record_end(run, stream)
        else:
            run.state = SyncRun.State.DONE
            run.finished_at = timezone.now()
            _complete(run)
        run.requests = locked.requests + calls
        run.step += 1
        run.failures = 0
        run.lease_until = None
        run.set_reason(NO_REASON)
        run.due_at = timezone.now()
        run.save()
    return True


def _complete(run: SyncRun) -> None:
    if run.kind != SyncRun.Kind.CHANGES:
        list_state.record_comparison(run)
    values = {"last_error_at": None, **NO_REASON.columns()}
    if run.kind == SyncRun.Kind.FULL:
        values["synced_at"] = timezone.now()
    if run.kind != SyncRun.Kind.CHECK:
        Account.objects.filter(pk=run.account_id).update(**values)


def _pause(run: SyncRun, stream: SyncStream | None, until: datetime, calls: int, why: Reason = NO_REASON) -> None:
    """Frees the step until then. Waiting for budget does not count as a failure."""
    failures = F("failures") if why else F("failures") - 1
    SyncRun.objects.filter(pk=run.pk, step=run.step, state=SyncRun.State.RUNNING).update(
        lease_until=None, due_at=until, requests=F("requests") + calls, failures=failures, **why.columns()
    )
    _add_calls(run, stream, calls)


def _fail(run: SyncRun, stream: SyncStream | None, why: Reason, calls: int) -> None:
    now = timezone.now()
    failed = SyncRun.objects.filter(pk=run.pk, step=run.step, state=SyncRun.State.RUNNING).update(
        state=SyncRun.State.FAILED,
        finished_at=now,
        lease_until=None,
        requests=F("requests") + calls,
        **why.columns(),
    )
    _add_calls(run, stream, calls)
    if failed:
        list_state.record_failure(run, stream.name if stream else "", why)
        if run.kind != SyncRun.Kind.CHECK:
            Account.objects.filter(pk=run.account_id).update(last_error_at=now, **why.columns())


def _add_calls(run: SyncRun, stream: SyncStream | None, calls: int) -> None:
    if stream is not None:
        list_state.add_calls(run.account_id, stream.name, calls)


def _wake(run_id: int) -> None:
    run = SyncRun.objects.filter(pk=run_id, state=SyncRun.State.RUNNING).first()
    if run is not None:
        jobs.enqueue(STEP, run_id, run.step, delay=max(0.05, (run.due_at - timezone.now()).total_seconds()))
