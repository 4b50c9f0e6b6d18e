"""Rows that belong to others, read together with them: no query of their own.

Each of the outer rows brings its own as JSON, since both databases can put rows into it and take none apart.
"""

import json
from datetime import UTC, datetime

from django.db.models import DateTimeField, Model, QuerySet, Subquery, TextField
from django.utils.dateparse import parse_datetime


class JsonSubquery(Subquery):
    """All rows of a queryset over the outer row, for `nested`; null or an empty list where there are none."""

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


def rows_from_json(model: type[Model], told: str | None) -> list[Model]:
    """The rows that `Nested` brought, in its queryset's order."""
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    rows = json.loads(told) if told else []
    return [
        model.from_db(None, names, [_value(field, value) for field, value in zip(fields, row, strict=True)])
        for row in rows
    ]


def _value(field, value):
    if isinstance(field, DateTimeField) and value is not None:
        at: datetime = parse_datetime(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at  # SQLite keeps UTC without saying so
    return field.to_python(value)
