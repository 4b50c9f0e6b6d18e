"""Comparing rows with what came, and which rows a page is about."""

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
    """While a page is written: it makes tens of thousands of objects and no cycle, and Python's collector of cycles
    would look through everything that the process holds again and again, which is a third of the page's time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def by_vendor_id(model: type[Row], account_id: int, vendor_ids: Iterable[int]) -> dict[int, Row]:
    """The rows with these vendor ids, locked until the transaction ends, keyed by vendor id.

    Every process locks them in the same order. The lock leaves the key out: PostgreSQL checks foreign keys to these
    rows when another process commits, which must not wait for us while we wait for what it holds.
    """
    rows = model.objects.filter(account_id=account_id, vendor_id__in=list(vendor_ids)).order_by("vendor_id")
    return {row.vendor_id: row for row in rows.select_for_update(no_key=True) if row.vendor_id is not None}


def differing(row: models.Model, values: dict[str, Any]) -> list[str]:
    """Sets the values that differ on the row, without saving; returns the names of the changed fields."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])  # of a key, this also forgets the row that it led to
    return changed


def insert_new(rows: list[Row]) -> bool:
    """Inserts the rows in one statement and sets their primary keys.

    Returns False, with nothing inserted, if another process has inserted one of them since the caller read the table:
    the caller starts again and compares with what is there now.
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
    """Writes all rows that have changed fields in one statement; rows that get their vendor id take a second one.
    Returns how many. The counter of each rises by one.

    Whoever read the rows holds their locks, so writing a field that only another row has changed takes nothing back.
    """
    dirty: dict[Row, list[str]] = {row: names for row, names in rows.items() if names}
    if counter:
        for row in dirty:
            setattr(row, counter, getattr(row, counter) + 1)
    # Apart, because a statement that writes the vendor id locks the keys of all its rows on PostgreSQL.
    for linked in (True, False):
        group: list[Row] = [row for row, names in dirty.items() if ("vendor_id" in names) == linked]
        names = {counter, *(name for row in group for name in dirty[row])} - {""}
        if group:
            # An update, since all rows exist: `bulk_update` takes several times as long (tests/bench).
            type(group[0]).objects.bulk_create(
                group, update_conflicts=True, unique_fields=["id"], update_fields=sorted(names)
            )
    return len(dirty)


def cut(values: dict[str, Any], model: type[models.Model]) -> dict[str, Any]:
    """Cuts strings to what the columns hold: a vendor's odd record must not stop a page."""
    for name, length in _lengths(model):
        value = values.get(name)
        if value.__class__ is str and len(value) > length:
            values[name] = value[:length]
    return values


@cache
def _lengths(model: type[models.Model]) -> tuple[tuple[str, int], ...]:
    lengths = ((field.attname, getattr(field, "max_length", None)) for field in model._meta.concrete_fields)
    return tuple((name, length) for name, length in lengths if length)
