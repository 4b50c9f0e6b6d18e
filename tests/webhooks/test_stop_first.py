"""A STOP counts from the moment its event is stored, whatever else waits, and without a call to Salesmsg."""

import json
import uuid
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from integrations.access import webhook_address
from integrations.bulk import lifecycle, recipients
from integrations.contacts import opt_out
from integrations.models import Account, Budget, BulkRecipient, ConsentEntry, Contact, Conversation, WebhookEvent
from integrations.outbox import bulk_queue, compose
from integrations.webhooks import process
from tests import factories as f
from tests.outbox import conftest as outbox

from .test_receive import chunked, post, served  # noqa: F401 - a fixture

salesmsg, connected, staff = outbox.salesmsg, outbox.account, outbox.staff
PHONE, CONTACT, THREAD = "+13055550142", 5, 50


@pytest.fixture
def account(db) -> Account:
    return f.connected_account()


@pytest.fixture
def contact(account) -> Contact:
    made = f.contact(account, phone=PHONE, vendor_id=CONTACT)
    f.conversation(account, made, vendor_id=THREAD)
    return made


def refused(contact: Contact) -> bool:
    contact.refresh_from_db()
    return bool(opt_out.why_not_textable(contact))


def received(message: dict, name: str = "message.received", **data) -> dict:
    return {"event": name, "data": {"message": {"id": 7, **message}, **data}}


# --- Which events -----------------------------------------------------------------------------------------------------

STOP = {"body": "Stop."}
SHAPES = {
    "everything": received(
        STOP | {"conversation_id": THREAD, "contact_id": CONTACT}, contact={"id": CONTACT, "number": PHONE}
    ),
    "body_raw first": received({"body": "Stop.<br>", "body_raw": "stop", "contact_id": CONTACT}),
    "a nested contact's id": received(STOP, contact={"id": CONTACT}),
    "a nested contact's phone": received(STOP, contact={"number": PHONE}),
    "a phone in another spelling": received(STOP, contact={"number": "(305) 555-0142"}),
    "a contact id": received(STOP | {"contact_id": CONTACT}),
    "a conversation id": received(STOP | {"conversation_id": THREAD}),
    "a nested conversation": received(STOP, conversation={"id": THREAD}),
    "ids as text": received(STOP | {"conversation_id": str(THREAD)}),
    "an unknown contact with a known phone": received(STOP | {"contact_id": 999}, contact={"number": PHONE}),
    "an unknown contact of a known conversation": received(STOP | {"contact_id": 999, "conversation_id": THREAD}),
    "without an id of the message": {"event": "message.received", "data": {"message": STOP | {"contact_id": CONTACT}}},
    "a flat message": {"event": "message.received", "data": STOP | {"id": 7, "conversation_id": THREAD}},
    "no envelope": {"event": "message.received", "message": STOP | {"id": 7, "contact_id": CONTACT}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_stop_counts_in_every_shape(account, contact, shape):
    assert not refused(contact)
    assert post(account, SHAPES[shape]).status_code == 200
    assert refused(contact)
    entry = ConsentEntry.objects.get()
    assert (entry.phone, entry.kind, entry.source, entry.contact) == (PHONE, "opt_out", "keyword", contact)


def test_a_number_that_nobody_has_yet_is_opted_out(account):
    post(account, received(STOP, contact={"number": PHONE}))
    assert refused(f.contact(account, phone=PHONE))


def test_copies_of_an_event_are_one_entry(account, contact):
    for _ in range(3):
        post(account, SHAPES["everything"])
    assert ConsentEntry.objects.count() == 1


KNOWN = {"conversation_id": THREAD, "contact_id": CONTACT}
NOTHING = {
    "our own text": received(STOP | KNOWN, "message.sent"),
    "a note": received(STOP | KNOWN, "note.created"),
    "no name": {"data": {"message": STOP | KNOWN}},
    "an opt-in": received({"body": "START"} | KNOWN),
    "a sentence": received({"body": "please stop by at 5"} | KNOWN),
    "a doubt": received({"body": "please stop texting me"} | KNOWN),
    "no words": received(KNOWN),
    "words that are none": received({"body": ["STOP"]} | KNOWN),
    "nobody": received(STOP),
    "a stranger's ids": received(STOP | {"conversation_id": 998, "contact_id": 999}),
}


@pytest.mark.parametrize("what", NOTHING)
def test_other_events_opt_nobody_out(account, contact, what):
    post(account, NOTHING[what])
    assert not refused(contact)
    assert not ConsentEntry.objects.exists()
    assert WebhookEvent.objects.count() == 1


def test_an_opt_in_waits_for_salesmsg_s_word(account, contact):
    post(account, SHAPES["everything"])
    post(account, received({"id": 8, "body": "START"} | KNOWN))
    assert refused(contact)
    assert ConsentEntry.objects.get().kind == "opt_out"


def test_another_accounts_address_opts_out_there_alone(account, contact):
    other = f.connected_account("Northside Clinic")
    post(other, SHAPES["everything"])
    assert not refused(contact)


# --- Before everything that waits ---------------------------------------------------------------------------------


@pytest.mark.processes
def test_a_stop_overtakes_waiting_events_and_a_block(salesmsg, connected, staff, served):  # noqa: F811
    """Over HTTP: seventy events wait, and Salesmsg takes no call for a minute."""
    path = urlsplit(webhook_address(connected)).path
    people = list(Contact.objects.filter(account=connected, opted_out=False, blocked=False).order_by("pk"))
    conversation = Conversation.objects.filter(contact__in=people, closed_at=None).order_by("pk").first()
    target = conversation.contact
    draft = recipients.create_draft(staff, connected, [target, *[one for one in people if one.phone != target.phone]])
    recipients.write_text(staff, draft, "Hello")
    draft.refresh_from_db()
    lifecycle.start_bulk(staff, draft)
    threads = list(Conversation.objects.filter(account=connected).values_list("vendor_id", flat=True))
    for number in range(70):
        event = received({"id": 10_000 + number, "conversation_id": threads[number % len(threads)], "body": "Hi"})
        assert chunked(served, path, [json.dumps(event).encode()]) == 200
    until = timezone.now() + timedelta(minutes=1)
    Budget.objects.update_or_create(account=connected, defaults={"blocked_until": until})
    requests = salesmsg.state()["requests"]

    stop = received(STOP | {"id": 20_000, "contact_id": target.vendor_id, "conversation_id": conversation.vendor_id})
    assert chunked(served, path, [json.dumps(stop).encode()]) == 200

    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {WebhookEvent.State.NEW}, "none is processed"
    with pytest.raises(compose.CannotSend, match="opted out"):
        compose.queue_reply(staff, conversation, "Hello", uuid.uuid4())
    with pytest.raises(compose.CannotSend, match="opted out"):
        compose.queue_to_phone(staff, connected, target.phone, "Hello", uuid.uuid4())
    assert bulk_queue.next_message(connected.pk)
    row = BulkRecipient.objects.get(bulk=draft, contact=target)
    assert (row.state, row.reason_code) == (BulkRecipient.State.LEFT_OUT, "skip_opted_out")
    process.process_due(connected.pk)
    assert salesmsg.state()["requests"] == requests, "no call was made"
