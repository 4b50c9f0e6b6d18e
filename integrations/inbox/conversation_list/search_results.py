"""Search results in the list: contacts first, then texts with the matching message."""

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

PEOPLE = 6  # contacts shown above the texts; more on demand


@dataclass
class SearchHit:
    """The matching message of a row."""

    message: int
    at: datetime
    inbound: bool
    snippet: SafeString
    query: str  # query string of the thread's URL that opens it at the message


@dataclass
class SearchResults:
    """A page of results. The cursors `more_people` and `more_texts` are empty at the end.

    cut: the search timed out; the results are correct but may be incomplete."""

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
    """Search the user's contacts and texts. Rows of texts have the hit as `.hit`.

    before: "p" or "t" and a cursor, to read only more contacts or more texts. accounts: the user's accounts, if already
    loaded. Six queries at most, plus three for a transaction on PostgreSQL."""
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

    def after(found_hits: list[ask.Hit]) -> list[ask.Hit]:
        return found_hits if start is None else [hit for hit in found_hits if _place(hit) < start]

    def enough(found_hits: list[ask.Hit]) -> bool:
        return len(after(found_hits)) > limit

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
            row = copy(rows[hit.conversation])  # the same row may be listed as a contact as well
            query = filters.query(at=str(hit.message))
            row.hit = SearchHit(hit.message, hit.at, hit.inbound, marked(wanted.snippet(hit.text)), query)
            found.texts.rows.append(row)
    return found


def _newest_of(*found: list[ask.Hit]) -> list[ask.Hit]:
    """Return the newest hit of each conversation, newest first."""
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
