"""What a search shows in the list: people first, then texts, each with its hit."""

from copy import copy
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.safestring import SafeString

from ... import cursors
from ...models import Account, Conversation
from ...search import ask
from ...search.marks import marked
from ...search.words import Wanted
from . import queries

PEOPLE = 6  # above texts; more of them on demand


@dataclass
class SearchHit:
    """The message that a row of texts stands for."""

    message: int
    at: datetime
    inbound: bool
    snippet: SafeString
    query: str  # of the thread's address, to open it there


@dataclass
class SearchResults:
    """A stretch of results. The cursors of more people and more texts are empty at the end.

    cut: it took too long; what is here is right, but there may be more."""

    people: queries.ConversationPage = field(default_factory=queries.ConversationPage)
    more_people: str = ""
    texts: queries.ConversationPage = field(default_factory=queries.ConversationPage)
    more_texts: str = ""
    cut: bool = False

    @property
    def rows(self) -> list[Conversation]:
        return [*self.people.rows, *self.texts.rows]


def search_inbox(
    user,
    filters: queries.Filters,
    *,
    before: str = "",
    limit: int = queries.ROWS,
    accounts: list[Account] | None = None,
) -> SearchResults:
    """What a person finds; the rows of texts have a `.sight`. before: "p" or "t" and a cursor, for more people or more
    texts alone. accounts: those of the person, where they are known already.

    Six queries at most, and on PostgreSQL the three of a transaction."""
    wanted, found = Wanted(filters.q), SearchResults()
    if not (wanted.terms or wanted.digits):
        return found
    kind, start = before[:1], cursors.parse_cursor(before[1:])
    among = queries.filter_conversations(user, filters)
    known = Account.objects.for_user(user).only("pk") if accounts is None else accounts
    keys = [account.pk for account in known if filters.account in (None, account.pk)]
    narrowed = filters.show != "all" or filters.inbox is not None
    whole = user.is_superuser and filters.account is None
    scope = ask.Scope(keys, whole, among if narrowed else None)
    people: list[Conversation] = []
    hits: list[ask.Hit] = []

    def after(sighted: list[ask.Hit]) -> list[ask.Hit]:
        return sighted if start is None else [hit for hit in sighted if _place(hit) < start]

    def enough(sighted: list[ask.Hit]) -> bool:
        return len(after(sighted)) > limit

    try:
        with ask.limited():
            if kind != "p":
                hits = ask.newest(scope, wanted, enough)
            full = enough(hits)
            hits = after(hits)
            if kind != "t":
                people = _people(among, wanted, start if kind == "p" else None, limit + 1)
            if kind != "p" and not full:
                hits = _newest_of(hits, ask.everywhere(scope, wanted, start if kind == "t" else None, limit + 1))
    except ask.TooLong:
        found.cut = True
    short = min(PEOPLE, limit) if hits else limit
    if len(people) > short:
        del people[short:]
        found.more_people = "p" + cursors.format_cursor(people[-1].latest_at, people[-1].pk)
    if len(hits) > limit:
        del hits[limit:]
        found.more_texts = "t" + cursors.format_cursor(hits[-1].at, hits[-1].message)
    rows = queries.read_by_key(user, {*(one.pk for one in people), *(hit.conversation for hit in hits)})
    found.people.rows = [rows[one.pk] for one in people if one.pk in rows]
    for hit in hits:
        if hit.conversation in rows:
            row = copy(rows[hit.conversation])  # it may be among the people as well
            query = filters.query(at=str(hit.message))
            row.sight = SearchHit(hit.message, hit.at, hit.inbound, marked(wanted.snippet(hit.text)), query)
            found.texts.rows.append(row)
    return found


def _newest_of(*found: list[ask.Hit]) -> list[ask.Hit]:
    """One hit for each conversation, newest first."""
    newest: dict[int, ask.Hit] = {}
    for hit in sorted((hit for hits in found for hit in hits), key=_place, reverse=True):
        newest.setdefault(hit.conversation, hit)
    return list(newest.values())


def _place(hit: ask.Hit) -> tuple[datetime, int]:
    return hit.at, hit.message


def _people(among, wanted: Wanted, start, limit: int) -> list[Conversation]:
    sql, params = ask.contacts(wanted)
    people = among.extra(where=[f'"integrations_conversation"."contact_id" IN ({sql})'], params=params)  # noqa: S610
    return list(queries.before_place(people, start).newest_first().only("pk", "latest_at")[:limit])
