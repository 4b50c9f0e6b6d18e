"""A thread: what is shown, how it is read, and that no text becomes HTML."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import cursors
from integrations.contacts.custom_fields import custom_field_definitions
from integrations.inbox.thread import queries
from integrations.models import Account, Change, Membership, ReadMark, ThreadSync
from tests import factories as f

from . import pages


def address(conversation, rest: str = "") -> str:
    return f"/inbox/{conversation.pk}/{rest}"


def test_texts_are_never_html(browser, harbor):
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)> \"quoted\" & 'more'"
    contact = f.contact(
        harbor,
        first="<b>Bold</b>",
        last='"><script>1</script>',
        email='"><i>x',
        tags=["<i>tag</i>"],
        notes=[{"text": "<u>note</u>"}],
        custom_fields=[{"field_key": "<s>key</s>", "value": "<s>value</s>"}],
    )
    conversation = f.conversation(
        harbor, contact, owner=f.member(harbor, "<em>Owner</em>"), inbox=f.inbox(harbor, "<h1>Room")
    )
    f.message(conversation, evil)
    f.message(
        conversation, evil, inbound=False, state="failed", vendor_reason="<b>why</b>", author_name="<b>Author</b>"
    )
    response = browser.get(address(conversation))
    body = response.content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    for broken in ("<script>alert", "<img src=x", "<b>", "<i>", "<u>", "<s>", "<em>Owner", "<h1>Room", "<script>1"):
        assert broken not in body, broken
    assert pages.inline(response) == []


def test_links_are_made_safely(browser, harbor):
    conversation = f.conversation(harbor)
    f.message(conversation, 'See https://example.com/a?b=1&c="x" or javascript:alert(1) or data:text/html,hi')
    links = [
        values
        for tag, values in pages.read(browser.get(address(conversation))).tags
        if "example.com" in str(values.get("href"))
    ]
    [link] = [values for values in links if values["href"].startswith("https://example.com/a")]
    assert set(link["rel"].split()) >= {"nofollow", "noopener", "noreferrer"}
    hrefs = [str(values.get("href", "")) for _, values in pages.read(browser.get(address(conversation))).tags]
    assert not [href for href in hrefs if href.startswith(("javascript:", "data:"))]


def test_pictures_and_other_attachments(browser, harbor):
    conversation = f.conversation(harbor)
    media = [
        {"id": 1, "url": "https://m.example.com/a.jpg", "content_type": "image/jpeg"},
        {"id": 2, "url": "https://m.example.com/b.PNG?x=1", "content_type": ""},
        {"id": 3, "url": "https://m.example.com/c.pdf", "content_type": "application/pdf"},
        {"id": 4, "url": "javascript:alert(1)", "content_type": "image/png"},
        {"id": 5, "url": None, "content_type": None},
    ]
    f.message(conversation, "", kind="mms", media=media)
    response = browser.get(address(conversation))
    assert not [tag for tag, _ in pages.read(response).tags if tag == "img"]
    assert pages.text(response).count("Loading picture…") == 2
    assert pages.text(response).count("Loading attachment…") == 1
    assert pages.text(response).count("Attachment unavailable") == 2
    assert b"m.example.com" not in response.content
    assert b"javascript:" not in response.content


@pytest.mark.parametrize(
    ("state", "words", "button"),
    [
        ("queued", "Waiting to be sent", "Cancel"),
        ("sending", "Sending…", None),
        ("sent", "Sent", None),
        ("delivered", "Delivered", None),
        ("failed", "The recipient has unsubscribed (21610).", "Send again"),
        ("unknown", "finds out within minutes", "Send it again"),
        ("cancelled", "Cancelled, not sent", "Send again"),
    ],
)
def test_states_in_plain_words(browser, harbor, state, words, button):
    conversation = f.conversation(harbor)
    failure = "The recipient has unsubscribed (21610)." if state == "failed" else ""
    f.message(conversation, "Hello", inbound=False, state=state, vendor_reason=failure)
    response = browser.get(address(conversation))
    assert words in pages.text(response)
    acts = response.content.decode().count('class="message-act"')
    assert acts == (1 if button else 0)
    if button:
        assert button in pages.text(response)


def test_calls_are_a_slim_row(browser, harbor):
    conversation = f.conversation(harbor)
    f.message(conversation, "", kind="call", call={"duration": 214, "voicemail": False, "url": ""})
    f.message(
        conversation,
        "",
        kind="call",
        inbound=False,
        state="sent",
        call={"duration": 0, "voicemail": True, "url": "https://r.example.com/1"},
    )
    response = browser.get(address(conversation))
    assert "Incoming call · 3:34" in pages.text(response)
    assert "Voicemail" in pages.text(response)
    assert b'class="bubble' not in response.content


def test_authors_are_named(browser, harbor, ada):
    conversation = f.conversation(harbor)
    f.message(conversation, "From here", inbound=False, sender=ada, author_name="ignored")
    f.message(conversation, "From there", inbound=False, author_name="Tom Okafor")
    f.message(conversation, "By itself", inbound=False, automated=True)
    words = pages.text(browser.get(address(conversation)))
    for name in ("Ada Marsh", "Tom Okafor", "Automatic"):
        assert name in words


def test_older_messages_come_on_demand_and_meet_without_a_gap(browser, harbor):
    conversation = f.conversation(harbor)
    made = [message.pk for message in f.thread(conversation, queries.MESSAGES * 2 + 7)]
    page = browser.get(address(conversation))
    seen = [int(item.split("-")[0]) for item in pages.shown(page)]
    assert seen == made[-queries.MESSAGES :]
    for _ in range(3):
        href = [v["hx-get"] for _, v in pages.read(page).tags if "older/" in str(v.get("hx-get"))]
        if not href:
            break
        page = browser.get(href[0])
        got = [int(item.split("-")[0]) for item in pages.shown(page)]
        assert got[0] == seen[0], "the boundary is rendered again"
        seen = got[1:] + seen
    assert seen == made


def test_older_messages_without_a_script(browser, harbor):
    conversation = f.conversation(harbor)
    made = [message.pk for message in f.thread(conversation, queries.MESSAGES + 5)]
    page = browser.get(address(conversation))
    href = next(v["href"] for _, v in pages.read(page).tags if "until=" in str(v.get("href")))
    got = [int(item.split("-")[0]) for item in pages.shown(browser.get(href))]
    assert got == made[:6]


def test_messages_of_one_second_keep_the_vendors_order(browser, harbor):
    conversation = f.conversation(harbor)
    at = timezone.now()
    second = f.message(conversation, "second", at=at, rank=200, vendor_id=200)
    first = f.message(conversation, "first", at=at, rank=100, vendor_id=100)
    draft = f.message(conversation, "draft", at=at, inbound=False, state="queued")
    shown = [int(item.split("-")[0]) for item in pages.shown(browser.get(address(conversation)))]
    assert shown == [first.pk, second.pk, draft.pk]


def test_opening_reads_up_to_what_was_shown_and_never_back(browser, harbor, ada):
    conversation = f.conversation(harbor)
    newest = f.message(conversation, "One")
    browser.get(address(conversation))
    assert ReadMark.objects.get(user=ada).message_pk == newest.pk
    ReadMark.objects.update(message_pk=newest.pk + 50)
    browser.get(address(conversation))
    assert ReadMark.objects.get(user=ada).message_pk == newest.pk + 50


def test_looking_at_old_pages_leaves_the_newest_unread(browser, harbor, ada):
    conversation = f.conversation(harbor)
    made = f.thread(conversation, queries.MESSAGES + 5)
    start = cursors.format_cursor(made[4].at, made[4].rank)
    browser.get(address(conversation), {"until": start})
    assert ReadMark.objects.get(user=ada).message_pk == made[4].pk


def test_the_card_shows_what_is_known(browser, harbor):
    contact = f.contact(
        harbor,
        phone="+13055550142",
        email="dana@example.com",
        tags=["VIP"],
        notes=[{"text": "Mornings"}, {"text": None}],
        custom_fields=[
            {"field_key": "insurance_plan", "value": None, "text": "Delta PPO"},
            {"field_key": "empty", "value": ""},
        ],
    )
    conversation = f.conversation(harbor, contact)
    f.conversation(harbor, contact, inbox=f.inbox(harbor, "Billing"), closed_at=timezone.now())
    response = browser.get(address(conversation))
    for words in (
        "(305) 555-0142",
        "VIP",
        "Mornings",
        "Insurance plan",
        "Delta PPO",
        "Billing",
        "Closed",
    ):
        assert words in pages.text(response), words
    assert '<dt dir="auto">Empty</dt>' not in response.content.decode(), "it can be filled in, and is not shown"
    assert 'name="field-empty"' in response.content.decode()
    assert 'href="mailto:dana@example.com"' in response.content.decode()
    assert f'href="/admin/integrations/contact/{contact.pk}/change/"' in response.content.decode()


@pytest.mark.parametrize(
    ("state", "words", "name"),
    [
        ("pending", "is not saved in Salesmsg yet", "Newname"),
        ("pushing", "being saved", "Newname"),
        ("refused", "refused the last change: “Bad email”", "Dana"),
        ("done", "", "Dana"),
        ("superseded", "", "Dana"),
    ],
)
def test_the_card_tells_a_change_that_is_under_way(browser, harbor, state, words, name):
    contact = f.contact(harbor)
    conversation = f.conversation(harbor, contact)
    reason = "Bad email" if state == "refused" else ""
    Change.objects.create(
        account=harbor,
        kind="contact",
        contact=contact,
        values={"first_name": "Newname"},
        state=state,
        vendor_reason=reason,
    )
    page = pages.text(browser.get(address(conversation)))
    assert words in page
    assert f"{name} Reyes" in page
    if not words:
        assert "notice" not in browser.get(address(conversation)).content.decode().split('class="contact"')[1]


@pytest.mark.parametrize("values", [{"opted_out": True}, {"blocked": True}, {"deleted_at": "2026-01-01T00:00Z"}])
def test_the_composer_is_shut_for_who_cannot_be_texted(browser, harbor, values):
    conversation = f.conversation(harbor, f.contact(harbor, **values))
    response = browser.get(address(conversation))
    send = next(v for tag, v in pages.read(response).tags if v.get("id") == "composer-send")
    assert "disabled" in send
    conversation.contact.refresh_from_db()
    assert conversation.contact.why_not_textable.text in pages.text(response)


@pytest.mark.parametrize("state", [Account.State.ATTENTION, Account.State.DISCONNECTED])
def test_the_composer_is_shut_while_the_account_is_not_connected(browser, harbor, state):
    conversation = f.conversation(harbor)
    Account.objects.update(state=state)
    response = browser.get(address(conversation))
    assert "data-blocked" in response.content.decode()
    assert "Harbor Dental” is disconnected. Reconnect it" in pages.text(
        response
    ) or "no longer accepts the connection" in pages.text(response)


def test_the_composer_is_open_otherwise(browser, harbor):
    response = browser.get(address(f.conversation(harbor)))
    send = next(v for tag, v in pages.read(response).tags if v.get("id") == "composer-send")
    assert "disabled" not in send
    assert b"data-blocked" not in response.content


def test_htmx_gets_the_pane_alone(htmx, harbor):
    conversation = f.conversation(harbor)
    response = htmx.get(address(conversation), target="pane")
    assert b"<html" not in response.content
    assert b'id="rows"' not in response.content
    assert b"<title>Dana Reyes" in response.content


def test_who_is_a_salesmsg_user_too_has_one_name(browser, harbor, ada):
    """Written here or at Salesmsg: one person, and one run of bubbles."""
    f.member(harbor, "Sam Ortiz", ada)
    elsewhere = f.account("Northside", ada)
    f.member(elsewhere, "Another name", ada)
    conversation = f.conversation(harbor)
    f.message(conversation, "From there", inbound=False, author_name="Sam Ortiz")
    f.message(conversation, "From here", inbound=False, sender=ada)
    response = browser.get(address(conversation))
    assert response.content.decode().count('<p class="author">Sam Ortiz</p>') == 1
    assert "Another name" not in pages.text(response)
    assert '<p class="author">Ada Marsh</p>' not in response.content.decode()


def test_an_email_breaks_at_its_signs_and_is_escaped(browser, harbor):
    conversation = f.conversation(harbor, f.contact(harbor, email='ana.<b>"@example.com'))
    shown = browser.get(address(conversation)).content.decode()
    assert (
        '<span class="email-part">ana.<wbr>&lt;b&gt;&quot;</span><span class="email-part">@<wbr>example.<wbr>com</span>'
    ) in shown
    assert "<b>" not in shown


@pytest.mark.parametrize("size", [2, 40])
def test_queries_do_not_grow(browser, harbor, ada, size):
    contact = f.contact(harbor)
    conversation = f.conversation(harbor, contact, inbox=f.inbox(harbor), owner=f.member(harbor, "Ada", ada))
    f.inbox(harbor, "Second")
    for place in range(size):
        f.member(harbor, f"Person {place}")
        f.conversation(harbor, contact, inbox=f.inbox(harbor, f"Inbox {place}"))
        sender = get_user_model().objects.create_user(f"sender-{place}")
        Membership.objects.create(user=sender, account=harbor, member=f.member(harbor, f"Sender {place}"))
        f.message(conversation, "Hi", inbound=place % 2 == 0, sender=sender if place % 2 else None)
        Change.objects.create(account=harbor, kind="contact", contact=contact, values={"email": f"{place}@example.com"})
    custom_field_definitions(contact)  # remembered for all contacts of the account
    with CaptureQueriesContext(connection) as first:
        browser.get(address(conversation))
    assert len(first) <= 15, [query["sql"][:80] for query in first]
    with CaptureQueriesContext(connection) as again:
        browser.get(address(conversation))
    assert len(again) == len(first) - 1, "a second request writes no mark"


# --- Whose it is -----------------------------------------------------------------------------------------------------


@pytest.fixture
def foreign(db):
    """A conversation of an account that Ada is no member of."""
    other = f.account("Somebody else", f.person("eve"))
    conversation = f.conversation(other, f.contact(other, "Secret", "Person"), inbox=f.inbox(other, "Secret inbox"))
    f.message(conversation, "Secret words")
    return conversation


@pytest.mark.parametrize("rest", ["", "older/", "poll/"])
def test_other_peoples_threads_are_not_found(browser, harbor, foreign, rest):
    assert browser.get(address(foreign, rest)).status_code == 404
    assert browser.get(f"/inbox/{10**30}/{rest}").status_code == 404


@pytest.mark.parametrize("rest", ["send/", "close/", "reopen/", "assign/", "watch/"])
def test_nobody_acts_in_other_peoples_threads(browser, harbor, foreign, rest):
    data = {"text": "Hi", "client_uuid": "7d1a5c3e-0000-4000-8000-000000000001"}
    assert browser.post(address(foreign, rest), data).status_code == 404
    foreign.refresh_from_db()
    assert foreign.closed_at is None
    assert foreign.messages.count() == 1


@pytest.mark.parametrize("act", ["again", "cancel"])
def test_nobody_acts_on_other_peoples_messages(browser, harbor, foreign, act):
    state = "failed" if act == "again" else "queued"
    message = f.message(foreign, "Lost", inbound=False, state=state)
    assert browser.post(f"/inbox/messages/{message.pk}/{act}/").status_code == 404
    message.refresh_from_db()
    assert message.state == state


def test_the_list_and_its_search_stay_at_home(browser, harbor, foreign):
    for query in (
        {},
        {"q": "Secret"},
        {"q": "words"},
        {"q": "+1305"},
        {"box": f"a{foreign.account_id}"},
        {"box": foreign.inbox_id},
    ):
        page = browser.get("/inbox/", query)
        assert pages.rows(page) == []
        assert "Secret inbox" not in pages.text(page)
    assert pages.rows(browser.get("/inbox/rows/")) == []
    assert pages.rows(browser.get("/inbox/poll/")) == []


def test_a_superuser_sees_all(client, foreign):
    client.force_login(f.person("root", superuser=True))
    assert client.get(address(foreign)).status_code == 200


@pytest.mark.parametrize("rest", ["send/", "close/", "reopen/", "assign/", "watch/"])
def test_acting_takes_a_post(browser, harbor, rest):
    assert browser.get(address(f.conversation(harbor), rest)).status_code == 405


def test_the_first_message_shown_names_its_day(browser, harbor):
    """Also when more lie above it."""
    conversation = f.conversation(harbor)
    f.thread(
        conversation, queries.MESSAGES + 1, start=timezone.now() - timedelta(minutes=200), every=timedelta(minutes=1)
    )
    first = browser.get(address(conversation)).content.decode().split('<ol class="messages"')[1]
    assert first.index('class="day"') < first.index('class="bubble"')


def test_where_the_cache_ends_the_rest_is_asked_for_and_said(browser, harbor):
    """A gap in history is known as one: scrolling there fills it."""
    thread = f.conversation(harbor)
    for number in range(60):
        f.message(thread, f"Text {number}", at=timezone.now() - timedelta(minutes=100 - number))
    ThreadSync.objects.filter(conversation=thread).update(complete=False)
    page = browser.get(f"/inbox/{thread.pk}/").content.decode()
    assert "Older messages" in page
    assert "being fetched" not in page
    assert ThreadSync.objects.get().due_at is None, "no user has scrolled to the gap"
    cursor = re.search(r"older/\?until=([^\"]+)", page)[1]
    top = browser.get(f"/inbox/{thread.pk}/older/?until={cursor}").content.decode()
    assert "Loading earlier messages from Salesmsg" in top
    asked = ThreadSync.objects.get()
    assert asked.due_at is not None
    assert asked.wanted_at is not None
    again = re.search(r"older/\?until=([^\"]+)", top)[1]
    ThreadSync.objects.update(complete=True)
    f.message(thread, "The very first", at=timezone.now() - timedelta(days=1))
    filled = browser.get(f"/inbox/{thread.pk}/older/?until={again}").content.decode()
    assert "The very first" in filled
    assert "being fetched" not in filled
