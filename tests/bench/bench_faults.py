"""Texts whose sender is killed at each of ten points, and texts whose answer is lost: what becomes of them?

Doubles, losses and untrue states must be 0. Of the texts with an unknown outcome, nearly all must be settled without
a person. Time is scaled (SALESMSG_TIMEOUT, SALESMSG_RATE_PERIOD); the path is the one that users go.
"""

import time
import uuid

from tests.harness.crash import POINTS, Killer, verdict
from tests.harness.portal import Portal
from tests.harness.sandbox import Sandbox, wait_for

from .support import SCALE, Hand, part, read_in, scaled, show

KILLS = scaled(50)  # at each point
AT_ONCE = 10  # rounds of kills before workers mend what is left: one text a thread
DROPPED_OF = scaled(1_000, 40)
DROPPED = 0.2
TIME = {"SALESMSG_TIMEOUT": "0.5,1.0"}
RATE, PERIOD = 60, 1.0
CONTACTS = 200
HEAD = ("database", "what", "texts", "doubled", "lost", "untrue", "open", "unknown", "not sent, told so",
        "unknown once", "settled alone", "seconds")  # fmt: skip


def test_kills_and_lost_answers(sandbox, portal, each_database):
    name = "PostgreSQL" if each_database else "SQLite"
    vendor, ours = read_in(sandbox, portal, each_database, CONTACTS, RATE, PERIOD, **TIME)
    with Hand(ours) as hand:
        begun = time.monotonic()
        texts = killed(vendor, ours, hand)
        what = f"{len(POINTS)} points x {KILLS} kills"
        kills, wrong = judged(name, what, vendor, ours, hand, texts, begun, (0, 0))
        before = tuple(hand("doubts"))
        begun = time.monotonic()
        texts = dropped(vendor, ours, hand)
        what = f"{DROPPED:.0%} accepted, then dropped"
        drops, more = judged(name, what, vendor, ours, hand, texts, begun, before)
    show("Kills and lost answers", HEAD, kills, drops)
    assert wrong + more == []
    assert vendor.state()["too_many"] == 0


def killed(vendor: Sandbox, ours: Portal, hand: Hand) -> list[str]:
    """Rounds of kills at every point; after some of them real workers mend, then are stopped again."""
    threads, texts = hand("threads"), []
    assert len(threads) >= AT_ONCE * len(POINTS)
    for first in range(0, KILLS, AT_ONCE):
        vendor.post("/sandbox/faults", {"kind": "slow", "match": "POST /messages", "seconds": 0.25})
        killer, free = Killer(ours), iter(threads)
        for number in range(first, min(first + AT_ONCE, KILLS)):
            for point in POINTS:
                texts.append(f"{point} {number} {uuid.uuid4()}")
                killer.kill(point, next(free), texts[-1])
        killer.close()
        vendor.post("/sandbox/faults", {"kind": "none"})
        worker = ours.start_worker(3)
        settled(ours, hand)
        worker.terminate()
        worker.finish(10)
        ours.processes.remove(worker)
    return texts


def dropped(vendor: Sandbox, ours: Portal, hand: Hand) -> list[str]:
    """Two clusters send; the vendor takes every text, and says so only for most of them."""
    threads = hand("threads")
    texts = [f"dropped {number} {uuid.uuid4()}" for number in range(DROPPED_OF)]
    vendor.post("/sandbox/faults", {"kind": "drop-after", "match": "POST /messages", "share": DROPPED})
    ours.start_worker(2)
    ours.start_worker(2)
    hand("write", [(threads[number % len(threads)], text) for number, text in enumerate(texts)])
    settled(ours, hand)
    return texts


def settled(ours: Portal, hand: Hand) -> None:
    """Until nothing is open, or nothing has changed for long: what a person must decide stays unknown."""
    last, since = None, time.monotonic()

    def still() -> bool:
        nonlocal last, since
        ours.alive()
        now = hand("states")
        if now != last:
            last, since = now, time.monotonic()
        return not hand("under_way") or time.monotonic() - since > 30

    wait_for("every text is settled", still, 300 + 600 * SCALE, 0.5)


def judged(name, what, vendor, ours, hand, texts, begun, before) -> tuple[tuple, list]:
    """A row of the table, and everything that must not be."""
    seconds = time.monotonic() - begun
    found = verdict(ours, vendor, texts)
    arrived = {message["body"] for message in vendor.state()["messages"]}
    unknown = {text for text, *_ in found["unknown"]}
    once, known = (now - then for now, then in zip(hand("doubts"), before, strict=True))
    counts = [len(found[fault]) for fault in ("doubled", "lost", "untrue", "open", "unknown")]
    failed = len(set(texts) - arrived - unknown)
    wrong = [(fault, each) for fault in ("doubled", "lost", "untrue", "open") for each in found[fault]]
    return (name, what, len(texts), *counts, failed, once, part(known, once), seconds), wrong
