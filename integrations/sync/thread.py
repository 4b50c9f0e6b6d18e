"""Reading one thread: its newest page, or a walk over all pages, in either of the vendor's paging dialects.

A walk over several pages keeps a cursor on the thread's ThreadSync row:
  page, size   the next page of /messages/{c}/paginated, and the page size it counts in
  step         how a page is followed: 1 by the next one, -1 by the one before (oldest first: news are at the end)
  rising       the pages rise towards the news, so only the last one is the end
  before       or the message id to continue from in /messages/{c}
  deep         walk to the end of history; otherwise only to `read_to`, up to which no message is missing
  head         the newest [time, id] met, which becomes `read_to` when the walk has arrived
  refused      Salesmsg did not give the thread, when this was its last message's time
  began        when the first page was asked for: the walk tells how the thread was then
  held         a copy of a text that is under way was left for later: the walk must come by here again
  ids          the ids of the page before, to notice a server that repeats itself
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from .. import mirror
from ..failures import Code
from ..models import Account, Conversation, Message, ThreadSync
from ..salesmsg.errors import NotFound, Unreadable
from ..salesmsg.records import Message as Record

if TYPE_CHECKING:
    from ..salesmsg.client import Client
    from ..salesmsg.pages import Page

DEEP, SHALLOW = 100, 30  # messages a page: when all are wanted, and when a look at the newest will do
MOST_PAGES = 5000
UNDELIVERED = (Message.State.SENT, Message.State.SENDING)
FOLLOWED = timedelta(hours=24)  # how long a sent text is asked after
DOUBTED = timedelta(hours=1)  # how long a text is looked for whose outcome nobody saw

Store = Callable[[], mirror.messages.Messages]


def fetch(thread: ThreadSync, client: Client, *, deep: bool, asked: datetime | None = None) -> Store:
    """Reads the next page of a walk, or begins one; the result stores it, in the caller's transaction.

    asked: the due time that this look answers; a look that was asked for at any other moment stays planned.
    Raises the errors of salesmsg.errors; NotFound: the conversation is gone.
    """
    conversation = thread.conversation
    account = conversation.account
    cursor = dict(thread.cursor)
    if deep and not cursor.get("deep"):
        cursor = {"deep": True}
    if not deep and (not thread.complete or cursor.get("deep")):
        return _glance(thread, client, asked)
    began = datetime.fromisoformat(cursor["began"]) if "began" in cursor else timezone.now()
    page, dialect = _read(client, account, conversation, cursor)
    ids = [record.id for record in page.items]
    if ids and ids == cursor.get("ids"):
        raise Unreadable(Code.THREAD_REPEATS_PAGE, endpoint="GET /messages/{conversation}")
    if cursor.get("pages", 0) > MOST_PAGES:
        raise Unreadable(Code.THREAD_ENDLESS, endpoint="GET /messages/{conversation}")
    if not page.count and thread.read_to and "pages" not in cursor:
        began = thread.read_at  # a thread with messages that shows none tells nothing of what it holds
    head = max([cursor.get("head") or [], *(_place(record) for record in page.items)])
    onward = _next(cursor, page, dialect, thread.read_to)

    def store() -> mirror.messages.Messages:
        result = _kept(account, conversation, dialect, page)
        now = ThreadSync.objects.select_for_update(no_key=True).get(pk=thread.pk)
        held = bool(result.held_back) or cursor.get("held", False)
        if onward is None:
            thread.cursor = {}
            thread.read_to, thread.complete = now.read_to if held else max(now.read_to, head), True
        else:
            so_far = {"head": head, "ids": ids, "pages": cursor.get("pages", 0) + 1}
            thread.cursor = {**onward, **so_far, "began": began.isoformat(), **({"held": True} if held else {})}
            thread.read_to, thread.complete = now.read_to, now.complete
        overtaken = now.cursor.get("deep") and not deep
        if overtaken:
            thread.cursor = now.cursor  # a sync run walks this thread meanwhile
        thread.save(update_fields=["cursor", "read_to", "complete"])
        _settle(thread, now, result, began, asked, goes_on=onward is not None and not overtaken)
        return result

    return store


def _glance(thread: ThreadSync, client: Client, asked: datetime | None) -> Store:
    """The newest page alone, beside a deep walk that is still to come or under way and will fill the gaps."""
    began = timezone.now()
    page, dialect = _read(client, thread.conversation.account, thread.conversation, {})

    def store() -> mirror.messages.Messages:
        result = _kept(thread.conversation.account, thread.conversation, dialect, page)
        _settle(thread, ThreadSync.objects.select_for_update(no_key=True).get(pk=thread.pk), result, began, asked)
        return result

    return store


def _read(client: Client, account: Account, conversation: Conversation, cursor: dict) -> tuple[Page[Record], str]:
    size = cursor.get("size") or (DEEP if cursor.get("deep") else SHALLOW)
    dialect = account.thread_dialect
    if "page" in cursor:
        dialect = Account.ThreadDialect.PAGINATED
    elif "before" in cursor:
        dialect = Account.ThreadDialect.BEFORE
    if dialect == Account.ThreadDialect.PAGINATED:
        try:
            return client.messages(conversation.vendor_id, cursor.get("page", 1), size), dialect
        except NotFound:
            if "page" in cursor:
                raise
    before = Account.ThreadDialect.BEFORE
    return client.messages_before(conversation.vendor_id, size, cursor.get("before")), before


def _next(cursor: dict, page: Page[Record], dialect: str, read_to: list) -> dict | None:
    """The cursor of the following page; None when the walk has arrived."""
    deep = bool(cursor.get("deep"))
    places = [_place(record) for record in page.items]
    number, size = cursor.get("page", 1), cursor.get("size") or (DEEP if deep else SHALLOW)
    step, rising = cursor.get("step", 1), cursor.get("rising", False)
    if dialect == Account.ThreadDialect.PAGINATED and "step" not in cursor and len(places) > 1:
        rising = places[0] < places[-1]
        if rising and not deep and (page.last_page or 1) > 1:
            return {"deep": deep, "page": page.last_page, "size": size, "step": -1}
    if page.count == 0 or (not deep and not rising and read_to and min(places) <= read_to):
        return None
    if dialect == Account.ThreadDialect.BEFORE:
        oldest = min(record.id for record in page.items)
        if "before" in cursor and oldest >= cursor["before"]:
            return None  # no id that was not seen already
        return {"deep": deep, "before": oldest}
    if page.last_page is not None and step == 1 and number >= page.last_page:
        return None
    if step == -1 and number + step <= 1:
        return None
    return {"deep": deep, "page": number + step, "size": size, "step": step, "rising": rising}


def _kept(account: Account, conversation: Conversation, dialect: str, page: Page[Record]):
    if dialect != account.thread_dialect:
        Account.objects.filter(pk=account.pk).update(thread_dialect=dialect)
        account.thread_dialect = dialect
    return mirror.upsert_messages(conversation, page.items)


def _settle(
    thread: ThreadSync,
    now: ThreadSync,
    result: mirror.messages.Messages,
    began: datetime | None,
    asked: datetime | None,
    *,
    goes_on: bool = False,
) -> None:
    """Plans the next look: at once within a walk or beside a text on its way, later and later for delivery.

    now: the row as it is, locked. What was asked for while the page was on its way may not be on it: it stays due.
    """
    moment = timezone.now()
    following = False
    if goes_on and asked:
        due = moment
    elif result.held_back:
        due = moment + timedelta(seconds=3)
    else:
        due = _doubt_look(thread.conversation, moment)
        delivery = _delivery_look(thread.conversation, moment)
        if delivery and (due is None or delivery < due):
            due, following = delivery, True
    if now.due_at and now.due_at != asked and (due is None or now.due_at <= due):
        due, following = now.due_at, now.following
    thread.read_at, thread.due_at, thread.following = began, due, following
    fields = ["read_at", "due_at", "following"]
    if asked:
        thread.failures, thread.lease_until, thread.wanted_at = 0, None, None
        fields += ["failures", "lease_until", "wanted_at"]
    thread.save(update_fields=fields)


def _doubt_look(conversation: Conversation, now: datetime) -> datetime | None:
    """When to look again for texts whose outcome nobody saw: soon, and once Salesmsg can no longer accept them."""
    doubtful = Message.objects.filter(
        conversation=conversation, vendor_id=None, state=Message.State.UNKNOWN, claimed_at__gt=now - DOUBTED
    )
    looks = []
    for claimed_at in doubtful.values_list("claimed_at", flat=True):
        steps = (timedelta(seconds=settings.SALESMSG_ACCEPTS_FOR * part) for part in (1 / 6, 1.02))
        looks.append(next((at for step in steps if (at := claimed_at + step) > now), now + timedelta(minutes=10)))
    return min(looks, default=None)


def _delivery_look(conversation: Conversation, now: datetime) -> datetime | None:
    """When to ask again what became of our texts and of pictures that are still being fetched; None for never."""
    open_texts = Message.objects.filter(
        conversation=conversation, client_uuid__isnull=False, state__in=UNDELIVERED, at__gt=now - FOLLOWED
    )
    newest = open_texts.order_by("-at").values_list("at", flat=True).first()
    pictures = Message.objects.filter(conversation=conversation, media_pending=True, at__gt=now - timedelta(hours=1))
    if newest is None:
        newest = pictures.order_by("-at").values_list("at", flat=True).first()
    if newest is None:
        return None
    return now + max(timedelta(seconds=3), (now - newest) / 2)


def _place(record: Record) -> list:
    """Where a message stands in its thread; comparable, and fit for JSON."""
    return [record.at.timestamp() if record.at else 0.0, record.id]
