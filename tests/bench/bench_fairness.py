"""Two workers and six accounts: how long a text of the sixth takes beside five that wait, and a block's end to the
first call after it. How many calls of others go first is counted in tests/processes/test_fairness.py."""

import pytest

from tests.processes.test_fairness import BUSY, FLOOD, RECOVERY, SIXTH_WRITES, run, six, waits  # noqa: F401

from .support import percentile, show


def test_the_sixth_account(six):  # noqa: F811
    _, ours, others, sixth = six
    run(ours, BUSY, others, sixth)
    rows = [("three blocked, two reading everything", waits(ours, sixth, run(ours, SIXTH_WRITES, others, sixth)))]
    rows.append(("150 texts of five accounts at once", waits(ours, sixth, run(ours, FLOOD, others, sixth))))
    head = ("beside", "texts", "p50 s", "slowest s", "most calls of others before it")
    show("A sixth account's text with two workers, from its commit to right before its call", head, *map(_row, rows))


def _row(measured: tuple[str, list]) -> tuple:
    what, found = measured
    seconds, calls = [each for _, each in found], [each for each, _ in found]
    return what, len(found), percentile(seconds, 0.5), max(seconds), max(calls)


@pytest.mark.parametrize("six", [5], indirect=True)
def test_after_a_block(six):  # noqa: F811
    vendor, ours, others, sixth = six
    vendor.post("/sandbox/faults", {"kind": "429", "count": 1, "match": "POST /messages"})
    waits(ours, sixth, run(ours, SIXTH_WRITES, others, sixth), again=1)
    after, inside, _ = run(ours, RECOVERY, others, sixth)
    show("After a 429", ("seconds from the block's end to the first call", "calls inside the block"), (after, inside))
    assert inside == 0
