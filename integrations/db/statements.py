"""The three statements of a page: its rows as they are, all new rows at once, all changed rows at once.

Django's `bulk_create` splits a page on SQLite (999 parameters), and the CASE for each field and row of its
`bulk_update` takes longer than the rest of a page together. Both databases know multi-row VALUES and UPDATE … FROM.
Values go to the driver and come from it as Django's fields have it, without their checks, which take most of the time.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models
from django.db.models.base import ModelState

MOST_PARAMETERS = 32_000  # SQLite's own limit is 32,766: a page of 500 is one statement


class Column(NamedTuple):
    """A field as the database has it. `kind`: json, moment, uuid, or "" for what the driver takes and gives itself."""

    attname: str
    name: str
    type: str
    kind: str
    default: Callable[[], Any]


def locked(
    model: type[models.Model], account_id: int, vendor_ids: Iterable[int], raws: Mapping[int, dict]
) -> dict[int, Any]:
    """The rows with these vendor ids, locked until the transaction ends, keyed by vendor id.

    raws: {vendor id: what was told now}; a row that holds the same gets this object, which spares reading it again.
    Where it differs, `raw` is left as it is stored, in `row.raw_text`: parsing it costs more than all other columns.
    """
    columns = _columns(model, connection.vendor)
    names = [column.attname for column in columns]
    reader = _readers()
    readers = [(place, reader[c.kind]) for place, c in enumerate(columns) if c.kind in reader and c.attname != "raw"]
    key, raw = names.index("vendor_id"), names.index("raw") if "raw" in names else None
    # In one order, and without the key: PostgreSQL checks foreign keys to these rows when another process commits,
    # which must not wait for us while we wait for what it holds.
    lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_update else ""
    selected = ", ".join(_quoted(column.name) for column in columns)
    table = _quoted(model._meta.db_table)
    found: dict[int, Any] = {}
    for part in _parts(sorted(set(vendor_ids)), 1):
        sql = (
            f"SELECT {selected} FROM {table} "  # noqa: S608 - only names of our own columns
            f"WHERE account_id = %s AND vendor_id IN {_places(len(part), 1)} ORDER BY vendor_id{lock}"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [account_id, *part])
            rows = cursor.fetchall()
        for values in map(list, rows):
            for place, read in readers:
                if values[place] is not None:
                    values[place] = read(values[place])
            if raw is None:
                found[values[key]] = _row(model, names, values)
                continue
            text, told = values[raw], raws.get(values[key])
            same = told is not None and text == json.dumps(told)
            row = found[values[key]] = _row(model, names, values)
            row.raw_text = text
            if same or text == "{}":
                row.raw = told if same else {}
            else:
                del row.__dict__["raw"]
    return found


def insert(model: type[models.Model], rows: list[dict[str, Any]]) -> dict[int, int]:
    """Inserts rows, given as {attname: value} with account_id and vendor_id; what is left out gets its default, and
    where that is the present time, it is set on the given rows, too.

    Returns {vendor id: primary key}. A row that another process inserted meanwhile is left as it is there and is not
    among them.
    """
    keys: dict[int, int] = {}
    columns = [column for column in _columns(model, connection.vendor) if column.attname != "id"]
    defaults = {column.attname: column.default() for column in columns}
    times = {c.attname: defaults[c.attname] for c in columns if c.kind == "moment" and defaults[c.attname]}
    for row in rows:
        for name, now in times.items():
            row.setdefault(name, now)
    table = _quoted(model._meta.db_table)
    into = ", ".join(_quoted(column.name) for column in columns)
    for part in _parts(rows, len(columns)):
        full = [[row.get(name, default) for name, default in defaults.items()] for row in part]
        sql = (
            f"INSERT INTO {table} ({into}) "  # noqa: S608 - only names of our own columns
            f"VALUES {_places(len(columns), len(part))} "
            "ON CONFLICT (account_id, vendor_id) DO NOTHING RETURNING vendor_id, id"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, _parameters(full, columns))
            keys.update(cursor.fetchall())
    return keys


def inserted(model: type[models.Model], rows: list[dict[str, Any]], keys: dict[int, int]) -> dict[int, Any]:
    """Those of the rows that `insert` gave keys, {vendor id: row}, in the order given."""
    columns = _columns(model, connection.vendor)
    names = [column.attname for column in columns]
    made = {}
    for row in rows:
        if (pk := keys.get(row["vendor_id"])) is not None:
            values = [pk if c.attname == "id" else row[c.attname] if c.attname in row else c.default() for c in columns]
            made[row["vendor_id"]] = _row(model, names, values)
    return made


def update(rows: list[models.Model], attnames: list[str], counter: str = "") -> None:
    """Writes these fields of rows that are in the database and locked; the counter, if named, rises by one there."""
    model = type(rows[0])
    by_name = {column.attname: column for column in _columns(model, connection.vendor)}
    columns = [by_name["id"], *(by_name[name] for name in attnames)]
    cast = "::{}" if connection.vendor == "postgresql" else ""  # a column of NULLs alone would be text there
    changes = ", ".join(
        f"{_quoted(column.name)} = v.column{place}" + cast.format(column.type)
        for place, column in enumerate(columns[1:], 2)
    )
    table = _quoted(model._meta.db_table)
    if counter:
        changes += f", {_quoted(by_name[counter].name)} = {table}.{_quoted(by_name[counter].name)} + 1"
    values_of = itemgetter("id", *attnames)
    for part in _parts(rows, len(columns)):
        sql = (
            f"UPDATE {table} SET {changes} "  # noqa: S608 - only names of our own columns
            f"FROM (VALUES {_places(len(columns), len(part))}) AS v WHERE {table}.id = v.column1"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, _parameters([values_of(row.__dict__) for row in part], columns))


def _row(model: type[models.Model], names: list[str], values: list) -> Any:
    """As `Model.from_db`, which takes five times as long, for signals that nobody hears and a look at each field."""
    row = model.__new__(model)
    row.__dict__.update(zip(names, values, strict=True))
    row._state = ModelState()
    row._state.adding, row._state.db = False, connection.alias
    return row


@cache
def _columns(model: type[models.Model], vendor: str) -> tuple[Column, ...]:
    return tuple(
        Column(field.attname, field.column, field.db_type(connection), _kind(field), field.get_default)
        for field in model._meta.concrete_fields
    )


def _kind(field: models.Field) -> str:
    kinds = {models.JSONField: "json", models.DateTimeField: "moment", models.UUIDField: "uuid"}
    return next((kind for type_, kind in kinds.items() if isinstance(field, type_)), "")


def _readers() -> dict[str, Callable[[Any], Any]]:
    """What the driver gives, as the models have it."""
    readers: dict[str, Callable[[Any], Any]] = {"json": _read_json}
    if connection.vendor == "sqlite":
        zone = connection.timezone
        readers |= {"moment": lambda moment: moment.replace(tzinfo=zone), "uuid": UUID}
    return readers


def _read_json(stored: str) -> Any:
    return [] if stored == "[]" else json.loads(stored)


def _parameters(rows: list, columns: list[Column]) -> list:
    """All values, one after another. Equal moments are written once: most of a page's are."""
    ops, width = connection.ops, len(columns)
    flat = [value for row in rows for value in row]
    moments: dict[Any, Any] = {None: None}
    for place, column in enumerate(columns):
        if column.kind == "json":
            nothing = ops.adapt_json_value([], None)
            flat[place::width] = [
                nothing if value == [] else ops.adapt_json_value(value, None) for value in flat[place::width]
            ]
        elif column.kind == "moment" and connection.vendor == "sqlite":
            for value in (values := flat[place::width]):
                if value not in moments:
                    moments[value] = ops.adapt_datetimefield_value(value)
            flat[place::width] = [moments[value] for value in values]
        elif column.kind == "uuid" and connection.vendor == "sqlite":
            flat[place::width] = [value and value.hex for value in flat[place::width]]
    return flat


def _parts(rows: list, width: int) -> Iterator[list]:
    size = MOST_PARAMETERS // width
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _places(width: int, rows: int) -> str:
    row = "(" + ", ".join(["%s"] * width) + ")"
    return ", ".join([row] * rows)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
