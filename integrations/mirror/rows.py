"""Comparing rows with what came, and writing only the difference."""

from collections.abc import Iterable
from typing import Any

from django.db import models

BATCH = 500


def differing(row: models.Model, values: dict[str, Any]) -> list[str]:
    """Sets what differs on the row, without saving; returns the names of the fields."""
    changed = []
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed.append(name)
    return changed


def save_changed(rows: dict[models.Model, list[str]]) -> int:
    """One bulk update of the rows that have changed fields. Returns how many."""
    dirty = [row for row, names in rows.items() if names]
    if dirty:
        fields = sorted({name for names in rows.values() for name in names})
        type(dirty[0])._default_manager.bulk_update(dirty, fields, batch_size=BATCH)
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


def create_missing(queryset: models.QuerySet, rows: list[models.Model]) -> dict[int, Any]:
    """Inserts rows; those that another process inserted meanwhile are left as they are. Returns all, read back."""
    if not rows:
        return {}
    queryset.model._default_manager.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    return by_vendor_id(queryset, [row.vendor_id for row in rows])


def cut(values: dict[str, Any], model: type[models.Model]) -> dict[str, Any]:
    """Cuts strings to what the columns hold: a vendor's odd record must not stop a page."""
    for name, value in values.items():
        length = getattr(model._meta.get_field(name), "max_length", None)
        if length and isinstance(value, str) and len(value) > length:
            values[name] = value[:length]
    return values
