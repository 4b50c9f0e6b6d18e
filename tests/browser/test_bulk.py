"""A bulk text in a browser: chosen, written with a merge field, checked, started, paused, and its progress followed."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.harness.portal import Portal

pytestmark = [pytest.mark.browser]
PEOPLE = """
from tests import factories
account = factories.account()
names = ["Ana Silva", "Ben Okoro", "Cleo Marin", "Dan Frost", "Eva Lindqvist", "Finn Doyle"]
for number, name in enumerate(names, 1):
    first, last = name.split()
    tags = ["Recall"] if number < 6 else []
    factories.contact(account, first, last, tags=tags, opted_out=number == 2)
print(json.dumps(account.pk))
"""
# What a worker does, one text at a time; the vendor's answer is put in its place.
ONE_LEAVES = """
from integrations.models import Message
from integrations.outbox import bulk_queue
pk = bulk_queue.next_message({account})
Message.objects.filter(pk=pk).update(state={state!r}, vendor_reason={reason!r}, due_at=None)
print(json.dumps(pk))
"""

STATES = """
from integrations.models import BulkRecipient
print(json.dumps(list(BulkRecipient.objects.values_list("state", flat=True))))
"""


@pytest.fixture
def ours(empty) -> Portal:
    empty.superuser()
    empty.account = empty.query(PEOPLE)
    return empty


def leave(portal: Portal, state: str = "sent", reason: str = "") -> None:
    assert portal.query(ONE_LEAVES.format(account=portal.account, state=state, reason=reason))


def test_from_the_inbox_to_the_last_text(page: Page, ours: Portal):
    ours.visit(page, "/inbox/")
    page.get_by_role("link", name="Bulk text").click()
    page.get_by_role("link", name="New bulk text").click()

    # Choose by a tag, all on the page but one.
    page.get_by_label("Tag").select_option("Recall")
    page.get_by_role("button", name="Search").click()
    page.get_by_label("All on this page").check()
    page.get_by_label("Eva Lindqvist").uncheck()
    expect(page.get_by_label("Ben Okoro")).to_be_disabled()
    page.get_by_role("button", name="Continue with selection (3)").click()

    # Write with a merge field put in by its button; a wrong one is explained.
    text = page.get_by_label("Text")
    text.fill("Hello {nick}")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Unknown merge field “{nick}”")).to_be_visible()
    text.fill("Hello ")
    page.get_by_role("button", name="First name").click()
    expect(text).to_have_value("Hello {first_name|there}")
    text.press_sequentially(", time for your check-up.")
    page.get_by_role("button", name="Preview").click()

    # Choose one more: a contact who has opted out cannot be ticked, but "all found" lists her as left out.
    page.get_by_role("link", name="Change recipients").click()
    page.get_by_label("Name, phone or email").fill("ben")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Select all 1 found").click()
    expect(page.get_by_text("Hello Ana, time for your check-up.")).to_be_visible()
    page.get_by_text("Opted out of texts").click()
    expect(page.get_by_text("Ben Okoro")).to_be_visible()
    page.get_by_role("button", name="Send to 3 contacts").click()

    # Followed without a reload.
    expect(page.get_by_role("heading", name="0 of 3 processed")).to_be_visible()
    page.evaluate("window.notReloaded = true")
    leave(ours, "delivered")
    expect(page.get_by_role("heading", name="1 of 3 processed")).to_be_visible()
    leave(ours, "failed", "The carrier says that this number does not take texts.")
    expect(page.get_by_role("link", name="Cleo Marin")).to_be_visible()
    assert page.evaluate("window.notReloaded") is True

    # Paused, resumed, and at its end the page says so by itself.
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused. No more texts")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    leave(ours)
    ours.query("from integrations.outbox import bulk_queue\nprint(json.dumps(len(bulk_queue.settle_bulks())))")
    expect(page.get_by_role("heading", name=re.compile("Bulk text Done"))).to_be_visible()
    expect(page.get_by_role("heading", name="3 of 3 processed")).to_be_visible()
    page.get_by_role("link", name="Cleo Marin").click()
    expect(page.locator("#messages")).to_contain_text("Hello Cleo, time for your check-up.")
    assert page.complaints == [
        "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
    ]


def test_without_javascript(open_page, ours: Portal):
    page = open_page(java_script_enabled=False)
    ours.visit(page, "/bulk/new/")
    page.get_by_label("Ana Silva").check()
    page.get_by_label("Dan Frost").check()
    page.get_by_role("button", name="Continue with selection").click()
    page.get_by_label("Text").fill("Hello {first_name}")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Send to 2 contacts").click()
    expect(page.get_by_role("heading", name="0 of 2 processed")).to_be_visible()
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel the bulk text").click()
    expect(page.get_by_role("heading", name="0 of 2 processed")).to_be_visible()
    assert ours.query(STATES) == ["cancelled", "cancelled"]
