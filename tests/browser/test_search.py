"""Searching in a browser: type, see the hit, open it deep in a long thread, read on, come back, take the next one."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser]

ROWS = """
from datetime import timedelta
from django.utils import timezone
from tests import factories as f
made = f.account("Harbor Dental")
now = timezone.now()
long = f.conversation(made, f.contact(made, "Dana", "Reyes", phone="+13055550142"))
rows = f.thread(long, 240, start=now - timedelta(days=30))
rows[60].text = "Could you send the Überweisung for order 4711? https://example.com/pay"
rows[60].save()
rows[180].text = "The überweisung has arrived."
rows[180].save()
other = f.conversation(made, f.contact(made, "Olu", "Adeyemi"))
f.message(other, "Where do I find the ÜBERWEISUNG <b>form</b>?", at=now - timedelta(days=90))
print(json.dumps([rows[60].pk, rows[180].pk, long.pk]))
"""


@pytest.fixture
def ours(empty):
    empty.superuser()
    empty.rows = empty.query(ROWS)
    return empty


def wait_until_in_view(page: Page, key: int) -> None:
    page.wait_for_function(
        """(key) => {
          const item = document.getElementById(`m-${key}`).getBoundingClientRect();
          const box = document.getElementById("thread-scroll").getBoundingClientRect();
          return item.top >= box.top && item.bottom <= box.bottom;
        }""",
        arg=key,
    )


def test_type_see_open_read_on_come_back(page: Page, ours):
    early, late, long = ours.rows
    ours.visit(page, "/inbox/")
    page.wait_for_load_state("load")
    page.get_by_label("Search names, phone numbers and texts").press_sequentially("uberweis")
    hits = page.locator("#rows .row-hit mark")
    expect(hits).to_have_text(["überweis", "ÜBERWEIS"])
    expect(page.locator("#rows")).to_contain_text("Texts")
    page.locator("#rows .row-link").first.click()
    expect(page.locator(".sighted mark")).to_have_text("überweis")
    wait_until_in_view(page, late)
    expect(page).to_have_url(re.compile(rf"/inbox/{long}/\?q=uberweis&at={late}$"))

    # The hit before it stands deep in the thread, with what is around it.
    page.get_by_role("link", name="Older hit").click()
    expect(page.locator(".sighted .bubble")).to_contain_text("for order 4711?")
    expect(page.locator(".sighted a")).to_have_attribute("href", "https://example.com/pay")
    wait_until_in_view(page, early)
    expect(page.locator("#messages")).to_contain_text("Message number 59")
    expect(page.locator("#messages")).to_contain_text("Message number 61")
    expect(page.locator("#messages")).not_to_contain_text("Message number 239")

    # A new message in the thread moves nothing here.
    ours.query(
        "from tests import factories as f; from integrations.models import Conversation\n"
        f"of = Conversation.objects.get(pk={long}); f.message(of, 'Just now'); f.touch(of); print(1)"
    )
    expect(page.locator("#thread-version")).to_have_attribute("data-version", "1")
    wait_until_in_view(page, early)
    expect(page.locator("#messages")).not_to_contain_text("Just now")

    # Newer ones come below, without a jump.
    page.locator("#newer-more").scroll_into_view_if_needed()
    last = page.locator("#messages > .message").last.get_attribute("id")
    before = page.locator(f"#{last}").bounding_box()["y"]
    page.locator("#newer-more").click()
    expect(page.locator("#messages")).to_contain_text("Message number 100")
    assert abs(page.locator(f"#{last}").bounding_box()["y"] - before) < 30
    page.get_by_role("link", name="To the newest").click()
    expect(page.locator("#messages")).to_contain_text("Just now")
    expect(page.locator("#newer a")).to_have_count(0)

    # Back to the hit, and on to the next row.
    page.go_back()
    expect(page.locator(".sighted .bubble")).to_contain_text("for order 4711?")
    page.locator("#rows .row-link").nth(1).click()
    expect(page.locator(".sighted .bubble")).to_have_text("Where do I find the ÜBERWEISUNG <b>form</b>?")
    expect(page.locator("#newer a")).to_have_count(0)
    assert page.complaints == []


def test_without_javascript(open_page, ours):
    """The same by links alone."""
    early, _, _ = ours.rows
    page = open_page(java_script_enabled=False)
    ours.visit(page, "/inbox/")
    page.get_by_label("Search names, phone numbers and texts").fill("4711")
    page.get_by_role("button", name="Search").click()
    page.locator("#rows .row-link", has_text="4711").click()
    expect(page.locator(".sighted mark")).to_have_text("4711")
    assert page.url.endswith(f"#m-{early}")
    page.get_by_role("link", name="Newer messages").click()
    expect(page.locator("#messages")).to_contain_text("Message number 110")
    page.get_by_role("link", name="To the newest").click()
    expect(page.locator("#messages")).to_contain_text("Message number 239")
