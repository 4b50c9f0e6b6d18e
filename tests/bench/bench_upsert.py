"""A page into the cache: the mirror beside a loop of Django's `update_or_create`, on SQLite and on PostgreSQL.

Rows a second of records that are parsed already, with the same tables, the same connection and the same run. The loop
commits each row, which is the default; beside it the same loop inside one transaction a page.
"""

import json
import subprocess
import sys

import pytest

from salesmsg_portal.demo import BASE_DIR

from .support import scaled, show

ROWS = scaled(1000, 200)
HEAD = ("table", "page of", "rows", "statements", "rows/s", "loop", "ratio", "loop in one transaction", "ratio")


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_upsert(portal, postgres, database):
    place = portal("http://127.0.0.1:9", "" if database == "SQLite" else postgres.new_database())
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.upserts", str(ROWS)],
        cwd=BASE_DIR,
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr
    lines = json.loads(done.stdout.splitlines()[-1])
    show(
        f"Pages into the cache on {database}",
        HEAD,
        *[
            (table, case, size, statements, ours, loop, ours / loop, at_once, ours / at_once)
            for table, case, size, statements, ours, loop, at_once in lines
        ],
    )
    for table, case, _, *_ in lines:
        sizes = {statements for name, what, _, statements, *_ in lines if (name, what) == (table, case)}
        assert len(sizes) == 1, f"{table}, {case}: the number of statements depends on the size of the page"
