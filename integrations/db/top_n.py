"""Reads the first rows of an ordered list across several accounts, in one statement.

For one account, an index holds the list in order, so its first rows are fast however long the list is. No index covers
a set of accounts: the database would sort all their rows or scan those of other accounts. So the first rows of each
account are read separately, then merged.
"""

from collections.abc import Callable

from django.core.exceptions import EmptyResultSet
from django.db.models import Count, F, QuerySet, Subquery
from django.db.models.expressions import RawSQL

MOST_PARTS = 50


class BoundedCount(Subquery):
    """The number of rows of a limited queryset; counting stops at the limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = Count("pk").output_field


def first_rows(parts: list[QuerySet], whole: Callable[[], QuerySet], limit: int) -> QuerySet:
    """Return the first rows of all parts together, newest first. `whole` returns the queryset to read them from."""
    if len(parts) == 1:
        return parts[0].newest_first()[:limit]
    keys_sql, values = top_keys(parts, limit)
    if not keys_sql:
        return whole().none()
    keys = f"SELECT newest.part_pk FROM ({keys_sql}) AS newest"  # noqa: S608 - SQL of Django's own, with parameters
    return whole().filter(pk__in=RawSQL(keys, values)).newest_first()  # noqa: S611 - as above


def top_keys(parts: list[QuerySet], limit: int, **more: F) -> tuple[str, list]:
    """Return SQL for the first rows of all parts together, and its parameters: (part_at, part_pk, and `more`). Empty if
    there are none.
    """
    statements, values = [], []
    for part in parts:
        keys = part.newest_first().annotate(part_at=F("latest_at"), part_pk=F("pk"), **more)
        keys = keys.values_list("part_at", "part_pk", *more)[:limit]
        try:
            sql, params = keys.query.get_compiler(using=keys.db).as_sql()
        except EmptyResultSet:
            continue
        statements.append(f"SELECT * FROM ({sql}) AS part")  # noqa: S608 - as above
        values += params
    return f"{' UNION ALL '.join(statements)} ORDER BY 1 DESC, 2 DESC LIMIT {int(limit)}" if statements else "", values
