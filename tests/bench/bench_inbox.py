"""The inbox's pages and its search by size: server time and queries, on each database a small cache and a large one.

Server time is a request through all middlewares to the rendered page, by the test client: no network. Each size has
a database of its own, filled by `seed_inbox`. BENCH_INBOX_POSTGRESQL and BENCH_INBOX_SQLITE (conversations:messages)
choose the large sizes, BENCH_INBOX_SMALL the small one; BENCH_SCALE scales the large ones. Beside them, in the same
run, stand django-helpdesk with as many tickets, where BENCH_HELPDESK (a Python with requirements-bench.txt) is there,
and stock `icontains` on the same rows. Filling takes most of the time: BENCH_INBOX_FILLED (addresses of databases,
small, large and one for helpdesk, with blanks between them) measures again in some that an earlier run has filled.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from salesmsg_portal.demo import BASE_DIR
from tests.harness.environment import around

from .support import percentile, scaled, show

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "120"))
HEAD = ("page (who)", "conversations", "messages", "queries", "p50 ms", "p95 ms", "ratio of p50")
SEARCHES = ("search", "typed", "rows", "p50 ms", "p95 ms", "stock p50", "stock p95", "stock / ours", "cut short")
MOST_QUERIES = 12
FILLED = os.environ.get("BENCH_INBOX_FILLED", "").split()
HELPDESK = os.environ.get("BENCH_HELPDESK", str(BASE_DIR / ".venv-bench/bin/python"))


def size(name: str, conversations: int, messages: int) -> tuple[int, int]:
    """(conversations, messages) from the environment, or these."""
    told = os.environ.get(f"BENCH_INBOX_{name}", f"{conversations}:{messages}")
    first, _, second = told.partition(":")
    return int(first), int(second)


SMALL = size("SMALL", 1_000, 50_000)
LARGE = {
    "SQLite": size("SQLITE", scaled(20_000, 1_000), scaled(1_000_000, 50_000)),
    "PostgreSQL": size("POSTGRESQL", scaled(100_000, 1_000), scaled(5_000_000, 50_000)),
}


def run(database: str, *command: str, python: str = sys.executable) -> str:
    """Runs a child on this database; its output."""
    secrets = {"SECRET_KEY": "bench", "FIELD_ENCRYPTION_KEYS": "u3Uc-qAi9iiCv3fkBfRUAKrM1gH8w51-nVU8M8A73Jg="}
    environment = around() | secrets | {"DATABASE_URL": database, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([python, *command], cwd=BASE_DIR, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def fill(database: str, conversations: int, messages: int) -> None:
    """A database of this size, unless it is one already."""
    run(database, "manage.py", "migrate", "-v0")
    run(database, "-m", "tests.bench.inbox.persons", "before")
    told = run(
        database, "manage.py", "seed_inbox", "--contacts", str(conversations - 1), "--messages", str(messages - 1)
    )
    print(f"\n{told.strip()}", flush=True)
    run(database, "-m", "tests.bench.inbox.searches", "words")
    run(database, "-m", "tests.bench.inbox.persons", "after")


def measured(database: str) -> dict:
    """Times and queries of each page."""
    return json.loads(run(database, "-m", "tests.bench.inbox.measure", str(ROUNDS)))


def lines(found: dict, before: dict, sizes: tuple[int, int]) -> list[tuple]:
    """Rows of the table. before: the same pages of the small cache."""
    rows = []
    for page, one in found.items():
        p50 = statistics.median(one["times"])
        ratio = p50 / statistics.median(before[page]["times"]) if page in before else "-"
        p95 = percentile(one["times"], 0.95)
        rows.append((page, *(f"{number:,}" for number in sizes), one["queries"], 1000 * p50, 1000 * p95, ratio))
    return rows


@pytest.mark.parametrize("name", LARGE)
def test_pages_by_size(name, tmp_path: Path, request):
    if name == "SQLite":
        databases = [f"sqlite:///{tmp_path / f'{which}.sqlite3'}" for which in ("small", "large", "helpdesk")]
    else:
        server = request.getfixturevalue("postgres")
        databases = [server.new_database() for _ in range(3)]
    filled = [one for one in FILLED if one.startswith("sqlite") == (name == "SQLite")]
    databases = filled or databases
    if not filled:
        print(f"\nBENCH_INBOX_FILLED={' '.join(databases)}", flush=True)
        fill(databases[0], *SMALL)
        fill(databases[1], *LARGE[name])
    small, large = measured(databases[0]), measured(databases[1])
    beside = {}
    if Path(HELPDESK).exists():
        beside = json.loads(
            run(databases[2], "-m", "tests.bench.inbox.helpdesk", str(LARGE[name][0]), str(ROUNDS), python=HELPDESK)
        )
    rows = [*lines(small, {}, SMALL), *lines(large, small, LARGE[name])]
    show(f"The inbox on {name}, {ROUNDS} requests of each page", HEAD, *rows, *lines(beside, {}, (LARGE[name][0], 0)))
    searches = json.loads(run(databases[1], "-m", "tests.bench.inbox.searches", "measure"))
    rows = [(*line[:7], line[5] / line[3], "yes" if line[7] else "no") for line in searches]
    show(f"Search on {name}, {LARGE[name][0]:,} conversations, {LARGE[name][1]:,} messages", SEARCHES, *rows)
    if LARGE[name][1] >= 500_000:  # a small cache does not hold every word
        assert {line[0] for line in searches if line[2] == 0} <= {"nowhere"}
    assert not any(line[7] for line in searches), "a search was cut short"
    assert max(one["queries"] for found in (small, large) for one in found.values()) <= MOST_QUERIES
