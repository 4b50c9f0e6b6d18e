"""The list of contacts: all of them, or the ones that changed.

Uses the cheapest endpoint the token allows: POST /contacts/list, 100 a page (it only reads, but needs contacts:write);
otherwise GET /contacts, 10 a page. A full read goes oldest first, so contacts created during it come last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from .. import mirror
from ..failures import Code, Reason
from ..models import SyncRun, SyncStream
from ..salesmsg.errors import Invalid, NotAllowed, NotFound, Refused
from ..salesmsg.records import Contact as Record
from . import capabilities, list_state
from .checkpoints import (
    ListCursor,
    StepResult,
    Stored,
    check_restart,
    find_new_ids,
    has_shrunk,
    is_descending,
    is_last,
    move_on,
    newest_on_first_page,
    share_present_fields,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..salesmsg.client import Client
    from ..salesmsg.pages import Page

ENDPOINT_REFUSED = (NotAllowed, NotFound, Refused, Invalid)
LIST, PAGES = "list", "pages"  # POST /contacts/list, GET /contacts


@dataclass(frozen=True)
class ContactsCursor(ListCursor):
    """page: the next page; endpoint: LIST or PAGES, None before the first page.

    Full read: seen_before: rows listed before the stream began again; expected: rows that existed when it began;
    second_pass: the first pages are read again for contacts created during the read.
    Changes: ordered: every page so far was ordered newest change first.
    """

    old_keys: ClassVar[Mapping[str, str]] = {
        **ListCursor.old_keys,
        "how": "endpoint",
        "listed": "seen_before",
        "began_with": "expected",
        "again": "second_pass",
    }

    page: int = 1
    endpoint: str | None = None
    seen_before: int | None = None
    expected: int | None = None
    second_pass: bool = False
    ordered: bool = True

    def at_start(self, seen_before: int | None = None) -> ContactsCursor:
        """The cursor of a stream that begins again."""
        return ContactsCursor(
            quick=self.quick, whole_list=self.whole_list, endpoint=self.endpoint, seen_before=seen_before
        )


def read_contacts(run: SyncRun, stream: SyncStream, client: Client) -> StepResult[list[Record]]:
    """Reads one page: of all contacts, or of the newest changes if the list's order can be trusted."""
    cursor = ContactsCursor.from_json(stream.cursor)
    if run.kind == SyncRun.Kind.CHANGES and not cursor.whole_list:
        return _read_changes(run, stream, cursor, client)
    return _read_all(run, stream, cursor, client)


def store_contacts(run: SyncRun, stream: SyncStream, records: list[Record]) -> Stored:
    return Stored(changed=mirror.upsert_contacts(run.account_id, records)[1])


def _read_all(run: SyncRun, stream: SyncStream, cursor: ContactsCursor, client: Client) -> StepResult[list[Record]]:
    page, endpoint = _fetch(run, cursor, client, "created_at", "asc")
    cursor = replace(cursor, endpoint=endpoint)
    if has_shrunk(stream, page):
        check_restart(stream, Code.LIST_SHRANK)
        return StepResult(cursor.at_start(), restart=True)
    new_ids = find_new_ids(stream, cursor, page)
    seen = stream.seen + len(new_ids)
    total = stream.total if page.total is None else page.total
    expected = cursor.expected or total
    next_cursor = move_on(stream, cursor, page, new_ids, page=cursor.page + 1, expected=expected)
    result = StepResult(
        next_cursor,
        content=share_present_fields(page.items),
        new_ids=new_ids,
        pages=1,
        seen=len(new_ids),
        total=total,
        contacts=seen,
    )
    missing = max(0, (total or 0) - seen)
    if page.count and not is_last(page, cursor.page) and (missing or not cursor.second_pass):
        return result
    if not missing:
        return replace(result, done=True)
    if cursor.seen_before == seen:
        note = Reason(Code.COUNT_DIFFERS, {"total": total, "seen": seen})
        return replace(result, notes=(note,), done=True)
    if expected is not None and seen < expected:
        check_restart(stream, Code.LIST_INCOMPLETE, seen=seen, total=total or 0)
        return replace(result, cursor=cursor.at_start(seen_before=seen), restart=True)
    # Every contact that existed at the beginning is read; newer ones moved the pages and are on the first ones.
    return replace(result, cursor=replace(next_cursor, page=1, expected=None, second_pass=True))


def _read_changes(run: SyncRun, stream: SyncStream, cursor: ContactsCursor, client: Client) -> StepResult[list[Record]]:
    """Reads newest change first until a page brings nothing new. Without that order it reads the whole list; a quick
    check leaves that to the comparison and reads the newest contacts only."""
    page, endpoint = _fetch(run, cursor, client, "updated_at", "desc")
    new_ids = find_new_ids(stream, cursor, page)
    times = [record.updated_at for record in page.items]
    in_order = is_descending(times)
    # Contacts that were never edited are in this order by chance where Salesmsg sorts by creation.
    conclusive = not is_descending([record.created_at for record in page.items])
    if endpoint == LIST and page.count > 1 and (conclusive or not in_order):
        capabilities.store_capability(run.account, contacts_sorted=in_order)
    ordered = cursor.ordered and in_order
    sorted_list = capabilities.read_capability(run.account, capabilities.CONTACTS_SORTED)
    trusted = endpoint == LIST and ordered and bool(sorted_list)
    next_cursor = move_on(
        stream,
        cursor,
        page,
        new_ids,
        page=cursor.page + 1,
        endpoint=endpoint,
        whole_list=cursor.whole_list or (endpoint == PAGES and not cursor.quick),
        ordered=ordered,
        newest=newest_on_first_page(stream, cursor, times if trusted else []),
    )
    reached = trusted and list_state.reached(run.account_id, stream.name, times)
    return StepResult(
        next_cursor,
        content=share_present_fields(page.items),
        new_ids=new_ids,
        pages=1,
        seen=len(new_ids),
        total=page.total,
        contacts=stream.seen + len(new_ids),
        done=reached or page.count == 0 or is_last(page, cursor.page),
        done_if_unchanged=trusted or cursor.quick,
    )


def _fetch(run: SyncRun, cursor: ContactsCursor, client: Client, sort_by: str, order: str) -> tuple[Page[Record], str]:
    """One page and the endpoint it came from. The first page shows which endpoint the token may use."""
    account, endpoint = run.account, cursor.endpoint
    if endpoint is None:
        refused = capabilities.read_capability(account, capabilities.CONTACTS_LIST) is False
        endpoint = PAGES if refused and run.kind != SyncRun.Kind.FULL else None
    if endpoint != PAGES:
        try:
            page = client.contacts_list(cursor.page, sort_by=sort_by, sort_order=order)
        except ENDPOINT_REFUSED:
            if endpoint == LIST:
                raise
            capabilities.store_capability(account, contacts_list=False)
        else:
            capabilities.store_capability(account, contacts_list=True)
            return page, LIST
    length = 100 if capabilities.read_capability(account, capabilities.CONTACTS_LENGTH) else None
    return client.contacts(cursor.page, length=length), PAGES
