"""Portals for all browser tests, and ways to sign in to them."""

from collections.abc import Iterator

import pytest

from tests.harness.portal import Portal
from tests.harness.sandbox import Sandbox, wait_for

from . import states

PERIOD = {"SALESMSG_RATE_LIMIT": 600, "SALESMSG_RATE_PERIOD": 6}


@pytest.fixture(scope="session")
def scene(tmp_path_factory) -> Iterator[tuple[Portal, dict]]:
    """A running portal with the scene of states.py, and what the scene printed; nothing talks to Salesmsg."""
    ours = Portal(tmp_path_factory.mktemp("scene"), "http://127.0.0.1:9")
    try:
        told = ours.query(states.SCENE)
        ours.start_web()
        yield ours, told
    finally:
        ours.stop()
        print(ours.logs())


@pytest.fixture(scope="session")
def vendor(tmp_path_factory) -> Iterator[Sandbox]:
    """A small Salesmsg for the whole room."""
    flags = {"contacts": 22, "messages": 4, "no_auto_replies": True, "no_failures": True}
    running = Sandbox(tmp_path_factory.mktemp("vendor") / "sandbox.log", rate=600, period=6, **flags)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def web(tmp_path_factory, vendor) -> Iterator[Portal]:
    """A web server without a worker."""
    running = Portal(tmp_path_factory.mktemp("web"), vendor, QUIET_HOURS="21-8", **PERIOD)
    try:
        running.start_web()
        yield running
    finally:
        running.stop()
        print(running.logs())


@pytest.fixture
def empty(web) -> Portal:
    """The same, on an empty database: nothing leaves unless a test says so."""
    web.empty()
    return web


@pytest.fixture(scope="session")
def connected(tmp_path_factory, vendor) -> Iterator[Portal]:
    """A portal with web server and worker that is connected and synced."""
    running = Portal(tmp_path_factory.mktemp("connected"), vendor, **PERIOD)
    try:
        running.superuser()
        running.start_worker(2)
        running.connect(vendor)
        running.start_web()
        wait_for("the first sync is done", lambda: running.alive() and running.query(SYNCED))
        yield running
    finally:
        running.stop()
        print(running.logs())


SYNCED = """
from integrations.models import Account
print(json.dumps(Account.objects.filter(synced_at__isnull=False).exists()))
"""


@pytest.fixture
def stranger(vendor) -> dict:
    """A contact of `vendor` that may be texted and that no other test knows; their only conversation is open."""
    data = vendor.data()
    names = [row["full_name"] for row in data["contacts"]]
    threads = {row["contact_id"]: row for row in data["conversations"]}
    several = [row["contact_id"] for row in data["conversations"]]
    for row in data["contacts"]:
        key, name = row["id"], row["full_name"]
        clear = not row["opt_out"] and not row["is_blocked"] and name and key not in KNOWN
        if clear and names.count(name) == several.count(key) == 1 and not threads[key]["closed_at"]:
            KNOWN.add(key)
            return row
    raise AssertionError("nobody is left to text")


KNOWN: set[int] = set()
