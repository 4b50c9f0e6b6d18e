"""What one step of a sync run stores: the stream's typed cursor and the step's result, and the rules of paged lists.

A short page never ends a list. These answers end the run with an error: the same page twice, a list that keeps
shrinking while it is read, more pages than a list can have.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from ..failures import Code, Reason
from ..models import SyncSeen, SyncStream
from ..salesmsg.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from ..models import SyncRun
    from ..salesmsg.pages import Page

MOST_RESTARTS = 2
MOST_PAGES = 100_000
MOST_IDLE = 100  # pages in a row without a new row
MOST_NOTES = 50

Content = TypeVar("Content")
AnyRecord = TypeVar("AnyRecord", bound=Record)
AnyListCursor = TypeVar("AnyListCursor", bound="ListCursor")


class SyncProblem(Exception):
    """Salesmsg's answers contradict each other; the run fails with `reason`."""

    def __init__(self, code: Code, **params: Any):
        super().__init__(code)
        self.reason = Reason(code, params)


@dataclass(frozen=True)
class Cursor:
    """Where the next step of a stream or thread begins, kept as JSON in its row.

    The JSON holds `version` and the fields that differ from their defaults. Rows without a version come from the
    previous release: `old_keys` maps their keys to fields. Unknown keys are ignored.
    """

    version: ClassVar[int] = 1
    old_keys: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        if "version" not in stored:
            stored = {cls.old_keys.get(key, key): value for key, value in stored.items()}
        names = {field.name for field in fields(cls)} & stored.keys()
        return cls(**{name: _frozen(stored[name]) for name in names})

    def to_json(self) -> dict[str, Any]:
        values = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        changed = {name: value for name, (value, default) in values.items() if value != default}
        return {"version": self.version, **changed}


@dataclass(frozen=True)
class ListCursor(Cursor):
    """What the cursors of all lists share.

    quick: a check for changes that leaves what it cannot find to the comparison
    whole_list: the order of the list cannot be trusted, so a check for changes reads all of it
    newest: newest ISO time on the first page; the list is known up to it once it has been read
    skipped: the reason (JSON) why the token may not read this list
    page_ids: ids of the previous page, to notice a server that repeats itself
    idle_pages: pages in a row without a new row
    """

    old_keys: ClassVar[Mapping[str, str]] = {
        "all": "whole_list",
        "head": "newest",
        "ids": "page_ids",
        "idle": "idle_pages",
    }

    quick: bool = False
    whole_list: bool = False
    newest: str | None = None
    skipped: dict[str, Any] | None = None
    page_ids: tuple[int, ...] = ()
    idle_pages: int = 0


@dataclass(frozen=True)
class NumberedPages(ListCursor):
    """A list that is read page by page without rules of its own."""

    page: int = 1


@dataclass(frozen=True)
class StepResult(Generic[Content]):
    """What one step of a stream stores. `runner.apply_result` writes it in one transaction.

    cursor: where the stream's next step begins
    content: what the stream's `store` function writes through the mirror; None writes nothing
    new_ids: ids on this page that the stream has not shown before
    pages, seen: added to the stream's counts
    total: the list's length as Salesmsg gives it; None leaves the stored one
    contacts, conversations: the run's new counts; None leaves the stored ones
    notes: added to the run
    restart: after this page the stream begins again at `cursor`
    done: the stream ends with this step; done_if_unchanged: only if `store` changed nothing
    """

    cursor: Cursor
    content: Content | None = None
    new_ids: frozenset[int] = frozenset()
    pages: int = 0
    seen: int = 0
    total: int | None = None
    contacts: int | None = None
    conversations: int | None = None
    notes: tuple[Reason, ...] = ()
    restart: bool = False
    done: bool = False
    done_if_unchanged: bool = False


@dataclass(frozen=True)
class Stored:
    """What a stream's `store` function did.

    changed: rows created or changed; threads: threads it added to the run; messages: messages on the page;
    seen, total, notes, done: as in StepResult, where only writing shows them
    """

    changed: int = 0
    threads: int = 0
    messages: int = 0
    seen: int = 0
    total: int | None = None
    notes: tuple[Reason, ...] = ()
    done: bool = False


def find_new_ids(stream: SyncStream, cursor: ListCursor, page: Page[Any]) -> frozenset[int]:
    """The ids on this page that the stream has not shown before.

    Raises SyncProblem when the page repeats the previous one, or the list has more pages than a list can have.
    """
    ids = ids_of(page)
    if stream.pages >= MOST_PAGES:
        raise SyncProblem(Code.LIST_ENDLESS, list=stream.name)
    if ids and ids == cursor.page_ids:
        raise SyncProblem(Code.LIST_REPEATS_PAGE, list=stream.name)
    shown = stream.met.filter(vendor_id__in=ids).values_list("vendor_id", flat=True)
    return frozenset(ids) - frozenset(shown)


def move_on(
    stream: SyncStream, cursor: AnyListCursor, page: Page[Any], new_ids: frozenset[int], /, **position: Any
) -> AnyListCursor:
    """The cursor of the next page. Raises SyncProblem when the list returns the same rows over and over."""
    idle = 0 if new_ids else cursor.idle_pages + 1
    if idle > MOST_IDLE:
        raise SyncProblem(Code.LIST_CIRCLES, list=stream.name)
    return replace(cursor, page_ids=ids_of(page), idle_pages=idle, **position)


def check_restart(stream: SyncStream, why: Code, **counts: int) -> None:
    """Raises SyncProblem, with `why` and these counts, when the stream has begun again too often."""
    if stream.restarts >= MOST_RESTARTS:
        raise SyncProblem(why, list=stream.name, restarts=MOST_RESTARTS, **counts)


def has_shrunk(stream: SyncStream, page: Page[Any]) -> bool:
    """Whether the list is shorter than on an earlier page."""
    return stream.total is not None and page.total is not None and page.total < stream.total


def count_shown_elsewhere(run: SyncRun, stream: SyncStream, ids: Iterable[int], names: tuple[str, ...]) -> int:
    """How many of these ids the other named lists of this run have shown."""
    others = SyncSeen.objects.filter(stream__run=run, stream__name__in=names, vendor_id__in=ids)
    return others.exclude(stream=stream).values("vendor_id").distinct().count()


def newest_on_first_page(stream: SyncStream, cursor: ListCursor, times: Iterable[datetime | None]) -> str | None:
    """The newest time on the stream's first page, as ISO text; on later pages what the cursor holds."""
    known = [time for time in times if time is not None]
    return max(known).isoformat() if stream.pages == 0 and known else cursor.newest


def ids_of(page: Page[Any]) -> tuple[int, ...]:
    return tuple(record.id for record in page.items)


def is_last(page: Page[Any], number: int) -> bool:
    return page.last_page is not None and number >= page.last_page


def skip_list(stream: SyncStream, why: Reason) -> StepResult[Any]:
    """Ends a list that the inbox works without, and notes the reason."""
    params = {**why.params, "list": stream.name, "why": why.code}
    note = Reason(Code.LIST_SKIPPED, params, why.quote)
    return StepResult(replace(ListCursor.from_json(stream.cursor), skipped=why.as_json()), notes=(note,), done=True)


def add_notes(run: SyncRun, notes: Iterable[Reason]) -> None:
    """Adds notes to the run, up to MOST_NOTES; one more says that there were more."""
    for note in notes:
        if len(run.notes) < MOST_NOTES:
            run.notes.append(note.as_json())
        elif len(run.notes) == MOST_NOTES:
            run.notes.append(Reason(Code.MORE_NOTES).as_json())


def share_present_fields(records: list[AnyRecord]) -> list[AnyRecord]:
    """Marks a field that any record of the page carries as present in all: where it is left out, it is empty."""
    present = frozenset().union(*(record.present for record in records))
    return [replace(record, present=present) for record in records]


def is_descending(times: Sequence[datetime | None]) -> bool:
    """Whether the list is ordered newest first. A missing time counts as disorder, since it proves nothing."""
    known = [time for time in times if time is not None]
    return len(known) == len(times) and all(earlier >= later for earlier, later in pairwise(known))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
