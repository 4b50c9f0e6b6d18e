"""How often it was tried to send the messages of a thread, read together with them: no query of its own."""

import json
from datetime import UTC

from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.utils.dateparse import parse_datetime

from ..models import Attempt, Message

COLUMNS = ("id", "started_at", "outcome", "detail")
_named = ", ".join(f"tries.{name}" for name in COLUMNS)


class _Rows(Subquery):
    """All rows of a subquery as JSON; null where there are none, or none that it would be worth to look for."""

    output_field = TextField()

    def as_sqlite(self, compiler, connection):
        array = f"(SELECT json_group_array(json_array({_named})) FROM (%(subquery)s) AS tries)"  # noqa: S608 - our columns
        return self.as_sql(compiler, connection, template=array)

    def as_postgresql(self, compiler, connection):
        array = f"(SELECT json_agg(json_build_array({_named}))::text FROM (%(subquery)s) AS tries)"  # noqa: S608 - as above
        return self.as_sql(compiler, connection, template=array)


def with_tries(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Each message with `tries_json`, for `tries_of`."""
    tries = Attempt.objects.filter(message=OuterRef("pk")).order_by("pk").values(*COLUMNS)
    return messages.annotate(tries_json=_Rows(tries))


def tries_of(messages: list[Message]) -> dict[int, list[Attempt]]:
    """{message: its attempts, the first one first} of messages from `with_tries`."""
    return {one.pk: found for one in messages if (found := [_attempt(one, *row) for row in json.loads(_told(one))])}


def _told(message: Message) -> str:
    return message.tries_json or "[]"


def _attempt(message: Message, pk: int, started: str, outcome: str, detail: str) -> Attempt:
    at = parse_datetime(started)  # SQLite keeps UTC without saying so
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return Attempt(pk=pk, message_id=message.pk, started_at=at, outcome=outcome, detail=detail)
