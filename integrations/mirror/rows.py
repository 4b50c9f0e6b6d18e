"""Comparing rows with what came, and which rows a page is about."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import models

from .statements import update

BATCH = 500


def differing(row: models.Model, values: dict[str, Any]) -> list[str]:
    """Sets what differs on the row, without saving; returns the names of the fields."""
    known = row.__dict__
    changed = []
    for name, value in values.items():
        if known[name] != value:
            setattr(row, name, value)  # of a key, this also forgets the row that it led to
            changed.append(name)
    return changed


def save_changed(rows: dict[models.Model, list[str]]) -> int:
    """One statement for all rows that have changed fields. Returns how many. The rows are locked by whoever read them,
    so that writing a field which only another row has changed takes nothing back."""
    dirty = [row for row, names in rows.items() if names]
    if dirty:
        update(dirty, sorted({name for names in rows.values() for name in names}))
    return len(dirty)


def by_vendor_id(queryset: models.QuerySet, ids: Iterable[int]) -> dict[int, Any]:
    """The rows with these vendor ids, locked until the transaction ends, keyed by vendor id."""
    wanted = sorted(set(ids))
    found: dict[int, Any] = {}
    for start in range(0, len(wanted), BATCH):
        part = queryset.filter(vendor_id__in=wanted[start : start + BATCH])
        # In one order, and without the key: PostgreSQL checks foreign keys to these rows when another process commits,
        # which must not wait for us while we wait for what it holds.
        for row in part.select_for_update(of=("self",), no_key=True).order_by("vendor_id"):
            found[row.vendor_id] = row
    return found


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
