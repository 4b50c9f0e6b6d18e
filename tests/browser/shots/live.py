"""The pages beside a Salesmsg: connecting, the first sync, a busy hour, the sandbox itself."""

import re
import tempfile
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, expect

from tests.harness.portal import PASSWORD, Portal
from tests.harness.sandbox import Sandbox

from . import LOOKS, Camera

NAMES = (
    "connect", "account", "account-first-sync", "bulk-preview", "bulk-running", "conflict", "consent", "contact-admin",
    "contacts-admin", "inbox", "outbox", "sandbox-phone", "sync", "sync-first", "thread", "thread-later",
    "thread-unknown",
)  # fmt: skip

HISTORY = (
    "Do you have time for a small repair on Friday?",
    "The kitchen tap is dripping again 🙈",
    "Either works for me",
)


# What a busy hour leaves behind: texts for later, a bulk text under way, an unknown outcome, and a refusal.
SCENE = """
import uuid
from datetime import datetime, timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from integrations.models import Account, Change, Contact, Conversation, Message
from integrations.bulk import recipients, lifecycle
from integrations.outbox import compose, scheduled
user, account = get_user_model().objects.get(), Account.objects.get()
here = Conversation.objects.select_related("account", "contact").get(pk=HERE)
tomorrow = (timezone.now() + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None)
words = "Good morning! Luis is on his way to you."
scheduled.schedule_message(user, here, words, uuid.uuid4(), tomorrow, "America/New_York", True)
may = Conversation.objects.select_related("account", "contact").filter(
    contact__opted_out=False, contact__blocked=False, closed_at=None
).exclude(pk=HERE).order_by("pk")
for conversation, text in zip(may, ("Your invoice is paid, thank you!", "See you at four.", "The part has arrived.")):
    made = compose.queue_reply(user, conversation, text, uuid.uuid4())
    if text == "See you at four.":
        unknown = conversation.pk
        Message.objects.filter(pk=made.pk).update(
            state="unknown", due_at=None, claimed_at=timezone.now(),
            vendor_reason="The connection to Salesmsg was lost. It may have been sent: Salesmsg is being asked.")
    if text == "The part has arrived.":
        Message.objects.filter(pk=made.pk).update(
            state="failed", due_at=None, reason_code="carrier_30006")
people = Contact.objects.filter(account=account).order_by("pk")
words = "Hi {first_name|there}, we are closed on Friday. See you on Monday!"
draft = recipients.create_draft(user, account, people, words)
preview = recipients.create_draft(user, account, list(people[:40]))
recipients.write_text(user, preview, "Hi {first_name|there}, your yearly check is due. Reply YES and we call you.")
recipients.write_text(user, draft, draft.text)
draft.refresh_from_db()
lifecycle.start_bulk(user, draft)
met = Contact.objects.filter(account=account, conversations__isnull=False).exclude(pk=here.contact_id).exclude(email="")
met = met.order_by("-pk").first()
conflict = Change.objects.create(
    account=account, kind="contact", contact=met, state="conflict", requested_by=user,
    values={"first_name": "Katharina", "email": "katharina@example.com"},
    base={"first_name": met.first_name, "email": "k.old@example.com"},
    theirs={"first_name": "Catharina", "email": met.email})
print(json.dumps({"running": draft.pk, "preview": preview.pk, "unknown": unknown, "conflict": conflict.pk}))
"""


def take(browser: Browser, camera: Camera) -> None:
    """Builds everything up, takes the pictures, and tears it down."""
    with tempfile.TemporaryDirectory() as folder:
        vendor = Sandbox(Path(folder) / "sandbox.log", contacts=60, period=6, no_auto_replies=True, no_failures=True)
        portal = Portal(Path(folder), vendor, SALESMSG_RATE_PERIOD=6)
        try:
            portal.superuser()
            portal.start_web()
            portal.start_worker(3)
            _all(browser, portal, vendor, camera)
        finally:
            portal.stop()
            vendor.stop()


def _all(browser: Browser, portal: Portal, vendor: Sandbox, camera: Camera) -> None:
    first = browser.new_context(**LOOKS[""], timezone_id="America/New_York")
    page = first.new_page()
    page.goto(f"{portal.url}/accounts/")
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name=re.compile("Log in|Sign in")).click()
    camera.shoot(page, "connect")
    page.get_by_role("button", name="Connect with Salesmsg").click()
    page.wait_for_url(re.compile(re.escape(vendor.url)))
    consent = page.url
    page.locator("button[value=approve]").click()
    page.wait_for_url(re.compile(r"/accounts/\d+/"))
    account = page.url
    page.wait_for_timeout(2500)
    camera.shoot(page, "account-first-sync")
    page.goto(account.replace("/accounts/", "/sync/"))
    page.wait_for_timeout(1500)
    camera.shoot(page, "sync-first", whole=True)
    page.goto(account)
    expect(page.locator("#sync-full")).to_be_visible(timeout=60_000)
    vendor.post("/sandbox/settings", {"webhook": page.locator("#webhook-address").input_value()})
    person = _somebody(vendor)
    for text in HISTORY:
        vendor.post(f"/sandbox/phone/{person['id']}", {"text": text})
    page.goto(f"{portal.url}/inbox/?q={quote(person['full_name'])}")
    page.locator(".row-link", has=page.get_by_text(person["full_name"], exact=True)).click()
    expect(page.locator("#messages")).to_contain_text(HISTORY[-1], timeout=30_000)
    page.locator("#composer-text").fill("Friday at ten, would that suit you?")
    page.locator("#composer-send").click()
    expect(page.locator("#messages")).to_contain_text("Delivered", timeout=30_000)
    thread = page.url.split("?")[0]
    contact = f"{portal.url}{page.get_by_role('link', name='All details').first.get_attribute('href')}"
    state = first.storage_state()
    first.close()
    bulks = portal.query(SCENE.replace("HERE", re.search(r"/inbox/(\d+)/", thread)[1]))
    pages = {
        "inbox": f"{portal.url}/inbox/",
        "thread": thread,
        "thread-later": thread,
        "thread-unknown": f"{portal.url}/inbox/{bulks['unknown']}/",
        "outbox": f"{portal.url}/outbox/",
        "bulk-preview": f"{portal.url}/bulk/{bulks['preview']}/",
        "bulk-running": f"{portal.url}/bulk/{bulks['running']}/",
        "account": account,
        "sync": account.replace("/accounts/", "/sync/"),
        "conflict": f"{portal.url}/conflicts/{bulks['conflict']}/",
        "consent": consent,
        "contact-admin": contact,
        "contacts-admin": f"{portal.url}/admin/integrations/contact/",
        "sandbox-phone": f"{vendor.url}/sandbox/phone/{person['id']}",
    }
    for look, options in LOOKS.items():
        context = browser.new_context(**options, timezone_id="America/New_York", storage_state=state)
        page = context.new_page()
        for name, address in pages.items():
            if not camera.wants(name):
                continue
            # On a desktop the list always has a thread beside it.
            page.goto(thread if name == "inbox" and "phone" not in look else address)
            page.wait_for_timeout(700)
            if name == "thread" and "phone" not in look:
                page.locator("#composer-text").fill("And bring the invoice, please 🙂")
            if name == "thread-later":
                page.locator("#composer-text").fill("Are you at home at ten?")
                page.locator(".later > summary").click()
            camera.shoot(
                page,
                name + look,
                whole=name in {"account", "sync", "outbox", "bulk-preview", "bulk-running"} and "phone" not in look,
            )
        context.close()


def _somebody(vendor: Sandbox) -> dict:
    data = vendor.data()
    names = [row["full_name"] for row in data["contacts"]]
    threads = [row["contact_id"] for row in data["conversations"]]
    for contact in data["contacts"]:
        clear = not contact["opt_out"] and not contact["is_blocked"] and contact["email"] and contact["tags"]
        if clear and names.count(contact["full_name"]) == 1 and threads.count(contact["id"]) == 1:
            return contact
    raise SystemExit("The sandbox has nobody to show.")
