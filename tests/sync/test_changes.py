"""Incremental syncs: what changed is found, with few calls, or by the long way where the order cannot be trusted."""

import urllib.request
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import mirror
from integrations.models import Account, Contact, Conversation, ListSync, Message, SyncRun, ThreadSync
from integrations.salesmsg.records import Conversation as Record
from integrations.sync import request, sweep

from .support import by_pages, changes, connected, differences, endpoints, finish, full, looks, writes
from .vendor import TOKEN, stamp

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
DONE = SyncRun.State.DONE


def api(world, method: str, path: str) -> None:
    asked = urllib.request.Request(world.url + path, method=method, headers={"Authorization": f"Bearer {world.pat}"})
    with urllib.request.urlopen(asked, timeout=10):
        pass


def calls_of(world, account) -> int:
    """The calls of a check for changes, which must succeed."""
    world.post("/sandbox/reset-counters", {})
    run = changes(account)
    assert (run.state, run.notes) == (DONE, [])
    calls = sum(endpoints(world).values())
    assert run.requests == calls
    return calls


def test_nothing_changed(world):
    account = connected()
    full(account)
    with writes() as written:
        assert calls_of(world, account) <= 4
    assert written == {}
    assert differences(world) == []


def test_a_new_message(world):
    account = connected()
    full(account)
    person = world.data()["contacts"][7]["id"]
    world.post(f"/sandbox/phone/{person}", {"text": "Is <b>this</b> & that new?"})
    assert calls_of(world, account) <= 1 + 5
    assert sum(count for name, count in endpoints(world).items() if name.startswith("GET /messages")) == 1
    message = Message.objects.latest("pk")
    assert (message.text, message.inbound, message.is_news) == ("Is <b>this</b> & that new?", True, True)
    assert differences(world, ignore=("updated_at",)) == []


def test_changes_of_every_kind_at_once(world):
    account = connected()
    full(account)
    data = world.data()
    contacts, conversations = data["contacts"], data["conversations"]
    openly = [row for row in conversations if row["closed_at"] is None]
    api(world, "PUT", f"/api/v4/contacts/{contacts[3]['id']}?first_name=Newname&email=newemail@example.com")
    api(world, "PUT", f"/pub/v2.2/contacts/opt-out/{contacts[4]['id']}")
    api(world, "PUT", f"/pub/v2.2/conversations/{openly[-1]['id']}/close")
    api(world, "POST", f"/pub/v2.2/conversations/{openly[-2]['id']}/reassign?user_id={data['users'][1]['id']}")
    world.post("/sandbox/phone/new", {"number": "+14155557777", "text": "First words", "name": "Neu Ling"})
    closed = next(row for row in conversations if row["closed_at"])
    world.post(f"/sandbox/phone/{closed['contact_id']}", {"text": "Open again", "inbox_id": closed["inbox_id"]})
    k = 6
    assert calls_of(world, account) <= k + 5
    assert differences(world) == []
    assert Contact.objects.get(first_name="Newname").email == "newemail@example.com"
    assert Conversation.objects.get(vendor_id=closed["id"]).is_open
    assert not Conversation.objects.get(vendor_id=openly[-1]["id"]).is_open
    assert Contact.objects.get(phone="+14155557777").raw, "the new contact is a stub"


def test_without_the_scope_contacts_are_read_page_by_page(world):
    account = by_pages(world)
    full(account)
    person = world.data()["contacts"][20]["id"]
    api(world, "PUT", f"/api/v4/contacts/{person}?first_name=Deep")
    pages = -(-len(world.data()["contacts"]) // 10)
    assert calls_of(world, account) <= 3 + 2 + pages, "what may not be used was tried again"
    assert Contact.objects.get(vendor_id=person).first_name == "Deep"
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED


def many(vendor, count=250, edited=()):
    """Contacts without conversations; the edited ones had been changed once before."""
    for number in range(1, count + 1):
        vendor.contact(number, updated_at=stamp(50_000 + number) if number in edited else stamp(number))
    account = connected(TOKEN)
    full(account)
    vendor.calls.clear()
    return account


def edit(vendor, number: int) -> None:
    vendor.contacts[number - 1] |= {"first_name": "Edited", "updated_at": stamp(80_000 + number)}


def test_an_edit_is_found_on_the_first_page_where_the_order_is_honoured(vendor):
    account = many(vendor, edited={40, 90})
    edit(vendor, 60)
    assert changes(account).changed == 1
    assert Contact.objects.filter(first_name="Edited").count() == 1
    assert vendor.calls["POST /contacts/list"] == 2


def test_no_edit_costs_one_page_where_the_order_is_honoured(vendor):
    account = many(vendor, edited={40, 90})
    assert changes(account).changed == 0
    assert vendor.calls["POST /contacts/list"] == 1


@pytest.mark.parametrize("edited", [set(), {40, 90}, {249}])
def test_an_edit_is_found_where_the_order_is_ignored(vendor, edited):
    """By the time of creation: never edited contacts stand in the right order by chance, and prove nothing."""
    vendor.list_sort = "created_at"
    account = many(vendor, edited=edited)
    edit(vendor, 60)
    run = changes(account)
    assert (run.state, run.changed) == (DONE, 1)
    assert Contact.objects.filter(first_name="Edited").count() == 1
    assert vendor.calls["POST /contacts/list"] == 3


def test_a_missing_list_endpoint_is_no_failure(vendor):
    account = many(vendor, count=30)
    vendor.list_allowed = False
    edit(vendor, 5)
    assert (changes(account).state, Contact.objects.filter(first_name="Edited").count()) == (DONE, 1)


def test_few_calls_in_a_large_account(vendor):
    vendor.cap = 10
    vendor.people(40, messages=1)
    account = connected(TOKEN)
    full(account)
    empty = vendor.conversation(vendor.contact(300), started_at=stamp(85_000))
    changes(account)
    vendor.calls.clear()
    changes(account)
    assert vendor.calls.total() <= 4, vendor.calls
    assert empty["last_message_at"] is None, "an empty conversation must not cost the trust in the order"
    moved = [vendor.conversations[place] for place in (3, 20, 39)]
    for turn, thread in enumerate(moved):
        vendor.message(thread, 90_000 + turn)
    vendor.calls.clear()
    run = changes(account)
    assert (run.state, run.changed) == (DONE, len(moved) * 2)
    assert vendor.calls.total() <= len(moved) + 5
    assert Message.objects.filter(vendor_id__gte=690_000).count() == 3


def test_conversations_in_no_order_are_all_read(vendor):
    vendor.cap = 10
    vendor.people(40, messages=1)
    account = connected(TOKEN)
    full(account)

    def by_id(query):
        found = [one for one in vendor.conversations if bool(one["closed_at"]) == (query["filter"] == "closed")]
        if query["filter"] == "outbound":
            found = []
        return found[int(query["offset"]) :][:10]

    vendor.bend["GET /conversations"] = by_id
    vendor.message(vendor.conversations[33], 90_000)
    run = changes(account)
    assert run.state == DONE
    assert Message.objects.filter(vendor_id=690_000).exists()


def test_no_last_message_is_told(vendor):
    """last_message is assumed: the time alone must do."""
    vendor.people(5, messages=1)
    for thread in vendor.conversations:
        thread["last_message"] = None
    account = connected(TOKEN)
    full(account)
    with writes() as written:
        assert full(account).changed == changes(account).changed == 0
    assert written == {}
    vendor.message(vendor.conversations[2], 90_000)
    vendor.conversations[2]["last_message"] = None
    vendor.calls.clear()
    changes(account)
    assert Message.objects.filter(vendor_id=690_000).exists()
    assert vendor.calls["GET /messages/{id}/paginated"] == 1


def test_a_failed_look_is_made_up_for(vendor):
    """The list was stored, the threads were not: the next check reads them although the list says nothing new."""
    vendor.people(5, messages=1)
    account = connected(TOKEN)
    full(account)
    vendor.message(vendor.conversations[2], 90_000)
    vendor.bend["GET /messages/{id}/paginated"] = lambda query: (422, {"message": "Not now."})
    assert changes(account).state == SyncRun.State.FAILED
    del vendor.bend["GET /messages/{id}/paginated"]
    assert changes(account).state == DONE
    assert Message.objects.filter(vendor_id=690_000).exists()
    account.refresh_from_db()
    assert not account.reason, "an old failure is shown for ever"


def test_a_quick_look_at_a_few_lists_is_no_answer_to_a_wish_for_all(vendor):
    account = many(vendor, count=5)
    small = request.start_quick_changes(account, ["open"])
    assert request.start_quick_changes(account, ["open"]) == small
    assert list(small.streams.values_list("name", flat=True)) == ["open", "messages"]
    large = request.start_changes(account)
    assert large != small
    small.refresh_from_db()
    assert small.state == SyncRun.State.STOPPED
    assert request.start_changes(account) == request.start_quick_changes(account, ["open", "contacts"]) == large
    assert request.start_full(account) != large
    large.refresh_from_db()
    assert large.state == SyncRun.State.STOPPED
    assert request.start_changes(account).kind == request.start_comparison(account).kind == SyncRun.Kind.FULL


def test_news_are_looked_for_while_a_full_sync_reads_threads(vendor):
    """A first sync may take hours: what happens meanwhile must not wait for its end."""
    vendor.people(6, messages=1)
    account = connected(TOKEN)
    whole = request.start_full(account)
    beside = []

    def text(current):
        if not beside and not current.streams.exclude(name="messages").filter(done=False).exists():
            vendor.message(vendor.conversations[0], 90_000)
            beside.append(request.start_quick_changes(account, ["open"]))
            assert beside[0] != whole
            assert finish(beside[0]).state == DONE
            assert Message.objects.filter(vendor_id=690_000).exists()

    assert finish(whole, text).state == DONE
    assert beside
    assert Message.objects.count() == 7


def test_a_look_beside_a_full_sync_reads_news_and_no_history(vendor):
    """What the full sync is about to read is left to it: news would wait behind it otherwise."""
    vendor.people(12, messages=1)
    account = connected(TOKEN)
    whole, looked = request.start_full(account), []

    def look(current):
        if not looked and current.streams.get(name="messages").seen == 3:
            vendor.message(vendor.conversations[0], 90_000)
            looked.append(finish(request.start_quick_changes(account, ["open"])))

    run = finish(whole, look)
    assert looked[0].streams.get(name="messages").seen == 1
    assert (run.state, run.threads.count()) == (DONE, 11)
    assert Message.objects.count() == 13


def test_an_event_about_a_new_thread_reads_its_history(vendor):
    """No other run is about to: the gap would stay."""
    account = many(vendor, count=1)
    thread = vendor.conversation(vendor.contacts[0])
    for number in range(130):
        vendor.message(thread, 20_000 + number)
    mirror.upsert_conversations(account.pk, [Record.parse(thread)])
    conversation = Conversation.objects.get()
    request.schedule_refresh(conversation.pk)
    vendor.calls.clear()
    assert looks() == 2
    assert (Message.objects.count(), ThreadSync.objects.get().complete) == (130, True)
    assert vendor.calls == {"GET /messages/{id}/paginated": 2}


def test_progress_of_a_look(vendor):
    account = many(vendor, count=5)
    run = finish(request.start_quick_changes(account, ["open"]), lambda current: request.progress(account))
    progress = request.progress_of(run)
    assert (progress.fraction, progress.eta_seconds) == (1.0, None)
    assert all(stream.done for stream in progress.streams)


def test_what_was_closed_far_below_is_found_by_the_comparison(vendor):
    """It takes its old place in the list of closed ones; nothing of it comes to the front."""
    vendor.cap = 10
    threads = vendor.people(50, messages=1)
    for thread in threads[10:30]:
        thread["closed_at"] = "2026-01-20 00:00:00"
    account = connected(TOKEN)
    full(account)
    threads[0]["closed_at"] = "2026-01-21 00:00:00"
    changes(account)
    assert Conversation.objects.get(vendor_id=threads[0]["id"]).is_open
    ListSync.objects.update(due_at=timezone.now() + timedelta(hours=1))
    ListSync.objects.filter(name="check").update(due_at=timezone.now())
    sweep.wake_due_work()
    run = SyncRun.objects.get(state=SyncRun.State.RUNNING)
    assert (run.kind, run.lane) == (SyncRun.Kind.CHECK, "idle")
    assert finish(run).changed == 1
    assert not Conversation.objects.get(vendor_id=threads[0]["id"]).is_open
    known = ListSync.objects.get(name="check")
    assert known.repaired == 1
    assert known.due_at > timezone.now() + timedelta(minutes=30)
