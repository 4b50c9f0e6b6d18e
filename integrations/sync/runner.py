"""The steps of a sync run: each takes one page, stores page and cursor in one transaction, and hands on.

A step is claimed by run, number and lease. Whoever holds an older number does nothing, so a task that runs twice,
or comes back after its time, changes nothing; a run left by a killed worker is found by the sweep in `due`.
"""

import time
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils import timezone

from .. import gateway, jobs
from ..crypto import Unsealable
from ..gateway import ApiSession, BudgetWait, NotConnected
from ..models import Account, BudgetCall, SyncRun, SyncStream
from ..salesmsg.errors import NotAllowed, NotFound, SalesmsgError
from . import list_state
from .checkpoints import SyncProblem, skip
from .plan import OPTIONAL
from .request import STEP
from .streams import next_page

TASK_SECONDS = 0.5  # a task goes on with further pages this long, if the budget lets it
WAIT_IN_PLACE = 0.15  # seconds; a longer wait for budget goes back into the queue and holds no worker
MOST_FAILURES = 8  # of one step, with growing pauses in between


def step_lease() -> timedelta:
    return timedelta(seconds=sum(settings.SALESMSG_TIMEOUT) * 2 + 10)


def lane_for(run: SyncRun) -> str:
    """Comparing is for hours in which nobody else wants to call."""
    return BudgetCall.Lane.IDLE if run.kind == SyncRun.Kind.CHECK else BudgetCall.Lane.SYNC


def run_steps(run_id: int, step: int) -> int:
    """The task: pages for about a second, then the next task. Returns the number of pages stored."""
    until = time.monotonic() + TASK_SECONDS
    pages = 0
    session = None
    while True:
        run = _claim(run_id, step)
        if run is None:
            return pages
        session = session or gateway.open_session(run.account_id, lane_for(run), patience=WAIT_IN_PLACE)
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
    """Claims the present step of a run for the foreground; None when another process has it or the run has ended."""
    step = SyncRun.objects.filter(pk=run_id, state=SyncRun.State.RUNNING).values_list("step", flat=True).first()
    return None if step is None else _claim(run_id, step)


def advance_run(run: SyncRun, session: ApiSession) -> bool:
    """Does one claimed step. True when a page was stored (or the run ended); False when it must wait till due_at."""
    stream = run.streams.filter(done=False).first()
    before = session.calls
    if stream is not None and stream.began_at is None:
        stream.began_at = timezone.now()
    try:
        if stream is None:
            return _store(run, None, None, 0)
        try:
            store = next_page(run, stream, session.client)
            return _store(run, stream, store, session.calls - before)
        except (NotAllowed, NotFound, SyncProblem) as refused:
            if stream.name not in OPTIONAL:
                raise
            why = str(refused)
            return _store(run, stream, lambda: skip(run, stream, why), session.calls - before)
    except BudgetWait as wait:
        _pause(run, stream, wait.until, session.calls - before)
    except SyncProblem as problem:
        _fail(run, stream, str(problem), session.calls - before)
    except (NotConnected, Unsealable) as problem:
        _fail(run, stream, str(problem), session.calls - before)
    except SalesmsgError as error:
        if error.again == "never" or run.failures >= MOST_FAILURES:
            where = f" ({stream.name})" if stream else ""
            _fail(run, stream, f"{error.text}{where}", session.calls - before)
        else:
            _pause(run, stream, _later(run), session.calls - before, error.text)
    except BaseException:
        # Ctrl-C, or a fault of ours: nobody works on this step any more. It stays counted as a failed one.
        with suppress(DatabaseError):
            _pause(run, stream, _later(run), session.calls - before, "The step broke off.")
        raise
    return False


def _later(run: SyncRun) -> datetime:
    return timezone.now() + timedelta(seconds=min(60.0, 2.0**run.failures))


def _claim(run_id: int, step: int) -> SyncRun | None:
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    # No join: of two that claim at once, PostgreSQL would let both through.
    free &= Q(account__in=Account.objects.filter(sync_paused_at=None))
    claimed = SyncRun.objects.filter(free, pk=run_id, step=step, state=SyncRun.State.RUNNING, due_at__lte=now).update(
        lease_until=now + step_lease(), failures=F("failures") + 1
    )
    if not claimed:
        return None
    run = SyncRun.objects.select_related("account").get(pk=run_id)
    if run.failures > MOST_FAILURES * 2:
        stream = run.streams.filter(done=False).first()
        _fail(run, stream, "The same step was begun again and again and never ended. Look at the worker's log.", 0)
        return None
    return run


def _store(run: SyncRun, stream: SyncStream | None, store, calls: int) -> bool:
    """Page, cursor and step in one transaction; nothing if the run was stopped or taken over meanwhile."""
    with transaction.atomic():
        locked = SyncRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        if locked.state != SyncRun.State.RUNNING or locked.step != run.step:
            return False
        if store is not None and stream is not None:
            before = run.changed
            store()
            stream.changed += run.changed - before
            stream.calls += calls
            stream.save()
            list_state.spent(run.account_id, stream.name, calls)
            if stream.done:
                list_state.ended(run, stream)
        if stream is None:
            run.state = SyncRun.State.DONE
            run.finished_at = timezone.now()
            _completed(run)
        run.requests = locked.requests + calls
        run.step += 1
        run.failures = 0
        run.lease_until = None
        run.error = ""
        run.due_at = timezone.now()
        run.save()
    return True


def _completed(run: SyncRun) -> None:
    if run.kind != SyncRun.Kind.CHANGES:
        list_state.compared(run)
    values = {"last_error": "", "last_error_at": None}
    if run.kind == SyncRun.Kind.FULL:
        values["synced_at"] = timezone.now()
    if run.kind != SyncRun.Kind.CHECK:
        Account.objects.filter(pk=run.account_id).update(**values)


def _pause(run: SyncRun, stream: SyncStream | None, until: datetime, calls: int, why: str = "") -> None:
    """Gives the step back until then; a wait for budget is no failure."""
    failures = F("failures") if why else F("failures") - 1
    SyncRun.objects.filter(pk=run.pk, step=run.step, state=SyncRun.State.RUNNING).update(
        lease_until=None, due_at=until, requests=F("requests") + calls, failures=failures, error=why
    )
    _spent(run, stream, calls)


def _fail(run: SyncRun, stream: SyncStream | None, why: str, calls: int) -> None:
    now = timezone.now()
    failed = SyncRun.objects.filter(pk=run.pk, step=run.step, state=SyncRun.State.RUNNING).update(
        state=SyncRun.State.FAILED, error=why, finished_at=now, lease_until=None, requests=F("requests") + calls
    )
    _spent(run, stream, calls)
    if failed:
        list_state.failed(run, stream.name if stream else "", why)
        if run.kind != SyncRun.Kind.CHECK:
            Account.objects.filter(pk=run.account_id).update(last_error=f"Sync failed: {why}", last_error_at=now)


def _spent(run: SyncRun, stream: SyncStream | None, calls: int) -> None:
    if stream is not None:
        list_state.spent(run.account_id, stream.name, calls)


def _wake(run_id: int) -> None:
    run = SyncRun.objects.filter(pk=run_id, state=SyncRun.State.RUNNING).first()
    if run is not None:
        jobs.enqueue(STEP, run_id, run.step, delay=max(0.05, (run.due_at - timezone.now()).total_seconds()))
