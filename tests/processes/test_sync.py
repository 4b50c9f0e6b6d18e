"""The whole account through real processes and a real limit: nothing is lost, nobody is ever told to wait."""

import time

import pytest

from tests.harness.sandbox import wait_for
from tests.harness.truth import differences

pytestmark = [pytest.mark.processes]


def finished(portal) -> bool:
    """Whether the only account has been read to its end."""
    row = portal.status()["accounts"][0]
    assert row["state"] == "connected", row
    return bool(row["last_sync"])


def quiet(sandbox) -> dict:
    """The sandbox's state, after a look that no call was refused and the limit was kept in every window."""
    state = sandbox.state()
    assert state["too_many"] == 0, state
    assert state["max_in_period"] <= state["rate"], state
    return state


def test_three_workers_read_everything_within_the_limit(sandbox, portal, each_database):
    vendor = sandbox(contacts=300, messages=4, rate=60, period=6, no_auto_replies=True)
    ours = portal(vendor, each_database, SALESMSG_RATE_PERIOD=6)
    ours.start_worker(3)
    started = time.monotonic()
    ours.connect(vendor)
    wait_for("the first sync ends", lambda: ours.alive() and finished(ours), 150, 1.0)
    print(f"{time.monotonic() - started:.0f} s")
    assert differences(vendor, ours) == []
    quiet(vendor)
