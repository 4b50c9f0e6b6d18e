"""The first rows of an ordered list that is spread over several accounts.

Within one account an index holds the list in its order, and the first rows are read from its end, however long it is.
No index does so for "these accounts": a database would sort all their rows, or walk past those of others. So the first
rows of each account are taken by themselves, then the first of those. One statement.
"""

from collections.abc import Callable

from django.core.exceptions import EmptyResultSet
from django.db.models import Count, F, QuerySet, Subquery
from django.db.models.expressions import RawSQL

MOST_PARTS = 50


class BoundedCount(Subquery):
    """How many rows a limited queryset has: counting ends at its limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = Count("pk").output_field


def first_rows(parts: list[QuerySet], whole: Callable[[], QuerySet], limit: int) -> QuerySet:
    """The first rows of all parts together, the newest first. `whole` gives the queryset that they are read from."""
    if len(parts) == 1:
        return parts[0].newest_first()[:limit]
    together, values = top_keys(parts, limit)
    if not together:
        return whole().none()
    keys = f"SELECT newest.part_pk FROM ({together}) AS newest"  # noqa: S608 - SQL of Django's own, with parameters
    return whole().filter(pk__in=RawSQL(keys, values)).newest_first()  # noqa: S611 - as above


def top_keys(parts: list[QuerySet], limit: int, **more: F) -> tuple[str, list]:
    """SQL of the first rows of all parts together, and its parameters: (part_at, part_pk, and `more`). Empty: none."""
    found, values = [], []
    for part in parts:
        keys = part.newest_first().annotate(part_at=F("latest_at"), part_pk=F("pk"), **more)
        keys = keys.values_list("part_at", "part_pk", *more)[:limit]
        try:
            sql, params = keys.query.get_compiler(using=keys.db).as_sql()
        except EmptyResultSet:
            continue
        found.append(f"SELECT * FROM ({sql}) AS part")  # noqa: S608 - as above
        values += params
    return f"{' UNION ALL '.join(found)} ORDER BY 1 DESC, 2 DESC LIMIT {int(limit)}" if found else "", values
