"""One function per list of a sync run: fetches the next page and returns what stores it.

Fetching happens outside of transactions; storing runs inside the step's own, together with the stream's cursor.
A short page is never the end. What cannot be is a loud error: a repeated page, a list that lost rows while it was
walked, more pages than there can be.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

from django.utils import timezone

from .. import mirror
from ..models import Account, Contact, Conversation, SyncPage, SyncRun, SyncStream, ThreadSync
from ..salesmsg.client import Client
from ..salesmsg.errors import Invalid, NotAllowed, NotFound, Refused
from ..salesmsg.pages import Page
from ..salesmsg.records import Contact as ContactRecord
from . import thread as threads

Store = Callable[[], None]
MOST_RESTARTS = 2
MOST_PAGES = 100_000
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
        new = _remember(stream, number, page)
        stream.done = page.count == 0 or not new or _is_last(page, number)
        stream.cursor = {"page": number + 1}

    return store


def _contacts(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    if run.kind == SyncRun.Kind.CHANGES and not stream.cursor.get("all"):
        return _changed_contacts(run, stream, client)
    number = stream.cursor.get("page", 1)
    page = client.contacts(number)

    def store() -> None:
        if _lost_rows(stream, page):
            return
        _, changed = mirror.upsert_contacts(run.account_id, page.items)
        run.changed += changed
        _remember(stream, number, page)
        run.contacts = stream.seen
        stream.cursor = {**stream.cursor, "page": number + 1}
        if page.count == 0 or _is_last(page, number):
            if stream.total is not None and stream.seen < stream.total:
                _restart(stream, f"{stream.seen} of {stream.total} contacts were listed")
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

    def store() -> None:
        _, changed = mirror.upsert_contacts(run.account_id, page.items)
        run.changed += changed
        new = _remember(stream, number, page)
        run.contacts = stream.seen
        ordered = stream.cursor.get("ordered", True) and in_order
        stream.cursor = {"page": number + 1, "ordered": ordered}
        known = ordered and not changed
        if known or page.count == 0 or not new or _is_last(page, number):
            stream.done = True
            _contacts_due(run.account, CONTACTS_EVERY if ordered else CONTACTS_SLOWLY)

    return store


def _deleted(run: SyncRun, stream: SyncStream, client: Client) -> Store:
    """Contacts of ours that the walk did not meet: one question each, and only a 404 means deleted."""
    waiting = stream.cursor.get("ids")
    if waiting is None:
        return lambda: _plan_deleted(run, stream)
    if not waiting:
        return lambda: _finish(stream)
    record: ContactRecord | None = None
    vendor_id = waiting[0]
    with suppress(NotFound):
        record = client.contact(vendor_id)

    def store() -> None:
        if record is None:
            run.changed += mirror.gone(run.account_id, vendor_id)
        else:
            run.changed += mirror.upsert_contacts(run.account_id, [record])[1]
        stream.cursor = {"ids": waiting[1:]}
        stream.seen += 1
        stream.done = len(waiting) == 1

    return store


def _plan_deleted(run: SyncRun, stream: SyncStream) -> None:
    pages = SyncPage.objects.filter(stream__run=run, stream__name="contacts").values_list("ids", flat=True)
    met = {pk for ids in pages for pk in ids}
    ours = Contact.objects.present().filter(account=run.account, vendor_id__isnull=False, created_at__lt=run.started_at)
    unmet = [pk for pk in ours.values_list("vendor_id", flat=True) if pk not in met]
    if len(unmet) > max(50, len(met) // 5):
        run.notes.append(
            f"{len(unmet)} contacts were not listed any more: too many to take for deleted; all were kept."
        )
        unmet = []
    stream.cursor = {"ids": unmet}
    stream.total = len(unmet)
    stream.done = not unmet


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
    in_order = _descending([record.last_message_at for record in page.items])

    def store() -> None:
        ids = [record.id for record in page.items]
        before = _last_ids(stream)
        if ids and ids == before:
            raise SyncProblem(f"Salesmsg gave the same page of {stream.name} conversations twice.")
        if stream.cursor.get("overlaps") and ids and not set(ids) & _all_ids(stream):
            # Rows that we read have left this list, so that others moved up and may have been jumped over.
            _restart(stream, f"the list of {stream.name} conversations became shorter while it was read")
            return
        result = mirror.upsert_conversations(run.account_id, page.items)
        run.changed += result.changed
        for vendor_id in result.homeless:
            run.notes.append(f"Conversation {vendor_id} names no contact; it was left out.")
        new = _remember(stream, stream.cursor.get("number", 1), page)
        run.conversations = _distinct_conversations(run)
        ordered = stream.cursor.get("ordered", True) and in_order
        _want_threads(run, result.moved)
        known = run.kind == SyncRun.Kind.CHANGES and ordered and not result.changed and not result.moved
        stream.cursor = {
            "offset": offset + (page.count - OVERLAP if page.count > OVERLAP else page.count),
            "overlaps": page.count > OVERLAP,
            "number": stream.cursor.get("number", 1) + 1,
            "ordered": ordered,
        }
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
        return lambda: _lost_thread(run, stream, thread)

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
        wanted = conversations.exclude(thread_sync__complete=True).values_list("pk", flat=True)
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


def _lost_thread(run: SyncRun, stream: SyncStream, thread: ThreadSync) -> None:
    run.notes.append(f"Conversation {thread.conversation.vendor_id} does not exist at Salesmsg any more.")
    ThreadSync.objects.filter(pk=thread.pk).update(pending=False, cursor={}, complete=True)
    stream.seen += 1


def _skip(run: SyncRun, stream: SyncStream, why: str) -> None:
    run.notes.append(f"The list of {stream.name} conversations could not be read: {why}")
    stream.done = True


def skip(run: SyncRun, stream: SyncStream, why: str) -> None:
    """Ends a stream that the inbox can do without, and says so."""
    run.notes.append(f"{stream.name.capitalize()} could not be read: {why}")
    stream.done = True


def _remember(stream: SyncStream, number: int, page: Page) -> int:
    """Books the page's ids; returns how many of them this walk had not met. A repeated page is a loud error."""
    ids = [record.id for record in page.items]
    if number > MOST_PAGES:
        raise SyncProblem(f"The list of {stream.name} does not end.")
    if ids and ids == _last_ids(stream):
        raise SyncProblem(f"Salesmsg gave the same page of {stream.name} twice.")
    new = len(set(ids) - _all_ids(stream))
    SyncPage.objects.update_or_create(stream=stream, number=number, defaults={"ids": ids})
    stream.seen += new
    if page.total is not None:
        stream.total = page.total
    return new


def _last_ids(stream: SyncStream) -> list[int]:
    return stream.pages.order_by("-number").values_list("ids", flat=True).first() or []


def _all_ids(stream: SyncStream) -> set[int]:
    return {pk for ids in stream.pages.values_list("ids", flat=True) for pk in ids}


def _distinct_conversations(run: SyncRun) -> int:
    pages = SyncPage.objects.filter(stream__run=run, stream__name__in=("open", "closed", "outbound"))
    return len({pk for ids in pages.values_list("ids", flat=True) for pk in ids})


def _is_last(page: Page, number: int) -> bool:
    return page.last_page is not None and number >= page.last_page


def _lost_rows(stream: SyncStream, page: Page) -> bool:
    """Whether the list became shorter while we walked it; if so the walk begins again."""
    if stream.total is None or page.total is None or page.total >= stream.total:
        return False
    _restart(stream, f"the list of {stream.name} shrank from {stream.total} to {page.total} while it was read")
    return True


def _restart(stream: SyncStream, why: str) -> None:
    if stream.restarts >= MOST_RESTARTS:
        raise SyncProblem(f"Even after {MOST_RESTARTS} new beginnings, {why}.")
    stream.pages.all().delete()
    stream.restarts += 1
    stream.cursor = {key: value for key, value in stream.cursor.items() if key == "all"}
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
