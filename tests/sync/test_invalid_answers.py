"""Answers that cannot be right: the run fails with words, and is never called complete."""

import pytest

from integrations.failures import Code, Reason
from integrations.models import Account, Contact, Conversation, Message, SyncRun, ThreadSync
from integrations.sync import checkpoints, request
from integrations.sync import thread as threads

from .support import connected, finish, full, writes
from .vendor import TOKEN

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def failed(account: Account) -> Reason:
    run = full(account)
    assert run.state == SyncRun.State.FAILED
    account.refresh_from_db()
    assert account.synced_at is None
    assert account.reason == run.reason
    assert run.finished_at
    return run.reason


@pytest.fixture
def account(vendor):
    vendor.people(25)
    for place, thread in enumerate(vendor.conversations[:6]):
        vendor.message(thread, 10_000 + place)
    vendor.list_allowed = False  # ten a page: more of them can go wrong
    return connected(TOKEN)


def test_it_is_honest_without_a_bend(vendor, account):
    assert full(account).state == SyncRun.State.DONE
    assert (Contact.objects.count(), Conversation.objects.count(), Message.objects.count()) == (25, 25, 6)


def test_the_same_page_of_contacts_twice(vendor, account):
    vendor.bend["GET /contacts"] = lambda query: vendor.page(vendor.contacts, 1, 10)
    assert failed(account) == Reason(Code.LIST_REPEATS_PAGE, {"list": "contacts"})


def test_the_same_page_of_conversations_twice(vendor, account):
    vendor.cap = 10
    vendor.bend["GET /conversations"] = lambda query: vendor.listed(query | {"offset": 0})
    assert failed(account) == Reason(Code.LIST_REPEATS_PAGE, {"list": "open"})


def test_the_same_page_of_messages_twice(vendor, account):
    thread = vendor.conversations[0]
    for number in range(130):
        vendor.message(thread, 20_000 + number)
    answer = vendor.page(vendor.threads[thread["id"]], 1, 100)
    vendor.bend["GET /messages/{id}/paginated"] = lambda query: answer if query["ids"] == [thread["id"]] else None
    assert failed(account).code == Code.THREAD_REPEATS_PAGE


@pytest.mark.parametrize("endpoint", ["GET /contacts", "GET /conversations"])
def test_an_unknown_envelope(vendor, account, endpoint):
    for answer in ({"items": []}, {"data": {"rows": []}}, "soon", 7, {"message": "OK"}):
        vendor.bend[endpoint] = lambda query, answer=answer: answer
        assert endpoint in failed(account).text
        assert not Conversation.objects.exists()


def test_rows_of_a_wrong_shape(vendor, account):
    for rows in (["Ana", "Ben"], [{"name": "without an id"}], [[1, 2]], [{"id": "x"}], [None]):
        vendor.bend["GET /conversations"] = lambda query, rows=rows: rows
        assert failed(account)
        assert not Conversation.objects.exists()


def test_a_total_that_shrinks_every_time(vendor, account):
    totals = iter(range(100, 0, -1))

    def shrinking(query):
        answer = vendor.page(vendor.contacts, query["page"], 10)
        answer["meta"]["total"] = next(totals)
        return answer

    vendor.bend["GET /contacts"] = shrinking
    assert failed(account) == Reason(Code.LIST_SHRANK, {"list": "contacts", "restarts": 2})


def test_a_list_that_ends_before_its_total(vendor, account):
    def short(query):
        answer = vendor.page(vendor.contacts[:20], query["page"], 10)
        answer["meta"]["total"] = 25
        return answer

    vendor.bend["GET /contacts"] = short
    run = full(account)
    assert run.state == "done"
    assert run.notes == [{"code": "count_differs", "params": {"total": 25, "seen": 20}, "quote": ""}]
    assert vendor.calls["GET /contacts"] == 2 * 2, "one more full sync, to see whether rows were skipped"


def test_a_list_that_ends_elsewhere_before_its_total_each_time(vendor, account):
    walks = iter(range(10))

    def short(query):
        answer = vendor.page(vendor.contacts[: 5 + next(walks)], 1, 10)
        answer["meta"] |= {"total": 25, "last_page": 1}
        return answer

    vendor.bend["GET /contacts"] = short
    reason = failed(account)
    assert (reason.code, reason.params["seen"], reason.params["total"]) == (Code.LIST_INCOMPLETE, 7, 25)


def test_a_list_of_conversations_that_loses_rows_every_time(vendor, account):
    """Two answers without a row in common: what stood between them may have been jumped over."""
    vendor.cap = 10
    vendor.bend["GET /conversations"] = lambda query: vendor.listed(
        query | {"offset": int(query["offset"]) and int(query["offset"]) + 3}
    )
    assert failed(account) == Reason(Code.LIST_SHRANK, {"list": "open", "restarts": 2})


def test_conversations_that_leave_the_list_while_it_is_walked_are_not_lost(vendor, account):
    vendor.cap = 10

    def close_some(run):
        if run.streams.get(name="open").pages == 1 and not vendor.conversations[-1]["closed_at"]:
            for thread in vendor.conversations[-4:]:
                thread["closed_at"] = "2026-01-02 00:00:00"

    run = finish(request.start_full(account), close_some)
    assert (run.state, run.streams.get(name="open").restarts) == (SyncRun.State.DONE, 1)
    assert Conversation.objects.count() == 25
    assert Conversation.objects.exclude(closed_at=None).count() == 4


def test_a_list_that_never_ends(vendor, account, monkeypatch):
    monkeypatch.setattr(checkpoints, "MOST_PAGES", 12)

    def endless(query):
        first = int(query["page"]) * 10
        return {"data": [{"id": first + turn, "number": ""} for turn in range(10)]}

    vendor.bend["GET /contacts"] = endless
    assert failed(account) == Reason(Code.LIST_ENDLESS, {"list": "contacts"})


def test_a_list_that_runs_in_circles(vendor, account, monkeypatch):
    monkeypatch.setattr(checkpoints, "MOST_IDLE", 4)
    vendor.bend["GET /contacts"] = lambda query: vendor.page(vendor.contacts, 1 + int(query["page"]) % 2, 10)["data"]
    assert failed(account) == Reason(Code.LIST_CIRCLES, {"list": "contacts"})
    assert vendor.calls["GET /contacts"] == 2 + 4 + 1


def test_a_thread_that_never_ends(vendor, account, monkeypatch):
    monkeypatch.setattr(threads, "MOST_PAGES", 3)
    vendor.bend["GET /messages/{id}/paginated"] = lambda query: [
        {"id": int(query["page"]) * 1000 - turn, "status": "received", "created_at": "2026-01-01 00:00:00"}
        for turn in range(10)
    ]
    assert failed(account).code == Code.THREAD_ENDLESS


def test_a_list_that_may_not_be_read(vendor, account):
    vendor.bend["GET /conversations"] = lambda query: (403, {"message": "Forbidden by role."})
    assert failed(account).params["list"] == "open"


@pytest.mark.parametrize("status", [403, 404])
def test_a_few_threads_that_may_not_be_read_do_not_stop_the_others(vendor, account, status):
    locked = {thread["id"] for thread in vendor.conversations[:2]}
    for name in ("GET /messages/{id}/paginated", "GET /messages/{id}"):
        vendor.bend[name] = lambda query: (status, {"message": "No."}) if query["ids"][0] in locked else None
    run = full(account)
    assert run.state == SyncRun.State.DONE
    assert len(run.notes) == 2
    assert Message.objects.count() == 4
    before = vendor.calls.total()
    assert finish(request.start_changes(account)).state == SyncRun.State.DONE
    assert vendor.calls.total() - before <= 3 + 3, "locked threads are asked for again and again"


def test_no_thread_may_be_read(vendor, account):
    """That is the token's scope, and no account without messages."""
    vendor.bend["GET /messages/{id}/paginated"] = lambda query: (403, {"message": "No."})
    assert failed(account).params["list"] == "messages"
    assert vendor.calls["GET /messages/{id}/paginated"] < 6


@pytest.mark.parametrize("status", [403, 404])
def test_what_the_inbox_can_do_without_is_noted_and_left_out(vendor, account, status):
    for path in ("/organization/current", "/organization/members", "/teams", "/teams/all", "/numbers"):
        vendor.bend[f"GET {path}"] = lambda query: (status, {"message": "No."})
    run = full(account)
    assert run.state == SyncRun.State.DONE
    assert len(run.notes) == 4
    assert Message.objects.count() == 6


def test_numbers_that_ignore_the_page_are_noted(vendor, account):
    vendor.bend["GET /numbers"] = lambda query: [{"id": 1, "number": "+13055550100"}]
    run = full(account)
    assert run.state == SyncRun.State.DONE
    assert any(note["params"].get("list") == "numbers" for note in run.notes)
    assert account.numbers.count() == 1


def test_many_contacts_that_are_not_listed_are_kept_and_told(vendor):
    for number in range(1, 91):
        vendor.contact(number)
    account = connected(TOKEN)
    full(account)
    vendor.contacts = vendor.contacts[:30]
    run = full(account)
    assert run.state == SyncRun.State.DONE
    assert [(note["code"], note["params"]) for note in run.notes] == [("many_contacts_missing", {"count": 60})]
    assert Contact.objects.present().count() == 90
    assert vendor.calls["GET /contacts/{id}"] == 0


def test_a_contact_that_is_not_listed_but_exists_is_kept(vendor, account):
    full(account)
    hidden = vendor.contacts[3]
    vendor.bend["GET /contacts"] = lambda query: vendor.page(
        [one for one in vendor.contacts if one is not hidden], query["page"], 10
    )
    run = full(account)
    assert (run.state, run.streams.get(name="deleted").seen) == (SyncRun.State.DONE, 1)
    assert vendor.calls["GET /contacts/{id}"] == 1
    assert not Contact.objects.exclude(deleted_at=None).exists()


def test_times_that_do_not_agree_settle_at_once(vendor, account):
    """The conversation's last_message_at is not its last message's created_at: no second sync writes anything."""
    for thread in vendor.conversations:
        thread["last_message_at"] = "2026-01-09 00:00:00"
    vendor.conversation(vendor.contact(26))
    full(account)
    with writes() as written:
        assert full(account).changed == 0
        assert full(account).changed == 0
    assert written == {}
    assert not ThreadSync.objects.filter(complete=False).exists()
