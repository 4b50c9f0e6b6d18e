"""Reads related rows together with their parent rows, without a second query.

Each parent row carries its related rows as JSON, which both databases can build.
"""

import json
from datetime import UTC, datetime

from django.db.models import DateTimeField, JSONField, Model, QuerySet, Subquery, TextField
from django.utils.dateparse import parse_datetime


class JsonSubquery(Subquery):
    """All rows of a queryset for the outer row, for `rows_from_json`; null or an empty list if there are none."""

    output_field = TextField()

    def __init__(self, queryset: QuerySet) -> None:
        names = [field.attname for field in queryset.model._meta.concrete_fields]
        self._named = ", ".join(f"inner_rows.{field.column}" for field in queryset.model._meta.concrete_fields)
        super().__init__(queryset.values(*names))

    def as_sqlite(self, compiler, connection):
        array = f"json_group_array(json_array({self._named}))"
        return self.as_sql(compiler, connection, template=self._select(array))

    def as_postgresql(self, compiler, connection):
        array = f"json_agg(json_build_array({self._named}))::text"
        return self.as_sql(compiler, connection, template=self._select(array))

    @staticmethod
    def _select(array: str) -> str:
        return f"(SELECT {array} FROM (%(subquery)s) AS inner_rows)"  # noqa: S608 - names of our own columns


def rows_from_json(model: type[Model], text: str | None) -> list[Model]:
    """Return the rows of a `JsonSubquery`, in its queryset's order."""
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    rows = json.loads(text) if text else []
    return [
        model.from_db(None, names, [_value(field, value) for field, value in zip(fields, row, strict=True)])
        for row in rows
    ]


def _value(field, value):
    if isinstance(field, DateTimeField) and value is not None:
        at: datetime = parse_datetime(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at  # SQLite stores UTC without an offset
    if isinstance(field, JSONField) and isinstance(value, str):
        return json.loads(value)  # SQLite returns nested JSON as a string
    return field.to_python(value)
