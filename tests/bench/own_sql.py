"""Pages read and written by SQL of one's own, in place of `integrations.mirror.diff`, for bench_statements.

Values go to the driver and come from it without Django's conversions for each field: multi-row VALUES for new rows,
UPDATE … FROM for changed ones.
"""

import json
from uuid import UUID

from django.db import connection, models
from django.db.models.base import ModelState


def by_vendor_id(model, account_id, records):
    """As the mirror's, given {vendor id: record}: a stored `raw` that is the record's text is not parsed."""
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    readers = [(place, read) for place, field in enumerate(fields) if (read := _reader(field))]
    key, raw = names.index("vendor_id"), names.index("raw")
    lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_update else ""
    columns, table = ", ".join(f'"{field.column}"' for field in fields), model._meta.db_table
    places = ", ".join(["%s"] * len(records))
    sql = (
        f'SELECT {columns} FROM "{table}" WHERE account_id = %s '  # noqa: S608 - names of our own columns
        f"AND vendor_id IN ({places}) ORDER BY vendor_id{lock}"
    )
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, [account_id, *sorted(records)])
        for values in map(list, cursor.fetchall()):
            told = records[values[key]].raw
            same = values[raw] == json.dumps(told)
            for place, read in readers:
                if values[place] is not None and not (same and place == raw):
                    values[place] = read(values[place])
            if same:
                values[raw] = told
            row = found[values[key]] = model.__new__(model)
            row.__dict__.update(zip(names, values, strict=True))
            row._state = ModelState()
            row._state.adding, row._state.db = False, connection.alias
    return found


def insert_new(rows):
    """Inserts the rows in one statement and sets their primary keys."""
    if not rows:
        return True
    fields = [field for field in rows[0]._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = [[row.__dict__[field.attname] for field in fields] for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{rows[0]._meta.db_table}" ({columns}) '  # noqa: S608 - names of our own columns
            f"VALUES {_places(len(fields), len(rows))} "
            "ON CONFLICT (account_id, vendor_id) DO NOTHING RETURNING vendor_id, id",
            _parameters(values, fields),
        )
        keys = dict(cursor.fetchall())
    for row in rows:
        row.pk, row._state.adding, row._state.db = keys[row.vendor_id], False, connection.alias
    return True


def save_changed(rows, counter=""):
    """Writes all rows that have changed fields in one statement."""
    dirty = [row for row, names in rows.items() if names]
    if not dirty:
        return 0
    meta = dirty[0]._meta
    fields = [meta.pk, *(meta.get_field(name) for name in sorted({name for names in rows.values() for name in names}))]
    cast = "::{}" if connection.vendor == "postgresql" else ""
    changes = ", ".join(
        f'"{field.column}" = v.column{place}' + cast.format(field.db_type(connection))
        for place, field in enumerate(fields[1:], 2)
    )
    if counter:
        changes += f', "{counter}" = "{meta.db_table}"."{counter}" + 1'
    values = [[row.__dict__[field.attname] for field in fields] for row in dirty]
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{meta.db_table}" SET {changes} FROM (VALUES {_places(len(fields), len(dirty))}) AS v '  # noqa: S608
            f'WHERE "{meta.db_table}".id = v.column1',
            _parameters(values, fields),
        )
    return len(dirty)


def _reader(field):
    if isinstance(field, models.JSONField):
        return lambda stored: [] if stored == "[]" else json.loads(stored)
    if connection.vendor == "sqlite" and isinstance(field, models.DateTimeField):
        return lambda moment: moment.replace(tzinfo=connection.timezone)
    return UUID if connection.vendor == "sqlite" and isinstance(field, models.UUIDField) else None


def _parameters(rows, fields):
    """All values, one after another. Equal moments are converted once: most of a page's are."""
    ops, width = connection.ops, len(fields)
    flat = [value for row in rows for value in row]
    for place, field in enumerate(fields):
        values = flat[place::width]
        if isinstance(field, models.JSONField):
            empty = ops.adapt_json_value([], None)
            flat[place::width] = [empty if value == [] else ops.adapt_json_value(value, None) for value in values]
        elif connection.vendor == "sqlite" and isinstance(field, models.DateTimeField):
            moments = {value: ops.adapt_datetimefield_value(value) for value in set(values)}
            flat[place::width] = [moments[value] for value in values]
        elif connection.vendor == "sqlite" and isinstance(field, models.UUIDField):
            flat[place::width] = [value and value.hex for value in values]
    return flat


def _places(width, rows):
    return ", ".join(["(" + ", ".join(["%s"] * width) + ")"] * rows)
