"""The lists of conversations.

Salesmsg has no filter "all": open, closed and outbound together are all conversations (salesmsg-api.md, section 10.10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import mirror
from ..failures import Code, Reason
from ..models import Account, SyncRun, SyncStream
from ..salesmsg.errors import Invalid
from ..salesmsg.records import Conversation as Record
from . import capabilities, list_state
from .checkpoints import (
    ListCursor,
    StepResult,
    Stored,
    check_restart,
    count_shown_elsewhere,
    find_new_ids,
    ids_of,
    is_descending,
    move_on,
    newest_on_first_page,
    share_present_fields,
    skip_list,
)
from .messages import plan_threads, planned_elsewhere, refused_threads
from .plan import FILTERS

if TYPE_CHECKING:
    from ..salesmsg.client import Client
    from ..salesmsg.pages import Page

MOST, SURE = 200, 100  # rows to ask for on a page: the most to try, and what Salesmsg surely returns
OVERLAP = 2  # rows read again on the next page, which show that no row moved up between the two


@dataclass(frozen=True)
class ConversationsCursor(ListCursor):
    """offset: rows to skip; overlaps: the next page begins with rows of this one; ordered: every page so far was
    ordered newest message first."""

    offset: int = 0
    overlaps: bool = False
    ordered: bool = True


def read_conversations(run: SyncRun, stream: SyncStream, client: Client) -> StepResult[list[Record]]:
    """Reads one page, newest message first. A check for changes ends at a page without news if that order holds."""
    cursor = ConversationsCursor.from_json(stream.cursor)
    try:
        page = _fetch(run.account, client, stream.name, cursor.offset)
    except Invalid as invalid:
        if stream.name != "outbound":
            raise
        return skip_list(stream, Reason.from_error(invalid))
    # A conversation without messages has no such time, and its position says nothing about the others.
    times = [record.last_message_at for record in page.items if record.last_message_at]
    new_ids = find_new_ids(stream, cursor, page)
    if cursor.overlaps and page.items and new_ids == set(ids_of(page)):
        # Rows left this list, so later rows moved up and may have been skipped.
        check_restart(stream, Code.LIST_SHRANK)
        return StepResult(ConversationsCursor(quick=cursor.quick, whole_list=cursor.whole_list), restart=True)
    in_order = is_descending(times)
    ordered = cursor.ordered and in_order
    changes_only = run.kind == SyncRun.Kind.CHANGES and ordered
    overlaps = page.count > OVERLAP
    next_cursor = move_on(
        stream,
        cursor,
        page,
        new_ids,
        offset=cursor.offset + (page.count - OVERLAP if overlaps else page.count),
        overlaps=overlaps,
        ordered=ordered,
        newest=newest_on_first_page(stream, cursor, times if in_order else []),
    )
    ends = page.count == 0 or (not new_ids and page.count <= OVERLAP)
    return StepResult(
        next_cursor,
        content=share_present_fields(page.items),
        new_ids=new_ids,
        pages=1,
        seen=len(new_ids),
        total=page.total,
        conversations=run.conversations + len(new_ids) - count_shown_elsewhere(run, stream, ids_of(page), FILTERS),
        done=ends or (changes_only and list_state.reached(run.account_id, stream.name, times)),
        done_if_unchanged=changes_only,
    )


def store_conversations(run: SyncRun, stream: SyncStream, records: list[Record]) -> Stored:
    """Writes the conversations and adds the threads with new messages to the run."""
    result = mirror.upsert_conversations(
        run.account_id,
        records,
        closed=stream.name == "closed",
        believed=run.kind != SyncRun.Kind.CHANGES,
    )
    threads = result.moved - refused_threads(result.moved)
    threads -= planned_elsewhere(run, threads, list_state.read_to(run.account_id, stream.name))
    plan_threads(run, threads)
    notes = tuple(Reason(Code.CONVERSATION_WITHOUT_CONTACT, {"id": vendor_id}) for vendor_id in result.homeless)
    return Stored(changed=result.changed, threads=len(threads), notes=notes)


def _fetch(account: Account, client: Client, name: str, offset: int) -> Page[Record]:
    """One page with as many rows as Salesmsg returns: it documents no maximum, and 100 is the usual page size."""
    limit = capabilities.read_capability(account, capabilities.CONVERSATIONS_LIMIT) or MOST
    try:
        page = client.conversations(name, limit, offset)
    except Invalid:
        if limit <= SURE:
            raise
        page = client.conversations(name, SURE, offset)
        capabilities.store_capability(account, conversations_limit=SURE)
        return page
    if limit > SURE and page.count == SURE:
        capabilities.store_capability(account, conversations_limit=SURE)
    return page
