"""What becomes of an event: a hint, whatever it says; in any order and any number it ends in the vendor's truth."""

import json
import random
import uuid

import pytest
from django.utils import timezone

from integrations import crypto
from integrations.models import Account, Contact, Conversation, Message, SyncRun, ThreadSync, WebhookEvent
from integrations.sync import thread_refresh
from integrations.webhooks import process
from tests.sync.support import connected, full, looks, vendor_settings  # noqa: F401
from tests.sync.vendor import TOKEN, Vendor, stamp, thread_of

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
State = WebhookEvent.State


@pytest.fixture
def vendor(vendor_settings):  # noqa: F811
    with Vendor() as running:
        vendor_settings(running.url)
        yield running


@pytest.fixture
def account(vendor) -> Account:
    """Two people with a conversation each, and nothing else that is known."""
    vendor.people(2, messages=1)
    made = connected(TOKEN)
    full(made)
    vendor.calls.clear()
    return made


def event(account: Account, name: str, data, *, body: str | None = None) -> WebhookEvent:
    text = body if body is not None else json.dumps({"event": name, "data": data})
    return WebhookEvent.objects.create(account=account, name=name, body=text, digest=crypto.digest(text))


def about(message: dict, contact: dict | None = None) -> dict:
    """data of a message event (section 7): "" and 0 stand for nothing, and the body is not to be believed."""
    wire = {key: message[key] for key in ("id", "conversation_id", "contact_id", "status", "created_at")}
    wire |= {"body": "FORGED " + message["body"], "user_id": 0, "sent_at": "", "type": "sms"}
    return {
        "message": wire,
        "contact": contact and {"id": contact["id"], "full_name": "FORGED", "number": contact["number"]},
    }


def told(one: WebhookEvent) -> str:
    """Processes it, and runs the refreshes that follow."""
    state = process.process_event(one.pk)
    looks()
    return state


def cache() -> dict:
    """All that the vendor owns, by its ids."""
    return {
        "contacts": {
            row.vendor_id: (row.first_name, row.phone, row.opted_out, bool(row.deleted_at), row.raw)
            for row in Contact.objects.all()
        },
        "conversations": {
            row.vendor_id: (row.contact.vendor_id, row.closed_at, row.latest_text, row.latest_at)
            for row in Conversation.objects.select_related("contact")
        },
        "messages": [
            (row.conversation.vendor_id, row.vendor_id, row.text, row.state, row.media)
            for row in Message.objects.select_related("conversation").order_by("conversation__vendor_id", "at", "rank")
        ],
    }


# -- one event ----------------------------------------------------------------------------------------------


def test_an_inbound_text_costs_one_call(vendor, account):
    text = vendor.message(vendor.conversations[0], 20_000, "Hello")
    assert told(event(account, "message.received", about(text, vendor.contacts[0]))) == State.DONE
    assert vendor.calls.total() == 1
    row = Message.objects.get(vendor_id=text["id"])
    assert (row.text, row.inbound, row.is_news) == ("Hello", True, True)


def test_one_that_was_read_since_costs_none(vendor, account):
    text = vendor.message(vendor.conversations[0], 20_000)
    ThreadSync.objects.update(read_at=timezone.now() + process.HEAD_START * 4)
    assert told(event(account, "message.received", about(text))) == State.DONE
    assert vendor.calls.total() == 0


def ours(account: Account, message: dict, **values) -> Message:
    """A text that the portal sent itself, or is sending."""
    conversation = Conversation.objects.get(vendor_id=message["conversation_id"])
    Message.objects.filter(vendor_id=message["id"]).delete()
    fields = {"state": "sent", "vendor_id": message["id"], "client_uuid": uuid.uuid4(), "at": timezone.now(), "rank": 1}
    return Message.objects.create(account=account, conversation=conversation, text="Ours", **{**fields, **values})


def test_our_own_text_costs_no_call(vendor, account):
    """Its response already contained everything."""
    message = vendor.message(vendor.conversations[0], 20_000, "Ours", status="sent")
    ours(account, message)
    assert told(event(account, "message.sent", about(message))) == State.DONE
    assert vendor.calls.total() == 0


def test_an_event_that_overtakes_the_answer_waits_for_it(vendor, account):
    message = vendor.message(vendor.conversations[0], 20_000, "Ours", status="sent")
    sending = ours(account, message, state="sending", vendor_id=None, claimed_at=timezone.now())
    early = event(account, "message.sent", about(message))
    assert told(early) == State.NEW
    assert vendor.calls.total() == 0
    Message.objects.filter(pk=sending.pk).update(state="sent", vendor_id=message["id"])
    WebhookEvent.objects.update(due_at=timezone.now())
    assert told(early) == State.DONE
    assert vendor.calls.total() == 0


def test_an_event_about_somebody_elses_text_is_not_kept_waiting_for_ever(vendor, account):
    message = vendor.message(vendor.conversations[0], 20_000, "Ours", status="sent")
    ours(account, message, state="sending", vendor_id=None, claimed_at=timezone.now())
    one = event(account, "message.sent", about(message))
    for _ in range(process.EARLY_TRIES):
        assert told(one) == State.NEW
        WebhookEvent.objects.update(due_at=timezone.now())
    assert told(one) == State.DONE
    assert vendor.calls.total() >= 1


def test_a_new_conversation_of_a_new_contact_is_fetched_whole(vendor, account):
    contact = vendor.contact(3)
    text = vendor.message(vendor.conversation(contact, unread=1), 20_000, "First")
    assert told(event(account, "message.received", about(text, contact))) == State.DONE
    row = Contact.objects.get(vendor_id=contact["id"])
    assert (row.first_name, bool(row.raw)) == ("Ana3", True), "only what the event contained"
    assert Conversation.objects.get(contact=row).latest_text == "First"
    assert Message.objects.get(vendor_id=text["id"]).is_news
    assert vendor.calls.total() == 3


def test_a_text_opens_a_closed_conversation_again(vendor, account):
    thread = vendor.conversations[0]
    Conversation.objects.filter(vendor_id=thread["id"]).update(closed_at=timezone.now())
    told(event(account, "message.received", about(vendor.message(thread, 20_000))))
    assert Conversation.objects.get(vendor_id=thread["id"]).is_open


def test_a_call_without_a_contact_is_read(vendor, account):
    call = vendor.message(
        vendor.conversations[1], 20_000, "", type="call", source="call", status="record", body="", body_raw=""
    )
    assert told(event(account, "call.inbound_ended", about(call) | {"sid": "CA0", "duration": 5})) == State.DONE
    assert Message.objects.get(vendor_id=call["id"]).kind == "call"


def test_a_contacts_event_reads_the_contact(vendor, account):
    vendor.contacts[0] |= {"first_name": "Newname", "updated_at": stamp(80_000)}
    forged = {"contact": {"id": vendor.contacts[0]["id"], "full_name": "FORGED", "opt_out": True}}
    assert told(event(account, "contact.updated", forged)) == State.DONE
    row = Contact.objects.get(vendor_id=vendor.contacts[0]["id"])
    assert (row.first_name, row.opted_out, vendor.calls.total()) == ("Newname", False, 1)
    vendor.contact(9)
    told(event(account, "contact.created", {"contact": {"id": 1009}}))
    assert Contact.objects.get(vendor_id=1009).first_name == "Ana9"


def test_a_contact_that_is_gone_is_marked(vendor, account):
    gone = vendor.contacts.pop(0)
    assert told(event(account, "contact.updated", {"contact": {"id": gone["id"]}})) == State.DONE
    assert Contact.objects.get(vendor_id=gone["id"]).deleted_at


@pytest.mark.parametrize("word", ["STOP", " stop ", "Unsubscribe", "START"])
def test_a_stop_by_text_is_known_at_once(vendor, account, word):
    vendor.contacts[0] |= {"opt_out": True, "updated_at": stamp(80_000)}
    data = about(vendor.message(vendor.conversations[0], 20_000, word))
    data["message"]["body"] = word
    told(event(account, "message.received", data))
    assert not Contact.objects.get(vendor_id=vendor.contacts[0]["id"]).textable


@pytest.mark.parametrize("known", [True, False], ids=["known phone", "new phone"])
def test_a_phone_alone_is_enough(vendor, account, known):
    contact = vendor.contacts[0] if known else vendor.contact(3)
    thread = vendor.conversations[0] if known else vendor.conversation(contact)
    text = vendor.message(thread, 20_000, "By phone")
    data = {"message": {"id": text["id"], "body": "x"}, "contact": {"number": contact["number"]}}
    assert told(event(account, "message.received", data)) == State.DONE
    assert Message.objects.filter(vendor_id=text["id"]).exists()


def test_a_phone_that_nobody_has_changes_nothing(vendor, account):
    before = cache()
    told(event(account, "message.received", {"contact": {"number": "+13055559999"}}))
    assert cache() == before
    assert vendor.calls.total() == 1


# -- unknown events --------------------------------------------------------------------------------


UNREADABLE = (
    "", "no json", "[]", "null", "7", '"x"', "{}", '{"event": 5}', '{"data": []}', "[" * 100_000,
    '{"data": {"message": [1]}}',
    '{"data": {"message": {"conversation_id": 1e999}}}',
    '{"data": {"message": {"conversation_id": true}}}',
    '{"data": {"contact": {"id": -5, "number": {"a": 1}}}}',
    '{"data": {"contact": {"id": "99999999999999999999999"}}}',
)  # fmt: skip


def test_what_cannot_be_read_is_kept(vendor, account):
    before = cache()
    for body in UNREADABLE:
        one = event(account, "message.received", None, body=body)
        assert told(one) == State.UNKNOWN, body[:60]
        one.refresh_from_db()
        assert (one.body, bool(one.reason), vendor.calls.total()) == (body, True, 0)
    assert cache() == before


def test_an_unknown_kind_is_kept_and_what_it_names_is_read(vendor, account):
    text = vendor.message(vendor.conversations[0], 20_000)
    one = event(account, "mystery.happened", about(text))
    assert told(one) == State.UNKNOWN
    one.refresh_from_db()
    assert one.reason
    assert Message.objects.filter(vendor_id=text["id"]).exists()


@pytest.mark.parametrize("name", ["message.received", "contact.updated", "message.failed", "contact.opted_out"])
def test_a_forged_event_about_what_is_known_costs_one_fetch_and_changes_nothing(vendor, account, name):
    before = cache()
    data = about(vendor.threads[vendor.conversations[0]["id"]][0], vendor.contacts[0])
    data["contact"] |= {"opt_out": True, "is_blocked": True}
    data["message"] |= {"status": "failed", "id": 999}
    told(event(account, name, data))
    assert cache() == before
    assert vendor.calls.total() == 1


@pytest.mark.parametrize("name", ["message.received", "contact.updated"])
def test_a_forged_event_about_nothing_costs_one_fetch(vendor, account, name):
    before = cache()
    data = {"message": {"id": 1, "conversation_id": 4242, "contact_id": 4242}, "contact": {"id": 4242}}
    one = event(account, name, data)
    state = told(one)
    assert state == (State.FAILED if name == "message.received" else State.DONE)
    assert cache() == before
    assert vendor.calls.total() == 1


# -- trouble ------------------------------------------------------------------------------------------------


def test_trouble_is_waited_for_and_then_given_up(vendor, account):
    vendor.bend["GET /contacts/{id}"] = lambda query: (500, {"message": "Server Error"})
    one = event(account, "contact.updated", {"contact": {"id": 1001}})
    assert process.process_event(one.pk) == State.NEW
    one.refresh_from_db()
    assert one.due_at > timezone.now()
    assert process.process_event(one.pk) == "", "before its time"
    for _ in range(process.MOST_ATTEMPTS - 1):
        WebhookEvent.objects.update(due_at=timezone.now())
        state = process.process_event(one.pk)
    assert state == State.FAILED
    one.refresh_from_db()
    assert one.reason
    vendor.bend.clear()
    process.process_again(one)
    assert told(one) == State.DONE


def test_a_wait_for_the_limit_is_no_attempt(vendor, account):
    vendor.bend["GET /contacts/{id}"] = lambda query: (429, {"message": "Too Many Requests"})
    one = event(account, "contact.updated", {"contact": {"id": 1001}})
    assert process.process_event(one.pk) == State.NEW
    one.refresh_from_db()
    assert (one.attempts, one.state) == (0, State.NEW)


def test_one_whose_worker_is_killed_again_and_again_is_given_up(vendor, account):
    one = event(account, "contact.updated", {"contact": {"id": 1001}})
    WebhookEvent.objects.update(attempts=process.MOST_ATTEMPTS)
    assert process.process_event(one.pk) == State.FAILED
    assert vendor.calls.total() == 0


def test_two_workers_do_it_once(vendor, account):
    one = event(account, "contact.updated", {"contact": {"id": 1001}})
    assert (process.process_event(one.pk), process.process_event(one.pk)) == (State.DONE, "")
    assert vendor.calls.total() == 1


def test_a_disconnected_account_fails_its_events(vendor, account):
    Account.objects.update(state=Account.State.DISCONNECTED)
    account.credential.delete()
    one = event(account, "contact.updated", {"contact": {"id": 1001}})
    assert process.process_event(one.pk) == State.FAILED
    assert vendor.calls.total() == 0


def test_the_sweep_finds_what_was_not_woken(vendor, account):
    one = event(account, "contact.updated", {"contact": {"id": 1001}})
    assert process.wake_due() == 0
    WebhookEvent.objects.update(due_at=timezone.now() - timezone.timedelta(seconds=5))
    assert process.wake_due() == 1
    told(one)
    assert process.wake_due() == 0


# -- any order ----------------------------------------------------------------------------------------------


def a_busy_day(vendor: Vendor, chance: random.Random):
    """Changes at the vendor, one by one; yields the event that reports each."""
    numbers = iter(range(30_000, 40_000))
    people = vendor.contacts[:]
    for turn in range(14):
        kind = chance.choice(["text", "text", "text", "ours", "edit", "stop", "new", "picture"])
        contact = chance.choice(people)
        thread = next(one for one in vendor.conversations if one["contact_id"] == contact["id"])
        if kind == "new":
            contact = vendor.contact(100 + turn)
            people.append(contact)
            thread = vendor.conversation(contact)
            yield "contact.created", {"contact": {"id": contact["id"]}}
        if kind == "edit":
            contact |= {"first_name": f"Edit {turn}", "updated_at": stamp(70_000 + turn)}
            yield "contact.updated", {"contact": {"id": contact["id"], "full_name": "FORGED"}}
        elif kind == "stop":
            text = vendor.message(thread, next(numbers), "STOP")
            contact |= {"opt_out": True, "updated_at": stamp(70_000 + turn)}
            data = about(text)
            data["message"]["body"] = "STOP"
            yield "message.received", data
        elif kind == "ours":
            text = vendor.message(thread, next(numbers), status="queued", received_at=None, user_id=60031)
            yield "message.sent", about(text, contact)
            text |= {"status": "delivered", "sent_at": text["created_at"], "delivered_at": text["created_at"]}
            yield "message.delivered", about(text, contact)
        elif kind == "picture":
            text = vendor.message(thread, next(numbers), type="mms", mms_status="busy")
            yield "message.received", about(text, contact)
            text |= {
                "mms_status": "done",
                "media": [{"id": turn + 1, "source": f"https://media.example.com/{turn}.jpg"}],
            }
            yield "message.received", about(text, contact)
        else:
            text = vendor.message(thread, next(numbers), second=40_000 + turn // 3)
            yield "message.received", about(text, contact)


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_any_number_of_events_ends_in_the_vendors_truth(vendor, account, seed):
    """Events come after what they report, at any later time, repeated and overtaking each other."""
    chance = random.Random(f"events {seed}")
    on_their_way: list[WebhookEvent] = []
    for name, data in a_busy_day(vendor, chance):
        on_their_way += [event(account, name, data) for _ in range(chance.choice([1, 1, 2, 3]))]
        while on_their_way and chance.random() < 0.35:
            one = on_their_way.pop(chance.randrange(len(on_their_way)))
            told(one) if chance.random() < 0.7 else process.process_event(one.pk)
    chance.shuffle(on_their_way)
    for one in on_their_way:
        process.process_event(one.pk)
    looks()
    ThreadSync.objects.exclude(due_at=None).update(due_at=timezone.now())  # the refreshes for delivery and pictures
    looks_once()
    by_events = cache()
    for thread in vendor.conversations:
        shown = [(number, text) for key, number, text, *_ in by_events["messages"] if key == thread["id"]]
        assert shown == thread_of(vendor, thread)
    assert not WebhookEvent.objects.exclude(state=State.DONE).exists()
    run = full(account)
    assert run.state == SyncRun.State.DONE
    assert cache() == by_events, "the full sync knew better"


def looks_once() -> None:
    for key in ThreadSync.objects.filter(due_at__lte=timezone.now()).values_list("conversation_id", flat=True):
        thread_refresh.refresh_thread(key)
