"""Search over the whole history, by kind of word, beside stock `icontains` in the same run and database.

BENCH_SEARCH_MESSAGES and BENCH_SEARCH_CONTACTS set the size; else it is 5,000,000 and 100,000 on PostgreSQL, 1,000,000
and 20,000 on SQLite, times BENCH_SCALE.
"""

import json
import os
import subprocess
import sys

import pytest

from salesmsg_portal.demo import BASE_DIR

from .support import scaled, show

SIZES = {"SQLite": (20_000, 1_000_000), "PostgreSQL": (100_000, 5_000_000)}
HEAD = ("kind", "typed", "rows", "p50 ms", "p95 ms", "stock p50", "stock p95", "ratio", "cut short")


@pytest.mark.parametrize("database", list(SIZES))
def test_search(portal, postgres, database):
    place = portal("http://127.0.0.1:9", "" if database == "SQLite" else postgres.new_database())
    contacts, messages = SIZES[database]
    contacts = int(os.environ.get("BENCH_SEARCH_CONTACTS", scaled(contacts)))
    messages = int(os.environ.get("BENCH_SEARCH_MESSAGES", scaled(messages)))
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.searches", str(contacts), str(messages)],
        cwd=BASE_DIR,
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=7200,
    )
    assert done.returncode == 0, done.stderr
    lines = json.loads(done.stdout.splitlines()[-1])
    show(
        f"Search on {database}, {contacts:,} conversations, {messages:,} messages",
        HEAD,
        *[(*line[:7], line[5] / line[3], "yes" if line[7] else "no") for line in lines],
    )
    assert {line[0] for line in lines if line[2] == 0} <= {"nowhere"}
    assert not any(line[7] for line in lines), "a search was cut short"
