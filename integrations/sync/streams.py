"""One function per list of a sync run: fetches the next page and returns what stores it.

Fetching happens outside of transactions; storing runs inside the step's own, together with the stream's cursor.
A short page is never the end. What cannot be is a loud error: a repeated page, a list that lost rows while it was
walked, more pages than there can be.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from django.db.models import Q
from django.utils import timezone

from .. import mirror
from ..models import Account, Contact, Conversation, Message, SyncRun, SyncSeen, SyncStream, ThreadSync
from ..salesmsg.client import Client
from ..salesmsg.errors import Invalid, NotAllowed, NotFound, Refused
from ..salesmsg.pages import Page
from ..salesmsg.records import Contact as ContactRecord
from . import thread as threads
from .plan import FILTERS

Store = Callable[[], None]
MOST_RESTARTS = 2
MOST_REFUSED = 3  # threads that may not be read, before it is taken for a missing scope
MOST_PAGES = 100_000
MOST_IDLE = 100  # pages in a row without a row that is new: a list that runs in circles
CONVERSATIONS = 100  # asked for a page; fewer may come
OVERLAP = 2  # rows read again on the next page: they show that no row slipped away between the two
CONTACTS_EVERY = timedelta(minutes=1)  # how often changed contacts are looked for, where the order can be trusted
CONTACTS_SLOWLY = timedelta(hours=1)  # and where the whole list must be walked for it


class SyncProblem(Exception):
    """The vendor's answers cannot be right; the run ends and says so."""


def next_page(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    """Fetches the stream's next page. Raises SyncProblem, and the errors of salesmsg.errors."""
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


def _numbers(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    number = stream.cursor.get("page", 1)
    page = client.numbers(number)

    def store() -> None:
        run.changed += mirror.upsert_numbers(run.account, page.items)
        new = _remember(stream, page)
        stream.done = page.count == 0 or not new or _is_last(page, number)
        stream.cursor["page"] = number + 1

    return store


def _contacts(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    if run.kind == SyncRun.Kind.CHANGES and not stream.cursor.get("all"):
        return _changed_contacts(run, stream, client)
    number = stream.cursor.get("page", 1)
    page = client.contacts(number)

    def store() -> None:
        if _lost_rows(stream, page):
            return
        _, changed = mirror.upsert_contacts(run.account_id, _evenly(page.items))
        run.changed += changed
        new = _remember(stream, page)
        run.contacts = stream.seen
        listed = stream.cursor.get("listed")
        began_with = stream.cursor.get("began_with") or stream.total
        again = stream.cursor.get("again", False)
        every = stream.cursor.get("all", False)
        _onward(stream, new, page=number + 1, began_with=began_with, again=again, all=every, listed=listed)
        missing = max(0, (stream.total or 0) - stream.seen)
        if page.count and not _is_last(page, number) and (missing or not again):
            return
        if missing and listed == stream.seen:
            run.notes.append(f"Salesmsg counts {stream.total} contacts and lists {stream.seen}, twice the same.")
        elif missing and stream.seen < began_with:
            _restart(stream, f"{stream.seen} of {stream.total} contacts were listed", listed=stream.seen)
            return
        elif missing:
            # All that were there in the beginning are read; those that came meanwhile stand before them.
            stream.cursor |= {"page": 1, "began_with": None, "again": True}
            return
        stream.done = True
        if run.kind == SyncRun.Kind.CHANGES:
            _contacts_due(run.account, CONTACTS_SLOWLY)

    return store


def _changed_contacts(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    """Newest change first, until a page brings nothing new; where that is not to be had, the whole list."""
    number = stream.cursor.get("page", 1)
    try:
        page = client.contacts_list(number)
    except (NotAllowed, NotFound, Refused, Invalid):
        stream.cursor = {"all": True}
        return _contacts(run, stream, client)
    in_order = _descending([record.updated_at for record in page.items])
    # Contacts that were never edited are in this order by chance where a vendor sorts by the time of creation.
    telling = not _descending([record.created_at for record in page.items])

    def store() -> None:
        _, changed = mirror.upsert_contacts(run.account_id, _evenly(page.items))
        run.changed += changed
        new = _remember(stream, page)
        run.contacts = stream.seen
        ordered = stream.cursor.get("ordered", True) and in_order
        proven = stream.cursor.get("proven", False) or telling
        _onward(stream, new, page=number + 1, ordered=ordered, proven=proven)
        trusted = ordered and proven
        if (trusted and not changed) or page.count == 0 or _is_last(page, number):
            stream.done = True
            _contacts_due(run.account, CONTACTS_EVERY if trusted or number == 1 else CONTACTS_SLOWLY)

    return store


def _deleted(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    """Contacts of ours that the walk did not meet: one question each, and only a 404 means deleted."""
    if "after" not in stream.cursor:
        return lambda: _plan_deleted(run, stream)
    unmet = _unmet_contacts(run).filter(vendor_id__gt=stream.cursor["after"]).values_list("vendor_id", flat=True)
    vendor_id = unmet.order_by("vendor_id").first()
    if vendor_id is None:
        return lambda: _finish(stream)
    record: ContactRecord | None = None
    gone = False
    try:
        record = client.contact(vendor_id)
    except NotFound:
        gone = True
    except NotAllowed:
        pass  # not ours to see any more, which says nothing about whether it is there

    def store() -> None:
        if gone:
            run.changed += mirror.gone(run.account_id, vendor_id)
        elif record is not None:
            run.changed += mirror.upsert_contacts(run.account_id, [record])[1]
        stream.cursor = {"after": vendor_id}
        stream.seen += 1

    return store


def _plan_deleted(run: SyncRun, stream: SyncStream) -> None:
    listed = SyncSeen.objects.filter(stream__run=run, stream__name="contacts").count()
    unmet = _unmet_contacts(run).count()
    if unmet > max(50, listed // 5):
        run.notes.append(f"{unmet} contacts were not listed any more: too many to take for deleted; all were kept.")
        unmet = 0
    stream.cursor = {"after": 0}
    stream.total = unmet
    stream.done = not unmet


def _unmet_contacts(run: SyncRun):
    met = SyncSeen.objects.filter(stream__run=run, stream__name="contacts")
    ours = Contact.objects.present().filter(account=run.account, vendor_id__isnull=False)
    return ours.exclude(vendor_id__in=met.values("vendor_id"))


def _finish(stream: SyncStream) -> None:
    stream.done = True


def _conversations(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    offset = stream.cursor.get("offset", 0)
    try:
        page = client.conversations(stream.name, CONVERSATIONS, offset)
    except Invalid as invalid:
        if stream.name != "outbound":
            raise
        text = invalid.text
        return lambda: _skip(run, stream, text)
    # One that was opened and never written in has no such time; where it stands says nothing about the others.
    in_order = _descending([record.last_message_at for record in page.items if record.last_message_at])

    def store() -> None:
        ids = [record.id for record in page.items]
        if ids and ids == stream.cursor.get("ids"):
            raise SyncProblem(f"Salesmsg gave the same page of {stream.name} conversations twice.")
        if stream.cursor.get("overlaps") and ids and not _met(stream, ids):
            # Rows that we read have left this list, so that others moved up and may have been jumped over.
            _restart(stream, f"the list of {stream.name} conversations became shorter while it was read")
            return
        result = mirror.upsert_conversations(run.account_id, _evenly(page.items), closed=stream.name == "closed")
        run.changed += result.changed
        for vendor_id in result.homeless:
            run.notes.append(f"Conversation {vendor_id} names no contact; it was left out.")
        new = _remember(stream, page)
        run.conversations += new - _met_elsewhere(run, stream, ids)
        ordered = stream.cursor.get("ordered", True) and in_order
        moved = result.moved - _refused(result.moved)
        _want_threads(run, moved)
        quiet = run.kind == SyncRun.Kind.CHANGES and ordered and not result.changed and not moved
        # Closing or assigning moves nothing to the front: now and then a look goes on to the end.
        thorough = stream.cursor.get("thorough", False)
        known = quiet and not thorough
        overlaps = page.count > OVERLAP
        onward = offset + (page.count - OVERLAP if overlaps else page.count)
        _onward(stream, new, offset=onward, overlaps=overlaps, ordered=ordered, thorough=thorough)
        if page.count == 0 or known or (not new and page.count <= OVERLAP):
            stream.done = True

    return store


def _messages(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    if not stream.cursor.get("planned"):
        return lambda: _plan_threads(run, stream)
    thread = (
        ThreadSync.objects.select_related("conversation__account")
        .filter(run=run, pending=True)
        .order_by("-conversation__latest_at", "-conversation_id")
        .first()
    )
    if thread is None:
        return lambda: _finish(stream)
    deep = run.kind == SyncRun.Kind.FULL or not thread.complete
    try:
        keep = threads.fetch(thread, client, deep=deep)
    except NotFound:
        return lambda: _lost_thread(run, stream, thread, "does not exist at Salesmsg any more")
    except NotAllowed:
        refused = stream.cursor.get("refused", 0) + 1
        if refused > MOST_REFUSED and refused > stream.seen:
            raise  # not one of them may be read: it is the token, not the thread
        return lambda: _lost_thread(run, stream, thread, "may not be read by the connected user", refused)

    def store() -> None:
        result = keep()
        run.changed += result.changed
        run.messages += result.new + result.met
        if not thread.cursor:
            ThreadSync.objects.filter(pk=thread.pk).update(pending=False)
            stream.seen += 1

    return store


def _plan_threads(run: SyncRun, stream: SyncStream) -> None:
    """Which threads this run reads: all, or those that moved and those that were never read to their end."""
    conversations = Conversation.objects.filter(account=run.account, vendor_id__isnull=False)
    if run.kind == SyncRun.Kind.FULL:
        wanted = conversations.values_list("pk", flat=True)
    else:
        doubtful = Message.objects.filter(account=run.account, state=Message.State.UNKNOWN, inbound=False)
        wanted = conversations.filter(
            ~Q(thread_sync__complete=True) | Q(pk__in=doubtful.values("conversation"))
        ).values_list("pk", flat=True)
    _want_threads(run, set(wanted))
    stream.total = run.threads.filter(pending=True).count()
    stream.cursor = {"planned": True}
    stream.done = not stream.total


def _want_threads(run: SyncRun, conversation_ids: set[int]) -> None:
    ids = sorted(conversation_ids)
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        have = set(ThreadSync.objects.filter(conversation__in=part).values_list("conversation_id", flat=True))
        ThreadSync.objects.filter(conversation__in=part).update(run=run, pending=True, cursor={})
        ThreadSync.objects.bulk_create(
            [ThreadSync(conversation_id=pk, run=run, pending=True) for pk in part if pk not in have],
            ignore_conflicts=True,
        )


def _refused(conversation_ids: set[int]) -> set[int]:
    """Threads that were not given to us when they were as they are now: asking again would only cost calls."""
    threads = ThreadSync.objects.select_related("conversation").filter(conversation__in=conversation_ids)
    return {
        thread.conversation_id
        for thread in threads.exclude(cursor={})
        if thread.cursor.get("refused") == _as_of(thread.conversation)
    }


def _as_of(conversation: Conversation) -> str:
    return str(conversation.last_message_at)


def _lost_thread(run: SyncRun, stream: SyncStream, thread: ThreadSync, why: str, refused: int = 0) -> None:
    run.notes.append(f"Conversation {thread.conversation.vendor_id} {why}.")
    if refused:
        stream.cursor["refused"] = refused
    cursor = {"refused": _as_of(thread.conversation)}
    ThreadSync.objects.filter(pk=thread.pk).update(pending=False, cursor=cursor, complete=True)
    stream.seen += 1


def _skip(run: SyncRun, stream: SyncStream, why: str) -> None:
    run.notes.append(f"The list of {stream.name} conversations could not be read: {why}")
    stream.done = True


def skip(run: SyncRun, stream: SyncStream, why: str) -> None:
    """Ends a stream that the inbox can do without, and says so."""
    run.notes.append(f"{stream.name.capitalize()} could not be read: {why}")
    stream.done = True


def _remember(stream: SyncStream, page: Page) -> int:
    """Books the page's ids; returns how many of them this walk had not met. A repeated page is a loud error."""
    ids = [record.id for record in page.items]
    stream.pages += 1
    if stream.pages > MOST_PAGES:
        raise SyncProblem(f"The list of {stream.name} does not end.")
    if ids and ids == stream.cursor.get("ids"):
        raise SyncProblem(f"Salesmsg gave the same page of {stream.name} twice.")
    new = set(ids) - _met(stream, ids)
    SyncSeen.objects.bulk_create([SyncSeen(stream=stream, vendor_id=pk) for pk in sorted(new)])
    stream.seen += len(new)
    if page.total is not None:
        stream.total = page.total
    stream.cursor["ids"] = ids
    return len(new)


def _onward(stream: SyncStream, new: int, **cursor) -> None:
    """The cursor of the next page; a list that brings the same rows over and over is a loud error."""
    idle = 0 if new else stream.cursor.get("idle", 0) + 1
    if idle > MOST_IDLE:
        raise SyncProblem(f"The list of {stream.name} brings the same rows over and over.")
    stream.cursor = {**cursor, "idle": idle, "ids": stream.cursor.get("ids", [])}


def _met(stream: SyncStream, ids: list[int]) -> set[int]:
    """Which of these ids this walk has met before."""
    return set(stream.met.filter(vendor_id__in=ids).values_list("vendor_id", flat=True))


def _met_elsewhere(run: SyncRun, stream: SyncStream, ids: list[int]) -> int:
    """How many of a page's conversations another list of this run has shown already."""
    others = SyncSeen.objects.filter(stream__run=run, stream__name__in=FILTERS, vendor_id__in=ids)
    return others.exclude(stream=stream).values("vendor_id").distinct().count()


def _is_last(page: Page, number: int) -> bool:
    return page.last_page is not None and number >= page.last_page


def _lost_rows(stream: SyncStream, page: Page) -> bool:
    """Whether the list became shorter while we walked it; if so the walk begins again."""
    if stream.total is None or page.total is None or page.total >= stream.total:
        return False
    _restart(stream, f"the list of {stream.name} shrank from {stream.total} to {page.total} while it was read")
    return True


def _evenly(records: list) -> list:
    """A field that other records of the page carry and this one leaves out is empty there, not unsaid."""
    carried = frozenset().union(*(record.present for record in records))
    return [replace(record, present=carried) for record in records]


def _restart(stream: SyncStream, why: str, listed: int | None = None) -> None:
    if stream.restarts >= MOST_RESTARTS:
        raise SyncProblem(f"Even after {MOST_RESTARTS} new beginnings, {why}.")
    stream.met.all().delete()
    stream.restarts += 1
    stream.cursor = {key: value for key, value in stream.cursor.items() if key in {"all", "thorough"}} | {
        "listed": listed
    }
    stream.seen, stream.total = 0, None


def _descending(moments: list) -> bool:
    """Whether a list that claims to be newest first is; gaps in it prove nothing, so they count as disorder."""
    if any(moment is None for moment in moments):
        return False
    return all(earlier >= later for earlier, later in pairwise(moments))


def _contacts_due(account: Account, pause: timedelta) -> None:
    Account.objects.filter(pk=account.pk).update(contacts_due_at=timezone.now() + pause)


_HANDLERS: dict[str, Callable[[SyncRun, SyncStream, Client], Store]] = {
    "organization": _once(lambda client: client.organization(), mirror.upsert_organization),
    "members": _once(lambda client: client.members(), mirror.upsert_members),
    "inboxes": _once(lambda client: client.teams(), mirror.upsert_inboxes),
    "numbers": _numbers,
    "contacts": _contacts,
    "deleted": _deleted,
    "open": _conversations,
    "closed": _conversations,
    "outbound": _conversations,
    "messages": _messages,
}
