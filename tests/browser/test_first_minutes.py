"""From an empty database to the first text, led by what the pages say; without a worker for the first steps."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.harness.portal import Portal
from tests.harness.sandbox import Sandbox

from .test_walkthrough import sign_in, somebody

pytestmark = [pytest.mark.browser]


@pytest.fixture
def ours(portal, vendor) -> Portal:
    """A web server on an empty database, and a user who can sign in."""
    made = portal(vendor, SALESMSG_RATE_PERIOD=6, SALESMSG_RATE_LIMIT=600)
    made.superuser()
    made.start_web()
    return made


def step(page: Page, title: str):
    return page.locator(".first-step", has=page.get_by_role("heading", name=title))


def test_from_an_empty_database_to_the_first_text(page: Page, vendor: Sandbox, ours: Portal):
    done = re.compile("first-step-done")
    sign_in(page, ours, "/inbox/")
    expect(page.get_by_role("heading", name="Welcome. Let’s connect Salesmsg.")).to_be_visible()
    expect(step(page, "Start the background worker").get_by_text("manage.py qcluster")).to_be_visible()
    page.get_by_role("link", name="Connect Salesmsg").click()
    page.get_by_role("button", name="Connect with Salesmsg").click()

    # No, first; the page says what happened, what was kept and what to do.
    page.locator("button[value=deny]").click()
    expect(page.get_by_role("heading", name="Access was not granted")).to_be_visible()
    expect(page.get_by_text("All existing data is kept.")).to_be_visible()
    page.get_by_role("link", name="Try again").click()
    page.get_by_role("button", name="Connect with Salesmsg").click()
    page.locator("button[value=approve]").click()
    expect(step(page, "Connect Salesmsg")).to_have_class(done)

    # Nothing moves yet, and the inbox says why; the worker starts, and the list ticks itself off.
    page.goto(ours.url + "/inbox/")
    expect(step(page, "Start the background worker")).not_to_have_class(done)
    page.evaluate("window.notReloaded = true")
    ours.start_worker(2)
    expect(step(page, "Start the background worker")).to_have_class(done)
    expect(step(page, "First sync")).to_have_class(done)
    assert page.evaluate("window.notReloaded") is True
    expect(step(page, "Send your first text")).not_to_have_class(done)

    contact, _ = somebody(vendor)
    page.locator(".row-link", has=page.get_by_text(contact["full_name"], exact=True)).click()
    page.get_by_placeholder(re.compile("^Text ")).fill("Hello from the new portal")
    page.get_by_role("button", name="Send", exact=True).click()
    mine = page.locator("li.message-out", has_text="Hello from the new portal")
    expect(mine.get_by_text(re.compile("Sent|Delivered"))).to_be_visible()

    page.goto(ours.url + "/inbox/")
    expect(step(page, "Send your first text")).to_have_class(done)
    page.get_by_role("button", name="Hide this list").click()
    expect(page.locator(".first-steps")).to_have_count(0)
    with page.expect_response(re.compile("/inbox/poll/")):
        page.goto(ours.url + "/inbox/")
    expect(page.locator(".first-steps-place")).to_have_count(0)
    assert [said for said in page.complaints if "400" not in said] == [], "the refused consent is a 400"
