"""A bulk text in a browser: chosen, written with a merge field, checked, started, paused, and its progress followed."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.harness.portal import Portal

pytestmark = [pytest.mark.browser]
PEOPLE = """
from datetime import UTC, datetime
from tests import factories
noon = [{"field_key": "timezone", "value": f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"}]  # no quiet hours, at any hour
account = factories.account()
names = ["Ana Silva", "Ben Okoro", "Cleo Marin", "Dan Frost", "Eva Lindqvist", "Finn Doyle"]
for number, name in enumerate(names, 1):
    first, last = name.split()
    tags = ["Recall"] if number < 6 else []
    factories.contact(account, first, last, tags=tags, opted_out=number == 2, custom_fields=noon)
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


# --- At night --------------------------------------------------------------------------------------------------------

HOME = "America/New_York"
ASLEEP = """
from tests import factories
account = factories.account(organization_timezone="America/New_York")
away = [{"field_key": "timezone", "value": "Asia/Tokyo"}]  # no night there: half a day away
factories.contact(account, "Ana", "Silva", custom_fields=away)
factories.contact(account, "Ben", "Okoro")
factories.contact(account, "Cleo", "Marin")
factories.contact(account, "Dan", "Frost", phone="+18005550142")
print(json.dumps(account.pk))
"""
MORNING_COMES = """
from django.utils import timezone
from integrations.models import BulkRecipient
BulkRecipient.objects.update(due_at=timezone.now())
print("null")
"""
DUE = """
from integrations.models import BulkRecipient
print(json.dumps([bool(due) for due in BulkRecipient.objects.order_by("contact_id").values_list("due_at", flat=True)]))
"""
TIMES = """
from integrations.models import Bulk
one = Bulk.objects.get()
print(json.dumps([one.state, one.start_at.isoformat(), one.from_hour, one.to_hour]))
"""


@pytest.fixture(scope="module")
def nightly(tmp_path_factory) -> Iterator[Portal]:
    """A portal where it is night in New York, whatever the hour: the quiet hours lie around it."""
    hour = datetime.now(ZoneInfo(HOME)).hour
    quiet = f"{(hour - 2) % 24}-{(hour + 3) % 24}"
    running = Portal(tmp_path_factory.mktemp("night"), "http://127.0.0.1:9", QUIET_HOURS=quiet)
    try:
        running.start_web()
        yield running
    finally:
        running.stop()
        print(running.logs())


@pytest.fixture
def asleep(nightly) -> Portal:
    nightly.empty()
    nightly.superuser()
    nightly.account = nightly.query(ASLEEP)
    return nightly


def write(page: Page, ours: Portal) -> None:
    """Up to the form of the text and its times."""
    ours.visit(page, "/bulk/new/")
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Continue with selection (4)").click()
    page.get_by_label("Text", exact=True).fill("Hello {first_name}")


def test_at_night_it_waits_for_the_morning_and_says_so(page: Page, asleep: Portal):
    write(page, asleep)
    expect(page.get_by_label("As soon as I start it")).to_be_checked()
    expect(page.get_by_label("Outside quiet hours")).to_be_checked()
    page.get_by_role("button", name="Preview").click()
    plan = page.locator("#bulk-departures")
    expect(plan).to_contain_text("1 text leaves right away.")
    expect(plan).to_contain_text("3 texts wait for their recipients’ morning, because of quiet hours.")
    expect(plan).to_contain_text(re.compile(r"The last text leaves at about .* \(New York\)\."))
    page.get_by_role("button", name="Send to 4 contacts").click()
    expect(page.locator("#bulk-held")).to_contain_text("3 recipients wait until")
    assert asleep.query(DUE) == [False, True, True, True]
    leave(asleep)
    expect(page.get_by_role("heading", name="1 of 4 processed")).to_be_visible()
    assert asleep.query(ONE_LEAVES.format(account=asleep.account, state="sent", reason="")) is None

    # The page is told when they no longer wait; it is still night there, so they wait again.
    asleep.query(MORNING_COMES)
    expect(page.locator("#bulk-held")).to_have_count(0)
    assert asleep.query(ONE_LEAVES.format(account=asleep.account, state="sent", reason="")) is None
    expect(page.locator("#bulk-held")).to_contain_text("3 recipients wait until")
    assert page.complaints == []


def test_a_start_time_and_own_hours(page: Page, asleep: Portal):
    write(page, asleep)
    expect(page.get_by_label("Date and time")).to_be_hidden()
    page.get_by_label("At a set time").check()
    page.get_by_label("Only between these hours").check()
    page.get_by_label("To", exact=True).select_option("9")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Choose when to send it.")).to_be_visible()
    expect(page.get_by_text("Choose two different hours.")).to_be_visible()
    day = datetime.now(ZoneInfo(HOME)).date() + timedelta(days=2)
    page.get_by_label("Date and time").fill(f"{day}T06:00")
    page.get_by_label("Time zone").select_option(HOME)
    page.get_by_label("To", exact=True).select_option("17")
    page.get_by_role("button", name="Preview").click()
    plan = page.locator("#bulk-departures")
    expect(plan).to_contain_text("Starts on")
    expect(plan).to_contain_text("4 texts wait for the chosen hours in their recipients’ time zones.")
    page.get_by_role("link", name="Change the text or the time").click()
    expect(page.get_by_label("Date and time")).to_have_value(f"{day}T06:00")
    expect(page.get_by_label("To", exact=True)).to_have_value("17")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Schedule for 4 contacts").click()
    expect(page.get_by_role("heading", name="Bulk text Scheduled")).to_be_visible()
    expect(page.locator("#bulk-held")).to_contain_text("Starts on")
    at = datetime.combine(day, datetime.min.time().replace(hour=6), ZoneInfo(HOME)).astimezone(ZoneInfo("UTC"))
    assert asleep.query(TIMES) == ["running", at.isoformat(), 9, 17]
