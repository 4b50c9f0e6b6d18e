"""What staff do: with and without JavaScript, once and only once."""

import uuid

import pytest
from django.contrib.messages import get_messages

from integrations.models import Account, Change, Contact, Conversation, Message
from tests import factories as f

from . import pages


@pytest.fixture
def conversation(harbor):
    made = f.conversation(harbor)
    f.message(made, "Are you open on Saturday?")
    return made


@pytest.fixture
def send(browser, conversation):
    """Posts the composer of a page: ``send(page, "text", htmx=True)``."""

    def post(page, text: str, *, htmx: bool = False):
        data = {"client_uuid": pages.field(page, "client_uuid"), "text": text}
        headers = {"HX-Request": "true"} if htmx else {}
        return browser.post(f"/inbox/{conversation.pk}/send/", {**pages.state(page), **data}, headers=headers)

    return post


@pytest.fixture
def page(browser, conversation):
    return browser.get(f"/inbox/{conversation.pk}/")


def ours(conversation):
    return list(conversation.messages.filter(inbound=False))


def test_a_reply_without_a_script(send, page, conversation, ada):
    response = send(page, "Yes, from nine.\r\nSee you!")
    assert response.status_code == 302
    assert response["Location"] == f"/inbox/{conversation.pk}/"
    [message] = ours(conversation)
    assert (message.text, message.state, message.sender) == ("Yes, from nine.\nSee you!", Message.State.QUEUED, ada)


def test_a_reply_by_htmx_brings_the_message_and_a_fresh_form(send, page, conversation):
    response = send(page, "Yes, from nine.", htmx=True)
    assert response.status_code == 200
    [message] = ours(conversation)
    assert [int(item.split("-")[0]) for item in pages.shown(response)] == [message.pk]
    assert response["HX-Trigger"] == "portal:sent"
    fresh = pages.field(response, "client_uuid")
    assert uuid.UUID(fresh) != uuid.UUID(pages.field(page, "client_uuid"))


@pytest.mark.parametrize("htmx", [True, False])
def test_one_form_posted_twice_is_one_message(send, page, conversation, htmx):
    for _ in range(2):
        assert send(page, "Yes\r\nfrom nine.", htmx=htmx).status_code in (200, 302)
    assert len(ours(conversation)) == 1


@pytest.mark.parametrize("htmx", [True, False])
def test_a_text_changed_after_a_lost_answer_is_neither_lost_nor_sent_unasked(send, page, conversation, htmx):
    send(page, "First words", htmx=htmx)
    response = send(page, "Other words", htmx=htmx)
    assert [message.text for message in ours(conversation)] == ["First words"]
    assert "Your earlier text was already accepted" in pages.text(response)
    assert "HX-Trigger" not in response.headers, "the form must keep the text"
    assert pages.field(response, "client_uuid") != pages.field(page, "client_uuid")
    if not htmx:
        assert "Other words" in response.content.decode().split('id="composer-text"')[1]


@pytest.mark.parametrize("text", ["", "   \n ", "x" * 1601])
def test_a_refused_text_stays_with_the_reason(send, page, conversation, text):
    plain, htmx = send(page, text), send(page, text, htmx=True)
    assert plain.status_code == htmx.status_code == 422
    words = "Write a text first" if len(text) < 9 else "1601 characters"
    assert words in pages.text(plain)
    assert words in pages.text(htmx)
    assert text.strip() in plain.content.decode().split('id="composer-text"')[1]
    assert pages.field(plain, "client_uuid") == pages.field(page, "client_uuid")
    assert ours(conversation) == []


def test_the_count_of_a_kept_text_needs_no_script(send, page):
    response = send(page, "ü" * 1601)
    assert "1601 characters · 11 segments" in pages.text(response)


def test_an_opted_out_contact_gets_nothing_although_the_page_was_older(send, page, conversation):
    Contact.objects.update(opted_out=True)
    for htmx in (True, False):
        response = send(page, "Hello?", htmx=htmx)
        assert response.status_code == 422
        assert "has opted out" in pages.text(response)
    assert ours(conversation) == []


def test_a_disconnected_account_sends_nothing(send, page, conversation):
    Account.objects.update(state=Account.State.DISCONNECTED)
    assert send(page, "Hello?", htmx=True).status_code == 422
    assert ours(conversation) == []


def test_a_damaged_form_keeps_the_text(browser, conversation):
    response = browser.post(f"/inbox/{conversation.pk}/send/", {"client_uuid": "x", "text": "Precious"})
    assert response.status_code == 422
    assert "form was incomplete" in pages.text(response)
    assert "Precious" in response.content.decode()
    # Its broken id is replaced: the same form can be sent.
    assert uuid.UUID(pages.field(response, "client_uuid"))


def test_a_form_of_another_conversation_sends_nothing_here(browser, harbor, send, page, conversation):
    send(page, "Yes")
    other = f.conversation(harbor)
    data = {"client_uuid": pages.field(page, "client_uuid"), "text": "Yes"}
    response = browser.post(f"/inbox/{other.pk}/send/", data)
    assert other.messages.count() == 0
    assert response.status_code == 422


# --- Again, cancel ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["failed", "unknown", "cancelled"])
def test_send_again_is_a_new_row_and_once(browser, conversation, state):
    message = f.message(conversation, "Lost", inbound=False, state=state)
    for _ in range(2):
        assert browser.post(f"/inbox/messages/{message.pk}/again/").status_code == 302
    assert sorted(made.state for made in ours(conversation)) == sorted([state, "queued"])
    message.refresh_from_db()
    assert message.state == state


def test_unknown_asks_before_it_is_sent_again(browser, conversation):
    message = f.message(conversation, "Perhaps", inbound=False, state="unknown")
    form = next(
        v
        for _, v in pages.read(browser.get(f"/inbox/{conversation.pk}/")).tags
        if v.get("action", "").endswith("/again/")
    )
    assert form["action"] == f"/inbox/messages/{message.pk}/again/"
    assert "already have arrived" in form["data-confirm"]


@pytest.mark.parametrize("state", ["sent", "sending", "queued"])
def test_what_is_under_way_is_not_sent_again(browser, conversation, state):
    message = f.message(conversation, "Gone", inbound=False, state=state)
    response = browser.post(f"/inbox/messages/{message.pk}/again/")
    assert "Only a text that was not sent" in str([str(note) for note in get_messages(response.wsgi_request)])
    assert len(ours(conversation)) == 1


def test_cancel_while_it_waits(browser, htmx, conversation):
    message = f.message(conversation, "Oops", inbound=False, state="queued")
    assert "Cancelled, not sent" in pages.text(htmx.post(f"/inbox/messages/{message.pk}/cancel/"))
    message.refresh_from_db()
    assert message.state == "cancelled"


def test_cancel_comes_too_late(htmx, conversation):
    message = f.message(conversation, "Oops", inbound=False, state="sending")
    response = htmx.post(f"/inbox/messages/{message.pk}/cancel/")
    assert response.status_code == 422
    assert "too late" in pages.text(response)


def test_inbound_messages_have_no_such_buttons(browser, conversation):
    message = conversation.messages.get()
    for act in ("again", "cancel"):
        assert browser.post(f"/inbox/messages/{message.pk}/{act}/").status_code == 404


# --- Close, reopen, assign -------------------------------------------------------------------------------------------


def test_close_and_reopen(browser, htmx, conversation):
    assert (
        browser.post(f"/inbox/{conversation.pk}/close/?show=open")["Location"] == f"/inbox/{conversation.pk}/?show=open"
    )
    conversation.refresh_from_db()
    assert conversation.closed_at is not None
    response = htmx.post(f"/inbox/{conversation.pk}/reopen/")
    assert "Close" in pages.text(response)
    conversation.refresh_from_db()
    assert conversation.closed_at is None
    assert {change.kind for change in Change.objects.all()} == {"close", "reopen"}


def test_assign_and_unassign(browser, htmx, conversation, harbor):
    tom = f.member(harbor, "Tom Okafor")
    assert "Tom Okafor" in pages.text(htmx.post(f"/inbox/{conversation.pk}/assign/", {"owner": tom.pk}))
    conversation.refresh_from_db()
    assert conversation.owner == tom
    browser.post(f"/inbox/{conversation.pk}/assign/", {"owner": ""})
    conversation.refresh_from_db()
    assert conversation.owner is None


def test_nobody_of_another_account_can_own_it(browser, conversation):
    stranger = f.member(f.account("Elsewhere"), "Eve")
    for owner in (stranger.pk, "x", 10**30):
        browser.post(f"/inbox/{conversation.pk}/assign/", {"owner": owner})
    conversation.refresh_from_db()
    assert conversation.owner is None


# --- New conversations -----------------------------------------------------------------------------------------------


def new(browser, **values):
    page = browser.get("/inbox/new/")
    data = {"client_uuid": pages.field(page, "client_uuid"), "phone": "(305) 555-0142", "text": "Hello", **values}
    data.setdefault("line", pages.field(page, "line"))
    return data, browser.post("/inbox/new/", data)


def test_a_first_text_leads_to_its_conversation(browser, harbor):
    data, response = new(browser)
    conversation = Conversation.objects.get()
    assert response["Location"] == f"/inbox/{conversation.pk}/"
    assert conversation.contact.phone == "+13055550142"
    assert [message.text for message in ours(conversation)] == ["Hello"]
    browser.post("/inbox/new/", data)
    assert Message.objects.count() == 1


def test_the_chosen_inbox_sends(browser, harbor, ada):
    f.inbox(harbor, "Front desk")
    billing = f.inbox(harbor, "Billing")
    new(browser, line=f"{harbor.pk}-{billing.pk}")
    assert Conversation.objects.get().inbox == billing


def test_mistakes_keep_what_was_typed(browser, harbor):
    _, response = new(browser, phone="12", text="Precious")
    assert response.status_code == 422
    assert "too short" in pages.text(response)
    assert "Precious" in response.content.decode()
    f.contact(harbor, phone="+13055550143", opted_out=True)
    _, response = new(browser, phone="3055550143")
    assert response.status_code == 422
    assert "has opted out" in pages.text(response)
    assert Message.objects.count() == 0


def test_nobody_writes_from_another_account(browser, harbor):
    other = f.account("Elsewhere")
    _, response = new(browser, line=f"{other.pk}-")
    assert response.status_code == 422
    assert Message.objects.count() == 0


def test_without_a_connected_account_the_form_says_so(browser, harbor):
    Account.objects.update(state=Account.State.ATTENTION)
    assert "No account is connected" in pages.text(browser.get("/inbox/new/"))
