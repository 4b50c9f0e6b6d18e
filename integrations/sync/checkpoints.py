"""The books of a walk through a list: what it met, whether it makes progress, and when it must begin again.

A short page is never the end. What cannot be is a loud error: a repeated page, a list that lost rows while it was
walked, more pages than there can be.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..failures import Code, Reason
from ..models import SyncRun, SyncSeen, SyncStream

if TYPE_CHECKING:
    from ..salesmsg.pages import Page

MOST_RESTARTS = 2
MOST_PAGES = 100_000
MOST_IDLE = 100  # pages in a row without a row that is new: a list that runs in circles
MOST_NOTES = 50
FOR_GOOD = {"all", "how", "quick"}  # what a cursor keeps when its walk begins again


class SyncProblem(Exception):
    """The vendor's answers cannot be right; the run ends with this reason."""

    def __init__(self, code: Code, **params: Any):
        super().__init__(code)
        self.reason = Reason(code, params)


def remember(stream: SyncStream, page: Page) -> int:
    """Books the page's ids; returns how many of them this walk had not met. A repeated page is a loud error."""
    ids = [record.id for record in page.items]
    stream.pages += 1
    if stream.pages > MOST_PAGES:
        raise SyncProblem(Code.LIST_ENDLESS, list=stream.name)
    if ids and ids == stream.cursor.get("ids"):
        raise SyncProblem(Code.LIST_REPEATS_PAGE, list=stream.name)
    new = set(ids) - met(stream, ids)
    SyncSeen.objects.bulk_create([SyncSeen(stream=stream, vendor_id=pk) for pk in sorted(new)])
    stream.seen += len(new)
    if page.total is not None:
        stream.total = page.total
    stream.cursor["ids"] = ids
    return len(new)


def onward(stream: SyncStream, new: int, **cursor) -> None:
    """The cursor of the next page; a list that brings the same rows over and over is a loud error."""
    idle = 0 if new else stream.cursor.get("idle", 0) + 1
    if idle > MOST_IDLE:
        raise SyncProblem(Code.LIST_CIRCLES, list=stream.name)
    kept = {key: value for key, value in stream.cursor.items() if key in FOR_GOOD | {"head"}}
    stream.cursor = {**kept, **cursor, "idle": idle, "ids": stream.cursor.get("ids", [])}


def restart(stream: SyncStream, why: Code, listed: int | None = None, **counts: int) -> None:
    """Begins the walk again. Raises SyncProblem, with `why` and these counts, when it was begun again too often."""
    if stream.restarts >= MOST_RESTARTS:
        raise SyncProblem(why, list=stream.name, restarts=MOST_RESTARTS, **counts)
    stream.met.all().delete()
    stream.restarts += 1
    stream.cursor = {key: value for key, value in stream.cursor.items() if key in FOR_GOOD} | {"listed": listed}
    stream.seen, stream.total = 0, None


def lost_rows(stream: SyncStream, page: Page) -> bool:
    """Whether the list became shorter while we walked it; if so the walk begins again."""
    if stream.total is None or page.total is None or page.total >= stream.total:
        return False
    restart(stream, Code.LIST_SHRANK)
    return True


def met(stream: SyncStream, ids: list[int]) -> set[int]:
    """Which of these ids this walk has met before."""
    return set(stream.met.filter(vendor_id__in=ids).values_list("vendor_id", flat=True))


def met_elsewhere(run: SyncRun, stream: SyncStream, ids: list[int], names: tuple[str, ...]) -> int:
    """How many of a page's rows another list of this run has shown already."""
    others = SyncSeen.objects.filter(stream__run=run, stream__name__in=names, vendor_id__in=ids)
    return others.exclude(stream=stream).values("vendor_id").distinct().count()


def head(stream: SyncStream, moments: list[datetime | None]) -> None:
    """Keeps the newest of a first page: what the list will be known up to when the walk has arrived."""
    known = [moment for moment in moments if moment is not None]
    if stream.pages == 1 and known:
        stream.cursor["head"] = max(known).isoformat()


def is_last(page: Page, number: int) -> bool:
    return page.last_page is not None and number >= page.last_page


def finish(stream: SyncStream) -> None:
    stream.done = True


def note(run: SyncRun, reason: Reason) -> None:
    """Adds a note to the run, up to as many as people would read."""
    if len(run.notes) < MOST_NOTES:
        run.notes.append(reason.as_json())
    elif len(run.notes) == MOST_NOTES:
        run.notes.append(Reason(Code.MORE_NOTES).as_json())


def skip(run: SyncRun, stream: SyncStream, why: Reason) -> None:
    """Ends a stream that the inbox can do without, and adds a note about it."""
    stream.cursor["skipped"] = why.as_json()
    params = {**why.params, "list": stream.name, "why": why.code}
    note(run, Reason(Code.LIST_SKIPPED, params, why.quote))
    stream.done = True


def evenly(records: list) -> list:
    """A field that other records of the page carry and this one leaves out is empty there, not unsaid."""
    carried = frozenset().union(*(record.present for record in records))
    return [replace(record, present=carried) for record in records]


def descending(moments: list) -> bool:
    """Whether a list that claims to be newest first is; gaps in it prove nothing, so they count as disorder."""
    if any(moment is None for moment in moments):
        return False
    return all(earlier >= later for earlier, later in pairwise(moments))
