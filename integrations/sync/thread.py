"""Reads one thread page by page: the newest page, or every page, in either of Salesmsg's two ways of paging."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.conf import settings
from django.utils import timezone

from .. import mirror
from ..failures import Code
from ..models import Account, Conversation, Message, ThreadSync
from ..salesmsg.errors import NotFound, Unreadable
from ..salesmsg.records import Message as Record
from .checkpoints import Cursor, ids_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..salesmsg.client import Client
    from ..salesmsg.pages import Page

DEEP, SHALLOW = 100, 30  # messages a page: for the whole history, and for the newest messages
MOST_PAGES = 5000
UNDELIVERED = (Message.State.SENT, Message.State.SENDING)
DELIVERY_CHECKED_FOR = timedelta(hours=24)  # how long the delivery of a sent text is checked
UNKNOWN_CHECKED_FOR = timedelta(hours=1)  # how long a text with an unknown outcome is checked


@dataclass(frozen=True)
class ThreadCursor(Cursor):
    """Where reading a thread over several pages continues; stored as {} when no reading is under way.

    page, size: the next page of /messages/{c}/paginated, and the page size it counts in
    step: 1 if the next page follows, -1 if the one before does (oldest first: new messages are on the last page)
    oldest_first: pages go from old to new, so only the last page is the end
    before: or the message id to continue from in /messages/{c}
    deep: read the whole history; otherwise only down to `read_to`, up to which no message is missing
    newest: (time, id) of the newest message so far, which becomes `read_to` at the end
    refused_as_of: Salesmsg refused the thread when this was the time of its last message
    started_at: when the first page was requested, ISO time: the pages show the thread as of then
    held_back: the copy of a text that is being sent was left for later, so the thread must be read again
    page_ids: ids of the previous page, to notice a server that repeats itself
    pages: pages read so far
    """

    old_keys: ClassVar[Mapping[str, str]] = {
        "rising": "oldest_first",
        "head": "newest",
        "refused": "refused_as_of",
        "began": "started_at",
        "held": "held_back",
        "ids": "page_ids",
    }

    page: int | None = None
    size: int | None = None
    step: int | None = None
    oldest_first: bool = False
    before: int | None = None
    deep: bool = False
    newest: tuple[float, int] | None = None
    refused_as_of: str | None = None
    started_at: str | None = None
    held_back: bool = False
    page_ids: tuple[int, ...] = ()
    pages: int = 0

    def to_json(self) -> dict[str, Any]:
        return {} if self == ThreadCursor() else super().to_json()


@dataclass(frozen=True)
class ThreadPage:
    """One page of a thread, to be written by `store_thread_page`.

    thread: the row as it was when the page was requested
    dialect: the way of paging that Salesmsg answered to
    started_at: the page shows the thread as of this time; None if it does not show the thread
    requested_for: the due time that this page answers, if a refresh requested it
    reading: how a reading over several pages continues; None for the newest page alone, beside such a reading
    """

    thread: ThreadSync
    records: list[Record]
    dialect: str
    started_at: datetime | None
    requested_for: datetime | None
    reading: Reading | None = None


@dataclass(frozen=True)
class Reading:
    """deep: as in ThreadCursor; held_back, newest: up to and with this page; next_cursor: None at the end."""

    deep: bool
    held_back: bool
    newest: list[Any]
    next_cursor: ThreadCursor | None


def fetch_thread_page(
    thread: ThreadSync, client: Client, *, deep: bool, requested_for: datetime | None = None
) -> ThreadPage:
    """Requests the next page of the thread and writes nothing.

    requested_for: the due time that this request answers; a refresh that is due at another time stays planned.
    Raises the errors of salesmsg.errors; NotFound: the conversation no longer exists.
    """
    conversation = thread.conversation
    account = conversation.account
    cursor = ThreadCursor.from_json(thread.cursor)
    if deep and not cursor.deep:
        cursor = ThreadCursor(deep=True)
    started_at = timezone.now()
    if not deep and (not thread.complete or cursor.deep):
        # The newest page alone: a deep reading, planned or under way, fills the gaps.
        page, dialect = _fetch(client, account, conversation, ThreadCursor())
        return ThreadPage(thread, page.items, dialect, started_at, requested_for)
    if cursor.started_at:
        started_at = datetime.fromisoformat(cursor.started_at)
    page, dialect = _fetch(client, account, conversation, cursor)
    if page.items and ids_of(page) == cursor.page_ids:
        raise Unreadable(Code.THREAD_REPEATS_PAGE, endpoint="GET /messages/{conversation}")
    if cursor.pages > MOST_PAGES:
        raise Unreadable(Code.THREAD_ENDLESS, endpoint="GET /messages/{conversation}")
    newest = max([list(cursor.newest or ()), *(_place(record) for record in page.items)])
    next_cursor = _next_cursor(cursor, page, dialect, thread.read_to)
    if next_cursor is not None:
        next_cursor = replace(
            next_cursor,
            newest=tuple(newest),
            page_ids=ids_of(page),
            pages=cursor.pages + 1,
            started_at=started_at.isoformat(),
        )
    # An empty page of a thread that has messages does not show what the thread holds.
    shows_nothing = not page.count and thread.read_to and not cursor.pages
    return ThreadPage(
        thread,
        page.items,
        dialect,
        thread.read_at if shows_nothing else started_at,
        requested_for,
        Reading(cursor.deep, cursor.held_back, newest, next_cursor),
    )


def store_thread_page(page: ThreadPage) -> mirror.messages.Messages:
    """Writes a page and plans the thread's next refresh, inside the caller's transaction. Updates `page.thread`."""
    thread = page.thread
    account = thread.conversation.account
    if page.dialect != account.thread_dialect:
        Account.objects.filter(pk=account.pk).update(thread_dialect=page.dialect)
        account.thread_dialect = page.dialect
    result = mirror.upsert_messages(thread.conversation, page.records)
    locked = ThreadSync.objects.select_for_update(no_key=True).get(pk=thread.pk)
    continues = page.reading is not None and _store_reading(thread, locked, page.reading, bool(result.held_back))
    _plan_refresh(page, locked, held_back=bool(result.held_back), continues=continues)
    return result


def _store_reading(thread: ThreadSync, locked: ThreadSync, reading: Reading, held_back_now: bool) -> bool:
    """Stores how far the thread is read; True if this reading continues. locked: the row as it is now."""
    held_back = held_back_now or reading.held_back
    if reading.next_cursor is None:
        thread.cursor = {}
        thread.read_to, thread.complete = locked.read_to if held_back else max(locked.read_to, reading.newest), True
    else:
        thread.cursor = replace(reading.next_cursor, held_back=held_back).to_json()
        thread.read_to, thread.complete = locked.read_to, locked.complete
    # A run may have begun to read the whole thread since the page was requested: its cursor stays.
    overtaken = ThreadCursor.from_json(locked.cursor).deep and not reading.deep
    if overtaken:
        thread.cursor = locked.cursor
    thread.save(update_fields=["cursor", "read_to", "complete"])
    return reading.next_cursor is not None and not overtaken


def _fetch(
    client: Client, account: Account, conversation: Conversation, cursor: ThreadCursor
) -> tuple[Page[Record], str]:
    """One page and the way of paging that Salesmsg answered to."""
    size = _page_size(cursor)
    vendor_id = cast(int, conversation.vendor_id)  # drafts have no thread to read
    dialect = account.thread_dialect
    if cursor.page is not None:
        dialect = Account.ThreadDialect.PAGINATED
    elif cursor.before is not None:
        dialect = Account.ThreadDialect.BEFORE
    if dialect == Account.ThreadDialect.PAGINATED:
        try:
            return client.messages(vendor_id, cursor.page or 1, size), dialect
        except NotFound:
            if cursor.page is not None:
                raise
    return client.messages_before(vendor_id, size, cursor.before), Account.ThreadDialect.BEFORE


def _page_size(cursor: ThreadCursor) -> int:
    return cursor.size or (DEEP if cursor.deep else SHALLOW)


def _next_cursor(cursor: ThreadCursor, page: Page[Record], dialect: str, read_to: list[Any]) -> ThreadCursor | None:
    """The cursor of the next page; None at the end."""
    places = [_place(record) for record in page.items]
    number, size, step = cursor.page or 1, _page_size(cursor), cursor.step or 1
    oldest_first = cursor.oldest_first
    if dialect == Account.ThreadDialect.PAGINATED and cursor.step is None and len(places) > 1:
        oldest_first = places[0] < places[-1]
        if oldest_first and not cursor.deep and (page.last_page or 1) > 1:
            return ThreadCursor(page=page.last_page, size=size, step=-1)
    if page.count == 0 or (not cursor.deep and not oldest_first and read_to and min(places) <= read_to):
        return None
    if dialect == Account.ThreadDialect.BEFORE:
        oldest = min(record.id for record in page.items)
        if cursor.before is not None and oldest >= cursor.before:
            return None  # every id is known already
        return ThreadCursor(deep=cursor.deep, before=oldest)
    if page.last_page is not None and step == 1 and number >= page.last_page:
        return None
    if step == -1 and number + step <= 1:
        return None
    return ThreadCursor(deep=cursor.deep, page=number + step, size=size, step=step, oldest_first=oldest_first)


def _plan_refresh(page: ThreadPage, locked: ThreadSync, *, held_back: bool, continues: bool) -> None:
    """Plans the next refresh: now if the reading continues, soon beside a text that is being sent, later and later
    while a delivery is open.

    locked: the row as it is now. A refresh requested since the page was may not be answered by it, so it stays due.
    """
    thread = page.thread
    now = timezone.now()
    following = False
    due: datetime | None
    if continues and page.requested_for:
        due = now
    elif held_back:
        due = now + timedelta(seconds=3)
    else:
        due = _unknown_due(thread.conversation, now)
        delivery = _delivery_due(thread.conversation, now)
        if delivery and (due is None or delivery < due):
            due, following = delivery, True
    if locked.due_at and locked.due_at != page.requested_for and (due is None or locked.due_at <= due):
        due, following = locked.due_at, locked.following
    thread.read_at, thread.due_at, thread.following = page.started_at, due, following
    fields = ["read_at", "due_at", "following"]
    if page.requested_for:
        thread.failures, thread.lease_until, thread.wanted_at = 0, None, None
        fields += ["failures", "lease_until", "wanted_at"]
    thread.save(update_fields=fields)


def _unknown_due(conversation: Conversation, now: datetime) -> datetime | None:
    """When to check texts with an unknown outcome: soon, and once Salesmsg can no longer accept them."""
    unknown = Message.objects.filter(
        conversation=conversation, vendor_id=None, state=Message.State.UNKNOWN, claimed_at__gt=now - UNKNOWN_CHECKED_FOR
    )
    checks = []
    steps = [timedelta(seconds=settings.SALESMSG_ACCEPTS_FOR * part) for part in (1 / 6, 1.02)]
    for claimed_at in unknown.values_list("claimed_at", flat=True):
        if claimed_at is None:  # for mypy: the query excludes it
            continue
        checks.append(next((at for step in steps if (at := claimed_at + step) > now), now + timedelta(minutes=10)))
    return min(checks, default=None)


def _delivery_due(conversation: Conversation, now: datetime) -> datetime | None:
    """When to check the delivery of sent texts and pictures that Salesmsg still fetches; None for never."""
    undelivered = Message.objects.filter(
        conversation=conversation,
        client_uuid__isnull=False,
        state__in=UNDELIVERED,
        at__gt=now - DELIVERY_CHECKED_FOR,
    )
    newest: datetime | None = undelivered.order_by("-at").values_list("at", flat=True).first()
    pictures = Message.objects.filter(conversation=conversation, media_pending=True, at__gt=now - timedelta(hours=1))
    if newest is None:
        newest = pictures.order_by("-at").values_list("at", flat=True).first()
    if newest is None:
        return None
    return now + max(timedelta(seconds=3), (now - newest) / 2)


def _place(record: Record) -> list[Any]:
    """[time, id]: a message's place in its thread, comparable and fit for JSON."""
    return [record.at.timestamp() if record.at else 0.0, record.id]
