"""The lists of conversations.

There is no filter “all”: open, closed and outbound together are all (salesmsg-api.md, section 10.10).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import mirror
from ..failures import Code, Reason
from ..models import Account, SyncRun, SyncStream
from ..salesmsg.errors import Invalid
from ..salesmsg.records import Conversation as Record
from . import capabilities, list_state, messages
from .checkpoints import (
    SyncProblem,
    descending,
    evenly,
    head,
    met,
    met_elsewhere,
    note,
    onward,
    remember,
    restart,
    skip,
)
from .plan import FILTERS

if TYPE_CHECKING:
    from ..salesmsg.client import Client
    from ..salesmsg.pages import Page

Store = Callable[[], None]
MOST, SURE = 200, 100  # rows asked for a page: as many as may be given, and as many as surely are
OVERLAP = 2  # rows read again on the next page: they show that no row slipped away between the two


def conversations(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    """One list, newest message first. A look at changes ends where a page brings nothing new, if that order holds."""
    offset = stream.cursor.get("offset", 0)
    try:
        page = _page(run.account, client, stream.name, offset)
    except Invalid as invalid:
        if stream.name != "outbound":
            raise
        why = Reason.from_error(invalid)
        return lambda: skip(run, stream, why)
    # One that was opened and never written in has no such time; where it stands says nothing about the others.
    moments = [record.last_message_at for record in page.items if record.last_message_at]
    in_order = descending(moments)

    def store() -> None:
        ids = [record.id for record in page.items]
        if ids and ids == stream.cursor.get("ids"):
            raise SyncProblem(Code.LIST_REPEATS_PAGE, list=stream.name)
        if stream.cursor.get("overlaps") and ids and not met(stream, ids):
            # Rows that we read have left this list, so that others moved up and may have been jumped over.
            restart(stream, Code.LIST_SHRANK)
            return
        result = mirror.upsert_conversations(
            run.account_id,
            evenly(page.items),
            closed=stream.name == "closed",
            believed=run.kind != SyncRun.Kind.CHANGES,
        )
        run.changed += result.changed
        for vendor_id in result.homeless:
            note(run, Reason(Code.CONVERSATION_WITHOUT_CONTACT, {"id": vendor_id}))
        new = remember(stream, page)
        run.conversations += new - met_elsewhere(run, stream, ids, FILTERS)
        ordered = stream.cursor.get("ordered", True) and in_order
        moved = result.moved - messages.refused(result.moved)
        moved -= messages.planned(run, moved, list_state.read_to(run.account_id, stream.name))
        messages.want(run, moved)
        head(stream, moments if in_order else [])
        reached = list_state.reached(run.account_id, stream.name, moments)
        known = run.kind == SyncRun.Kind.CHANGES and ordered and (reached or not (result.changed or moved))
        overlaps = page.count > OVERLAP
        further = offset + (page.count - OVERLAP if overlaps else page.count)
        onward(stream, new, offset=further, overlaps=overlaps, ordered=ordered)
        stream.done = page.count == 0 or known or (not new and page.count <= OVERLAP)

    return store


def _page(account: Account, client: Client, name: str, offset: int) -> Page[Record]:
    """As many rows as the vendor gives: no most is documented, 100 is what everybody asks for."""
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
