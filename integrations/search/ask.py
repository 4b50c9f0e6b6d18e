"""Queries the search index for contacts and messages, newest first, within a time limit.

Messages are searched in two steps. First, the newest `NEWEST` messages are scanned in order, which finds common words
quickly. Only if a word is rare there, or rare in the user's accounts, is the index used: it has no order, so all its
hits must be sorted. Each step is fast where the other is slow.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from .words import Wanted, apart

NEWEST = 5_000  # newest messages to scan
SIGHTED = 1_000  # maximum hits among them that are grouped by conversation
# PostgreSQL: with this many conversations found, scan this many further messages before using the index.
SOME, FURTHER = (6, 30), 20_000
# SQLite: after SOON rows, check whether the word has fewer than RARE hits; then the index, which reads all hits, is
# faster.
SOON, RARE = 300, 3_000
SECONDS = 1.0
_CANCELED = "57014"  # PostgreSQL's SQLSTATE for a statement timeout


class TooLong(Exception):
    """The time limit was exceeded; the result is unknown."""


@dataclass(frozen=True)
class Hit:
    """The newest message of a conversation that matches the search."""

    conversation: int
    message: int
    at: datetime
    inbound: bool
    text: str


@dataclass(frozen=True)
class Scope:
    """Where to search: the user's accounts, limited to these conversations (None: all)."""

    accounts: list[int]
    everywhere: bool  # whether these are all accounts
    among: QuerySet | None = None

    @property
    def keys(self) -> str:
        """The accounts' primary keys, for SQL."""
        return ", ".join(str(int(key)) for key in self.accounts)

    def conversations(self, column: str) -> tuple[str, list]:
        """Return a condition on a column of conversation ids; empty if all are included."""
        if self.among is None:
            return "", []
        sql, params = self.among.order_by().values("pk").query.sql_with_params()
        return f" AND {column} IN ({sql})", list(params)


@contextmanager
def limited(seconds: float | None = None) -> Iterator[None]:
    """Limit the time of the queries in this block: each on PostgreSQL, all together on SQLite. Raises TooLong.

    On PostgreSQL the block is a transaction. On SQLite it is not, because a transaction would wait for writers.
    """
    seconds = SECONDS if seconds is None else seconds
    try:
        with _postgresql_limit(seconds) if connection.vendor == "postgresql" else _sqlite_limit(seconds):
            yield
    except OperationalError as error:
        cause = error.__cause__
        cancelled = getattr(cause, "sqlstate", "") == _CANCELED
        if cancelled or getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise TooLong from error
        raise


@contextmanager
def _postgresql_limit(seconds: float) -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{max(1, round(seconds * 1000))}ms"])
        yield


@contextmanager
def _sqlite_limit(seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    ends = time.monotonic() + seconds
    connection.connection.set_progress_handler(lambda: time.monotonic() > ends, 10_000)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)


# --- Query syntax of each database ------------------------------------------------------------------------------------


def _tsquery(wanted: Wanted) -> tuple[str, list]:
    parts = []
    for _, open_ended in wanted.terms:
        phrase = "phraseto_tsquery('pg_catalog.simple'::regconfig, integrations_search_text(%s))"
        parts.append(f"(nullif({phrase}::text, '') || ':*')::tsquery" if open_ended else phrase)
    return "(" + " && ".join(parts) + ")", [term for term, _ in wanted.terms]


def _match(wanted: Wanted) -> str:
    quoted = [(apart(term).replace('"', " "), open_ended) for term, open_ended in wanted.terms]
    return " AND ".join(f'("{term}"{" *" if open_ended else ""})' for term, open_ended in quoted)


def contacts(wanted: Wanted) -> tuple[str, list]:
    """Return SQL for the ids of contacts whose name or email contains the words, or whose phone contains the digits."""
    digits = wanted.digits
    if connection.vendor == "postgresql":
        query, params = _tsquery(wanted) if wanted.terms else ("NULL::tsquery", [])
        if digits:
            query, params = f"coalesce({query}, '') || %s::tsquery", [*params, f"{digits}:*"]
        return f"SELECT id FROM integrations_contact WHERE search @@ ({query})", params  # noqa: S608
    match = [f"({_match(wanted)})"] if wanted.terms else []
    if digits:
        match.append(f'(phone : "{digits}" *)')
    sql = "SELECT rowid FROM integrations_contact_search WHERE integrations_contact_search MATCH %s"
    return sql, [" OR ".join(match)]


# --- Messages --------------------------------------------------------------------------------------------------------


def newest(scope: Scope, wanted: Wanted, enough: Callable[[list[Hit]], bool]) -> list[Hit]:
    """Return hits among the newest messages, one per conversation, newest first. enough: whether the hits suffice."""
    if not (wanted.terms and scope.accounts):
        return []
    try:
        condition, among = scope.conversations("conversation_id")
    except EmptyResultSet:
        return []
    read = _newest_postgresql if connection.vendor == "postgresql" else _newest_sqlite
    with connection.cursor() as cursor:
        return read(cursor, wanted, f"account_id IN ({scope.keys}){condition}", among, enough)


def _newest_postgresql(cursor, wanted: Wanted, condition: str, among: list, enough) -> list[Hit]:
    """Scan the newest messages. If there are some hits but not enough, scanning further is cheaper than the index."""
    query, words = _tsquery(wanted)
    stretch = (
        "SELECT id, conversation_id, at, inbound, text FROM ("  # noqa: S608 - only our own names and keys
        "SELECT id, conversation_id, account_id, at, inbound, text, search FROM integrations_message "
        f"{{}} ORDER BY at DESC, id DESC LIMIT {{}} OFFSET {{}}) AS m "
        f"WHERE {condition} AND search @@ {query} ORDER BY at DESC, id DESC LIMIT {SIGHTED}"
    )
    some = f"WHERE (SELECT count(DISTINCT conversation_id) BETWEEN {SOME[0]} AND {SOME[1]} FROM near)"  # noqa: S608
    sql = (
        f"WITH near AS MATERIALIZED ({stretch.format('', NEWEST, 0)}), "  # noqa: S608
        f"further AS ({stretch.format(some, FURTHER, NEWEST)}) "
        "SELECT * FROM near UNION ALL SELECT * FROM further ORDER BY at DESC, id DESC"
    )
    cursor.execute(sql, [*among, *words] * 2)
    found = Newest()
    for row in cursor.fetchall():
        found.add(row)
    return found.hits


def _newest_sqlite(cursor, wanted: Wanted, condition: str, among: list, enough) -> list[Hit]:
    """Scan the newest messages row by row: a common word ends the scan early, a rare one is left to the index."""
    sql = (
        "SELECT id, conversation_id, at || '' AS moment, inbound, text, "  # noqa: S608 - parsing times costs more
        f"({condition}) AS ours FROM integrations_message ORDER BY integrations_message.at DESC, id DESC LIMIT {NEWEST}"
    )
    cursor.execute(sql, among)
    found = Newest()
    for place, row in enumerate(cursor):
        if place == SOON and _rare(wanted):
            break
        if row[5] and wanted.said_in(row[4]) and found.add(row[:5]) and enough(found.hits):
            break
    return found.hits


def _rare(wanted: Wanted) -> bool:
    sql = "SELECT rowid FROM integrations_message_search WHERE integrations_message_search MATCH %s LIMIT 1 OFFSET %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [f"text : ({_match(wanted)})", RARE])
        return cursor.fetchone() is None


class Newest:
    """Collects one hit per conversation from rows that come newest first."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self._known: set[int] = set()

    def add(self, row: tuple) -> bool:
        """Add a row. Returns whether its conversation is new."""
        key, conversation, at, inbound, text = row
        if conversation in self._known:
            return False
        self._known.add(conversation)
        self.hits.append(Hit(conversation, key, _moment(at), bool(inbound), text))
        return True


def everywhere(scope: Scope, wanted: Wanted, before: tuple[datetime, int] | None, limit: int) -> list[Hit]:
    """Return the newest hit of each conversation from all messages before a (time, message), newest first."""
    if not (wanted.terms and scope.accounts):
        return []
    try:
        condition, among = scope.conversations("m.conversation_id")
    except EmptyResultSet:
        return []
    start: list = []
    if before is not None:
        at, key = before
        start = [connection.ops.adapt_datetimefield_value(at), key]
    if connection.vendor == "postgresql":
        query, words = _tsquery(wanted)
        if not scope.everywhere:
            query = f"({query} && %s::tsquery)"
            words.append(" | ".join(f"'@{key}'" for key in scope.accounts))
        sql = (
            "WITH hits AS MATERIALIZED (SELECT m.id, m.conversation_id, m.at FROM integrations_message AS m "  # noqa: S608
            f"WHERE m.search @@ {query} AND m.account_id IN ({scope.keys}){condition}), "
            "latest AS (SELECT DISTINCT ON (conversation_id) id, conversation_id, at FROM hits "
            "ORDER BY conversation_id, at DESC, id DESC), "
            f"page AS (SELECT * FROM latest {'WHERE (at, id) < (%s, %s) ' if start else ''}"
            "ORDER BY at DESC, id DESC LIMIT %s) "
            "SELECT m.id, m.conversation_id, m.at, m.inbound, m.text FROM page JOIN integrations_message AS m "
            "ON m.id = page.id ORDER BY m.at DESC, m.id DESC"
        )
        params = [*words, *among, *start, limit]
    else:
        match = f"text : ({_match(wanted)})"
        if not scope.everywhere:
            match += " AND account : ({})".format(" OR ".join(f'"{key}"' for key in scope.accounts))
        # With max(), SQLite takes the other columns from the row that holds the maximum.
        sql = (
            "SELECT m.id, m.conversation_id, max(m.at) AS newest, m.inbound, m.text "  # noqa: S608
            "FROM integrations_message_search AS s CROSS JOIN integrations_message AS m ON m.id = s.rowid "
            f"WHERE integrations_message_search MATCH %s AND +m.account_id IN ({scope.keys}){condition} "
            f"GROUP BY m.conversation_id {'HAVING (max(m.at), m.id) < (%s, %s) ' if start else ''}"
            "ORDER BY newest DESC, m.id DESC LIMIT %s"
        )
        params = [match, *among, *start, limit]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [Hit(row[1], row[0], _moment(row[2]), bool(row[3]), row[4]) for row in cursor]


def beside(conversation: int, wanted: Wanted, at: datetime, key: int, *, older: bool) -> int | None:
    """Return a conversation's next hit before or after a message, or None."""
    comparison, order = ("<", "DESC") if older else (">", "ASC")
    place = [conversation, connection.ops.adapt_datetimefield_value(at), key]
    sql = (
        "SELECT id, text FROM integrations_message "  # noqa: S608
        f"WHERE conversation_id = %s AND (at, id) {comparison} (%s, %s){{}} ORDER BY at {order}, id {order}"
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            query, words = _tsquery(wanted)
            cursor.execute(sql.format(f" AND search @@ {query}") + " LIMIT 1", [*place, *words])
        else:
            cursor.execute(sql.format(""), place)
        for found, text in cursor:
            if connection.vendor == "postgresql" or wanted.said_in(text):
                return found
    return None


def _moment(value: datetime | str) -> datetime:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)
