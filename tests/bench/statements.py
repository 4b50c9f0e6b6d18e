"""Pages into the cache, with the mirror's own SQL and with Django's: the program behind bench_statements.

`python -m tests.bench.statements ROUNDS` measures in the database of DATABASE_URL and prints rows of
[table, case, page size, milliseconds a page by each of WAYS]. Only how a page is read and written differs: the mirror
around it is the same. Each way has an account of its own with the same rows. They take turns page by page, in an order
that rotates, and the median page counts.
"""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from . import upserts  # sets Django up

# isort: split
from django.db import connection, models, transaction
from django.db.models.functions import Cast

from integrations.mirror import contacts, conversations, messages, rows, statements

SIZES = (10, 100, 500)
CASES = ("new", "all changed", "unchanged")
MOST_PARAMETERS = 32_766  # of SQLite; Django stays below 999, which splits a page


class Own:
    """The mirror as it is."""

    locked = staticmethod(statements.locked)
    insert = staticmethod(statements.insert)
    inserted = staticmethod(statements.inserted)
    update = staticmethod(statements.update)


class Django:
    """The same with querysets; `raw` is not parsed where its text says that it is the same."""

    made: dict[int, models.Model]

    def locked(self, model, account_id, vendor_ids, raws):
        stored = model.objects.filter(account_id=account_id, vendor_id__in=list(vendor_ids)).order_by("vendor_id")
        stored = stored.select_for_update(of=("self",), no_key=True)
        found = {}
        for row in stored.defer("raw").annotate(raw_text=Cast("raw", models.TextField())):
            told = raws.get(row.vendor_id)
            if told is not None and row.raw_text == json.dumps(told):
                row.raw = told
            elif row.raw_text == "{}":
                row.raw = {}
            found[row.vendor_id] = row
        return found

    def insert(self, model, new):
        self.made = {values["vendor_id"]: model(**values) for values in new}
        if not new:
            return {}
        with transaction.atomic():
            model.objects.bulk_create(self.made.values())
        for values, row in zip(new, self.made.values(), strict=True):
            values.setdefault("at", getattr(row, "at", None))
        return {vendor_id: row.pk for vendor_id, row in self.made.items()}

    def inserted(self, model, new, keys):
        return {values["vendor_id"]: self.made[values["vendor_id"]] for values in new}


class BulkUpdate(Django):
    def update(self, dirty, names, counter=""):
        if counter:
            for row in dirty:
                setattr(row, counter, getattr(row, counter) + 1)
            names = [*names, counter]
        type(dirty[0]).objects.bulk_update(dirty, names)


class UpdateConflicts(Django):
    def update(self, dirty, names, counter=""):
        if counter:
            for row in dirty:
                setattr(row, counter, getattr(row, counter) + 1)
            names = [*names, counter]
        for row in dirty:
            if "raw" not in row.__dict__:
                row.raw = json.loads(row.raw_text)
        model = type(dirty[0])
        fields = [model._meta.get_field(name).name for name in names]
        model.objects.bulk_create(dirty, update_conflicts=True, unique_fields=["id"], update_fields=fields)


WAYS = (Own, BulkUpdate, UpdateConflicts)


@contextmanager
def writing_with(way) -> Iterator[None]:
    places = [(rows, "locked"), (rows, "update")]
    places += [(module, name) for module in (contacts, conversations, messages) for name in ("insert", "inserted")]
    limit = connection.features.max_query_params
    try:
        if not isinstance(way, Own) and limit:
            connection.features.max_query_params = MOST_PARAMETERS
        with mock.patch.multiple(rows, locked=way.locked, update=way.update):
            for module, name in places[2:]:
                setattr(module, name, getattr(way, name))
            yield
    finally:
        connection.features.max_query_params = limit
        for module, name in places[2:]:
            setattr(module, name, getattr(statements, name))


def measure(table, accounts: list[int], size: int, rounds: int, first: int) -> Iterator[list]:
    """The cases one after another, with the same keys."""
    ways = [way() for way in WAYS]
    blocks = [list(range(first + turn * size, first + (turn + 1) * size)) for turn in range(rounds)]
    for case in CASES:
        spent: list[list[float]] = [[] for _ in ways]
        for turn, block in enumerate(blocks):
            for step in range(len(ways)):
                place = (turn + step) % len(ways)
                page = upserts.pages(table, "all changed" if case == "unchanged" else case, block, 2)
                with writing_with(ways[place]):
                    begun = time.perf_counter()
                    table.ours(accounts[place], page)
                    spent[place].append(time.perf_counter() - begun)
        yield [case, size, *(1000 * statistics.median(times) for times in spent)]


def main(rounds: str) -> None:
    accounts = [upserts.account(way.__name__) for way in WAYS]
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
