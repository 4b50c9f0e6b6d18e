"""Writing in a browser: saved replies by “/”, emoji, what a text costs, and hints. Salesmsg is not needed for it."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser]

ROWS = """
from integrations.models import SavedReply
from tests import factories
account = factories.account()
thread = factories.conversation(account, factories.contact(account, "", "Reyes", phone="+12125550142"))
factories.message(thread, "Are you open on Saturday?")
for name, text in (
    ("hours", "Hi {first_name}! We open at nine – every day."),
    ("thanks", "Thank you, {first_name|dear} {last_name}."),
    ("way", "You find us at 12 Harbor Road."),
):
    SavedReply.objects.create(account=account, name=name, text=text)
print(json.dumps(thread.pk))
"""


@pytest.fixture
def thread(page: Page, empty) -> str:
    """The address of an open conversation with Reyes in New York, whose first name is empty; 11:42 PM there."""
    empty.superuser()
    pk = empty.query(ROWS)
    page.clock.set_system_time("2026-11-12T04:42:00Z")
    empty.visit(page, f"/inbox/{pk}/")
    page.made = empty
    return f"{empty.url}/inbox/{pk}/"


def ours(page: Page) -> list[str]:
    """The texts that were taken."""
    texts = "Message.objects.filter(inbound=False).values_list('text', flat=True)"
    return page.made.query(f"from integrations.models import Message\nprint(json.dumps(list({texts})))")


def test_writing(page: Page, thread: str):
    text, options = page.locator("#composer-text"), page.locator("#replies-list").get_by_role("option")
    expect(text).to_be_focused()

    # "/" finds by name and by words; the focus stays in the text.
    text.press_sequentially("/road")
    expect(options).to_have_count(1)
    expect(text).to_have_attribute("aria-expanded", "true")
    text.press("Escape")
    expect(page.locator("#replies-body")).to_be_hidden()
    expect(text).to_have_value("/road")
    text.fill("")
    text.press_sequentially("Morning! /")
    expect(options).to_have_count(3)
    text.press("ArrowDown")
    text.press("ArrowDown")
    expect(text).to_have_attribute("aria-activedescendant", re.compile(r"reply-\d+"))
    expect(options.nth(2)).to_have_attribute("aria-selected", "true")
    text.press("ArrowDown")
    text.press_sequentially("ho")
    expect(options).to_have_count(1)
    text.press("Enter")
    expect(text).to_have_value("Morning! Hi {first_name}! We open at nine – every day.")
    expect(text).not_to_have_attribute("role", "combobox")

    # The button does the same for a mouse; what it put there goes with Escape.
    text.fill("")
    button = page.locator("#replies > summary")
    button.click()
    options.filter(has_text="way").click()
    expect(text).to_have_value("You find us at 12 Harbor Road.")
    expect(text).to_be_focused()
    button.click()
    expect(text).to_have_value("You find us at 12 Harbor Road. /")
    expect(options).to_have_count(3)
    expect(options.last).to_contain_text("thanks")  # never used
    text.press("Escape")
    expect(text).to_have_value("You find us at 12 Harbor Road. ")
    text.fill("")
    text.press_sequentially("Morning! /hours")
    expect(options).to_have_count(1)
    text.press("Tab")

    # The empty field is pointed at, and keeps the text from leaving by key and by button.
    strip = page.locator("#composer-unfilled")
    expect(strip).to_contain_text("First name is empty for this contact. Replace {first_name}.")
    text.press("Control+End")
    text.press("Enter")
    page.locator("#composer-send").click()
    expect(strip).to_be_visible()
    assert ours(page) == []
    strip.get_by_role("button", name="Fill in").click()
    page.keyboard.type("Dana")
    expect(text).to_have_value("Morning! Hi Dana! We open at nine – every day.")
    expect(strip).to_be_empty()

    # What it costs, and plain characters in place of the dash.
    cost = page.locator("#composer-cost")
    expect(cost).to_contain_text("Unicode: 70 characters per segment instead of 160, because of –")
    cost.get_by_role("button", name="Use plain characters").click()
    expect(text).to_have_value("Morning! Hi Dana! We open at nine - every day.")
    expect(cost).to_be_hidden()

    # An emoji by keys alone, at the end of the text; the next time it stands among the recent ones.
    text.press("Control+End")
    emoji = page.get_by_role("button", name="Emoji")
    for _ in range(2):
        emoji.press("Enter")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
    expect(text).to_have_value("Morning! Hi Dana! We open at nine - every day.😀😀")
    expect(text).to_be_focused()
    emoji.click()
    expect(page.get_by_role("grid", name="Recent").get_by_role("button")).to_have_count(1)
    page.keyboard.press("Escape")

    # Hints: the first text, and what time it is for them. One is used up, the other leads to the morning.
    first, quiet = page.locator("[data-hint=first]"), page.locator("[data-hint=quiet]")
    expect(quiet).to_contain_text(re.compile(r"It is 11:42\sPM for them \(New York\)\."))
    first.get_by_role("button", name="Add").click()
    expect(text).to_have_value(re.compile(r"😀😀\nReply STOP to opt out\.$"))
    expect(first).to_be_hidden()
    quiet.get_by_role("button", name="Send at").click()
    expect(page.locator("#later-when")).to_be_visible()
    expect(page.locator("#later-when")).to_have_value(re.compile(r"T09:00$"))
    expect(page.locator("#later-zone")).to_have_value("America/New_York")
    page.keyboard.press("Escape")
    quiet.get_by_role("button", name="Hide this hint").click()
    page.reload()
    expect(quiet).to_be_hidden()

    text.press("Enter")
    expect(page.locator("#messages")).to_contain_text("Reply STOP to opt out.")
    expect(first).to_have_count(0)
    assert ours(page) == ["Morning! Hi Dana! We open at nine - every day.😀😀\nReply STOP to opt out."]
    assert page.complaints == []


def test_a_placeholder_of_another_product(page: Page, thread: str):
    """Pasted, it is not sent; the button fills in the contact's name, which can be undone."""
    page.made.query("from integrations.models import Contact\nContact.objects.update(first_name='Dana')\nprint(1)")
    page.reload()
    text, strip = page.locator("#composer-text"), page.locator("#composer-unfilled")
    text.fill("Hi {{contact.first_name}}, we are open.")
    page.locator("#composer-send").click()
    expect(strip).to_contain_text("{{contact.first_name}} would be sent unchanged. Replace it.")
    assert ours(page) == []
    strip.get_by_role("button", name="Replace with “Dana”").click()
    expect(text).to_have_value("Hi Dana, we are open.")
    expect(strip).to_be_empty()
    text.press("Control+z")
    expect(text).to_have_value("Hi {{contact.first_name}}, we are open.")
    strip.get_by_role("button", name="Replace with “Dana”").press("Enter")
    expect(text).to_have_value("Hi Dana, we are open.")

    # A placeholder without a value is pointed at.
    text.press_sequentially(" [Company]")
    expect(strip.get_by_role("button")).to_have_text("Fill in")
    strip.get_by_role("button").click()
    page.keyboard.type("Harbor Dental")
    expect(text).to_have_value("Hi Dana, we are open. Harbor Dental")
    page.locator("#composer-send").click()
    expect(text).to_have_value("")
    assert ours(page) == ["Hi Dana, we are open. Harbor Dental"]
