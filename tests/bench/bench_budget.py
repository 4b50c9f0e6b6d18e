"""Eight processes and one limit: how much of it is used, how often is it broken?

The portal (two clusters of four workers, a backfill that never ends, a person's text now and then) on SQLite and on
PostgreSQL; beside it, with as many processes that read from the same sandbox, an ordinary client with pyrate-limiter
and one that retries after a 429. Counting starts after the first period and ends after a whole number of them.
BENCH_PERIOD=60 is the real limit: what a call loses on its way is then a third of what it is here.
"""

import os
import random
import subprocess
import sys
import time
import uuid

from salesmsg_portal.demo import BASE_DIR
from tests.harness.environment import around
from tests.harness.sandbox import Sandbox

from .support import Hand, part, read_in, scaled, show

LIMIT, PERIOD = 60, float(os.environ.get("BENCH_PERIOD", "20"))  # a minute takes 20 s
PERIODS = scaled(10, 2)
CONTACTS = 800  # a backfill of so many takes longer than the measuring
BETWEEN_TEXTS = 4.0  # seconds, on the average
HEAD = ("client", "database", "requests done", "use of the limit", "most in any window", "429s", "people's texts")


def test_use_of_the_limit(sandbox, portal, postgres):
    rows = [
        ours(sandbox, portal, "", "SQLite"),
        ours(sandbox, portal, postgres.new_database(), "PostgreSQL"),
        ordinary(sandbox, "limiter", "pyrate-limiter"),
        ordinary(sandbox, "retry", "naive retries"),
    ]
    show(f"8 processes, {LIMIT} requests in {PERIOD:g} s, {PERIODS} periods", HEAD, *rows)
    for _, _, _, _, most, refused, _ in rows[:2]:
        assert refused == 0
        assert most <= LIMIT


def measured(vendor: Sandbox, meanwhile) -> tuple[int, int, int]:
    """(requests that were let in, most in any window, refused ones) of whole periods; `meanwhile(seconds)` lasts."""
    meanwhile(PERIOD)
    begun, before = time.monotonic(), vendor.state()
    meanwhile(PERIODS * PERIOD)
    after, seconds = vendor.state(), time.monotonic() - begun
    assert seconds < PERIODS * PERIOD + 1, "the measuring itself was late"
    refused = after["too_many"] - before["too_many"]
    return after["requests"] - before["requests"] - refused, after["max_in_period"], after["too_many"]


def ours(make_sandbox, make_portal, database: str, name: str) -> tuple:
    vendor, portal = read_in(make_sandbox, make_portal, database, CONTACTS, LIMIT, PERIOD)
    with Hand(portal) as hand:
        threads, rng, texts = hand("threads"), random.Random(1), 0
        hand("backfill")
        portal.start_worker(4)
        portal.start_worker(4)

        def people(seconds: float) -> None:
            nonlocal texts
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(left, rng.expovariate(1 / BETWEEN_TEXTS)))
                if time.monotonic() < until - 0.5:
                    texts += hand("write", [(rng.choice(threads), f"now and then {uuid.uuid4()}")])
                    hand("backfill")  # the one that runs, or another one
            portal.alive()

        done, most, refused = measured(vendor, people)
        portal.stop()
    vendor.stop()
    return ("Salesmsg Portal", name, done, part(done, LIMIT * PERIODS), most, refused, texts)


def ordinary(make_sandbox, kind: str, name: str) -> tuple:
    vendor = make_sandbox(contacts=CONTACTS, messages=1, rate=LIMIT, period=PERIOD, no_auto_replies=True)
    client = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.clients", kind, vendor.url, vendor.pat, str(LIMIT), str(PERIOD)],
        cwd=BASE_DIR,
        env=around(),
        stdin=subprocess.PIPE,
    )
    done, most, refused = measured(vendor, time.sleep)
    assert client.poll() is None
    client.stdin.close()
    client.wait(10)
    vendor.stop()
    return (name, "-", done, part(done, LIMIT * PERIODS), most, refused, "-")
