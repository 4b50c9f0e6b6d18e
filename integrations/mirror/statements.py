"""The two statements that write a page: all its new rows at once, and all its changed rows at once.

Django's `bulk_create` splits a page on SQLite (999 parameters), and the CASE for each field and row of its
`bulk_update` takes longer than the rest of a page together. Both databases know multi-row VALUES and UPDATE … FROM.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from django.db import connection, models

MOST_PARAMETERS = 32_000  # SQLite's own limit is 32,766: a page of 500 is one statement


class Column(NamedTuple):
    """A field as the database has it. `read`: a value as the driver wants it, None where it does already."""

    attname: str
    name: str
    type: str
    read: Callable[[Any], Any] | None
    default: Callable[[], Any]


def insert(model: type[models.Model], rows: list[dict[str, Any]]) -> dict[int, models.Model]:
    """Inserts rows, given as {attname: value} with account_id and vendor_id; what is left out gets its default.

    Returns {vendor id: row}, in the order given. A row that another process inserted meanwhile is left as it is there
    and is not among them.
    """
    made: dict[int, models.Model] = {}
    columns = [column for column in _columns(model, connection.vendor) if column.attname != model._meta.pk.attname]
    names = [model._meta.pk.attname, *(column.attname for column in columns)]
    into = ", ".join(_quoted(column.name) for column in columns)
    for part in _parts(rows, len(columns)):
        full = [[row[c.attname] if c.attname in row else c.default() for c in columns] for row in part]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {_quoted(model._meta.db_table)} ({into}) VALUES {_places(len(columns), len(part))} "
                "ON CONFLICT (account_id, vendor_id) DO NOTHING RETURNING vendor_id, id",
                _parameters(full, [column.read for column in columns]),
            )
            keys = dict(cursor.fetchall())
        for row, values in zip(part, full, strict=True):
            if row["vendor_id"] in keys:
                made[row["vendor_id"]] = model.from_db(connection.alias, names, [keys[row["vendor_id"]], *values])
    return made


def update(rows: list[models.Model], attnames: list[str]) -> None:
    """Writes these fields of rows that are in the database and locked."""
    model = type(rows[0])
    by_name = {column.attname: column for column in _columns(model, connection.vendor)}
    columns = [by_name[model._meta.pk.attname], *(by_name[name] for name in attnames)]
    cast = "::{}" if connection.vendor == "postgresql" else ""
    changes = ", ".join(
        f"{_quoted(column.name)} = v.column{place}" + cast.format(column.type)
        for place, column in enumerate(columns[1:], 2)
    )
    table = _quoted(model._meta.db_table)
    for part in _parts(rows, len(columns)):
        full = [[known[column.attname] for column in columns] for known in (row.__dict__ for row in part)]
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {changes} FROM (VALUES {_places(len(columns), len(part))}) AS v "
                f"WHERE {table}.id = v.column1",
                _parameters(full, [column.read for column in columns]),
            )


@cache
def _columns(model: type[models.Model], vendor: str) -> tuple[Column, ...]:
    return tuple(
        Column(field.attname, field.column, field.db_type(connection), _reader(field), field.get_default)
        for field in model._meta.concrete_fields
    )


def _reader(field: models.Field) -> Callable[[Any], Any] | None:
    """How the driver wants a field's values: the same as Django's own, without its checks of what they may be."""
    if isinstance(field, models.JSONField):
        return lambda value: connection.ops.adapt_json_value(value, field.encoder)
    if isinstance(field, models.DateTimeField):
        return connection.ops.adapt_datetimefield_value
    if isinstance(field, models.UUIDField):
        return lambda value: field.get_db_prep_value(value, connection)
    return None


def _parameters(rows: list[list], readers: list[Callable[[Any], Any] | None]) -> list:
    """All values, one after another. `rows` stay as they are."""
    width = len(readers)
    flat = [value for row in rows for value in row]
    for place, read in enumerate(readers):
        if read is not None:
            flat[place::width] = [None if value is None else read(value) for value in flat[place::width]]
    return flat


def _parts(rows: list, width: int) -> Iterator[list]:
    size = MOST_PARAMETERS // width
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _places(width: int, rows: int) -> str:
    row = "(" + ", ".join(["%s"] * width) + ")"
    return ", ".join([row] * rows)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
