"""The sync page in a browser: pause, resume, see progress by itself, and one conversation now from the inbox."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser]
FILL = """
from datetime import timedelta
from django.utils import timezone
from integrations.models import *
from integrations.crypto import seal
now = timezone.now()
Heartbeat.objects.update_or_create(name="tick", defaults={"at": now + timedelta(hours=1)})
Account.objects.update(state="connected", synced_at=now, webhook_secret=seal("a-secret"))
thread = Conversation.objects.exclude(vendor_id=None).first()
print(json.dumps([Account.objects.get().pk, thread.pk]))
"""
ON = """
from integrations.models import SyncRun
SyncRun.objects.get(state="running").streams.filter(name="contacts").update(seen=30, total=120, pages=3)
print("null")
"""


def test_pause_resume_and_progress(page: Page, empty):
    ours = empty
    ours.superuser()
    ours.seed(contacts=4, messages=2)
    account, thread = ours.query(FILL)
    ours.visit(page, f"/sync/{account}/")
    verdict = page.locator(".sync-verdict")
    expect(verdict).to_contain_text("Everything is up to date")
    page.locator("#sync-pause").click()
    expect(verdict).to_contain_text(re.compile("demo paused the sync"))
    expect(page.locator("#sync-changes")).to_have_count(0)
    page.locator("#sync-resume").click()
    expect(verdict).to_contain_text("Everything is up to date")
    page.locator("#sync-changes").click()
    expect(page.get_by_text("Checking for changes", exact=True)).to_be_visible()
    ours.query(ON)
    expect(page.locator(".sync-streams")).to_contain_text("30 of 120")  # without a touch
    page.locator("#sync-stop").click()
    expect(page.locator(".sync-streams")).to_have_count(0)

    page.goto(f"{ours.url}/inbox/{thread}/")
    page.locator("#composer-text").fill("A draft")
    page.locator("#side-conversation-now").click()
    expect(page.locator(".side")).to_contain_text("Refreshing from Salesmsg")
    expect(page.locator("#composer-text")).to_have_value("A draft")
    for width, height in ((1280, 850), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{ours.url}/sync/{account}/")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints == []
