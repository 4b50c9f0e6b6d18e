"""The number of a new conversation, checked while it is typed."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser]

ROWS = """
from integrations.models import Number
from tests import factories
account = factories.account()
front = factories.inbox(account, "Front desk", phone="+13055550100")
berlin = factories.inbox(account, "Berlin", phone="+493012345678")
Number.objects.create(account=account, vendor_id=1, phone="+13055550100", country="US", inbox=front)
Number.objects.create(account=account, vendor_id=2, phone="+493012345678", country="DE", inbox=berlin)
Number.objects.create(account=account, vendor_id=3, phone="+46701740605", country="SE")
"""
TEXTED = """
from integrations.models import Message
print(json.dumps([message.conversation.contact.phone for message in Message.objects.all()]))
"""


def test_a_number_is_checked_while_it_is_typed(page: Page, empty):
    empty.superuser()
    empty.query(ROWS + "print(json.dumps(None))")
    empty.visit(page, "/inbox/new/")
    phone, said = page.get_by_label("To", exact=True), page.locator("#phone-check")
    page.get_by_label("From").select_option(label="Front desk")
    phone.press_sequentially("305 555")
    expect(said).to_contain_text("too short")
    expect(phone).not_to_have_attribute("aria-invalid", "true")
    phone.fill("000-000-0000")
    expect(said).to_contain_text("This is not a US or Canadian number")
    expect(phone).to_have_attribute("aria-invalid", "true")
    phone.fill("Dana: (305) 555-0142")
    expect(said).to_contain_text("Sends to +1 305 555 0142, United States.")
    expect(phone).not_to_have_attribute("aria-invalid", "true")

    # A number of several countries asks which, and remembers the answer.
    phone.fill("030 1234567")
    expect(said.get_by_role("radio")).to_have_count(2)
    page.get_by_label("+49 30 1234567, Germany").check()
    page.get_by_label("From").select_option(label="Berlin")
    expect(said).to_contain_text("Sends to +49 30 1234567, Germany.")
    expect(page.get_by_label("+49 30 1234567, Germany")).to_be_checked()
    page.get_by_label("Text", exact=True).fill("Hallo")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#composer-text")).to_be_visible()
    page.wait_for_url("**/inbox/*/")
    assert empty.query(TEXTED) == ["+49301234567"]
