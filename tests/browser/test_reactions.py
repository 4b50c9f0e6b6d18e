"""A reaction from the contact's phone: a badge on the text, and nobody is called."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.harness.portal import Portal
from tests.harness.sandbox import Sandbox

pytestmark = [pytest.mark.browser]


def test_a_reaction_is_a_badge_and_a_text_is_news(
    page: Page, open_page, vendor: Sandbox, connected: Portal, stranger: dict
):
    connected.visit(page, "/inbox/")
    mine = page.locator(".row", has=page.get_by_text(stranger["full_name"], exact=True))
    mine.locator(".row-link").click()
    page.get_by_label("Your text to").fill("See you at ten. “Dr. Marsh”")
    page.get_by_role("button", name="Send", exact=True).click()
    text = page.locator("#messages .message-out", has_text="See you at ten.")
    expect(text.locator(".state")).to_have_text(re.compile("Sent|Delivered"))
    below = page.locator("#messages > li").count()

    # On the phone; the open thread shows it by itself, on the text.
    phone = open_page()
    phone.goto(f"{vendor.url}/sandbox/phone/{stranger['id']}/")

    def writes(words: str) -> None:
        phone.get_by_role("textbox").fill(words)
        phone.get_by_role("textbox").press("Enter")
        expect(phone.get_by_text(words).first).to_be_visible()

    writes("Loved “See you at ten. “Dr. Marsh””")
    badge = text.locator(".reaction")
    expect(badge).to_contain_text("❤️")
    expect(badge).to_contain_text(f"{stranger['full_name']} reacted ❤️")
    expect(page.locator("#messages > li")).to_have_count(below)
    writes("Removed a heart from “See you at ten. “Dr. Marsh””")
    expect(badge).to_have_count(0)

    # Elsewhere, in the list: neither it nor an automatic reply is unread; a text is.
    page.goto(f"{connected.url}/inbox/")
    expect(mine.locator(".row-text")).to_contain_text("See you at ten.")
    writes("Liked “See you at ten. “Dr. Marsh””")
    writes("I'm driving with Focus turned on. I'll see your message when I get where I'm going.")
    writes("Fine, see you!")
    expect(mine.locator(".row-text")).to_have_text("Fine, see you!")
    expect(mine.locator(".row-badge")).to_have_text(re.compile(r"^\s*1 unread\s*$"))
    mine.locator(".row-link").click()
    expect(badge).to_contain_text("👍")
    expect(page.locator("#messages .machine")).to_contain_text("Automatic reply")
    expect(page.locator("#messages > li")).to_have_count(below + 2)
    assert page.complaints == []
