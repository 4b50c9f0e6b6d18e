"""Conversations with unread messages.

Unread depends on two tables, which no index covers. Usually some of the newest conversations are unread, so checking
the newest few is enough. When the user has read nearly everything, comparing all read marks in one query is much
faster than checking conversations one after the other.
"""

from collections.abc import Callable

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.db.models.expressions import RawSQL

from ...db.top_n import top_keys
from ...models import ReadMark

NEAR = 400  # newest conversations to check first


def filter_unread(user, conversations: QuerySet) -> QuerySet:
    """The conversations whose newest inbound text (`news_pk`) is beyond the user's read mark."""
    marked = conversations.alias(mark=FilteredRelation("read_marks", condition=Q(read_marks__user=user)))
    return marked.filter(Q(mark__message_pk=None) | Q(mark__message_pk__lt=F("news_pk")), news_pk__isnull=False)


def unread_among_newest(user, parts: list[QuerySet], whole: Callable[[], QuerySet], limit: int) -> QuerySet:
    """The unread conversations among the NEAR newest. When fewer than `limit`, there may be more: see `all_unread`."""
    newest, values = top_keys([part.filter(news_pk__isnull=False) for part in parts], NEAR, part_news=F("news_pk"))
    if not newest:
        return whole().none()
    marks = ReadMark._meta.db_table
    # Raw SQL, because PostgreSQL otherwise reads all read marks before it selects the few needed.
    chosen = (
        f"SELECT newest.part_pk FROM ({newest}) AS newest "  # noqa: S608 - SQL of Django's own, with parameters
        f"LEFT JOIN {marks} AS mark ON mark.conversation_id = newest.part_pk AND mark.user_id = %s "
        "WHERE mark.message_pk IS NULL OR mark.message_pk < newest.part_news "
        f"ORDER BY newest.part_at DESC, newest.part_pk DESC LIMIT {int(limit)}"
    )
    return whole().filter(pk__in=RawSQL(chosen, [*values, user.pk])).newest_first()  # noqa: S611 - as above


def all_unread(user, parts: list[QuerySet], whole: Callable[[], QuerySet], limit: int) -> QuerySet:
    """The newest unread conversations."""
    # OFFSET 0 stops PostgreSQL from looking up read marks one by one in list order.
    fence = " OFFSET 0" if connections[whole().db].vendor == "postgresql" else ""
    keys, values = [], []
    for part in parts:
        every = filter_unread(user, part).order_by().annotate(part_at=F("latest_at"), part_pk=F("pk"))
        try:
            sql, params = every.values_list("part_at", "part_pk").query.sql_with_params()
        except EmptyResultSet:
            continue
        keys.append(f"SELECT part_at, part_pk FROM ({sql}{fence}) AS part")  # noqa: S608 - SQL of Django's own
        values += params
    if not keys:
        return whole().none()
    together = f"({' UNION ALL '.join(keys)}) AS parts ORDER BY part_at DESC, part_pk DESC LIMIT {int(limit)}"
    chosen = RawSQL(f"SELECT part_pk FROM {together}", values)  # noqa: S608, S611 - as above
    return whole().filter(pk__in=chosen).newest_first()
