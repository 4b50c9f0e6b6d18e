"""Events (section 7)."""

import threading

from tests.harness.sandbox import PATIENCE

from .conftest import eventually


def test_a_text_of_the_contact(start, receiver):
    hook = receiver()
    vendor = start(contacts=5, webhook=hook.url)
    contact = vendor.any_contact()
    message = vendor.own(f"phone/{contact['id']}", {"text": "Yes, 10 works"})
    data = eventually(lambda: hook.named("message.received"))[0]
    told = data["message"]
    assert told["id"] == message["id"] and told["conversation_id"] == message["conversation_id"]
    assert told["status"] == "received" and told["user_id"] == 0 and told["sent_at"] == ""
    assert "body_raw" not in told
    assert data["contact"]["number"] == contact["number"] and data["user"] is None
    assert data["inbox"]["name"] and data["number"]["formatted_number"]
    assert eventually(lambda: vendor.state()["webhooks"] == {"sent": 1, "failed": 0})


def test_our_own_send_is_told_when_it_is_sent_and_its_delivery_is_not(start, receiver):
    hook = receiver()
    vendor = start(contacts=5, webhook=hook.url)
    thread = vendor.thread_of(vendor.any_contact())["id"]
    sent = vendor.post(f"/messages/{thread}", params={"message": "Does 10 work?"}).json()
    data = eventually(lambda: hook.named("message.sent"))[0]
    assert data["message"]["id"] == sent["id"] and data["message"]["status"] == "sent"
    assert data["user"] == {"id": 60031, "full_name": "Sam Ortiz"}
    eventually(lambda: vendor.state()["messages"][0]["status"] == "delivered")
    vendor.own("settings", {"delivery_events": True})
    vendor.post(f"/messages/{thread}", params={"message": "And 11?"})
    eventually(lambda: hook.named("message.delivered"))
    assert len(hook.named("message.sent")) == 2 and len(hook.named("message.delivered")) == 1


def test_contacts_and_calls(start, receiver):
    hook = receiver()
    vendor = start(contacts=5, webhook=hook.url)
    made = vendor.post("/contacts", params={"number": "+17865550144", "first_name": "Ann"}).json()
    vendor.put(f"/api/v4/contacts/{made['id']}", json={"first_name": "Anna"})
    vendor.own(f"phone/{made['id']}", {"text": "STOP"})
    vendor.own(f"phone/{made['id']}", {"call": 30, "voicemail": True})
    eventually(lambda: hook.named("call.recording_available"))
    assert [event["event"] for event in hook.events] == [
        "contact.created",
        "contact.updated",
        "message.received",
        "contact.updated",
        "call.inbound_started",
        "call.inbound_ended",
        "call.recording_available",
    ]
    assert hook.named("contact.updated")[1]["contact"]["opt_out"] is True
    assert "contact" not in hook.named("call.inbound_ended")[0]


def test_a_picture_is_told_twice(start, receiver):
    hook = receiver()
    vendor = start(contacts=5, webhook=hook.url)
    vendor.own(f"phone/{vendor.any_contact()['id']}", {"text": "Look", "media": True})
    first, second = eventually(lambda: len(hook.events) == 2 and hook.named("message.received"))
    assert first["message"]["id"] == second["message"]["id"]
    assert first["message"]["mms_status"] == "busy" and "media" not in first["message"]
    assert second["message"]["mms_status"] == "done" and second["message"]["media"][0]["source"]


def test_a_refusal_is_repeated(start, receiver, monkeypatch):
    monkeypatch.setattr("integrations.sandbox.webhooks.RETRIES", (0.2, 0.4, 0.6))
    hook = receiver(500, 404)
    vendor = start(contacts=5, webhook=hook.url)
    vendor.own(f"phone/{vendor.any_contact()['id']}", {"text": "Hello?"})
    eventually(lambda: len(hook.events) == 3)
    assert hook.events[0] == hook.events[1] == hook.events[2]
    assert hook.moments[1] - hook.moments[0] >= 0.2 and hook.moments[2] - hook.moments[1] >= 0.4
    assert eventually(lambda: vendor.state()["webhooks"] == {"sent": 1, "failed": 2})


def test_a_receiver_that_is_away_does_not_hold_up_anything(start, monkeypatch):
    let_go = threading.Event()
    monkeypatch.setattr("integrations.sandbox.webhooks._post", lambda *_: let_go.wait(PATIENCE) and False)
    vendor = start(contacts=5, webhook="http://127.0.0.1:9/")
    vendor.own(f"phone/{vendor.any_contact()['id']}", {"text": "Hello?"})
    assert vendor.state()["webhooks"] == {"sent": 0, "failed": 0}, (
        "the phone had its answer before the receiver gave one"
    )
    let_go.set()
    assert eventually(lambda: vendor.state()["webhooks"]["failed"])


def test_copies_and_disorder_when_told_to(start, receiver):
    hook = receiver()
    vendor = start(contacts=5)
    contact = vendor.any_contact()["id"]
    vendor.own(f"phone/{contact}", {"text": "before there was an address"})
    vendor.own("settings", {"webhook": hook.url, "webhook_repeat": 2})
    vendor.own(f"phone/{contact}", {"text": "a"})
    eventually(lambda: len(hook.events) == 3)
    assert hook.events[0] == hook.events[1] == hook.events[2]
    vendor.own("settings", {"webhook_repeat": 0, "webhook_shuffle": True})
    hook.events.clear()
    for text in "bcde":
        vendor.own(f"phone/{contact}", {"text": text})
    eventually(lambda: len(hook.events) == 4)
    bodies = [data["message"]["body"] for data in hook.named("message.received")]
    assert sorted(bodies) == list("bcde") and bodies != list("bcde")
