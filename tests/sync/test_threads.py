"""One thread, in every way that a vendor may give it: no gap, no double, the vendor's own order."""

import itertools
import random

import pytest
from django.db import connection, transaction
from django.utils import timezone

from integrations import gateway
from integrations.models import Account, BudgetCall, Conversation, Message, SyncRun, ThreadSync
from integrations.sync import request, runner, thread_refresh
from integrations.sync.thread import fetch_thread_page, store_thread_page

from .support import changes, connected, finish, full, looks
from .vendor import TOKEN, thread_of

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

WAYS = {
    "paginated": {},
    "paginated, no meta": {"meta": False},
    "oldest first": {"oldest_first": True},
    "oldest first, no meta": {"oldest_first": True, "meta": False},
    "small pages": {"cap": 7},
    "oldest first, small pages": {"oldest_first": True, "cap": 7},
    "before_id": {"paginated": False},
    "before_id, small pages": {"paginated": False, "cap": 7},
}


def shown(conversation: dict) -> list[tuple[int, str]]:
    rows = Message.objects.filter(conversation__vendor_id=conversation["id"]).order_by("at", "rank")
    return list(rows.values_list("vendor_id", "text"))


def ask(conversation: dict) -> int:
    """Refreshes the thread until nothing is due; returns how many refreshes."""
    request.schedule_refresh(Conversation.objects.get(vendor_id=conversation["id"]).pk)
    return looks()


@pytest.fixture(params=WAYS.values(), ids=WAYS.keys())
def way(request, vendor):
    for name, value in request.param.items():
        setattr(vendor, name, value)
    return vendor


FEW = ("paginated", "oldest first, small pages", "before_id, small pages")
few_ways = pytest.mark.parametrize("way", [WAYS[name] for name in FEW], ids=FEW, indirect=True)


@pytest.fixture
def thread(vendor):
    return vendor.conversation(vendor.contact(1))


def test_every_way_gives_the_whole_thread_and_every_gap_is_filled(way, thread):
    numbers = itertools.count(20_000)
    for number in itertools.islice(numbers, 110):
        way.message(thread, number)
    account = connected(TOKEN)
    run = full(account)
    assert (run.state, run.reason.text) == (SyncRun.State.DONE, "")
    assert shown(thread) == thread_of(way, thread)
    for count in (1, 0, 35, 75):  # fewer than a page, none, more than one, more than two
        for number in itertools.islice(numbers, count):
            way.message(thread, number)
        ask(thread)
        assert shown(thread) == thread_of(way, thread), f"{count} new ones"
        row = ThreadSync.objects.get()
        assert (row.complete, row.cursor, row.due_at, row.lease_until) == (True, {}, None, None)
        assert row.read_to[1] == max(number for number, _ in shown(thread))


def test_a_look_at_a_thread_without_news_costs_one_call(vendor, thread):
    for number in range(40):
        vendor.message(thread, 20_000 + number)
    full(connected(TOKEN))
    vendor.calls.clear()
    assert ask(thread) == 1
    assert vendor.calls.total() == 1


def test_news_of_an_oldest_first_thread_are_read_from_its_end(vendor, thread):
    vendor.oldest_first = True
    for number in range(20_000, 20_200):
        vendor.message(thread, number)
    full(connected(TOKEN))
    vendor.message(thread, 20_200)
    vendor.calls.clear()
    ask(thread)
    assert vendor.calls.total() == 2, "the first page shows the order, the last one holds the news"
    assert shown(thread) == thread_of(vendor, thread)


@few_ways
def test_what_shares_a_second_keeps_the_vendors_order(way, thread):
    chance = random.Random(7)
    numbers = list(range(20_000, 20_030))
    chance.shuffle(numbers)
    for number in numbers:
        way.message(thread, number, second=50_000 + number // 15)
    account = connected(TOKEN)
    full(account)
    for number in range(20_040, 20_080):
        way.message(thread, number, second=50_000 + 20_029 // 15)
    ask(thread)
    assert shown(thread) == thread_of(way, thread)
    last = Conversation.objects.get()
    assert last.latest_text == shown(thread)[-1][1]


def test_a_late_event_takes_its_place(vendor, thread):
    """It arrives after later ones, with an earlier time."""
    for number in (20_000, 20_010):
        vendor.message(thread, number)
    full(connected(TOKEN))
    vendor.message(thread, 20_011, "Late", second=20_005)
    ask(thread)
    assert [text for _, text in shown(thread)] == ["Text 20000", "Late", "Text 20010"]
    assert Conversation.objects.get().latest_text == "Text 20010"


@few_ways
def test_pages_that_shift_while_they_are_walked(way, thread):
    """Texts keep coming between the pages of the first read."""
    numbers = itertools.count(20_000)
    for number in itertools.islice(numbers, 250):
        way.message(thread, number)
    new = iter(range(5))

    def text(run):
        if run.streams.get(name="messages").cursor.get("planned") and next(new, None) is not None:
            way.message(thread, next(numbers))

    account = connected(TOKEN)
    run = finish(request.start_full(account), text)
    assert run.state == SyncRun.State.DONE
    changes(account)
    assert shown(thread) == thread_of(way, thread)


@few_ways
def test_news_of_a_thread_that_comes_oldest_first_are_its_newest(way, thread):
    for number in range(20_000, 20_130):
        way.message(thread, number)
    thread["unread"] = 3
    full(connected(TOKEN))
    news = Message.objects.filter(is_news=True).order_by("rank").values_list("text", flat=True)
    assert list(news) == ["Text 20127", "Text 20128", "Text 20129"]
    way.message(thread, 20_200)
    ask(thread)
    assert Message.objects.filter(is_news=True).count() == 4


def claimed(conversation: dict) -> ThreadSync:
    return ThreadSync.objects.select_related("conversation__account").get(conversation__vendor_id=conversation["id"])


def test_a_look_that_is_asked_for_while_one_is_under_way_is_not_forgotten(vendor, thread):
    """Two texts in quick succession: the second one's event comes when the page without it is already on its way."""
    vendor.message(thread, 20_000)
    full(connected(TOKEN))
    vendor.message(thread, 20_001)
    key = Conversation.objects.get().pk
    asked = []

    def crossing(query):
        answer = vendor._honest("GET /messages/{id}/paginated", query["ids"], query)
        if not asked:
            asked.append(1)
            vendor.message(thread, 20_002)
            request.schedule_refresh(key)
            connection.close()
        return answer

    vendor.bend["GET /messages/{id}/paginated"] = crossing
    request.schedule_refresh(key)
    looks()
    assert [number for number, _ in shown(thread)] == [620_000, 620_001, 620_002]


def test_a_sync_does_not_swallow_a_look_that_was_asked_for_meanwhile(vendor, thread):
    vendor.message(thread, 20_000)
    account = connected(TOKEN)
    run = request.start_full(account)
    while not run.streams.get(name="messages").cursor.get("planned"):
        runner.advance_run(
            runner.claim_step(run.pk), gateway.open_session(account.pk, BudgetCall.Lane.SYNC, patience=5)
        )
    crossed = []

    def crossing(query):
        answer = vendor._honest("GET /messages/{id}/paginated", query["ids"], query)
        if not crossed:
            crossed.append(1)
            vendor.message(thread, 20_001)
            request.schedule_refresh(Conversation.objects.get().pk)
            connection.close()
        return answer

    vendor.bend["GET /messages/{id}/paginated"] = crossing
    assert finish(run).state == SyncRun.State.DONE
    assert ThreadSync.objects.get().due_at is not None
    looks()
    assert shown(thread) == thread_of(vendor, thread)


def test_a_look_beside_a_walk_leaves_it_its_place(vendor, thread):
    for number in range(20_000, 20_250):
        vendor.message(thread, number)
    account = connected(TOKEN)
    looked = []

    def beside(run):
        row = ThreadSync.objects.first()
        if row and row.cursor.get("page") == 2 and not looked:
            vendor.message(thread, 20_300)
            looked.append(ask(thread))
            again = ThreadSync.objects.get()
            assert (again.cursor, again.pending, again.complete) == (row.cursor, True, False)
            assert Message.objects.filter(vendor_id=620_300).exists(), "the refresh found nothing"

    run = finish(request.start_full(account), beside)
    assert looked == [1]
    assert shown(thread) == thread_of(vendor, thread)
    assert run.state == SyncRun.State.DONE


def test_a_look_that_was_too_slow_writes_nothing(vendor, thread):
    vendor.message(thread, 20_000)
    full(connected(TOKEN))
    vendor.message(thread, 20_001)
    key = Conversation.objects.get().pk

    def slow(query):
        answer = vendor._honest("GET /messages/{id}/paginated", query["ids"], query)
        ThreadSync.objects.update(lease_until=timezone.now(), due_at=timezone.now())
        connection.close()
        return answer

    vendor.bend["GET /messages/{id}/paginated"] = slow
    request.schedule_refresh(key)
    assert thread_refresh.refresh_thread(key) == 0
    assert len(shown(thread)) == 1
    vendor.bend.clear()
    looks()
    assert shown(thread) == thread_of(vendor, thread)


def test_a_look_in_trouble_is_put_off_and_made_up_for(vendor, thread):
    vendor.message(thread, 20_000)
    full(connected(TOKEN))
    vendor.message(thread, 20_001)
    vendor.bend["GET /messages/{id}/paginated"] = lambda query: (500, {"message": "Server Error"})
    key = Conversation.objects.get().pk
    request.schedule_refresh(key)
    pauses = []
    for _ in range(3):
        ThreadSync.objects.update(due_at=timezone.now())
        thread_refresh.refresh_thread(key)
        row = ThreadSync.objects.get()
        assert row.lease_until is None
        pauses.append((row.due_at - timezone.now()).total_seconds())
    assert 0 < pauses[0] < pauses[1] < pauses[2] <= 300
    vendor.bend.clear()
    ThreadSync.objects.update(due_at=timezone.now())
    looks()
    assert (ThreadSync.objects.get().failures, len(shown(thread))) == (0, 2)


@pytest.mark.parametrize("status", [403, 404])
def test_a_look_at_a_thread_that_is_not_given_ends(vendor, thread, status):
    vendor.message(thread, 20_000)
    full(connected(TOKEN))
    for name in ("GET /messages/{id}/paginated", "GET /messages/{id}"):
        vendor.bend[name] = lambda query: (status, {"message": "No."})
    assert ask(thread) == 1
    row = ThreadSync.objects.get()
    assert (row.due_at, row.lease_until) == (None, None)


def test_only_one_reads_a_thread_at_a_time(vendor, thread):
    full(connected(TOKEN))
    key = Conversation.objects.get().pk
    request.schedule_refresh(key)
    ThreadSync.objects.update(lease_until=timezone.now() + runner.step_lease())
    vendor.calls.clear()
    assert thread_refresh.refresh_thread(key) == 0
    assert vendor.calls.total() == 0


def test_the_dialect_is_learned(vendor, thread):
    vendor.paginated = False
    vendor.message(thread, 20_000)
    full(connected(TOKEN))
    assert Account.objects.get().thread_dialect == Account.ThreadDialect.BEFORE
    vendor.calls.clear()
    ask(thread)
    assert vendor.calls["GET /messages/{id}/paginated"] == 0


def test_somebody_who_looks_has_it_read_once_in_a_while(vendor, thread):
    vendor.message(thread, 20_000)
    full(connected(TOKEN))
    conversation = Conversation.objects.get()
    ThreadSync.objects.update(read_at=timezone.now() - request.FRESH * 2)
    for _ in range(3):
        request.watch_conversation(conversation)
    vendor.calls.clear()
    looks()
    request.watch_conversation(conversation)
    assert looks() == 0
    assert vendor.calls.total() == 1


def test_a_walk_that_was_fetched_is_stored_by_nobody_twice(vendor, thread):
    """Fetching writes nothing; storing the same page again changes nothing."""
    for number in range(20_000, 20_010):
        vendor.message(thread, number)
    full(connected(TOKEN))
    vendor.message(thread, 20_010)
    client = gateway.open_session(Account.objects.get().pk, BudgetCall.Lane.SYNC, patience=5).client
    first = fetch_thread_page(claimed(thread), client, deep=False)
    second = fetch_thread_page(claimed(thread), client, deep=False)
    assert len(shown(thread)) == 10
    with transaction.atomic():
        assert store_thread_page(first).changed == 1
    version = Conversation.objects.get().version
    with transaction.atomic():
        assert store_thread_page(second).changed == 0
    assert Conversation.objects.get().version == version
    assert shown(thread) == thread_of(vendor, thread)


def test_a_look_that_a_sync_overtook_leaves_it_its_place_and_is_dated_by_its_beginning(vendor, thread):
    """The sync begins to read the thread after the refresh has requested its page and before it is stored."""
    vendor.message(thread, 20_000)
    full(connected(TOKEN))
    vendor.message(thread, 20_001)
    client = gateway.open_session(Account.objects.get().pk, BudgetCall.Lane.EVENT, patience=5).client
    page = fetch_thread_page(claimed(thread), client, deep=False)
    answered = timezone.now()
    walking = {"deep": True, "page": 2, "size": 100}
    ThreadSync.objects.update(cursor=walking, pending=True)
    with transaction.atomic():
        assert store_thread_page(page).new == 1
    row = ThreadSync.objects.get()
    assert (row.cursor, row.pending) == (walking, True)
    assert row.read_at < answered, "what came since cannot be on that page"
