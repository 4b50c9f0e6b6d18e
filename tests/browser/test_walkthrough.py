"""The main job in a browser, against real processes: connect, watch, read, write, be answered, edit."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.harness.portal import PASSWORD, Portal
from tests.harness.sandbox import Sandbox, fetch, wait_for

pytestmark = [pytest.mark.browser]
TEXT = "My text message"
ACCOUNTS = "from integrations.models import Account; print(Account.objects.count())"
PAUSE = """
from integrations.models import Account
from integrations.sync import request
request.pause_sync(Account.objects.get(), None)
print("null")
"""
ADDRESS = """
from integrations.access import webhook_address
from integrations.models import Account
print(json.dumps(webhook_address(Account.objects.get())))
"""


@pytest.fixture
def limited(sandbox) -> Sandbox:
    """A small Salesmsg with its limit on, twenty times faster."""
    return sandbox(contacts=25, messages=6, rate=60, period=3, no_auto_replies=True, no_failures=True)


@pytest.fixture
def ours(portal, limited) -> Portal:
    """A running portal with a user who can sign in, and nothing connected."""
    made = portal(limited, SALESMSG_RATE_PERIOD=3)
    made.superuser()
    made.start_web()
    made.start_worker(3)
    return made


def sign_in(page: Page, portal: Portal, path: str = "/accounts/") -> None:
    """Asks for the page, is sent to the login, comes back."""
    page.goto(portal.url + path)
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(portal.url + path)


def somebody(vendor: Sandbox) -> tuple[dict, dict]:
    """A contact that may be texted, with the newest open conversation, and that conversation."""
    data = vendor.data()
    contacts = {row["id"]: row for row in data["contacts"]}
    names = [row["full_name"] for row in data["contacts"]]
    for thread in sorted(data["conversations"], key=lambda row: row["last_message_at"] or "", reverse=True):
        contact = contacts[thread["contact_id"]]
        threads = [row for row in data["conversations"] if row["contact_id"] == contact["id"]]
        usable = not contact["opt_out"] and not contact["is_blocked"] and not thread["closed_at"]
        if usable and contact["full_name"] and names.count(contact["full_name"]) == 1 and len(threads) == 1:
            return contact, thread
    raise AssertionError("nobody to text")


def test_the_whole_walk_through(page: Page, limited: Sandbox, ours: Portal):
    vendor = limited
    # Connect through the consent screen.
    sign_in(page, ours)
    page.get_by_role("button", name="Connect with Salesmsg").click()
    expect(page).to_have_url(re.compile(re.escape(vendor.url)))
    page.locator("button[value=approve]").click()
    expect(page).to_have_url(re.compile(re.escape(ours.url) + r"/accounts/\d+/"))

    # Watch the first sync to its end, without a reload.
    sync = page.locator("#sync")
    expect(sync.get_by_text("Running a full sync")).to_be_visible()
    expect(sync.locator("progress").first).to_be_visible()
    expect(sync.locator("#sync-full")).to_be_visible()
    expect(sync.get_by_text("Complete", exact=True).first).to_be_visible()
    truth = vendor.data()
    for label, count in (("Contacts", "contacts"), ("Conversations", "conversations"), ("Messages", "messages")):
        number = sync.locator(".number", has=page.locator("dt", has_text=re.compile(f"^{label}$")))
        expect(number.locator("dd")).to_have_text(str(len(truth[count])))

    # Open a contact's conversation and send.
    contact, thread = somebody(vendor)
    page.goto(ours.url + "/")
    page.locator(".row-link", has=page.get_by_text(contact["full_name"], exact=True)).click()
    messages = page.locator("#messages")
    expect(messages.locator("li.message")).not_to_have_count(0)
    page.get_by_placeholder(re.compile("^Text ")).fill(TEXT)
    page.get_by_role("button", name="Send", exact=True).click()
    mine = messages.locator("li.message-out", has_text=TEXT)
    expect(mine).to_have_count(1)
    expect(mine.get_by_text(re.compile("Sent|Delivered"))).to_be_visible()
    received = [row for row in vendor.state()["messages"] if row["body"] == TEXT]
    assert len(received) == 1, received
    assert received[0]["contact_id"] == contact["id"]
    assert received[0]["conversation_id"] == thread["id"]

    # The contact answers; the open thread shows it by itself.
    page.evaluate("window.notReloaded = true")
    fetch(f"{vendor.url}/sandbox/phone/{contact['id']}", payload={"text": "Yes, that works 👍"})
    expect(messages.locator("li.message-in", has_text="Yes, that works 👍")).to_be_visible()
    assert page.evaluate("window.notReloaded") is True
    expect(mine).to_have_count(1)

    # A picture follows. The browser requests it from the portal only, and opened by itself it is only a picture.
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    fetch(f"{vendor.url}/sandbox/phone/{contact['id']}", payload={"text": "Look at this", "media": True})
    picture = messages.locator("li.message-in", has_text="Look at this").locator("a.picture")
    expect(picture.locator("img")).to_have_attribute("width", "280")
    wait_for("it is drawn", lambda: picture.locator("img").evaluate("it => it.complete && it.naturalWidth") == 360)
    assert asked == {urlsplit(ours.url).netloc}
    with page.context.expect_page() as opened:
        picture.click()
    opened.value.wait_for_load_state()
    assert opened.value.evaluate("[document.contentType, document.images[0].naturalWidth]") == ["image/png", 360]
    opened.value.close()

    # Edit the contact in the admin; Salesmsg has the change, and the page says so.
    page.locator(".side").get_by_role("link", name="All details").click()
    expect(page).to_have_url(re.compile("/admin/integrations/contact/"))
    page.get_by_label("First name").fill("Newname")
    page.get_by_label("Email").fill("newemail@example.com")
    page.get_by_role("button", name="Save", exact=True).click()

    def edited() -> bool:
        now = next(row for row in vendor.data()["contacts"] if row["id"] == contact["id"])
        return (now["first_name"], now["email"]) == ("Newname", "newemail@example.com")

    wait_for("Salesmsg has the edit", edited)
    after = next(row for row in vendor.data()["contacts"] if row["id"] == contact["id"])
    assert (after["last_name"], after["number"]) == (contact["last_name"], contact["number"])
    page.goto(f"{ours.url}/inbox/?q=Newname")
    expect(page.locator(".row-name", has_text="Newname")).to_be_visible()

    # All of this within the limit, and without a complaint of the browser.
    state = vendor.state()
    assert state["too_many"] == 0, state
    assert state["max_in_period"] <= 60, state
    assert page.complaints == []


def test_denied_consent_says_what_happened_and_what_to_do(page: Page, vendor: Sandbox, empty: Portal):
    empty.superuser()
    sign_in(page, empty)
    page.get_by_role("button", name="Connect with Salesmsg").click()
    page.locator("button[value=deny]").click()
    expect(page).to_have_url(re.compile(re.escape(empty.url) + "/accounts/callback/"))
    problem = page.get_by_role("alert")
    expect(problem.get_by_role("heading")).to_be_visible()
    assert empty.query(ACCOUNTS) == 0
    problem.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("button", name="Connect with Salesmsg")).to_be_visible()


def test_a_made_up_return_connects_nothing(page: Page, vendor: Sandbox, empty: Portal):
    empty.superuser()
    exchanges = vendor.state()["by_endpoint"].get("POST /oauth/token", 0)
    empty.visit(page, "/accounts/callback/?code=stolen&state=made-up")
    expect(page.get_by_role("alert").get_by_role("heading")).to_be_visible()
    assert empty.query(ACCOUNTS) == 0
    assert vendor.state()["by_endpoint"].get("POST /oauth/token", 0) == exchanges


@pytest.fixture
def by_webhooks_alone(vendor: Sandbox, connected: Portal) -> Iterator[None]:
    """Salesmsg sends events, twice and out of order; the portal reads nothing by itself."""
    connected.query(PAUSE)
    address = connected.query(ADDRESS)
    assert address.startswith(f"{connected.url}/webhooks/salesmsg/")
    vendor.post("/sandbox/settings", {"webhook": address, "webhook_repeat": 2, "webhook_shuffle": True})
    yield
    vendor.post("/sandbox/settings", {"webhook": "", "webhook_repeat": 0, "webhook_shuffle": False})
    connected.query(PAUSE.replace("pause", "resume"))


def test_with_webhooks_news_comes_without_a_sync(
    page: Page, vendor: Sandbox, connected: Portal, stranger: dict, by_webhooks_alone
):
    connected.visit(page, "/inbox/")
    page.locator(".row-link", has=page.get_by_text(stranger["full_name"], exact=True)).click()
    expect(page.locator("#messages li.message")).not_to_have_count(0)
    known = page.locator(".row-link").count()

    fetch(f"{vendor.url}/sandbox/phone/{stranger['id']}", payload={"text": "Are you open on Sunday?"})
    expect(page.locator("#messages li.message-in", has_text="Are you open on Sunday?")).to_have_count(1)

    # An unknown phone texts: one more row in the list, with a badge, while another thread is open.
    fetch(f"{vendor.url}/sandbox/phone/new", payload={"number": "+13055550987", "name": "Nora New", "text": "Hello?"})
    row = page.locator(".row", has=page.locator(".row-name", has_text="Nora New"))
    expect(row.locator(".row-badge")).to_be_visible()
    expect(page.locator(".row-link")).to_have_count(known + 1)
    expect(page.locator("#messages li.message-in", has_text="Are you open on Sunday?")).to_have_count(1)
    assert vendor.state()["too_many"] == 0
    assert page.complaints == []
