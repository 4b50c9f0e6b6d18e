"""Writes: contacts, conversations, messages, tags (section 5), three ways each (section 11)."""

import pytest
import requests

from integrations.sandbox.data import REFUSED_NUMBER, REFUSED_OPT_OUT

from .conftest import eventually

WAYS = ("params", "data", "json")


def _message(vendor, thread: int, message_id: int) -> dict:
    return next(row for row in vendor.get(f"/messages/{thread}", limit=100).json() if row["id"] == message_id)


# -- contacts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_create_a_contact(start, way):
    vendor = start(contacts=3)
    fields = {"number": "+1 (786) 555-0188", "first_name": "Ann", "email": "ann@example.com"}
    answer = vendor.post("/contacts", **{way: fields})
    assert answer.status_code == 201
    made = answer.json()
    assert made["number"] == "+17865550188" and made["first_name"] == "Ann" and made["opt_out"] is False
    assert vendor.get(f"/contacts/{made['id']}").json() == made
    taken = vendor.post("/contacts", **{way: fields})
    found = taken.json()["contact_id"]
    assert taken.status_code == 422 and made["id"] in (found, *(found if isinstance(found, list) else ()))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", ["/api/v4/contacts/{}", "/contacts/{}", "/pub/v2.3/contacts/{}"])
def test_edit_a_contact(vendor, path, way):
    contact = vendor.any_contact()
    new = {"first_name": "Newname", "email": "newemail@example.com"}
    answer = vendor.put(path.format(contact["id"]), **{way: new})
    assert answer.status_code == 200
    edited = answer.json()
    assert {key: edited[key] for key in new} == new
    assert edited["last_name"] == contact["last_name"] and edited["number"] == contact["number"]
    assert edited["updated_at"] >= contact["updated_at"] and edited["created_at"] == contact["created_at"]
    assert vendor.get(f"/contacts/{contact['id']}").json() == edited


def test_edit_refuses_and_empties(vendor):
    data = vendor.data()["contacts"]
    address = f"/api/v4/contacts/{data[0]['id']}"
    for bad in ({"email": "no address"}, {"number": "12"}, {"number": "+1305abc"}, {"first_name": "x" * 256}):
        answer = vendor.put(address, json=bad)
        assert answer.status_code == 422 and set(answer.json()["errors"]) == set(bad)
    taken = vendor.put(address, json={"number": data[1]["number"]})
    assert taken.status_code == 422 and taken.json()["contact_id"] in (data[1]["id"], [data[1]["id"]])
    assert vendor.put(address, json={"email": None}).json()["email"] is None
    assert vendor.put(address, json={"last_name": ""}).json()["last_name"] is None
    assert vendor.put("/api/v4/contacts/1", json={"first_name": "A"}).status_code == 404


def test_body_wins_over_query(vendor):
    contact = vendor.any_contact()
    answer = vendor.put(f"/contacts/{contact['id']}", params={"first_name": "Query"}, json={"first_name": "Body"})
    assert answer.json()["first_name"] == "Body"


def test_delete_a_contact_and_it_comes_back_with_a_text(start):
    vendor = start()
    contact = vendor.any_contact()
    thread = vendor.thread_of(contact)["id"]
    answer = vendor.call("DELETE", f"/contacts/{contact['id']}")
    assert all(isinstance(text, str) for text in answer.json())
    for path in (f"/contacts/{contact['id']}", f"/conversations/{thread}", f"/messages/{thread}"):
        assert vendor.get(path).status_code == 404
    assert vendor.call("DELETE", f"/contacts/{contact['id']}").status_code == 404
    back = vendor.own("phone/new", {"number": contact["number"], "text": "Hello again"})
    assert back["contact_id"] != contact["id"]
    assert vendor.get(f"/contacts/{back['contact_id']}").json()["number"] == contact["number"]


def test_opt_out_and_in(start):
    vendor = start()
    contact = vendor.any_contact()
    out = vendor.put(f"/contacts/opt-out/{contact['id']}").json()
    assert out["opt_out"] is True and out["opt_out_at"]
    back = vendor.put(f"/contacts/opt-in/{contact['id']}").json()
    assert back["opt_out"] is False and back["opt_in_at"]
    assert vendor.put("/contacts/opt-out/1").status_code == 404


def test_notes_and_custom_fields(start):
    vendor = start()
    contact = vendor.any_contact()
    note = vendor.post(f"/contacts/note/{contact['id']}/create", params={"text": "Call back"}).json()
    assert note["text"] == "Call back"
    vendor.put(f"/contacts/{contact['id']}/custom-fields", json={"custom_fields": {"plan": "Gold"}})
    after = vendor.get(f"/contacts/{contact['id']}").json()
    assert note in after["notes"]
    assert [f["value"] for f in after["custom_fields"] if f["field_key"] == "plan"] == ["Gold"]


# -- tags -----------------------------------------------------------------------------------------------------


def test_tags(start):
    vendor = start()
    contact = vendor.any_contact()
    tag = vendor.post("/tags", params={"label": "Hot lead"}).json()
    assert vendor.post("/tags", params={"label": "hot lead"}).status_code == 422
    assert vendor.post("/tags", params={"label": "x" * 51}).status_code == 422
    assert vendor.put(f"/tags/{tag['id']}", params={"label": "Warm lead"}).json()["label"] == "Warm lead"
    address = f"/tags/contact/{contact['id']}/{tag['id']}"
    assert vendor.post(address).status_code == 405
    assert vendor.put(address).json() == {"type": "success", "message": "Tag added"}
    assert tag["id"] in [t["id"] for t in vendor.get(f"/contacts/{contact['id']}").json()["tags"]]
    assert [c["id"] for c in vendor.get(f"/contacts/tags/{tag['id']}").json()["data"]] == [contact["id"]]
    assert vendor.call("DELETE", address).json()["type"] == "success"
    assert tag["id"] not in [t["id"] for t in vendor.get(f"/contacts/{contact['id']}").json()["tags"]]


# -- conversations --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_conversation_is_made_or_found(start, way):
    vendor = start(contacts=3)
    contact = vendor.post("/contacts", params={"number": "+17865550101"}).json()["id"]
    first = vendor.post("/conversations", **{way: {"contact_id": contact, "team_id": 239002}})
    assert first.status_code == 201 and first.json()["inbox_id"] == 239002 and first.json()["last_message_at"] is None
    again = vendor.post("/conversations", **{way: {"contact_id": contact, "number_id": 258002}})
    assert again.status_code == 200 and again.json()["id"] == first.json()["id"]
    other = vendor.post("/conversations", **{way: {"contact_id": contact}}).json()
    assert other["id"] != first.json()["id"] and other["inbox_id"] == 239001
    for bad in ({}, {"contact_id": 1}, {"contact_id": contact, "team_id": 9}, {"contact_id": contact, "number_id": 9}):
        assert vendor.post("/conversations", **{way: bad}).status_code == 422
    assert first.json()["id"] in [c["id"] for c in vendor.get("/conversations", filter="outbound", limit=50).json()]


def test_close_open_reassign_and_reopening_by_text(start):
    vendor = start()
    contact = vendor.any_contact()
    thread = vendor.thread_of(contact)["id"]
    assert vendor.put(f"/conversations/{thread}/close").json()["closed_at"]
    assert vendor.put(f"/conversations/{thread}/open").json()["closed_at"] is None
    assert vendor.post(f"/conversations/{thread}/reassign", params={"user_id": 60034}).json()["owner"]["id"] == 60034
    assert vendor.post(f"/conversations/{thread}/reassign", params={"user_id": ""}).json()["owner"] is None
    assert vendor.post(f"/conversations/{thread}/reassign", params={"user_id": 5}).status_code == 422
    before = vendor.get(f"/conversations/{thread}").json()["unread"]
    vendor.put(f"/conversations/{thread}/close")
    vendor.own(f"phone/{contact['id']}", {"text": "One more thing", "inbox_id": 0 or None})
    opened = vendor.get(f"/conversations/{thread}").json()
    assert opened["closed_at"] is None and opened["unread"] == before + 1
    vendor.put(f"/conversations/{thread}/close")
    vendor.post(f"/messages/{thread}", params={"message": "Sure"})
    answered = vendor.get(f"/conversations/{thread}").json()
    assert answered["closed_at"] is None and answered["unread"] == 0


# -- messages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_send_into_a_conversation(start, way):
    vendor = start(contacts=5, delivery_delay=0.02)
    thread = vendor.thread_of(vendor.any_contact())["id"]
    text = "  Line one\nמה שלומך & <b>ok</b> 👍  "
    answer = vendor.post(f"/messages/{thread}", **{way: {"message": text}})
    assert answer.status_code == 200
    sent = answer.json()
    assert sent["status"] == "queued" and sent["queued_at"] and sent["user_id"] == 60031
    assert sent["body_raw"] == text and sent["conversation_id"] == thread
    assert "direction" not in sent and sent["received_at"] is None
    final = eventually(lambda: (m := _message(vendor, thread, sent["id"]))["status"] == "delivered" and m)
    assert final["sent_at"] and final["delivered_at"] and not final["failed_at"]
    assert vendor.get(f"/conversations/{thread}").json()["last_message"]["id"] == sent["id"]


@pytest.mark.parametrize("way", WAYS)
def test_send_to_a_number_makes_what_is_missing(start, way):
    vendor = start(contacts=3)
    body = {"number": "+447700900555", "team_id": 239003, "message": "Hello"}
    first = vendor.post("/messages", **{way: body}).json()
    second = vendor.post("/messages", **{way: body}).json()
    assert first["id"] != second["id"]  # no idempotency: a repeated POST is a second text
    assert first["conversation_id"] == second["conversation_id"]
    assert vendor.get(f"/contacts/{first['contact_id']}").json()["number"] == body["number"]
    for name in body:
        assert vendor.post("/messages", **{way: {k: v for k, v in body.items() if k != name}}).status_code == 422
    assert vendor.post("/messages", **{way: body | {"team_id": 5}}).status_code == 422
    assert [m["body"] for m in vendor.state()["messages"]] == ["Hello", "Hello"]


def test_empty_texts_and_unknown_conversations(vendor):
    thread = vendor.thread_of(vendor.any_contact())["id"]
    for way in WAYS:
        for body in ({}, {"message": ""}, {"message": "   "}):
            answer = vendor.post(f"/messages/{thread}", **{way: body})
            assert answer.status_code == 422 and "message" in answer.json()["errors"]
    assert vendor.post("/messages/1", params={"message": "x"}).status_code == 404
    assert vendor.state()["messages"] == []


def test_opted_out_and_impossible_numbers_answer_200_and_failed(start):
    vendor = start()
    contact = vendor.any_contact(opt_out=True)
    thread = vendor.thread_of(contact)["id"]
    answer = vendor.post(f"/messages/{thread}", params={"message": "Please come back"})
    assert answer.status_code == 200
    assert answer.json()["status"] == "failed" and answer.json()["failed_at"]
    assert answer.json()["failed_reason"] == REFUSED_OPT_OUT
    query = {"number": "+15550", "team_id": 239001, "message": "x"}
    invalid = vendor.post("/messages", params=query)
    assert invalid.status_code == 200 and invalid.json()["failed_reason"] == REFUSED_NUMBER


def test_media_from_query_and_form_but_not_from_json(start):
    vendor = start(delivery_delay=0.02)
    thread = vendor.thread_of(vendor.any_contact())["id"]
    # Any address will do that it can reach: its own phones' pictures are some.
    urls = [("media_url[][url]", f"{vendor.url}/sandbox/media/{number}.png") for number in (1, 2)]
    sent = vendor.post(f"/messages/{thread}", params=[("message", "Look"), *urls]).json()
    assert sent["type"] == "mms" and sent["mms_status"] == "busy" and sent["media"] == []
    done = eventually(lambda: (m := _message(vendor, thread, sent["id"]))["mms_status"] == "done" and m)
    assert len(done["media"]) == 2 and not {m["source"] for m in done["media"]} & {url for _, url in urls}
    theirs = requests.get(done["media"][1]["source"], timeout=60)
    assert (
        theirs.headers["Content-Type"] == "image/png" and theirs.content == requests.get(urls[1][1], timeout=60).content
    )
    assert vendor.post(f"/messages/{thread}", data=urls[:1]).json()["type"] == "mms"
    dropped = vendor.post(f"/messages/{thread}", json={"message": "Look", "media_url": [{"url": urls[0][1]}]}).json()
    assert dropped["type"] == "sms" and dropped["mms_status"] == ""


def test_media_that_cannot_be_fetched_fail_the_text(start):
    vendor = start(delivery_delay=0.02)
    thread = vendor.thread_of(vendor.any_contact())["id"]
    nowhere = [("media_url[][url]", "http://127.0.0.1:9/1.png"), ("message", "Look")]
    sent = vendor.post(f"/messages/{thread}", params=nowhere).json()
    failed = eventually(lambda: (m := _message(vendor, thread, sent["id"]))["status"] == "failed" and m)
    assert failed["failed_reason"].startswith("11200") and failed["media"] == []


def test_scheduled_texts_wait(start):
    vendor = start()
    thread = vendor.thread_of(vendor.any_contact())["id"]
    query = {"message": "Later", "send_at": "2099-01-01T09:00:00+02:00"}
    sent = vendor.post(f"/messages/{thread}", params=query).json()
    assert sent["status"] == "scheduled" and sent["send_at"] == "2099-01-01 07:00:00"
    changed = vendor.put(f"/messages/{sent['id']}", json={"message": "Much later"}).json()
    assert changed["body_raw"] == "Much later"
    only = vendor.get(f"/messages/{thread}/paginated", page=1, per_page=10, only_scheduled=1).json()
    assert [m["id"] for m in only["data"]] == [sent["id"]]
    assert vendor.post(f"/messages/{thread}", params={"message": "x", "send_at": "soon"}).status_code == 422


def test_some_texts_fail_at_the_carrier(start):
    vendor = start(failures=True)
    thread = vendor.thread_of(vendor.any_contact())["id"]
    for number in range(150):
        vendor.post(f"/messages/{thread}", params={"message": f"n{number}"})
    states = eventually(
        lambda: (s := [m["status"] for m in vendor.state()["messages"]]) and set(s) <= {"delivered", "failed"} and s
    )
    assert 1 <= states.count("failed") <= 12
    failed = [m for m in vendor.data()["messages"] if m["status"] == "failed" and m["conversation_id"] == thread]
    assert {m["failed_reason"][:5] for m in failed} <= {"30003", "30005", "30007"}


# -- the contact's side ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["STOP", "stop ", "Unsubscribe"])
def test_stop_and_start_by_text(start, word):
    vendor = start(contacts=6)
    contact = vendor.any_contact()
    thread = vendor.thread_of(contact)["id"]
    vendor.own(f"phone/{contact['id']}", {"text": "Please stop calling"})
    assert vendor.get(f"/contacts/{contact['id']}").json()["opt_out"] is False
    vendor.own(f"phone/{contact['id']}", {"text": word})
    assert vendor.get(f"/contacts/{contact['id']}").json()["opt_out"] is True
    # The API's opt-in is accepted, and the carrier refuses still (section 8).
    assert vendor.put(f"/contacts/opt-in/{contact['id']}").json()["opt_out"] is False
    assert vendor.post(f"/messages/{thread}", params={"message": "x"}).json()["failed_reason"] == REFUSED_OPT_OUT
    vendor.own(f"phone/{contact['id']}", {"text": "start"})
    assert vendor.post(f"/messages/{thread}", params={"message": "x"}).json()["status"] == "queued"


@pytest.mark.parametrize("text", ["STOP.", "Stop!", "ARRET", "opt out", "STOP please", "revoke"])
def test_words_that_are_not_the_vendors_are_ordinary_texts(vendor, text):
    contact = vendor.any_contact()
    vendor.own(f"phone/{contact['id']}", {"text": text})
    assert vendor.get(f"/contacts/{contact['id']}").json()["opt_out"] is False


def test_an_inbound_text_has_the_signs_of_one(vendor):
    contact = vendor.any_contact()
    message = vendor.own(f"phone/{contact['id']}", {"text": "Hi <there>"})
    assert message["status"] == "received" and message["received_at"] and message["user_id"] is None
    assert message["body_raw"] == "Hi <there>" and message["body"] == "Hi &lt;there&gt;"
    call = vendor.own(f"phone/{contact['id']}", {"call": 90, "voicemail": True})
    assert (call["type"], call["status"], call["source"], call["body"]) == ("call", "record", "call", "")
    assert call["record"]["duration"] == 90 and call["record"]["is_voicemail"] is True


def test_a_picture_is_busy_first(start):
    vendor = start(delivery_delay=0.05)
    contact = vendor.any_contact()
    message = vendor.own(f"phone/{contact['id']}", {"media": True})
    assert message["mms_status"] == "busy" and message["media"] == []
    thread = message["conversation_id"]
    done = eventually(lambda: (m := _message(vendor, thread, message["id"]))["mms_status"] == "done" and m)
    picture = vendor.session.get(done["media"][0]["source"])
    assert picture.headers["Content-Type"] == "image/png" and picture.content.startswith(b"\x89PNG")


def test_contacts_answer_by_themselves_but_only_some_and_never_when_opted_out(start):
    vendor = start(auto_replies=True, contacts=40)
    data = vendor.data()
    gone = {row["id"] for row in data["contacts"] if row["opt_out"] or row["is_blocked"]}
    threads = {row["id"]: row for row in data["conversations"]}
    for thread in threads:
        vendor.post(f"/messages/{thread}", params={"message": "Does Tuesday work?"})
    sent = {m["conversation_id"] for m in vendor.state()["messages"]}
    assert sent == set(threads)
    eventually(lambda: all(m["status"] in ("delivered", "failed") for m in vendor.state()["messages"]))
    latest = eventually(
        lambda: (
            (rows := [c for c in vendor.data()["conversations"] if c["last_message"]["status"] == "received"])
            and len(rows) > 15
            and rows
        )
    )
    assert len(latest) < len(threads) and not {row["contact_id"] for row in latest} & gone
