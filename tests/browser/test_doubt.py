"""The notice of a text that may ask to opt out: its buttons decide, and the reply that is half written stays."""

import pytest
from playwright.sync_api import Page, expect

from tests.harness.portal import Portal

from . import states

pytestmark = [pytest.mark.browser]
DOUBT = """
from django.utils import timezone
from integrations.models import Account
from tests import factories
harbor = Account.objects.get(label="Harbor Dental")
thread = factories.conversation(harbor, factories.contact(harbor, "Undecided", "{}"))
factories.message(thread, "Leave me alone please")
factories.consent(thread.contact, "doubt", text="Leave me alone please", at=timezone.now())
print(thread.pk)
"""
NEWEST = """
from integrations.models import ConsentEntry, Conversation
thread = Conversation.objects.get(pk={})
kind = ConsentEntry.objects.filter(phone=thread.contact.phone).order_by("-at", "-pk").first().kind
print(json.dumps([kind, thread.messages.filter(text="Half a reply").count()]))
"""


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
@pytest.mark.parametrize(
    ("button", "kind"), [("They did not ask that", "cleared"), ("Opt this contact out", "opt_out")]
)
def test_a_button_decides_and_sends_nothing(open_page, scene: tuple[Portal, dict], scripts, button, kind):
    ours, told = scene
    thread = ours.query(DOUBT.format(kind))
    page: Page = open_page(java_script_enabled=scripts)
    states.enter(page, ours, told["demo"])
    page.goto(f"{ours.url}/inbox/{thread}/")
    page.locator("#composer-text").fill("Half a reply")
    page.get_by_role("button", name=button).click()
    expect(page.locator("[data-hint=doubt]")).to_have_count(0)
    if scripts and kind == "cleared":
        expect(page.locator("#composer-text")).to_have_value("Half a reply")
    assert ours.query(NEWEST.format(thread)) == [kind, 0]
