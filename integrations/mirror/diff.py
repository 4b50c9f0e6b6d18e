"""Comparing rows with what came, and which rows a page is about."""

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.db import models

from ..db.statements import locked, update
from ..salesmsg.records import Record


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


def differing(row: models.Model, values: dict[str, Any]) -> list[str]:
    """Sets what differs on the row, without saving; returns the names of the fields."""
    known = row.__dict__
    changed = []
    for name, value in values.items():
        if name not in known:
            continue
        if known[name] != value:
            setattr(row, name, value)  # of a key, this also forgets the row that it led to
            changed.append(name)
    # As `locked` left it, unread: where something else differs, it is written without a look.
    if "raw" in values and "raw" not in known and (changed or json.loads(row.raw_text) != values["raw"]):
        row.raw = values["raw"]
        changed.append("raw")
    return changed


def raw_of(row: models.Model) -> dict:
    """What was told of the row, also where `locked` left it unread."""
    return row.__dict__["raw"] if "raw" in row.__dict__ else json.loads(row.raw_text)


def save_changed(rows: dict[models.Model, list[str]], counter: str = "") -> int:
    """One statement for all rows that have changed fields. Returns how many. The rows are locked by whoever read them,
    so that writing a field which only another row has changed takes nothing back. The counter of each rises by one."""
    dirty = [row for row, names in rows.items() if names]
    if dirty:
        names = sorted({name for names in rows.values() for name in names})
        for row in dirty if "raw" in names else ():
            row.raw = raw_of(row)  # also of one whose own was left unread, since nothing new was told of it
        update(dirty, names, counter)
    return len(dirty)


def by_vendor_id(model: type[models.Model], account_id: int, records: Mapping[int, Record]) -> dict[int, Any]:
    """The rows of these records ({vendor id: record}), locked until the transaction ends, keyed by vendor id."""
    return locked(model, account_id, records, {vendor_id: record.raw for vendor_id, record in records.items()})


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
