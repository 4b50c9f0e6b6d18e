"""A text for later, in a browser: scheduled, changed in its place, sent now, taken back."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.harness.portal import Portal
from tests.harness.sandbox import Sandbox, wait_for

pytestmark = [pytest.mark.browser]


@pytest.fixture
def thread(page: Page, connected: Portal, stranger: dict) -> Page:
    """A user's open thread; in Berlin, while the contact is in America."""
    connected.visit(page, "/inbox/")
    page.locator(".row-link", has=page.get_by_text(stranger["full_name"], exact=True)).click()
    expect(page.locator("#messages li.message")).not_to_have_count(0)
    return page


def compose(page: Page, text: str, when: datetime) -> None:
    page.get_by_placeholder(re.compile("^Text ")).fill(text)
    page.get_by_label("Send later").click()
    page.get_by_label("Date and time").fill(when.strftime("%Y-%m-%dT%H:%M"))


def rows(ours: Portal, contact: dict) -> list:
    """What we have written to them."""
    return ours.query(
        "from integrations.models import Message\n"
        "fields = ('text', 'state', 'zone', 'stop_on_reply', 'send_at')\n"
        f"own = Message.objects.filter(client_uuid__isnull=False, conversation__contact__vendor_id={contact['id']})\n"
        "found = own.order_by('pk').values_list(*fields)\n"
        "print(json.dumps([[str(value) for value in row] for row in found]))"
    )


def test_schedule_edit_and_cancel(thread: Page, connected: Portal, stranger: dict):
    noon = (datetime.now() + timedelta(days=3)).replace(hour=12, minute=0)
    compose(thread, "See you on Friday", noon)
    thread.get_by_label("Don’t send if the contact replies first").check()
    thread.get_by_role("button", name="Schedule", exact=True).click()
    mine = thread.locator("#messages li.planned")
    expect(mine).to_have_count(1)
    expect(mine).to_contain_text("See you on Friday")
    expect(mine).to_contain_text("12:00 PM")
    expect(mine).to_contain_text("Not sent if the contact replies first.")
    expect(thread.locator("#messages li.message").last).to_have_id(mine.get_attribute("id"))
    # The form is used up and closed, ready for the next text.
    expect(thread.locator("#composer-text")).to_have_value("")
    expect(thread.get_by_label("Date and time")).not_to_be_visible()
    [[text, state, _, stop, _]] = rows(connected, stranger)
    assert (text, state, stop) == ("See you on Friday", "queued", "True")

    # In its place, and it stays open while the page goes on asking.
    mine.get_by_role("link", name="Edit").click()
    box = mine.get_by_label("The text")
    expect(box).to_be_focused()
    box.fill("See you on Saturday")
    mine.get_by_label("Date and time").fill("2001-01-01T09:00")
    for _ in range(2):
        with thread.expect_response(re.compile(r"/inbox/\d+/poll/")):
            pass
    mine.get_by_role("button", name="Save").click()
    expect(mine.get_by_role("alert")).to_contain_text("in the past")
    expect(mine.get_by_label("The text")).to_have_value("See you on Saturday")
    mine.get_by_label("Date and time").fill((noon + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"))
    mine.get_by_role("button", name="Save").click()
    expect(mine.locator(".bubble")).to_have_text("See you on Saturday")
    mine.get_by_role("link", name="Edit").click()
    mine.get_by_label("The text").fill("Nothing of this is kept")
    mine.get_by_role("link", name="Discard changes").click()
    expect(mine.locator(".bubble")).to_have_text("See you on Saturday")
    mine.get_by_role("link", name="Edit").click()
    mine.get_by_role("button", name="Save").click()
    expect(mine.locator(".bubble")).to_have_text("See you on Saturday")

    mine.get_by_role("button", name="Cancel").click()
    expect(thread.locator("#messages li.state-cancelled")).to_contain_text("Cancelled, not sent")
    expect(mine).to_have_count(0)
    assert [row[:2] for row in rows(connected, stranger)] == [["See you on Saturday", "cancelled"]]
    # The one refusal is all that the browser reports.
    assert [words for words in thread.complaints if "422" not in words] == []


def test_what_cannot_be_scheduled_stays_in_the_form(thread: Page, connected: Portal, stranger: dict):
    compose(thread, "Precious words", datetime(2001, 1, 1, 9))
    # Enter in the date schedules; it must never send at once.
    thread.get_by_label("Date and time").press("Enter")
    expect(thread.locator("#composer-error")).to_contain_text("in the past")
    expect(thread.locator("#composer-text")).to_have_value("Precious words")
    expect(thread.get_by_label("Date and time")).to_have_value("2001-01-01T09:00")
    assert rows(connected, stranger) == []


def test_it_leaves_by_itself_and_the_page_follows(thread: Page, vendor: Sandbox, connected: Portal):
    compose(thread, "On the dot", datetime.now() + timedelta(days=2))
    thread.get_by_role("button", name="Schedule", exact=True).click()
    mine = thread.locator("#messages li.message-out", has_text="On the dot")
    expect(mine).to_contain_text("Scheduled for")
    # Its send time is moved nearer, because the test cannot wait for two days.
    at = connected.query(
        "from datetime import timedelta; from django.utils import timezone; from integrations.models import Message\n"
        "at = timezone.now() + timedelta(seconds=8)\n"
        "Message.objects.filter(text='On the dot').update(send_at=at, due_at=at, at=at)\n"
        "print(json.dumps(at.timestamp()))"
    )
    left = wait_for(
        "it has left", lambda: [row for row in vendor.state()["messages"] if row["body"] == "On the dot"], 30
    )
    assert left[0]["received"] >= at, "not before its hour"
    expect(mine).to_contain_text(re.compile("Sent|Delivered"))
    expect(mine).to_have_count(1)


def test_a_scheduled_text_is_sent_at_a_persons_word(thread: Page, vendor: Sandbox, connected: Portal):
    compose(thread, "Not yet", datetime.now() + timedelta(days=2))
    thread.get_by_role("button", name="Schedule", exact=True).click()
    mine = thread.locator("#messages li.message-out", has_text="Not yet")
    expect(mine).to_contain_text("Scheduled for")
    assert not [row for row in vendor.state()["messages"] if row["body"] == "Not yet"]
    mine.get_by_role("button", name="Send now").click()
    expect(mine).to_contain_text(re.compile("Sent|Delivered"))
    assert len([row for row in vendor.state()["messages"] if row["body"] == "Not yet"]) == 1
