"""The streams of a sync run by name: how each reads its next page and stores what the page holds.

`read` calls Salesmsg outside of transactions and writes no vendor data; `store` runs inside the step's transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import mirror
from . import deletions
from .checkpoints import ListCursor, NumberedPages, StepResult, Stored, find_new_ids, is_last, move_on
from .contacts import read_contacts, store_contacts
from .conversations import read_conversations, store_conversations
from .messages import read_messages, store_messages

if TYPE_CHECKING:
    from ..models import Account, SyncRun, SyncStream
    from ..salesmsg.client import Client
    from ..salesmsg.pages import Page

    Read = Callable[[SyncRun, SyncStream, Client], StepResult[Any]]
    Store = Callable[[SyncRun, SyncStream, Any], Stored]
    Upsert = Callable[[Account, Any], int]


@dataclass(frozen=True)
class Stream:
    """read: one page from Salesmsg; store: writes the result's content."""

    read: Read
    store: Store


def next_page(run: SyncRun, stream: SyncStream, client: Client) -> StepResult[Any]:
    """Reads the stream's next page. Raises checkpoints.SyncProblem and the errors of salesmsg.errors."""
    return STREAMS[stream.name].read(run, stream, client)


def store_content(run: SyncRun, stream: SyncStream, content: Any) -> Stored:
    """Writes what the page holds, inside the caller's transaction."""
    return STREAMS[stream.name].store(run, stream, content)


def _read_whole_list(
    fetch: Callable[[Client], Any], run: SyncRun, stream: SyncStream, client: Client
) -> StepResult[Any]:
    """A list that Salesmsg returns in one answer; the organization is a single record."""
    records = fetch(client)
    count = len(records) if isinstance(records, list) else 1
    return StepResult(ListCursor.from_json(stream.cursor), content=records, seen=count, total=count, done=True)


def _read_numbered_page(
    fetch: Callable[[Client, int], Page[Any]], run: SyncRun, stream: SyncStream, client: Client
) -> StepResult[Any]:
    cursor = NumberedPages.from_json(stream.cursor)
    page = fetch(client, cursor.page)
    new_ids = find_new_ids(stream, cursor, page)
    return StepResult(
        move_on(stream, cursor, page, new_ids, page=cursor.page + 1),
        content=page.items,
        new_ids=new_ids,
        pages=1,
        seen=len(new_ids),
        total=page.total,
        done=page.count == 0 or not new_ids or is_last(page, cursor.page),
    )


def _store_records(upsert: Upsert, run: SyncRun, stream: SyncStream, records: Any) -> Stored:
    return Stored(changed=upsert(run.account, records))


def _whole_list(fetch: Callable[[Client], Any], upsert: Upsert) -> Stream:
    return Stream(partial(_read_whole_list, fetch), partial(_store_records, upsert))


def _numbered_pages(fetch: Callable[[Client, int], Page[Any]], upsert: Upsert) -> Stream:
    return Stream(partial(_read_numbered_page, fetch), partial(_store_records, upsert))


def _missing_rows(kind: deletions.MissingKind) -> Stream:
    return Stream(partial(deletions.read_missing, kind), partial(deletions.store_missing, kind))


_CONVERSATIONS = Stream(read_conversations, store_conversations)

STREAMS: dict[str, Stream] = {
    "organization": _whole_list(lambda client: client.organization(), mirror.upsert_organization),
    "members": _whole_list(lambda client: client.members(), mirror.upsert_members),
    "inboxes": _whole_list(lambda client: client.teams(), mirror.upsert_inboxes),
    "numbers": _numbered_pages(lambda client, number: client.numbers(number), mirror.upsert_numbers),
    "tags": _numbered_pages(lambda client, number: client.tags(number), mirror.upsert_tags),
    "contacts": Stream(read_contacts, store_contacts),
    "deleted": _missing_rows(deletions.CONTACTS),
    "open": _CONVERSATIONS,
    "closed": _CONVERSATIONS,
    "outbound": _CONVERSATIONS,
    "lost": _missing_rows(deletions.CONVERSATIONS),
    "messages": Stream(read_messages, store_messages),
}
