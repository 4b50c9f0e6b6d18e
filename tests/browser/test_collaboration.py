"""Two people at one conversation: they see each other, and neither answers over the other's head."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.harness.portal import Portal
from tests.harness.sandbox import wait_for

pytestmark = [pytest.mark.browser]
FILL = """
from django.contrib.auth import get_user_model
from integrations.models import *
account = Account.objects.get()
for number, (name, first, last) in enumerate([("demo", "Ada", "Marsh"), ("sam", "Sam", "Ortiz")]):
    user, made = get_user_model().objects.get_or_create(username=name, defaults={"is_staff": True})
    user.first_name, user.last_name = first, last
    user.save()
    member = Member.objects.create(account=account, vendor_id=9000 + number, full_name=f"{first} {last}")
    Membership.objects.create(user=user, account=account, member=member)
Account.objects.update(state="connected")
Conversation.objects.update(owner=None, closed_at=None)
Contact.objects.update(opted_out=False, blocked=False, first_name="Dana", last_name="Reyes", full_name="Dana Reyes")
print(json.dumps(list(Conversation.objects.order_by("-latest_at", "-pk").values_list("pk", flat=True)[:2])))
"""
# What mirror.upsert_messages does with a text of theirs, in the portal's own database.
ARRIVES = """
from django.utils import timezone
from integrations import mirror
from integrations.models import *
from integrations.salesmsg.records import Message as Record
thread = Conversation.objects.get(pk={pk})
raw = {{"id": {key}, "status": "received", "type": "sms", "body": {text!r}, "media": []}}
raw["created_at"] = timezone.now().strftime("%Y-%m-%d %H:%M:%S")
mirror.upsert_messages(thread, [Record.parse(raw)])
print(json.dumps(thread.pk))
"""


@pytest.fixture
def filled(empty) -> tuple[Portal, list[int]]:
    """A portal with two people, Ada and Sam, and a few conversations: (portal, two conversations)."""
    empty.superuser()
    empty.seed(contacts=4, messages=4)
    return empty, empty.query(FILL)


@pytest.fixture
def somebody(open_page) -> Callable[..., Page]:
    """Opens a browser of their own for a person: ``somebody(portal, "sam", "/inbox/1/")``."""

    def opened(portal: Portal, name: str, path: str) -> Page:
        page = open_page()
        portal.visit(page, path, name)
        page.wait_for_selector("#composer-text")
        return page

    return opened


def texts(portal: Portal, pk: int) -> list[str]:
    """What was taken to be sent into a conversation."""
    return portal.query(
        "from integrations.models import Message\n"
        f"found = Message.objects.filter(conversation={pk}, client_uuid__isnull=False).order_by('pk')\n"
        "print(json.dumps(list(found.values_list('text', flat=True))))"
    )


def where(portal: Portal, name: str) -> list[int]:
    """The threads that a user has open; the rows keep users who have only stopped reporting."""
    return portal.query(
        "from integrations.models import Presence\n"
        f"found = Presence.objects.filter(user__username={name!r})\n"
        "print(json.dumps(list(found.values_list('conversation', flat=True))))"
    )


def unread(portal: Portal, pk: int) -> int:
    """How many texts Ada has not read."""
    return portal.query(
        "from integrations.models import Message, ReadMark\n"
        f"mark = ReadMark.objects.get(user__username='demo', conversation={pk}).message_pk\n"
        f"print(json.dumps(Message.objects.filter(conversation={pk}, is_news=True, pk__gt=mark).count()))"
    )


def held_polls(page: Page) -> Callable[[], None]:
    """From now on the page hears nothing by itself, as in the moment between two polls; call what comes back to end."""
    page.route("**/poll/**", lambda route: route.abort())

    def resume() -> None:
        page.unroute("**/poll/**")
        page.evaluate("dispatchEvent(new Event('online'))")  # as a browser reports, instead of waiting for the next try

    return resume


def test_two_people_at_one_thread(filled, somebody):
    ours, (thread, other) = filled
    ada = somebody(ours, "demo", f"/inbox/{thread}/")
    sam = somebody(ours, "sam", f"/inbox/{thread}/")
    here = ada.locator("#thread-here")

    # They see each other; nothing that Ada does is taken away by that.
    ada.locator("#composer-text").fill("We are open until six.")
    expect(here).to_have_text("Sam Ortiz is viewing")
    sam.locator("#composer-text").press_sequentially("Open till")
    expect(here).to_have_text("Sam Ortiz is typing…")
    expect(sam.locator("#thread-here")).to_contain_text("Ada Marsh")
    expect(ada.locator("#composer-text")).to_be_focused()
    expect(ada.locator("#composer-text")).to_have_value("We are open until six.")

    # Sam is quicker: his text and his claim stand, hers wait until she has read.
    resume = held_polls(ada)
    sam.locator("#composer-text").fill("Open till six.")
    sam.locator("#composer-text").press("Enter")
    expect(sam.locator("#messages")).to_contain_text("Open till six.")
    sam.locator("#claim-button").click()
    expect(sam.locator(".thread-acts .menu-word")).to_have_text("Sam Ortiz")
    expect(sam.locator(".thread-acts .menu > summary").first).to_be_focused()
    ada.locator("#composer-text").press("Enter")
    expect(ada.locator("#composer-error")).to_contain_text("Sam Ortiz replied while you were writing.")
    expect(ada.locator("#messages")).to_contain_text("Open till six.")
    expect(ada.locator("#composer-text")).to_have_value("We are open until six.")
    expect(ada.locator("#composer-text")).to_be_focused()
    assert texts(ours, thread) == ["Open till six."]

    # A text of theirs comes while she thinks again.
    ours.query(ARRIVES.format(pk=thread, key=77_000_001, text="On Sundays, too?"))
    ada.locator("#composer-text").press("Enter")
    expect(ada.locator("#composer-error")).to_contain_text("Dana Reyes texted while you were writing.")
    expect(ada.locator("#messages")).to_contain_text("On Sundays, too?")
    ada.locator("#composer-text").press("Enter")
    expect(ada.locator("#composer-text")).to_have_value("")
    assert texts(ours, thread) == ["Open till six.", "We are open until six."]
    resume()

    # Sam leaves: at once, without waiting for his report to be missed.
    sam.locator(f"#row-{other}").click()
    expect(sam.locator("[data-open]")).to_have_attribute("data-open", str(other))
    wait_for("Sam is no longer at the first", lambda: thread not in where(ours, "sam"))
    expect(here).to_have_text("")

    # Both want the next one.
    ada.locator(f"#row-{other}").click()
    expect(ada.locator("[data-open]")).to_have_attribute("data-open", str(other))
    expect(ada.locator("#thread-here")).to_have_text("Sam Ortiz is viewing")
    resume = held_polls(ada)
    sam.locator("#claim-button").click()
    expect(sam.locator("#claim-button")).to_have_count(0)
    ada.locator("#claim-button").click()
    expect(ada.locator("#composer-error")).to_contain_text("Sam Ortiz has just claimed this conversation")
    expect(ada.locator("#claim-button")).to_have_count(0)
    resume()


def test_aside_and_back(filled, somebody):
    ours, (thread, _other) = filled
    ada = somebody(ours, "demo", f"/inbox/{thread}/")
    row = ada.locator(f"#row-{thread}")

    # Out of sight, until they text.
    ada.locator("#snooze-menu").click()
    ada.get_by_role("button", name="Tomorrow").click()
    expect(ada.locator(".snoozed")).to_contain_text("Ada Marsh snoozed this until")
    expect(ada.locator("#snooze-menu")).to_be_focused()
    expect(row).to_have_count(0)
    ours.query(ARRIVES.format(pk=thread, key=77_000_002, text="Hello again"))
    expect(ada.locator(".snoozed")).to_have_count(0)
    expect(row).to_be_visible()

    # A chosen time stays in its field through live updates, and works from the keyboard.
    ada.locator("#snooze-menu").click()
    ada.locator("#snooze-when").fill("2099-01-01T10:00")
    ours.query(ARRIVES.format(pk=thread, key=77_000_003, text=str(uuid.uuid4())))
    expect(ada.locator("#messages [data-inbound]").last).to_be_visible()
    expect(ada.locator("#snooze-when")).to_have_value("2099-01-01T10:00")
    ada.locator("#snooze-when").press("Enter")
    expect(ada.locator("#composer-error")).to_contain_text("Choose a time within a year")

    # What arrives in a hidden tab is shown, and marked as read only when the tab is visible.
    ada.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    ours.query(ARRIVES.format(pk=thread, key=77_000_004, text="In a hidden tab"))
    ada.evaluate("htmx.trigger('#thread-live', 'portal:tick')")
    expect(ada.locator("#messages")).to_contain_text("In a hidden tab")
    assert unread(ours, thread) == 1
    ada.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    wait_for("it is read", lambda: unread(ours, thread) == 0)

    # To be read again later.
    ada.keyboard.press("Escape")
    ada.locator("#snooze-menu").click()
    ada.locator("#unread-button").click()
    expect(ada).to_have_url(f"{ours.url}/inbox/")
    expect(row.locator(".row-badge")).to_be_visible()
