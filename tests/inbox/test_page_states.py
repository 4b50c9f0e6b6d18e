"""Empty states, errors, and what every page carries: policy, zone, no inline code."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from integrations.inbox.conversation_list import queries
from integrations.models import Account
from tests import factories as f

from . import pages


def test_without_an_account_the_next_step_is_to_connect(browser):
    words = pages.text(browser.get("/inbox/"))
    assert "Connect Salesmsg" in words
    assert b'href="/accounts/"' in browser.get("/inbox/").content


def test_no_conversation_chosen(browser, harbor):
    f.conversation(harbor)
    assert "Choose a conversation" in pages.text(browser.get("/inbox/"))


def test_no_conversation_at_all(browser, harbor):
    assert "No conversations yet" in pages.text(browser.get("/inbox/"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"q": "zebra"}, "No results for “zebra”"),
        ({"show": "unread"}, "All read"),
        ({"show": "failed"}, "No failed texts"),
        ({"show": "closed"}, "No conversations match this filter"),
        ({"show": "mine"}, "Who are you in Salesmsg?"),
    ],
)
def test_each_empty_filter_says_what_it_means(browser, harbor, query, words):
    f.conversation(harbor)
    assert words in pages.text(browser.get("/inbox/", query))


def test_mine_of_somebody_who_is_known_at_salesmsg(browser, harbor, ada):
    f.member(harbor, "Ada", ada)
    assert "Who are you" not in pages.text(browser.get("/inbox/", {"show": "mine"}))


def test_the_first_sync_shows_its_progress_and_keeps_it_moving(browser, harbor, monkeypatch):
    Account.objects.update(synced_at=None)
    streams = [SimpleNamespace(label="Contacts", seen=40, total=100, done=False)]
    progress = SimpleNamespace(running=True, fraction=0.4, eta_seconds=130, streams=streams)
    monkeypatch.setattr(queries.sync, "progress", lambda account: progress)
    page = browser.get("/inbox/")
    words = pages.text(page)
    assert "Syncing “Harbor Dental”" in words
    assert "Contacts: 40 of 100" in words
    assert ". About 2 min left" in words
    assert b'value="40" max="100"' in page.content
    # The token never matches meanwhile, so each poll renders the progress again.
    poll = browser.get("/inbox/poll/", {"token": pages.state(page)["token"]})
    assert poll.status_code == 200
    progress.running = False
    page = browser.get("/inbox/")
    assert browser.get("/inbox/poll/", {"token": pages.state(page)["token"]}).status_code == 204


ADDRESSES = [
    "/inbox/",
    "/inbox/?q=x",
    "/inbox/new/",
    "/inbox/rows/",
    "/inbox/poll/",
    "/inbox/{pk}/",
    "/inbox/{pk}/poll/",
    "/inbox/987654/",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_keeps_the_policy(browser, harbor, address):
    conversation = f.conversation(harbor)
    f.message(
        conversation, "Look https://example.com", media=[{"id": 1, "url": "https://m.example.com/a.jpg"}], kind="mms"
    )
    f.message(conversation, "Lost", inbound=False, state="failed")
    f.message(conversation, "Perhaps", inbound=False, state="unknown")
    f.message(conversation, "Soon", inbound=False, state="queued")
    response = browser.get(address.format(pk=conversation.pk))
    policy = response["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert pages.inline(response) == []


def test_the_reader_of_inline_code_sees_it():
    bad = SimpleNamespace(
        content=b'<p style="x" onclick="y" hx-on:click="z"></p><script>1</script><a href="javascript:1">'
    )
    assert len(pages.inline(bad)) == 5


@pytest.mark.parametrize(
    ("zone", "clock"), [("America/New_York", "8:30 PM"), ("Asia/Tokyo", "9:30 AM"), ("No/Where", "12:30 AM")]
)
def test_times_are_in_the_viewers_zone(browser, harbor, zone, clock):
    conversation = f.conversation(harbor)
    f.message(conversation, "Hello", at=datetime(2025, 6, 2, 0, 30, tzinfo=UTC))
    browser.cookies["tz"] = zone
    response = browser.get(f"/inbox/{conversation.pk}/")
    assert clock in pages.text(response)
    day = "Sunday, June 1, 2025" if zone == "America/New_York" else "Monday, June 2, 2025"
    assert day in pages.text(response)
    expected = "UTC" if zone == "No/Where" else zone
    assert f'data-zone="{expected}"'.encode() in response.content


def test_days_are_named(browser, harbor):
    conversation = f.conversation(harbor)
    noon = timezone.now().replace(hour=12, minute=0)
    f.message(conversation, "a", at=noon - timedelta(days=1))
    f.message(conversation, "b", at=noon - timedelta(days=1) + timedelta(minutes=1))
    f.message(conversation, "c", at=noon)
    response = browser.get(f"/inbox/{conversation.pk}/")
    assert response.content.count(b'class="day"') == 2
    assert "Yesterday" in pages.text(response)
    assert "Today" in pages.text(response)


def test_visitors_are_led_to_the_login(client, harbor):
    response = client.get("/inbox/?show=open")
    assert response.status_code == 302
    assert response["Location"].endswith("/login/?next=/inbox/%3Fshow%3Dopen")


@pytest.mark.parametrize("address", ["/inbox/poll/", "/inbox/1/poll/", "/inbox/rows/"])
def test_a_poll_of_a_signed_out_tab_gets_401(client, db, address):
    assert client.get(address, headers={"HX-Request": "true"}).status_code == 401


def test_people_who_are_not_staff_are_told_why(client, db):
    client.force_login(f.person("guest", is_staff=False))
    response = client.get("/inbox/")
    assert response.status_code == 403
    assert "Only staff can use this page" in pages.text(response)


def test_a_form_of_an_old_page_says_that_nothing_was_sent(client, ada, harbor):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    response = strict.post(f"/inbox/{f.conversation(harbor).pk}/send/", {"text": "Hi"})
    assert response.status_code == 403
    assert "Nothing was sent or changed" in pages.text(response)


def test_the_page_of_a_breakdown_needs_nothing(db):
    from django.template.loader import render_to_string

    assert "Something went wrong" in render_to_string("500.html")
