"""The outbox page: who sees what, what it says, and what a poll costs."""

import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import Account, Message
from integrations.outbox import fragments
from tests import factories as f
from tests.inbox import pages


def state(response) -> str:
    """What the page sends with its next poll."""
    for _, values in pages.read(response).tags:
        if values.get("id") == "outbox-poll":
            return values["hx-vals"].removeprefix('{"have": "').removesuffix('"}')
    return ""


def ids(response) -> list[str]:
    return [values["id"] for _, values in pages.read(response).tags if "outbox-part" in values.get("class", "").split()]


@pytest.fixture
def failed(harbor):
    return f.message(
        f.conversation(harbor, f.contact(harbor, "Tom", "Baker")), "Your glasses are ready", inbound=False,
        state="failed", client_uuid=uuid.uuid4(), vendor_id=None, vendor_reason="The number is a landline.",
    )  # fmt: skip


# --- Who sees what ---------------------------------------------------------------------------------------------------


def test_strangers_sign_in_first(harbor):
    assert Client().get("/outbox/").status_code == 302
    assert Client().get("/outbox/live/", headers={"HX-Request": "true"}).status_code == 401
    outsider = Client()
    outsider.force_login(f.person("eve", is_staff=False))
    assert outsider.get("/outbox/").status_code == 403


def test_only_ones_own_accounts_are_shown(browser, harbor):
    other = f.account("Northside Clinic")
    f.message(f.conversation(other), "Not for Ada", inbound=False, state="queued", due_at=timezone.now())
    for address in ("/outbox/", f"/outbox/?account={other.pk}", "/outbox/?account=x", "/outbox/?account="):
        shown = pages.text(browser.get(address))
        assert "Harbor Dental" in shown
        assert "Northside Clinic" not in shown
        assert "Not for Ada" not in shown


def test_without_an_account_it_says_what_to_do(client, db):
    client.force_login(f.person("new"))
    response = client.get("/outbox/")
    assert "No account yet" in pages.text(response)
    assert "outbox-poll" not in response.content.decode()


def test_whoever_has_many_accounts_chooses_one(browser, harbor, ada, monkeypatch):
    monkeypatch.setattr(fragments, "ACCOUNTS", 2)
    more = [f.account(f"Branch {number}", ada) for number in range(3)]
    assert len(ids(browser.get("/outbox/"))) == 2 * len(fragments.PARTS)
    chosen = browser.get("/outbox/", {"account": more[2].pk})
    assert ids(chosen) == [f"{name}-{more[2].pk}" for name in fragments.PARTS]
    polled = browser.get("/outbox/live/", {"account": more[2].pk, "have": state(chosen)})
    assert polled.status_code == 204


# --- What it says ----------------------------------------------------------------------------------------------------


def test_nothing_at_all(browser, harbor):
    response = browser.get("/outbox/")
    shown = pages.text(response)
    for words in (
        "No calls in the last 10 min",
        "Nothing needs attention",
        "All texts have been sent.",
        "of 60 calls used",
    ):
        assert words in shown
    assert pages.inline(response) == []


def test_the_picture_has_bars_blocks_and_a_table(browser, harbor, books, noon):
    books.called(1, "interactive", 2)
    books.called(20, "sync", 3)
    until = books.blocked(120)
    response = browser.get("/outbox/")
    tags = pages.read(response).tags
    bars = [values for tag, values in tags if tag == "rect" and values.get("class", "").startswith("lane-")]
    assert {bar["class"] for bar in bars} == {"lane-interactive", "lane-sync"}
    assert float(bars[-1]["y"]) + float(bars[-1]["height"]) <= 120
    # At the limit of 6, five calls reach five sixths of the way from the ground to the line at 12.
    newest = [bar for bar in bars if bar["x"] == "590.75"]
    assert min(float(bar["y"]) for bar in newest) == pytest.approx(120 - 5 * 18)
    blocks = [values for tag, values in tags if tag == "rect" and values.get("class") == "blocked"]
    assert [(block["x"], block["width"]) for block in blocks] == [("470", "70")]
    assert until < noon
    assert "Blocked until" not in pages.text(response)
    assert "Blocked by Salesmsg from 11:58:03 AM to 11:59:03 AM" in pages.text(response)
    assert "5 of 6" in pages.text(response)
    assert pages.inline(response) == []


def test_a_block_says_until_when(browser, harbor, books, queued, noon):
    books.blocked(15)
    queued()
    shown = pages.text(browser.get("/outbox/"))
    assert "Blocked until 12:00:48 PM" in shown
    assert "about 12:00:48 PM" in shown


def test_what_waits_and_when_it_leaves(browser, harbor, books, queued, noon):
    books.called(20, number=6)
    text = queued(text="Bring your <card>")
    later = queued(after=86_400, send_at=noon + timedelta(days=1))
    response = browser.get("/outbox/")
    shown = pages.text(response)
    assert "about 12:00:43 PM" in shown
    assert "tomorrow, 12:00 PM" in shown
    assert "Bring your &lt;card&gt;" in response.content.decode()
    assert f"/inbox/messages/{later.pk}/cancel/" in response.content.decode()
    assert f"/inbox/{text.conversation_id}/" in response.content.decode()


def test_an_account_that_is_not_connected_says_so(browser, harbor, queued):
    queued()
    Account.objects.update(state=Account.State.ATTENTION)
    shown = pages.text(browser.get("/outbox/"))
    assert "This account is not connected" in shown
    assert "not connected" in shown.replace("The account is not connected", "")


def test_what_needs_a_person_comes_with_its_buttons(browser, harbor, failed, queued):
    held = queued(due_at=None, vendor_reason="It is more than an hour late.")
    shown = browser.get("/outbox/").content.decode()
    for part in (
        "Tom Baker", "The number is a landline.", f"/inbox/messages/{failed.pk}/again/",
        "It is more than an hour late.", f"/inbox/messages/{held.pk}/cancel/", f"/inbox/{failed.conversation_id}/",
    ):  # fmt: skip
        assert part in shown


# --- Its buttons -----------------------------------------------------------------------------------------------------


def test_a_button_leads_back_here(browser, harbor, failed):
    response = browser.post(f"/inbox/messages/{failed.pk}/again/", {"next": "/outbox/"}, follow=True)
    assert response.redirect_chain == [("/outbox/", 302)]
    assert "Nothing needs attention" in pages.text(response)
    waiting = Message.objects.get(state="queued")
    browser.post(f"/inbox/messages/{waiting.pk}/cancel/", {"next": "/outbox/"})
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"


def test_a_refusal_is_told_here(browser, harbor, failed):
    failed.conversation.contact.opted_out = True
    failed.conversation.contact.save()
    response = browser.post(f"/inbox/messages/{failed.pk}/again/", {"next": "/outbox/"}, follow=True)
    assert response.redirect_chain == [("/outbox/", 302)]
    assert failed.conversation.contact.why_not_textable.text in pages.text(response)


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "outbox", "\t//evil.example"],
)
def test_nobody_is_led_elsewhere(browser, harbor, failed, elsewhere):
    response = browser.post(f"/inbox/messages/{failed.pk}/again/", {"next": elsewhere})
    assert response.url == f"/inbox/{failed.conversation_id}/"


# --- Polls -----------------------------------------------------------------------------------------------------------


def test_a_poll_without_news_is_empty(browser, harbor, books, queued, failed, noon):
    books.called(5)
    queued()
    told = state(browser.get("/outbox/"))
    response = browser.get("/outbox/live/", {"have": told})
    assert (response.status_code, response.content) == (204, b"")


def test_only_what_changed_travels(browser, harbor, books, queued, noon):
    told = state(browser.get("/outbox/"))
    queued(text="Just written")
    answer = browser.get("/outbox/live/", {"have": told})
    assert ids(answer) == [f"waiting-{harbor.pk}"]
    assert "Just written" in pages.text(answer)
    assert all(
        "hx-swap-oob" in values
        for _, values in pages.read(answer).tags
        if "outbox-part" in values.get("class", "").split()
    )
    assert browser.get("/outbox/live/", {"have": state(answer)}).status_code == 204
    books.called(1)
    assert ids(browser.get("/outbox/live/", {"have": state(answer)})) == [f"picture-{harbor.pk}"]


def test_a_failure_is_news(browser, harbor, queued):
    """What is remembered of lost texts lasts until something of the account changes."""
    text = queued()
    told = state(browser.get("/outbox/"))
    Message.objects.filter(pk=text.pk).update(state="failed", vendor_reason="A landline.", due_at=None)
    f.touch(text.conversation)
    answer = browser.get("/outbox/live/", {"have": told})
    assert ids(answer) == [f"needs-{harbor.pk}", f"waiting-{harbor.pk}"]
    assert "A landline." in pages.text(answer)


def test_a_quiet_picture_stays_the_same_as_time_passes(browser, harbor, noon, monkeypatch):
    told = state(browser.get("/outbox/"))
    monkeypatch.setattr(timezone, "now", lambda: noon + timedelta(seconds=47))
    assert browser.get("/outbox/live/", {"have": told}).status_code == 204


def test_when_an_account_comes_the_page_is_loaded_again(browser, harbor, ada):
    told = state(browser.get("/outbox/"))
    f.account("Northside Clinic", ada)
    response = browser.get("/outbox/live/", {"have": told})
    assert (response.status_code, response.headers["HX-Refresh"]) == (204, "true")
    assert browser.get("/outbox/live/", {"have": "odd,:,a:b:c"}).headers["HX-Refresh"] == "true"


def test_a_poll_costs_the_same_with_10_and_with_500_waiting_texts(browser, harbor, books, failed):
    costs = []
    for number in (10, 490):
        books.called(5, number=5)
        thread = f.conversation(harbor)
        Message.objects.bulk_create(
            Message(
                account=harbor, conversation=thread, client_uuid=uuid.uuid4(), state="queued", text="x",
                at=timezone.now(), rank=place, due_at=timezone.now(),
            )
            for place in range(number)
        )  # fmt: skip
        cache.clear()
        with CaptureQueriesContext(connection) as made:
            assert browser.get("/outbox/live/").status_code == 204
        costs.append(len(made))
    assert costs[0] == costs[1] <= 17
