"""One function per list of a sync run: fetches the next page and returns what stores it.

Fetching happens outside of transactions; storing runs inside the step's own, together with the stream's cursor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import mirror
from ..models import Account, SyncRun, SyncStream
from . import deletions
from .checkpoints import is_last, onward, remember
from .contacts import contacts
from .conversations import conversations
from .messages import messages

if TYPE_CHECKING:
    from ..salesmsg.client import Client
    from ..salesmsg.pages import Page

Store = Callable[[], None]


def next_page(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    """Fetches the stream's next page. Raises books.SyncProblem, and the errors of salesmsg.errors."""
    return _HANDLERS[stream.name](run, stream, client)


def _once(read: Callable[[Client], list], write: Callable[[Account, list], int]):
    """A list that comes at once."""

    def handler(run: SyncRun, stream: SyncStream, client: Client) -> Store:
        found = read(client)

        def store() -> None:
            run.changed += write(run.account, found)
            stream.seen = stream.total = len(found) if isinstance(found, list) else 1
            stream.done = True

        return store

    return handler


def _by_pages(read: Callable[[Client, int], Page], write: Callable[[Account, list], int]):
    """A list that comes by numbered pages."""

    def handler(run: SyncRun, stream: SyncStream, client: Client) -> Store:
        number = stream.cursor.get("page", 1)
        page = read(client, number)

        def store() -> None:
            run.changed += write(run.account, page.items)
            new = remember(stream, page)
            onward(stream, new, page=number + 1)
            stream.done = page.count == 0 or not new or is_last(page, number)

        return store

    return handler


_HANDLERS: dict[str, Callable[[SyncRun, SyncStream, Client], Store]] = {
    "organization": _once(lambda client: client.organization(), mirror.upsert_organization),
    "members": _once(lambda client: client.members(), mirror.upsert_members),
    "inboxes": _once(lambda client: client.teams(), mirror.upsert_inboxes),
    "numbers": _by_pages(lambda client, number: client.numbers(number), mirror.upsert_numbers),
    "tags": _by_pages(lambda client, number: client.tags(number), mirror.upsert_tags),
    "contacts": contacts,
    "deleted": deletions.unmet(deletions.CONTACTS),
    "open": conversations,
    "closed": conversations,
    "outbound": conversations,
    "lost": deletions.unmet(deletions.CONVERSATIONS),
    "messages": messages,
}
