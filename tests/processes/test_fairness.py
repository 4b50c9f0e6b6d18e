"""Two workers, six accounts: an account without budget holds no worker, and the sixth one's text is sent."""

import statistics

import pytest

from tests.conftest import ON_POSTGRES, ON_SQLITE
from tests.harness.sandbox import wait_for

pytestmark = [pytest.mark.processes]
WRITING = """
import time, uuid
from integrations import budget
from integrations.models import Account, Attempt, Conversation, Message
from integrations.outbox import compose
from integrations.sync import request
def texts(account_id, count, pause=0.0):
    found = Conversation.objects.select_related("account", "contact").filter(
        account=account_id, contact__opted_out=False, contact__blocked=False, closed_at=None
    )[:count]
    made = []
    for conversation in found:
        made.append(compose.queue_reply(None, conversation, f"To whom it may concern {uuid.uuid4()}", uuid.uuid4()))
        time.sleep(pause)
    assert len(made) == count
    return made
"""
BUSY = """
for place, account_id in enumerate(OTHERS):
    texts(account_id, 8)
    if place < 3:
        budget.block(account_id)
    else:
        request.start_full(Account.objects.get(pk=account_id))
print(0)
"""
FLOOD = """
for account_id in OTHERS:
    texts(account_id, 30)
print(json.dumps([message.pk for message in texts(SIXTH, 6, 0.2)]))
"""
SIXTH_WRITES = "print(json.dumps([message.pk for message in texts(SIXTH, 12, 0.2)]))"
# Of each text: calls of other accounts, and seconds, from the commit of the post to right before its own call.
WAITS = """
from integrations.models import BudgetCall
begun = Attempt.objects.filter(message__in=PKS).select_related("message").order_by("pk")
others = BudgetCall.objects.exclude(budget__account=SIXTH)
print(json.dumps([
    [others.filter(started_at__gt=one.message.created_at, started_at__lt=one.started_at).count(),
     (one.started_at - one.message.created_at).total_seconds()] for one in begun]))
"""

# Calls of others that may go first: what was begun or in memory already, a slice of each worker.
AHEAD, AHEAD_OF_A_FLOOD = 10, 50
BEATS = "from integrations.models import Heartbeat as H; print(json.dumps(H.objects.filter(sequence__gt=0).count()))"
# The sixth account's: seconds from its block's end to the first call, calls that began in the block, and blocks.
RECOVERY = """
from integrations.models import BudgetBlock, BudgetCall
block = BudgetBlock.objects.filter(budget__account=SIXTH).order_by("at").first()
calls = BudgetCall.objects.filter(budget=block.budget, started_at__gt=block.at)
first = calls.filter(started_at__gte=block.until).order_by("started_at").first()
inside = calls.filter(started_at__lt=block.until).count()
print(json.dumps([(first.started_at - block.until).total_seconds(), inside, block.budget.blocks.count()]))
"""


@pytest.fixture
def six(request, sandbox, portal, each_database):
    """(Salesmsg, portal, the first five accounts, the sixth), two workers running. Its parameter: the period."""
    period = getattr(request, "param", 60)
    vendor = sandbox(contacts=80, messages=1, rate=10_000, period=period, no_auto_replies=True, no_failures=True)
    ours = portal(vendor, each_database, SALESMSG_RATE_PERIOD=period)
    *others, sixth = ours.fill(vendor, 6)  # Salesmsg's own limit is out of the way
    ours.start_worker(2)
    wait_for("the tick beats", lambda: ours.alive() and ours.query(BEATS), pause=0.2)
    return vendor, ours, others, sixth


def run(ours, code: str, others: list[int], sixth: int):
    return ours.query(WRITING + code.replace("OTHERS", repr(others)).replace("SIXTH", str(sixth)))


def waits(ours, sixth: int, pks: list[int], again: int = 0) -> list[tuple[int, float]]:
    """(calls of others before it, seconds) of each text; so many of them needed a second attempt."""
    code, count = WRITING + WAITS.replace("PKS", repr(pks)).replace("SIXTH", str(sixth)), len(pks) + again
    return wait_for("all have left", lambda: (found := ours.query(code)) and len(found) == count and found, pause=0.2)


@ON_SQLITE
def test_the_sixth_accounts_texts_leave_at_once_beside_five_that_wait(six):
    """Three are blocked, two read everything; all five have texts that wait."""
    _, ours, others, sixth = six
    run(ours, BUSY, others, sixth)
    found = waits(ours, sixth, run(ours, SIXTH_WRITES, others, sixth))
    assert statistics.median(calls for calls, _ in found) <= AHEAD, found


@ON_POSTGRES
def test_a_flood_of_five_accounts_texts_does_not_hold_up_the_sixth(six):
    _, ours, others, sixth = six
    found = waits(ours, sixth, run(ours, FLOOD, others, sixth))
    assert statistics.median(calls for calls, _ in found) <= AHEAD_OF_A_FLOOD, found


@ON_SQLITE
@pytest.mark.parametrize("six", [5], indirect=True)
def test_after_a_429_all_wait_for_the_blocks_end_and_go_on_at_once(six):
    vendor, ours, others, sixth = six  # the sandbox blocks the others, too: to it they are one organisation
    vendor.post("/sandbox/faults", {"kind": "429", "count": 1, "match": "POST /messages"})
    waits(ours, sixth, run(ours, SIXTH_WRITES, others, sixth), again=1)
    _, inside, blocks = run(ours, RECOVERY, others, sixth)
    assert (inside, blocks) == (0, 1)
