"""Pages into the cache with Django's statements and with one's own: the program behind bench_statements.

`python -m tests.bench.statements ROUNDS` measures in the database of DATABASE_URL and prints rows of
[table, case, page size, milliseconds a page by each of WAYS]. Only how rows are read and written differs, the mirror
around it is the same. Each way has an account of its own with the same rows. They take turns page by page, in an order
that rotates, and the median page counts.
"""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from unittest import mock

from . import upserts  # sets Django up

# isort: split
from integrations.mirror import contacts, conversations, diff, messages

from . import own_sql

SIZES = (10, 100, 500)
CASES = ("new", "all changed", "unchanged")


def save_with_bulk_update(changed: dict, counter: str = "") -> int:
    """As the mirror's `save_changed`, by the queryset method that is named after it."""
    dirty = [row for row, names in changed.items() if names]
    if dirty:
        names = {name for row in dirty for name in changed[row]}
        for row in dirty if counter else ():
            setattr(row, counter, getattr(row, counter) + 1)
        type(dirty[0]).objects.bulk_update(dirty, sorted(names | ({counter} if counter else set())))
    return len(dirty)


WAYS = {
    "own SQL": {name: getattr(own_sql, name) for name in ("by_vendor_id", "insert_new", "save_changed")},
    "mirror": {},
    "bulk_update": {"save_changed": save_with_bulk_update},
}


def seconds(way: str, write, account_id: int, page: upserts.Page) -> float:
    """What a page takes with the functions of this way in the mirror's modules."""
    with ExitStack() as replaced:
        for module in (diff, contacts, conversations, messages) if WAYS[way] else ():
            replaced.enter_context(mock.patch.multiple(module, **WAYS[way]))
        begun = time.perf_counter()
        write(account_id, page)
        return time.perf_counter() - begun


def measure(table: upserts.Table, accounts: list[int], size: int, rounds: int, first: int) -> Iterator[list]:
    """The cases one after another, with the same keys."""
    blocks = [list(range(first + turn * size, first + (turn + 1) * size)) for turn in range(rounds)]
    turns = list(zip(WAYS, accounts, strict=True))
    for case in CASES:
        spent: dict[str, list[float]] = {way: [] for way in WAYS}
        for turn, block in enumerate(blocks):
            for way, account in turns[turn % len(turns) :] + turns[: turn % len(turns)]:
                # The third case repeats what the second has written.
                page = upserts.pages(table, "new" if case == "new" else "all changed", block, 2)
                spent[way].append(seconds(way, table.ours, account, page))
        yield [case, size, *(1000 * statistics.median(times) for times in spent.values())]


def main(rounds: str) -> None:
    accounts = [upserts.account(way) for way in WAYS]
    found = []
    for name, table in upserts.TABLES.items():
        first = 1001
        for size in SIZES:
            repeated = max(3, int(rounds) * 100 // (50 + size))
            found += [[name, *line] for line in measure(table, accounts, size, repeated, first)]
            first += repeated * size
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
