"""The same text from two tabs leaves once: the second tab is emptied, or asks before it sends the text again."""

import pytest
from playwright.sync_api import Page, expect

from tests.harness.portal import Portal
from tests.harness.sandbox import Sandbox, wait_for

pytestmark = [pytest.mark.browser]


def open_thread(ours: Portal, page: Page, contact: dict):
    ours.visit(page, "/inbox/")
    page.locator(".row-link", has=page.get_by_text(contact["full_name"], exact=True)).click()
    return page.locator("#composer-text")


def test_a_draft_that_was_sent_elsewhere_is_emptied(open_page, connected: Portal, vendor: Sandbox, stranger: dict):
    first, second = open_page(), open_page()
    here = open_thread(connected, first, stranger)
    with first.expect_response("**/draft/"):
        here.fill("See you at noon")
    there = open_thread(connected, second, stranger)
    expect(there).to_have_value("See you at noon")
    here.press("Enter")
    expect(there).to_have_value("")
    expect(second.get_by_text("This draft was sent or deleted in another tab")).to_be_visible()
    there.press_sequentially("N")
    expect(second.get_by_text("This draft was sent or deleted in another tab")).to_be_hidden()


def test_the_second_tab_asks(open_page, connected: Portal, vendor: Sandbox, stranger: dict):
    first, second = open_page(), open_page()
    here = open_thread(connected, first, stranger)
    there = open_thread(connected, second, stranger)
    for page in (first, second):  # two people who share a login have typed the same: no draft tells one of the other
        page.route("**/draft/", lambda route: route.abort())
    here.fill("The same words")
    there.fill("The same words")
    here.press("Enter")
    expect(first.locator("li.message-out", has_text="The same words")).to_have_count(1)
    there.press("Enter")
    error = second.locator("#composer-error")
    expect(error).to_contain_text("The same text")
    expect(there).to_have_value("The same words")

    def texts() -> int:
        return sum(row["body_raw"] == "The same words" for row in vendor.data()["messages"])

    wait_for("the first has arrived", lambda: texts() == 1)
    error.get_by_role("button", name="Send anyway").click()
    expect(second.locator("li.message-out", has_text="The same words")).to_have_count(2)
    expect(there).to_have_value("")
    wait_for("so has the second", lambda: texts() == 2)
