"""Short write transactions that a user waits for, on a database with one writer."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import OperationalError, connection, transaction


@contextmanager
def immediate_transaction() -> Iterator[None]:
    """Open a transaction as soon as possible.

    SQLite's busy handler sleeps longer with every retry and misses the gaps between a busy worker's transactions, so
    this retries every millisecond.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    patience = connection.settings_dict["OPTIONS"].get("timeout", 5)
    until = time.monotonic() + patience
    with ExitStack() as stack:
        try:
            _sqlite_waits(0.001)
            while True:
                try:
                    stack.enter_context(transaction.atomic())
                    break
                except OperationalError as busy:
                    if "locked" not in str(busy) or time.monotonic() > until:
                        raise
        finally:
            _sqlite_waits(patience)
        yield


def _sqlite_waits(seconds: float) -> None:
    connection.ensure_connection()
    connection.connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
