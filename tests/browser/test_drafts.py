"""Drafts in a browser: two devices of one person, a crash, and a session that was lost."""

import pytest
from playwright.sync_api import Route, expect

from tests.harness.portal import Portal
from tests.harness.sandbox import wait_for

pytestmark = [pytest.mark.browser]
FILL = """
from integrations.models import *
Account.objects.update(state="connected")
Contact.objects.update(opted_out=False, blocked=False)
print(json.dumps(list(Conversation.objects.order_by("-latest_at").values_list("pk", flat=True)[:2])))
"""


@pytest.fixture
def filled(empty) -> tuple[Portal, int, int]:
    """(portal, a conversation, another one)."""
    empty.superuser()
    empty.seed(contacts=6, messages=12)
    first, second = empty.query(FILL)
    return empty, first, second


def test_nothing_that_was_typed_is_lost(open_page, filled):
    ours, first, second = filled

    def stored() -> list:
        rows = "Draft.objects.exclude(text='').order_by('conversation')"
        return ours.query(f"from integrations.models import *\nprint(json.dumps(list({rows}.values_list('text'))))")

    page = open_page()
    ours.visit(page, f"/inbox/{first}/")
    area = page.locator("#composer-text")
    area.press_sequentially("From the desk")
    wait_for("the server has it", lambda: stored() == [["From the desk"]])
    expect(page.locator(f'.row[data-key="{first}"] .row-text')).to_have_text("Draft: From the desk")

    # Another thread and back, without a pause: what was typed last goes along.
    area.press_sequentially(", more")
    page.locator(f"#row-{second}").click()
    expect(page.locator("#pane > [data-open]")).to_have_attribute("data-open", str(second))
    page.locator(f"#row-{first}").click()
    expect(area).to_have_value("From the desk, more")
    wait_for("the server has all of it", lambda: stored() == [["From the desk, more"]])

    # A crash; another device shows it, and goes on.
    page.context.close()
    there = open_page()
    ours.visit(there, f"/inbox/{first}/")
    expect(there.locator("#composer-text")).to_have_value("From the desk, more")
    page = open_page()
    ours.visit(page, f"/inbox/{first}/")
    there.locator("#composer-text").press_sequentially(" from the phone")
    wait_for("the phone has saved", lambda: stored() == [["From the desk, more from the phone"]])

    # The desk knows nothing of it: both are kept, and it may take either.
    page.locator("#composer-text").fill("Something else")
    offer = page.locator("#draft-offer")
    expect(offer).to_contain_text("Newer draft from another device")
    expect(page.locator("#draft-other")).to_have_text("From the desk, more from the phone")
    expect(page.locator("#composer-text")).to_have_value("Something else")
    assert stored() == [["From the desk, more from the phone"]]
    page.reload()
    expect(page.locator("#composer-text")).to_have_value("Something else")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#composer-text")).to_have_value("From the desk, more from the phone")
    expect(offer).to_be_hidden()
    page.get_by_role("button", name="Restore the previous text").click()
    expect(page.locator("#composer-text")).to_have_value("Something else")
    wait_for("the choice is saved", lambda: stored() == [["Something else"]])

    # The session is lost: what is typed stays, and goes up after signing in again in another tab.
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.locator("#composer-text").fill("Typed while signed out")
    expect(page.locator("#connection")).to_contain_text("You were signed out")
    assert stored() == [["Something else"]]
    page.context.add_cookies(cookies)
    wait_for("it is saved by itself", lambda: stored() == [["Typed while signed out"]])

    # Sent, it is a draft no more, on no device.
    page.locator("#composer-text").press("Enter")
    expect(page.locator("#messages li.message-out", has_text="Typed while signed out")).to_have_count(1)
    expect(page.locator("#composer-text")).to_have_value("")
    assert stored() == []
    there.reload()
    expect(there.locator("#composer-text")).to_have_value("")


def test_a_pane_that_was_rendered_before_the_save_shows_what_was_typed(open_page, filled):
    """Back in a thread, the page that the server rendered first must not show the older draft."""
    ours, first, second = filled
    page, saves = open_page(), []
    ours.visit(page, f"/inbox/{first}/")
    area = page.locator("#composer-text")
    with page.expect_response(f"**/inbox/{first}/draft/"):
        area.fill("From the desk")
    page.route(f"**/inbox/{first}/draft/", lambda route: saves.append(route))
    area.fill("From the desk, more")
    page.locator(f"#row-{second}").click()
    expect(page.locator("#pane > [data-open]")).to_have_attribute("data-open", str(second))

    def hold(route: Route):
        rendered = route.fetch()
        with page.expect_response(f"**/inbox/{first}/draft/"):
            saves[0].continue_()
        route.fulfill(response=rendered)

    page.route(f"**/inbox/{first}/", hold)
    page.locator(f"#row-{first}").click()
    expect(page.locator("#pane > [data-open]")).to_have_attribute("data-open", str(first))
    expect(area).to_have_value("From the desk, more")
