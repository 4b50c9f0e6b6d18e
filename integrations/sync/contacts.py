"""The list of contacts: all of them, or those that changed.

The cheapest way that the token allows: POST /contacts/list with 100 a page, which only reads and wants contacts:write;
else GET /contacts, 10 a page. All are walked oldest first, so that whoever comes meanwhile stands at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import mirror
from ..failures import Code, Reason
from ..models import SyncRun, SyncStream
from ..salesmsg.errors import Invalid, NotAllowed, NotFound, Refused
from ..salesmsg.records import Contact as Record
from . import capabilities, list_state
from .checkpoints import descending, evenly, head, is_last, lost_rows, note, onward, remember, restart

if TYPE_CHECKING:
    from ..salesmsg.client import Client
    from ..salesmsg.pages import Page

Store = Callable[[], None]
NOT_FOR_US = (NotAllowed, NotFound, Refused, Invalid)


def contacts(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    """All contacts, or for a look at changes the newest changes alone, where their order can be trusted."""
    if run.kind == SyncRun.Kind.CHANGES and not stream.cursor.get("all"):
        return _changed(run, stream, client)
    return _all(run, stream, client)


def _all(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    number = stream.cursor.get("page", 1)
    page, how = _page(run, stream, client, number, "created_at", "asc")

    def store() -> None:
        stream.cursor["how"] = how
        if lost_rows(stream, page):
            return
        _, changed = mirror.upsert_contacts(run.account_id, evenly(page.items))
        run.changed += changed
        new = remember(stream, page)
        run.contacts = stream.seen
        listed = stream.cursor.get("listed")
        began_with = stream.cursor.get("began_with") or stream.total
        again = stream.cursor.get("again", False)
        onward(stream, new, page=number + 1, began_with=began_with, again=again, listed=listed)
        missing = max(0, (stream.total or 0) - stream.seen)
        if page.count and not is_last(page, number) and (missing or not again):
            return
        if missing and listed == stream.seen:
            note(run, Reason(Code.COUNT_DIFFERS, {"total": stream.total, "seen": stream.seen}))
        elif missing and stream.seen < began_with:
            counts = {"seen": stream.seen, "total": stream.total}
            restart(stream, Code.LIST_INCOMPLETE, listed=stream.seen, **counts)
            return
        elif missing:
            # All that were there in the beginning are read; those that came meanwhile stand before them.
            stream.cursor |= {"page": 1, "began_with": None, "again": True}
            return
        stream.done = True

    return store


def _changed(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    """Newest change first, until a page brings nothing new. Where that order is not to be had, the whole list; a quick
    look leaves that to the comparison, and sees the newest contacts."""
    number = stream.cursor.get("page", 1)
    quick = stream.cursor.get("quick", False)
    page, how = _page(run, stream, client, number, "updated_at", "desc")
    moments = [record.updated_at for record in page.items]
    in_order = descending(moments)
    # Contacts that were never edited are in this order by chance where a vendor sorts by the time of creation.
    telling = not descending([record.created_at for record in page.items])

    def store() -> None:
        stream.cursor["how"] = how
        if how == "pages" and not quick:
            stream.cursor["all"] = True
        _, changed = mirror.upsert_contacts(run.account_id, evenly(page.items))
        run.changed += changed
        new = remember(stream, page)
        run.contacts = stream.seen
        ordered = stream.cursor.get("ordered", True) and in_order
        if how == "list" and page.count > 1 and (telling or not in_order):
            capabilities.store_capability(run.account, contacts_sorted=in_order)
        trusted = (
            how == "list" and ordered and bool(capabilities.read_capability(run.account, capabilities.CONTACTS_SORTED))
        )
        head(stream, moments if trusted else [])
        onward(stream, new, page=number + 1, ordered=ordered)
        reached = trusted and list_state.reached(run.account_id, stream.name, moments)
        known = reached or (not changed and (trusted or quick))
        stream.done = known or page.count == 0 or is_last(page, number)

    return store


def _page(
    run: SyncRun, stream: SyncStream, client: Client, number: int, sort_by: str, order: str
) -> tuple[Page[Record], str]:
    """One page, and how it was got: by "list" or by "pages". Which of them is allowed shows with the first one."""
    account, how = run.account, stream.cursor.get("how")
    if how is None:
        refused = (
            capabilities.read_capability(account, capabilities.CONTACTS_LIST) is False and run.kind != SyncRun.Kind.FULL
        )
        how = "pages" if refused else ""
    if how != "pages":
        try:
            page = client.contacts_list(number, sort_by=sort_by, sort_order=order)
        except NOT_FOR_US:
            if how == "list":
                raise
            capabilities.store_capability(account, contacts_list=False)
        else:
            capabilities.store_capability(account, contacts_list=True)
            return page, "list"
    return client.contacts(
        number, length=100 if capabilities.read_capability(account, capabilities.CONTACTS_LENGTH) else None
    ), "pages"
