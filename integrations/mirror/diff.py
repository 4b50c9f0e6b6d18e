"""Compares rows with received values, and reads the rows of a page."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from ..models import Contact, Conversation, Inbox, Member, Message, Number, Tag

# What the vendor owns: each row has an account and the vendor's id.
Row = TypeVar("Row", Contact, Conversation, Inbox, Member, Message, Number, Tag)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector while a page is written.

    A page creates tens of thousands of objects and no cycles; the collector's repeated scans take a third of the time.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def by_vendor_id(model: type[Row], account_id: int, vendor_ids: Iterable[int]) -> dict[int, Row]:
    """Return the rows with these vendor ids, keyed by vendor id and locked until the transaction ends.

    Every process locks them in the same order. The lock excludes the key: PostgreSQL checks foreign keys to these rows
    when another process commits, which must not wait for this process while this process waits for it.
    """
    rows = model.objects.filter(account_id=account_id, vendor_id__in=list(vendor_ids)).order_by("vendor_id")
    return {row.vendor_id: row for row in rows.select_for_update(no_key=True) if row.vendor_id is not None}


def differing(row: models.Model, values: dict[str, Any]) -> list[str]:
    """Set the differing values on the row without saving. Returns the names of the changed fields."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])  # for a foreign key, this also clears the cached object
    return changed


def insert_new(rows: list[Row]) -> bool:
    """Insert the rows in one statement and set their primary keys.

    Returns False and inserts nothing if another process has inserted one of them since the caller read the table: the
    caller starts again and compares with the new rows.
    """
    if not rows:
        return True
    manager = type(rows[0]).objects
    try:
        with transaction.atomic():
            manager.bulk_create(rows)
    except IntegrityError:
        vendor_ids = [row.vendor_id for row in rows]
        if not manager.filter(account_id=rows[0].account_id, vendor_id__in=vendor_ids).exists():
            raise
        return False
    return True


def save_changed(rows: dict[Row, list[str]], counter: str = "") -> int:
    """Write all rows with changed fields in one statement, and rows that get their vendor id in a second one.

    Raises the counter of each row by one. Returns the number of rows. The caller holds the locks of the rows since it
    read them, so writing a field that changed only on another row overwrites nothing.
    """
    dirty: dict[Row, list[str]] = {row: names for row, names in rows.items() if names}
    if counter:
        for row in dirty:
            setattr(row, counter, getattr(row, counter) + 1)
    # Separate, because a statement that writes the vendor id locks the keys of all its rows on PostgreSQL.
    for linked in (True, False):
        group: list[Row] = [row for row, names in dirty.items() if ("vendor_id" in names) == linked]
        names = {counter, *(name for row in group for name in dirty[row])} - {""}
        if group:
            # An upsert of existing rows, because `bulk_update` takes several times as long (tests/bench).
            type(group[0]).objects.bulk_create(
                group, update_conflicts=True, unique_fields=["id"], update_fields=sorted(names)
            )
    return len(dirty)


def cut(values: dict[str, Any], model: type[models.Model]) -> dict[str, Any]:
    """Truncate strings to their column's length, so that an unusual record does not stop a page."""
    for name, length in _lengths(model):
        value = values.get(name)
        if value.__class__ is str and len(value) > length:
            values[name] = value[:length]
    return values


@cache
def _lengths(model: type[models.Model]) -> tuple[tuple[str, int], ...]:
    lengths = ((field.attname, getattr(field, "max_length", None)) for field in model._meta.concrete_fields)
    return tuple((name, length) for name, length in lengths if length)
