"""Runs syncs in the foreground, inside the test's own process and database, and reads what they wrote."""

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import gateway
from integrations.accounts import connect
from integrations.models import Account, BudgetCall, SyncRun, ThreadSync
from integrations.sync import request, runner, thread_refresh
from tests.harness import truth
from tests.harness.sandbox import Sandbox

CACHE = ("contact", "conversation", "message", "inbox", "member", "number")
DEFAULTS = {
    "auto_replies": False, "failures": False, "delivery_delay": 0, "data_envelope": False, "mix_envelopes": False,
    "iso_times": False, "short_pages": False, "paginated": True, "honour_sort": True,
}  # fmt: skip


@pytest.fixture(scope="session")
def one_sandbox(tmp_path_factory) -> Iterator[Sandbox]:
    """One process for all tests of a session; every test has a cache of its own."""
    running = Sandbox(
        tmp_path_factory.mktemp("world") / "sandbox.log",
        contacts=25, messages=4, rate=100_000, period=0.3, no_auto_replies=True,
    )  # fmt: skip
    yield running
    running.stop()


@pytest.fixture
def world(one_sandbox, vendor_settings) -> Sandbox:
    """The sandbox without switches, faults and counts."""
    one_sandbox.post("/sandbox/settings", DEFAULTS)
    one_sandbox.post("/sandbox/faults", {"kind": "none"})
    one_sandbox.post("/sandbox/reset-counters", {})
    vendor_settings(one_sandbox.url)
    return one_sandbox


@pytest.fixture
def vendor_settings(settings) -> Callable[[str], None]:
    """Points the portal to a server whose limit never matters."""

    def use(url: str) -> None:
        settings.SALESMSG_BASE_URL = url
        settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 100_000, 0.3

    return use


def connected(token: str = Sandbox.pat, label: str = "Test") -> Account:
    """An account; its first sync is asked for and not begun."""
    return connect.connect_by_token(None, label, token)


def by_pages(world: Sandbox) -> Account:
    """An account whose token may not use the list of contacts: it reads them ten a page."""
    scopes = (
        "contacts:read conversations:read messages:read tags:read teams:read numbers:read users:read organizations:read"
    )
    return connected(world.post("/sandbox/pat", {"scopes": scopes})["token"])


def full(account: Account) -> SyncRun:
    return finish(request.start_full(account))


def changes(account: Account) -> SyncRun:
    return finish(request.start_changes(account))


def finish(run: SyncRun, each: Callable[[SyncRun], None] = lambda run: None, steps: int = 3000) -> SyncRun:
    """Works the run to its end; pauses are skipped. `each` is called after every step."""
    session = gateway.open_session(run.account_id, BudgetCall.Lane.SYNC, patience=20)
    for _ in range(steps):
        SyncRun.objects.filter(pk=run.pk).update(due_at=timezone.now())
        claimed = runner.claim_step(run.pk)
        assert claimed is not None, "no other task works on it, and yet the step is not free"
        runner.advance_run(claimed, session)
        run.refresh_from_db()
        if run.state != SyncRun.State.RUNNING:
            return run
        each(run)
    raise AssertionError(f"{run} did not end within {steps} steps")


def looks(steps: int = 200) -> int:
    """Refreshes every thread that is due now, as the worker would; returns how many."""
    for done in range(steps):
        due = ThreadSync.objects.filter(due_at__lte=timezone.now()).values_list("conversation_id", flat=True).first()
        if due is None:
            return done
        thread_refresh.refresh_thread(due)
    raise AssertionError("the looks do not end")


def differences(sandbox: Sandbox, ignore: tuple[str, ...] = ()) -> list[str]:
    """Field by field, in the spelling of tests/harness/truth."""
    sandbox.post("/sandbox/settings", {"iso_times": False})
    return truth.differences(sandbox, _Here(), ignore)


class _Here:
    """This process in the place of a portal's."""

    def query(self, code: str):
        said = io.StringIO()
        with redirect_stdout(said):
            exec(code, {"json": json})  # noqa: S102 - the harness's own words
        return json.loads(said.getvalue())


def cached() -> dict:
    """The cache by vendor ids, as truth spells it."""
    return truth.cached(_Here())


@contextmanager
def writes() -> Iterator[Counter]:
    """Counts what is written into the cache's tables, by verb and table."""
    found: Counter = Counter()
    with CaptureQueriesContext(connection) as captured:
        yield found
    pattern = re.compile(r'^(INSERT(?: OR IGNORE)? INTO|UPDATE|DELETE FROM) "integrations_(\w+)"')
    for query in captured.captured_queries:
        match = pattern.match(query["sql"])
        if match and match[2] in CACHE:
            found[f"{match[1].split()[0]} {match[2]}"] += 1


def endpoints(sandbox: Sandbox) -> dict[str, int]:
    """Requests since the last reset-counters, by endpoint."""
    return sandbox.state()["by_endpoint"]
