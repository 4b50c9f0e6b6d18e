"""How much memory a worker holds while it syncs an account of 100,000 contacts and 5,000,000 messages.

The cache is filled by `seed_inbox`; the vendor at its side is small, for what counts is what our own tables cost. One
process does a worker's steps: contacts, deleted contacts, conversations, threads, a look for changes, sweeps, pruning.
Beside the last column, the most in the phase, stands what it held after it. SQLite; BENCH_SCALE=0.02 for a quick look.
"""

import json
import subprocess
import sys

from salesmsg_portal.demo import BASE_DIR

from .support import FAST, scaled, show

CONTACTS, MESSAGES = scaled(100_000, 500), scaled(5_000_000, 5_000)
VENDORS_CONTACTS = 400
GOAL = 150  # MB
GROWTH = 25  # MB between the first pages and the end: what allocators keep; a table's worth of rows is far more


def test_memory_of_a_worker(sandbox, portal):
    vendor = sandbox(contacts=VENDORS_CONTACTS, messages=20, rate=100_000, period=1, no_auto_replies=True)
    place = portal(vendor, "", **FAST)
    place.manage("seed_inbox", "--contacts", str(CONTACTS), "--messages", str(MESSAGES), seconds=7200)
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.memory", vendor.pat, "400"],
        cwd=BASE_DIR,
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=3600,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    show(
        f"Memory of a worker, {CONTACTS:,} contacts and {MESSAGES:,} messages, MB",
        ("after", "steps", "resident", "most meanwhile"),
        *told["phases"],
    )
    assert not told["error"]
    held = {phase: resident for phase, _, resident, _ in told["phases"]}
    assert max(most for *_, most in told["phases"]) <= GOAL
    assert held["sweeps and pruning"] - held["the first pages of contacts"] <= GROWTH
