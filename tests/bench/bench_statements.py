"""A page into the cache: the mirror's own SQL beside Django's, on SQLite and on PostgreSQL.

Both run inside the mirror, with the same records, tables and connection, in turns. Django is at its best: a page is
one statement on SQLite too, and the vendor's record is parsed only where it differs.
"""

import json
import subprocess
import sys

import pytest

from salesmsg_portal.demo import BASE_DIR

from .support import scaled, show

ROUNDS = scaled(30, 3)
HEAD = ("table", "page is", "rows", "own SQL, ms", "bulk_update, ms", "ratio", "update_conflicts, ms", "ratio")


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
        f"Own SQL beside Django's on {database}",
        HEAD,
        *[
            (table, case, size, own, update, update / own, conflicts, conflicts / own)
            for table, case, size, own, update, conflicts in lines
        ],
    )
