"""Texts for later on the pages, without JavaScript and with; and what a thread says of every state."""

import uuid
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.durations import in_zone, moment_in_zone
from integrations.failures import Code
from integrations.models import Contact, Message
from integrations.outbox import scheduled
from tests import factories as f

from . import pages

NEW_YORK = "America/New_York"


@pytest.fixture
def conversation(harbor):
    made = f.conversation(harbor)
    f.message(made, "Are you open on Saturday?", at=timezone.now() - timedelta(hours=3))
    return made


@pytest.fixture
def address(conversation):
    return f"/inbox/{conversation.pk}/"


def ours(conversation):
    return list(conversation.messages.filter(inbound=False))


def clock(zone: str = NEW_YORK, **ahead) -> str:
    """As the input says it."""
    at = in_zone(timezone.now() + timedelta(**(ahead or {"days": 2})), zone)
    return at.strftime("%Y-%m-%dT%H:%M")


def typed(**values) -> dict:
    return {"client_uuid": uuid.uuid4(), "text": "See you then", "when": clock(), "zone": NEW_YORK, **values}


def planned(conversation, text="See you then", **values) -> Message:
    at = timezone.now() + timedelta(days=2)
    values = {"send_at": at, "zone": NEW_YORK, "inbound": False, "state": "queued", **values}
    return f.message(conversation, text, at=values["send_at"], **values)


def held(conversation, text="See you then") -> Message:
    message = planned(conversation, text, send_at=timezone.now() - timedelta(hours=2))
    assert scheduled.hold_late() == 1
    message.refresh_from_db()
    return message


# --- The composer ----------------------------------------------------------------------------------------------------


def test_schedule_without_a_script(browser, address, conversation, ada):
    page = browser.get(address)
    button = next(values for _, values in pages.read(page).tags if values.get("id") == "composer-later")
    assert (button["type"], button["formaction"]) == ("submit", f"{address}later/")
    data = typed(client_uuid=pages.field(page, "client_uuid"), stop_on_reply="on")
    for _ in range(2):
        assert browser.post(button["formaction"], data)["Location"] == address
    [message] = ours(conversation)
    assert (message.state, message.sender, message.zone, message.stop_on_reply) == ("queued", ada, NEW_YORK, True)
    assert message.send_at == scheduled.resolve_local_time(datetime.fromisoformat(data["when"]), NEW_YORK)
    words = pages.text(browser.get(address))
    assert f"Scheduled for {moment_in_zone(message.send_at, NEW_YORK)}" in words
    assert "Not sent if the contact replies first." in words


def test_the_form_offers_tomorrow_at_nine_in_the_contacts_zone(browser, address):
    page = browser.get(address)
    tomorrow = in_zone(timezone.now(), NEW_YORK).date() + timedelta(days=1)
    assert pages.field(page, "when") == f"{tomorrow}T09:00"
    assert [v["value"] for t, v in pages.read(page).tags if t == "option" and "selected" in v] == [NEW_YORK]


def test_schedule_by_htmx_brings_the_text_and_a_fresh_form(htmx, browser, address, conversation):
    response = htmx.post(f"{address}later/", {**pages.state(browser.get(address)), **typed()})
    assert response.status_code == 200
    assert response["HX-Trigger"] == "portal:sent"
    assert [int(item.split("-")[0]) for item in pages.shown(response)] == [ours(conversation)[0].pk]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"when": ""}, "Choose when to send it."),
        ({"when": "tomorrow"}, "Choose when to send it."),
        ({"when": "2027-01-01T09:00+02:00"}, "Choose when to send it."),
        ({"when": "2001-01-01T09:00"}, "is in the past"),
        ({"when": "2999-01-01T09:00"}, "up to one year ahead"),
        ({"when": "0001-01-01T00:00", "zone": "Asia/Tokyo"}, "date does not exist"),
        ({"zone": "Mars/Base"}, "Unknown time zone"),
        ({"zone": ""}, "Choose a time zone"),
        ({"text": "Hello " + "x" * 1600}, "1606 characters"),
    ],
)
def test_what_cannot_be_scheduled_keeps_all_that_was_typed(browser, htmx, address, conversation, values, words):
    data = typed(stop_on_reply="on", **values)
    response = browser.post(f"{address}later/", data)
    assert response.status_code == 422
    assert words in pages.text(response)
    body = response.content.decode()
    assert data["text"] in body.split('id="composer-text"')[1]
    assert pages.field(response, "when") == data["when"]
    assert pages.field(response, "client_uuid") == str(data["client_uuid"])
    tags = pages.read(response).tags
    assert "checked" in next(v for _, v in tags if v.get("name") == "stop_on_reply")
    assert "open" in next(v for _, v in tags if v.get("id") == "later"), "the panel stands open"
    assert words in pages.text(htmx.post(f"{address}later/", data))
    assert ours(conversation) == []


def test_a_time_in_the_gap_is_refused_with_the_next_one(browser, address, conversation):
    # The second Sunday of March, of the next one to come.
    year = timezone.now().year + (timezone.now().month > 2)
    first = datetime(year, 3, 1)
    sunday = first + timedelta(days=(6 - first.weekday()) % 7 + 7)
    response = browser.post(f"{address}later/", typed(when=sunday.strftime("%Y-%m-%dT02:30")))
    assert response.status_code == 422
    assert "2:30 AM does not exist there. The next valid time is 3:00 AM." in pages.text(response)


def test_a_time_that_comes_twice_says_which_it_is(browser, address, conversation):
    at = scheduled.resolve_local_time(datetime(2030, 11, 3, 1, 30), NEW_YORK)
    planned(conversation, send_at=at)
    assert "this time occurs twice. The text is sent the first time" in pages.text(browser.get(address))


def test_a_damaged_form_keeps_everything(browser, address, conversation):
    data = typed(client_uuid="x")
    response = browser.post(f"{address}later/", data)
    assert response.status_code == 422
    assert "form was incomplete" in pages.text(response)
    assert pages.field(response, "when") == data["when"]
    assert uuid.UUID(pages.field(response, "client_uuid"))


def test_a_text_changed_after_a_lost_answer_is_not_lost(browser, address, conversation):
    data = typed()
    browser.post(f"{address}later/", data)
    response = browser.post(f"{address}later/", {**data, "text": "Other words"})
    assert [message.text for message in ours(conversation)] == ["See you then"]
    assert "Your earlier text was already accepted" in pages.text(response)
    assert "Other words" in response.content.decode().split('id="composer-text"')[1]
    assert pages.field(response, "client_uuid") != str(data["client_uuid"])


def test_nobody_can_be_scheduled_who_opted_out(browser, address, conversation):
    Contact.objects.update(opted_out=True)
    assert "has opted out" in pages.text(browser.post(f"{address}later/", typed()))
    assert ours(conversation) == []


# --- In the thread ---------------------------------------------------------------------------------------------------


def test_planned_texts_stand_last_by_their_hour_under_a_heading_of_their_own(browser, address, conversation):
    second = planned(conversation, "Second", send_at=timezone.now() + timedelta(days=3))
    first = planned(conversation, "First")
    overdue = planned(conversation, "Any moment", send_at=timezone.now() - timedelta(minutes=2))
    said = f.message(conversation, "Just now", at=timezone.now())
    page = browser.get(address)
    order = [int(item.split("-")[0]) for item in pages.shown(page)]
    assert order[1:] == [said.pk, overdue.pk, first.pk, second.pk]
    assert page.content.count(b"Scheduled</h3>") == 1


def test_the_list_is_not_led_into_the_future(browser, harbor, address, conversation):
    other = f.conversation(harbor, f.contact(harbor, "Tom"))
    f.message(other, "Newest of all", at=timezone.now() - timedelta(minutes=1))
    browser.post(f"{address}later/", typed())
    page = browser.get("/inbox/")
    assert pages.rows(page) == [other.pk, conversation.pk]
    assert "See you then" not in pages.text(page)
    assert "Back to newest" not in pages.text(browser.get(address))


def test_buttons_for_what_waits_for_its_hour(browser, address, conversation):
    message = planned(conversation)
    body = browser.get(address).content.decode()
    for act in ("edit", "now", "cancel"):
        assert f"/inbox/messages/{message.pk}/{act}/" in body
    assert f"/inbox/messages/{message.pk}/again/" not in body


def test_cancel_takes_it_back(htmx, browser, address, conversation):
    message = planned(conversation)
    assert "Cancelled, not sent" in pages.text(htmx.post(f"/inbox/messages/{message.pk}/cancel/"))
    message.refresh_from_db()
    assert message.state == "cancelled"
    assert message.at <= timezone.now()


def test_send_now_makes_it_a_text_like_any_other(browser, address, conversation):
    message = planned(conversation)
    assert browser.post(f"/inbox/messages/{message.pk}/now/")["Location"] == address
    message.refresh_from_db()
    assert (message.state, message.send_at) == ("queued", None)
    assert "Waiting to be sent" in pages.text(browser.get(address))
    Message.objects.filter(pk=message.pk).update(state="sending")
    assert "is no longer waiting to be sent" in pages.text(
        browser.post(f"/inbox/messages/{message.pk}/now/", follow=True)
    )


def test_held_says_why_and_what_can_be_done(browser, address, conversation):
    message = held(conversation)
    page = browser.get(address)
    words = pages.text(page)
    assert "Not sent in time" in words
    assert "It was not sent. Send it now or cancel it." in words
    for button in ("Send now", "Choose another time", "Cancel"):
        assert button in words
    assert "needs confirmation" in browser.get("/inbox/").content.decode()
    assert pages.rows(browser.get("/inbox/", {"show": "failed"})) == [conversation.pk]
    browser.post(f"/inbox/messages/{message.pk}/now/")
    assert pages.rows(browser.get("/inbox/", {"show": "failed"})) == []


def test_a_planned_text_hides_no_failed_one(browser, conversation):
    f.message(conversation, "Lost", inbound=False, state="failed")
    planned(conversation)
    assert pages.rows(browser.get("/inbox/", {"show": "failed"})) == [conversation.pk]


def test_stopped_by_an_answer_says_so(browser, address, conversation):
    planned(conversation, stop_on_reply=True)
    f.message(conversation, "Yes!", at=timezone.now() + timedelta(seconds=1))
    scheduled.sweep_scheduled()
    words = pages.text(browser.get(address))
    assert str(Code.ANSWERED_FIRST.label) in words
    assert "Send again" in words


# --- Editing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def text(conversation):
    return planned(conversation)


@pytest.fixture
def edit(text):
    return f"/inbox/messages/{text.pk}/edit/"


def test_edit_without_a_script(browser, address, edit, text):
    page = browser.get(edit)
    assert page.status_code == 200
    form = next(v for t, v in pages.read(page).tags if t == "form" and v.get("class") == "edit")
    assert form["action"] == edit
    assert pages.inline(page) == []
    data = {"text": "Other words", "when": clock(days=5), "zone": "Europe/Berlin"}
    assert browser.post(edit, data)["Location"] == address
    text.refresh_from_db()
    assert (text.text, text.zone, text.stop_on_reply) == ("Other words", "Europe/Berlin", False)
    assert text.send_at == scheduled.resolve_local_time(datetime.fromisoformat(data["when"]), "Europe/Berlin")


def test_edit_by_htmx_is_one_bubble_that_becomes_a_form_and_back(htmx, browser, address, edit, text):
    state = pages.state(browser.get(address))
    form = htmx.get(edit, state)
    assert [item.split("-")[0] for item in pages.shown(form)] == [str(text.pk)]
    assert b'id="edit-text"' in form.content
    # The etag is that of the text: a poll leaves the form alone.
    assert pages.shown(form) == [state["have"].split(",")[-1]]
    assert b'id="edit-text"' not in htmx.get(f"{address}poll/", {**state, "version": "0"}).content
    for back in (htmx.get(edit, {**state, "close": 1}), htmx.post(edit, {**state, **typed(), "text": text.text})):
        assert pages.shown(back), "rendered again although it may show the same"
        assert b'id="edit-text"' not in back.content


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize(
    ("values", "words"),
    [({"when": "2001-01-01T09:00"}, "in the past"), ({"text": " "}, "Write a text"), ({"when": ""}, "Choose")],
)
def test_a_refused_edit_keeps_what_was_typed(browser, htmx, address, edit, text, script, values, words):
    data = {"text": "Precious", "when": clock(days=4), "zone": "Europe/Berlin", **values}
    post = htmx.post if script else browser.post
    response = post(edit, {**pages.state(browser.get(address)), **data})
    assert response.status_code == 422
    assert words in pages.text(response)
    form = response.content.decode().split('class="edit"')[1]
    assert data["text"].strip() in form
    assert data["when"] in form
    text.refresh_from_db()
    assert text.text == "See you then"


def test_an_edit_that_comes_too_late_says_so_and_loses_no_word(browser, htmx, address, edit, text):
    Message.objects.filter(pk=text.pk).update(state="sending")
    data = {"text": "Precious", "when": clock(), "zone": NEW_YORK}
    for response in (htmx.post(edit, data), browser.post(edit, data, follow=True)):
        assert "too late to change this text" in pages.text(response)
        assert "“Precious”" in pages.text(response)
    assert "too late" in pages.text(browser.get(edit, follow=True))
    text.refresh_from_db()
    assert text.text == "See you then"


@pytest.mark.parametrize("act", ["edit", "now", "settle"])
def test_other_peoples_texts_are_not_found(browser, act):
    stranger = f.conversation(f.account("Elsewhere", f.person("eve")))
    message = planned(stranger)
    assert browser.post(f"/inbox/messages/{message.pk}/{act}/").status_code == 404
    assert browser.post(f"/inbox/{stranger.pk}/later/", typed()).status_code == 404


# --- What became of a text -------------------------------------------------------------------------------------------


def lost(conversation, state="unknown", **values):
    values = {"vendor_id": None, "client_uuid": uuid.uuid4(), "claimed_at": timezone.now(), **values}
    return f.message(conversation, "On my way", inbound=False, state=state, **values)


def test_an_unknown_text_offers_both_answers(browser, address, conversation):
    message = lost(conversation)
    page = browser.get(address)
    body = page.content.decode()
    assert f"/inbox/messages/{message.pk}/settle/" in body
    assert f"/inbox/messages/{message.pk}/again/" in body
    assert "Not known whether it was sent" in pages.text(page)
    Message.objects.filter(pk=message.pk).update(reason_code="ambiguous_copy")
    words = pages.text(browser.get(address))
    assert "Needs review: may not have been sent" in words
    assert str(Code.AMBIGUOUS_COPY.label) in words


def test_it_was_sent_links_the_copy(browser, htmx, address, conversation):
    message = lost(conversation)
    missing = htmx.post(f"/inbox/messages/{message.pk}/settle/")
    assert missing.status_code == 422
    assert "No matching text" in pages.text(missing)
    copy = f.message(conversation, "On my way", inbound=False, state="delivered", at=timezone.now())
    assert browser.post(f"/inbox/messages/{message.pk}/settle/")["Location"] == address
    message.refresh_from_db()
    assert (message.vendor_id, message.state) == (copy.vendor_id, "delivered")
    assert [item.pk for item in ours(conversation)] == [message.pk]


def test_the_tries_are_told_where_they_explain_something(browser, address, conversation):
    failed, sent, twice = lost(conversation, "failed"), lost(conversation, "sent"), lost(conversation, "sent")
    failed.attempts.create(outcome="refused", vendor_reason="The number is a landline.")
    sent.attempts.create(outcome="accepted", vendor_reason="Nothing to explain.")
    twice.attempts.create(outcome="not_done", reason_code="unreachable")
    twice.attempts.create(outcome="accepted")
    words = pages.text(browser.get(address))
    assert "Details: 1 try" in words
    assert "Refused: “The number is a landline.”" in words
    assert "Details: 2 tries" in words
    assert "Did not reach Salesmsg; will be retried: Salesmsg could not be reached." in words
    assert "Nothing to explain" not in words


def test_a_waiting_text_says_why_it_still_waits(browser, address, conversation):
    f.message(conversation, "Soon", inbound=False, state="queued", vendor_reason="Salesmsg is busy. Trying again.")
    words = pages.text(browser.get(address))
    assert "Waiting to be sent" in words
    assert "Salesmsg is busy. Trying again." in words


def test_a_new_try_is_drawn(browser, address, conversation):
    message = lost(conversation)
    before = pages.shown(browser.get(address))
    message.attempts.create(outcome="unclear")
    assert pages.shown(browser.get(address)) != before


@pytest.mark.parametrize("size", [2, 20])
def test_queries_do_not_grow(browser, address, conversation, size):
    for _ in range(size):
        for _ in range(2):
            lost(conversation, "failed").attempts.create(outcome="refused")
        planned(conversation)
    browser.get(address)
    with CaptureQueriesContext(connection) as made:
        browser.get(address)
    assert len(made) <= 15, [query["sql"][:80] for query in made]
