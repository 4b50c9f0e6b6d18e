"""No window of a period ever holds more calls than the limit, however many processes and threads want to call.

What counts is what the vendor sees: the sandbox measures every sliding window at the moment of arrival, and blocks.
"""

import pytest
from django.db import connection

from integrations import budget, gateway
from integrations.budget import BudgetWait
from integrations.models import Account, BudgetCall
from tests.harness.sandbox import PATIENCE, wait_for
from tests.tokens.vendor import Vendor, at_once, processes, results

pytestmark = pytest.mark.django_db(transaction=True)
Lane = BudgetCall.Lane
LIMIT, PERIOD = 10, 1.0
PROCESSES, THREADS, CALLS = 4, 2, 5
LONG = 30.0  # a period that no machine is too slow for
HAMMER = """
import os, random, threading, time
from django.db import connection
from integrations import gateway
made, faults = [], []
def work(number):
    try:
        lane = ["sync", "interactive", "event", "edit"][number % 4]
        door = gateway.open_session(int(os.environ["ACCOUNT"]), lane, patience=300)
        for _ in range(int(os.environ["CALLS"])):
            made.append(door.client.user().id)
            time.sleep(random.random() / 20)
    except Exception as error:
        faults.append(repr(error))
    finally:
        connection.close()
threads = [threading.Thread(target=work, args=(number,)) for number in range(int(os.environ["THREADS"]))]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps({"made": len(made), "faults": faults}))
"""


@pytest.fixture
def period(request) -> float:
    """PERIOD, or what a test chooses; no test waits for the end of a LONG one."""
    return getattr(request, "param", PERIOD)


@pytest.fixture
def vendor(tmp_path, settings, period):
    one = Vendor(tmp_path / "sandbox.log", rate=LIMIT, period=period)
    one.use(settings)
    yield one
    one.stop()


@pytest.fixture
def account(vendor, settings, transactional_db, period):
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = LIMIT, period
    account = vendor.connect("pat")
    vendor.post("/sandbox/reset-counters", {})
    return account


def test_several_processes_stay_within_every_window(vendor, account):
    wanted = PROCESSES * THREADS * CALLS
    settings = {"SALESMSG_RATE_LIMIT": LIMIT, "SALESMSG_RATE_PERIOD": PERIOD}
    with processes(PROCESSES, HAMMER, ACCOUNT=account.pk, THREADS=THREADS, CALLS=CALLS, **settings) as started:
        found = results(started)
    assert [result["faults"] for result in found] == [[]] * PROCESSES
    assert sum(result["made"] for result in found) == wanted
    state = vendor.state()
    assert state["requests"] == wanted > 3 * LIMIT
    assert state["too_many"] == 0
    assert LIMIT * 0.5 < state["max_in_period"] <= LIMIT, "it is used, and never overused"
    assert Account.objects.get().budget.taken == wanted


def test_slow_answers_count_from_their_arrival_to_a_period_after_their_answer(vendor, account):
    """Calls under way have no place in a window yet: they may arrive at any time."""
    vendor.fault("slow", "GET /user", seconds=0.6)

    def twice(_: int) -> list:
        return [gateway.open_session(account.pk, Lane.INTERACTIVE, patience=PATIENCE).client.user() for _ in "12"]

    outcomes = at_once(12, twice)
    assert all(isinstance(outcome, list) for outcome in outcomes), outcomes
    state = vendor.state()
    assert state["requests"] == 24
    assert state["too_many"] == 0
    assert state["max_in_period"] <= LIMIT


@pytest.mark.parametrize("period", [LONG], indirect=True)
def test_one_more_than_the_limit_is_what_the_sandbox_would_notice(vendor, account, settings):
    """The measure itself: with a budget of one too many, the sandbox blocks."""
    settings.SALESMSG_RATE_LIMIT = LIMIT + 1
    session = gateway.open_session(account.pk, Lane.INTERACTIVE)
    with pytest.raises(BudgetWait):
        for _ in range(LIMIT + 1):
            session.client.user()
    assert vendor.state()["too_many"] == 1
    assert vendor.state()["max_in_period"] == LIMIT + 1


@pytest.mark.parametrize("period", [4.0], indirect=True)
def test_a_429_closes_the_door_for_everybody(vendor, account, period):
    """No call is made in any process until the block is over; then calls continue by themselves."""
    vendor.fault("429", "GET /user", count=1)
    with pytest.raises(BudgetWait):
        gateway.open_session(account.pk, Lane.SYNC).client.user()
    blocked = account.budget.blocked_until
    assert blocked is not None
    settings = {"SALESMSG_RATE_LIMIT": LIMIT, "SALESMSG_RATE_PERIOD": period}
    outcomes = at_once(8, lambda number: gateway.open_session(account.pk, list(Lane)[number % 5]).client.user())
    assert {type(outcome) for outcome in outcomes} == {BudgetWait}, outcomes
    assert vendor.state()["requests"] == 1
    with processes(2, HAMMER, ACCOUNT=account.pk, THREADS=2, CALLS=2, **settings) as started:
        waited = at_once(
            4, lambda _: gateway.open_session(account.pk, Lane.INTERACTIVE, patience=PATIENCE).client.user().id
        )
        found = results(started)
    assert all(isinstance(outcome, int) for outcome in waited), waited
    assert [result["faults"] for result in found] == [[], []]
    state = vendor.state()
    assert state["too_many"] == 1, "nothing called during the block"
    assert state["requests"] == 1 + 4 + 8


@pytest.mark.parametrize("period", [LONG], indirect=True)
def test_a_429_while_others_are_under_way(vendor, account):
    vendor.fault("slow", "GET /user", seconds=0.2)
    vendor.fault("429", "GET /user", count=1)
    outcomes = at_once(6, lambda _: gateway.open_session(account.pk, Lane.INTERACTIVE).client.user().id)
    assert any(isinstance(outcome, BudgetWait) for outcome in outcomes)
    before = vendor.state()["requests"]
    at_once(6, lambda _: gateway.open_session(account.pk, Lane.INTERACTIVE).client.user())
    assert vendor.state()["requests"] == before


def test_the_place_of_a_killed_caller_is_kept(vendor, account):
    """It is unknown whether its call arrived, or still will: it counts for the longest time it could have taken."""
    vendor.fault("slow", "GET /user", seconds=5)
    with processes(1, HAMMER, ACCOUNT=account.pk, THREADS=1, CALLS=1, SALESMSG_RATE_LIMIT=LIMIT) as (process,):
        wait_for("the call is under way", lambda: vendor.calls("GET /user"), pause=0.02)
        process.kill()
        process.wait()
    call = BudgetCall.objects.get()
    longest = sum((5.0, 35.0))
    assert (call.expires_at - call.started_at).total_seconds() == pytest.approx(longest + 60, abs=0.1)
    for _ in range(LIMIT - 1):
        budget.take(account.pk, Lane.INTERACTIVE)
    with pytest.raises(BudgetWait):
        budget.take(account.pk, Lane.INTERACTIVE)


@pytest.mark.parametrize("trouble", ["500", "drop-before", "drop-after", "truncate", "html"])
def test_a_call_that_failed_counts_as_well(vendor, account, trouble):
    vendor.fault(trouble, "GET /user", count=1)
    with pytest.raises(gateway.SalesmsgError):
        gateway.open_session(account.pk, Lane.EVENT).client.user()
    call = BudgetCall.objects.get()
    assert PERIOD <= (call.expires_at - call.started_at).total_seconds() < PERIOD + 8, "settled, not kept for ever"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")
def test_an_answer_survives_a_database_that_is_gone_when_it_comes(vendor, account):
    vendor.fault("slow", "GET /user", seconds=2)

    def work(number: int) -> int:
        if number == 0:
            return gateway.open_session(account.pk, Lane.INTERACTIVE).client.user().id
        wait_for("the call is under way", lambda: vendor.calls("GET /user"), pause=0.02)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return cursor.fetchone()[0]

    answer, killed = at_once(2, work)
    connection.close()
    assert killed >= 1
    assert isinstance(answer, int), answer
