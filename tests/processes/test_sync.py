"""The whole account through real processes and a real limit: nothing is lost, and no call is refused."""

import pytest

from tests.conftest import ON_SQLITE
from tests.harness.sandbox import PATIENCE, wait_for
from tests.harness.truth import differences

pytestmark = [pytest.mark.processes]
STANDS = """
from integrations.models import Account
account = Account.objects.get()
print(json.dumps([account.state, account.synced_at is not None]))
"""


def finished(portal) -> bool:
    """Whether the only account has been read to its end."""
    state, synced = portal.query(STANDS)
    assert state == "connected"
    return synced


def quiet(sandbox) -> dict:
    """The sandbox's state, after checking that no call was refused and the limit was kept in every window."""
    state = sandbox.state()
    assert state["too_many"] == 0, state
    assert state["max_in_period"] <= state["rate"], state
    return state


@ON_SQLITE
def test_three_workers_read_everything_within_the_limit(sandbox, portal, each_database):
    vendor = sandbox(contacts=150, messages=4, rate=60, period=2, no_auto_replies=True)
    ours = portal(vendor, each_database, SALESMSG_RATE_PERIOD=2)
    ours.start_worker(3)
    ours.connect(vendor)
    wait_for("the first sync ends", lambda: ours.alive() and finished(ours), 300, 0.3)
    assert differences(vendor, ours) == []
    quiet(vendor)


def test_a_worker_that_is_killed_loses_nothing(sandbox, portal):
    vendor = sandbox(contacts=70, messages=4, rate=60, period=3, no_auto_replies=True)
    ours = portal(vendor, SALESMSG_RATE_PERIOD=3, SALESMSG_TIMEOUT="0.5,1")  # what it held is free again after a while
    first = ours.start_worker(3)
    ours.connect(vendor)
    wait_for("the sync is under way", lambda: vendor.state()["requests"] > 25)
    first.kill()
    ours.processes.remove(first)
    assert not finished(ours), "it was too fast to be killed"
    ours.start_worker(3)
    wait_for("the first sync ends", lambda: ours.alive() and finished(ours), 300, 0.3)
    assert differences(vendor, ours) == []
    quiet(vendor)


def test_several_worker_processes_share_one_budget(sandbox, portal):
    vendor = sandbox(contacts=40, messages=3, rate=30, period=2, no_auto_replies=True)
    ours = portal(vendor, SALESMSG_RATE_LIMIT=30, SALESMSG_RATE_PERIOD=2)
    for _ in range(3):
        ours.start_worker(2)
    ours.connect(vendor)
    wait_for("the first sync ends", lambda: ours.alive() and finished(ours), 300, 0.3)
    assert differences(vendor, ours) == []
    assert quiet(vendor)["max_in_period"] <= 30


def test_a_schedule_that_is_there_twice_kills_no_worker(portal):
    """Schedules have no unique name, and workers start side by side: it will happen."""
    ours = portal("http://127.0.0.1:9")
    ours.query(
        "from integrations import jobs; from django_q.models import Schedule as S\n"
        "for _ in range(2): S.objects.create(name=jobs.TICK_SCHEDULE, func=jobs.TICK, schedule_type='I', minutes=1)\n"
        "print(0)"
    )
    worker = ours.start_worker(2)
    beats = (
        "from integrations.models import Heartbeat as H; print(json.dumps(H.objects.filter(sequence__gt=0).count()))"
    )
    wait_for("the tick beats", lambda: ours.query(beats), pause=0.2)
    assert "Traceback" not in worker.tail(200)
    worker.terminate()
    assert worker.popen.wait(PATIENCE) == 0
