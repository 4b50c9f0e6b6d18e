"""A page into the cache: Django's statements as the mirror uses them, `bulk_update`, and SQL of one's own.

All run inside the mirror, with the same records, tables and connection, in turns, on SQLite and on PostgreSQL. Own SQL
would have to be twice as fast on a page of 100 to be worth its lines.
"""

import json
import subprocess
import sys

import pytest

from salesmsg_portal.demo import BASE_DIR

from .support import scaled, show

ROUNDS = scaled(30, 3)
HEAD = ("table", "page is", "rows", "own SQL, ms", "mirror, ms", "ratio", "bulk_update, ms", "ratio")


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_statements(portal, postgres, database):
    place = portal("http://127.0.0.1:9", "" if database == "SQLite" else postgres.new_database())
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.statements", str(ROUNDS)],
        cwd=BASE_DIR,
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr
    lines = json.loads(done.stdout.splitlines()[-1])
    show(
        f"A page by Django's statements beside own SQL on {database}",
        HEAD,
        *[
            (table, case, size, own, mirror, mirror / own, update, update / own)
            for table, case, size, own, mirror, update in lines
        ],
    )
