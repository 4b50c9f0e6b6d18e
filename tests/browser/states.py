"""Every page and state that the eyes of tests look at: the rows they need, and one table to add a line to.

A line is (name, path, what to do there). Paths take the primary keys that SCENE prints: "/inbox/{every}/".
"""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.harness.portal import Portal

COOKIE = "sessionid"
SCENE = """
import uuid
from datetime import timedelta
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from integrations.models import *
from integrations.bulk import recipients, lifecycle
from integrations.outbox import scheduled
from tests import factories as make

now = timezone.now()
demo = make.person("demo", superuser=True)
empty = make.person("novice", superuser=False)
harbor = make.account("Harbor Dental", demo)
make.account("Northside Clinic of Greater Boston", demo, state="attention", vendor_reason="The token was refused.")
front, rear = make.inbox(harbor), make.inbox(harbor, "Billing")
rosa = make.member(harbor)
make.member(harbor, "Demo Person", demo)
for name in ("Ben Okafor", "Bea Lund", "Carla Diaz"):
    make.member(harbor, name)
pks = {"account": harbor.pk}

for place in range(45):
    first = ("Dana", "Sam", "Priya", "José", "Mei")[place % 5]
    who = make.contact(harbor, first, f"Reyes {place}", tags=["new-patient"])
    talk = make.conversation(harbor, who, inbox=front)
    make.message(talk, f"Could I come in on the {place + 1}th?", at=now - timedelta(hours=5, minutes=place))

def talk(name, **values):
    who = make.contact(harbor, name, "Montgomery", email=f"{name.lower()}@northsideclinic.example.com",
        tags=["new-patient", "newsletter"], **values)
    made = make.conversation(harbor, who, inbox=front, owner=rosa)
    make.message(made, "Do you have time on Friday? See https://example.com/map 🙂", at=now - timedelta(minutes=90))
    make.message(made, "Yes, at ten.", inbound=False, at=now - timedelta(minutes=80))
    pks[name.lower()] = made.pk
    return made

every = talk("Every")
reasons = {"failed": "The recipient has a landline.", "unknown": "The connection was lost."}
for place, state in enumerate(("queued", "sending", "sent", "delivered", "failed", "unknown", "cancelled")):
    own = make.message(every, f"This text is {state}.", inbound=False, state=state,
        vendor_reason=reasons.get(state, ""),
        client_uuid=uuid.uuid4(), sender=demo, at=now - timedelta(minutes=60 - 6 * place))
    make.message(every, "Thank you!", at=now - timedelta(minutes=57 - 6 * place))
    if state == "failed":
        Attempt.objects.create(message=own, outcome="refused", vendor_reason="30006", finished_at=now)
Message.objects.create(account=harbor, conversation=every, state="queued", text="Held back", client_uuid=uuid.uuid4(),
    at=now, rank=2**62, vendor_reason="It was planned for a time when the portal was off.")
long = talk("Long")
make.thread(long, 70, start=now - timedelta(hours=4))
planned = talk("Planned")
tomorrow = (now + timedelta(days=1)).replace(tzinfo=None)
scheduled.schedule_message(demo, planned, "Good morning!", uuid.uuid4(), tomorrow, "UTC", True)
pks["plan"] = Message.objects.get(text="Good morning!").pk
stopped = talk("Stopped", opted_out=True, opted_out_at=now)
for place, (kind, source, values) in enumerate((("doubt", "keyword", {"text": "Please do not text me"}),
        ("cleared", "staff", {"user_name": "Demo Person"}), ("opt_out", "salesmsg", {}),
        ("opt_in", "staff", {"user_name": "Demo Person", "note": "Asked on the phone"}),
        ("doubt", "keyword", {"text": "Wrong number?"}), ("opt_out", "keyword", {"text": "Stop!"}))):
    make.consent(stopped.contact, kind, source, at=now - timedelta(days=9 - place), **values)
doubted = talk("Doubted")
make.consent(doubted.contact, "doubt", text="I have asked you twice already, please stop texting me", at=now)
talk("Blocked", blocked=True)
closed = talk("Closed")
Conversation.objects.filter(pk=closed.pk).update(closed_at=now)
calls = talk("Calls")
make.message(calls, "", kind="call", call={"duration": 61, "voicemail": True})
make.message(calls, "", kind="mms", media=[{"id": 1, "url": "https://x.example/a.jpg", "content_type": "image/jpeg"}])
reactions = talk("Reactions")
make.message(reactions, "Liked “Yes, at ten.”", machine="reaction", at=now - timedelta(minutes=70))
make.message(reactions, "Loved “See you on Monday at the clinic, and bring the form we sent you.”", machine="reaction",
    at=now - timedelta(minutes=60))
make.message(reactions, "I'm driving with Focus turned on. I'll see your message when I get where I'm going.",
    machine="auto_reply", at=now - timedelta(minutes=50))
make.message(reactions, "Please come at half past nine, so that there is time for the form.", inbound=False,
    at=now - timedelta(minutes=40))
make.message(reactions, "Removed a heart from an image", machine="reaction", at=now - timedelta(minutes=30))
make.message(reactions, "👍 to “Please come at half past nine…”", machine="reaction", at=now - timedelta(minutes=20))
notes = [{"id": place, "text": f"Note {place}", "created_at": now.isoformat()} for place in range(5)]
noted = talk("Noted", notes=notes)
refused = Change.objects.create(account=harbor, kind="opt_out", contact=noted.contact, values={}, state="refused",
    vendor_reason="Not allowed.", requested_by=demo, finished_at=now)
clash = Change.objects.create(account=harbor, kind="contact", contact=talk("Clash").contact, state="conflict",
    values={"first_name": "Ann"}, base={"first_name": "Clash"}, theirs={"first_name": "Anna"}, requested_by=demo)
pks["conflict"], pks["contact"] = clash.pk, noted.contact_id

people = Contact.objects.filter(account=harbor).order_by("pk")
new, preview, running = (recipients.create_draft(demo, harbor, list(people[:20])) for _ in range(3))
for one in (preview, running):
    recipients.write_text(demo, one, "Hi {first_name|there}, your yearly check is due.")
recipients.set_times(demo, preview, now + timedelta(days=1), (9, 17))
running.refresh_from_db()
lifecycle.start_bulk(demo, running)
for hours, rows in ((5, running.recipients.all()[:9]), (8, running.recipients.all()[9:15])):
    keys = [row.pk for row in rows]
    running.recipients.filter(pk__in=keys).update(due_at=now + timedelta(hours=hours))
pks |= {"bulk_new": new.pk, "bulk_preview": preview.pk, "bulk_running": running.pk}
SyncRun.objects.create(account=harbor, kind="full", state="failed", reason_code="timed_out", finished_at=now)

def session(user):
    store = SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return store.session_key
print(json.dumps({"pks": pks, "demo": session(demo), "empty": session(empty)}))
"""


# What is done is done once more after the page has become narrow: each act must bear that.


def dialog(page: Page) -> bool:
    return bool(page.evaluate("Boolean(document.querySelector('dialog[open]'))"))


def press(key: str) -> Callable[[Page], None]:
    """Presses a key, with the focus out of the composer."""

    def act(page: Page) -> None:
        if not dialog(page):
            page.evaluate("document.activeElement.blur()")
            page.keyboard.press(key)

    return act


def click(selector: str) -> Callable[[Page], None]:
    return lambda page: None if dialog(page) else page.locator(selector).click()


def unfold(*selectors: str) -> Callable[[Page], None]:
    """Opens <details>, one after the other; what is not to be seen at this width is left out."""

    def act(page: Page) -> None:
        for selector in selectors:
            found = page.locator(f"{selector}:not([open]) > summary").locator("visible=true")
            if found.count():
                found.first.click()

    return act


def palette(page: Page) -> None:
    if not dialog(page):
        page.keyboard.press("Control+k")
    page.locator("#palette-q").fill("montgomery")
    expect(page.locator(".palette-more").first).to_be_visible()


def typed(page: Page) -> None:
    page.locator("#composer-text").fill("ž" * 300)


def number(text: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.locator("#id_phone").fill(text)
        expect(page.locator("#phone-check p")).to_be_visible()

    return act


STATES: list[tuple[str, str, Callable[[Page], None] | None]] = [
    ("inbox", "/inbox/", None),
    ("inbox, nothing found", "/inbox/?q=zzzzzz", None),
    ("inbox, search", "/inbox/?q=montgomery", None),
    ("inbox, failed", "/inbox/?show=failed", None),
    ("inbox, mine", "/inbox/?show=mine", None),
    ("inbox, keys", "/inbox/", press("?")),
    ("inbox, palette", "/inbox/", palette),
    ("inbox, alerts", "/inbox/", click("#alerts-bell")),
    ("inbox, new", "/inbox/new/", None),
    ("inbox, new, a number", "/inbox/new/", number("(305) 555-0142")),
    ("inbox, new, no number", "/inbox/new/", number("000-000-0000")),
    ("inbox, new, which number", "/inbox/new/", number("(305) 555-0142, (212) 555-0142")),
    ("thread, every state of a message", "/inbox/{every}/", unfold(".tries")),
    ("thread, a long one", "/inbox/{long}/", None),
    ("thread, a planned text", "/inbox/{planned}/", None),
    ("thread, opted out", "/inbox/{stopped}/", None),
    ("thread, opting in", "/inbox/{stopped}/", unfold(".thread-more", ".contact-opt")),
    ("thread, may have opted out", "/inbox/{doubted}/", None),
    ("thread, blocked", "/inbox/{blocked}/", None),
    ("thread, closed", "/inbox/{closed}/", None),
    ("thread, calls and pictures", "/inbox/{calls}/", None),
    ("thread, reactions and an automatic reply", "/inbox/{reactions}/", None),
    ("thread, notes and a refusal", "/inbox/{noted}/", unfold(".thread-more", ".contact-older")),
    ("thread, conflict", "/inbox/{clash}/", unfold(".thread-more")),
    ("thread, long text", "/inbox/{planned}/", typed),
    ("thread, assign", "/inbox/{planned}/", press("a")),
    ("thread, send later", "/inbox/{planned}/", unfold(".later")),
    ("thread, opting out", "/inbox/{planned}/", unfold(".thread-more", ".contact-opt")),
    ("thread, edit", "/inbox/messages/{plan}/edit/", None),
    ("bulk texts", "/bulk/", None),
    ("bulk, choose", "/bulk/{bulk_new}/contacts/", None),
    ("bulk, write", "/bulk/{bulk_new}/text/", None),
    ("bulk, write with times", "/bulk/{bulk_preview}/text/", None),
    ("bulk, preview", "/bulk/{bulk_preview}/", None),
    ("bulk, running", "/bulk/{bulk_running}/", None),
    ("bulk, cancel", "/bulk/{bulk_running}/cancel/", None),
    ("outbox", "/outbox/", None),
    ("sync", "/sync/", None),
    ("sync, one", "/sync/{account}/", None),
    ("accounts", "/accounts/", None),
    ("account", "/accounts/{account}/", None),
    ("account, disconnect", "/accounts/{account}/disconnect/", None),
    ("account, webhook", "/accounts/{account}/webhook/", None),
    ("consent refused", "/accounts/callback/?vendor_reason=access_denied", None),
    ("conflict", "/conflicts/{conflict}/", None),
    ("not found", "/inbox/999999/", None),
    ("admin", "/admin/", None),
    ("admin, contacts", "/admin/integrations/contact/", None),
    ("admin, consent", "/admin/integrations/consententry/", None),
    ("admin, contact", "/admin/integrations/contact/{contact}/change/", None),
]
# For a user without an account, and for anonymous users.
EMPTY = [
    ("inbox, empty", "/inbox/", None),
    ("accounts, empty", "/accounts/", None),
    ("outbox, empty", "/outbox/", None),
]
NOBODY = [("login", "/admin/login/", None)]


def enter(page: Page, ours: Portal, session: str) -> None:
    """Signs in without the form."""
    page.context.add_cookies([{"name": COOKIE, "value": session, "url": ours.url}])
