"""Long names and German words fit in both fonts, at the widths that people complained about."""

import pytest
from playwright.sync_api import Page, expect

from tests.harness import fonts
from tests.harness.portal import Portal

from . import measures

pytestmark = [pytest.mark.browser]
FILL = """
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from integrations.models import *
demo = get_user_model().objects.get()
account = Account.objects.get()
Account.objects.update(state="connected")
Account.objects.create(label="Northside Clinic of Greater Boston", webhook_secret="x", webhook_digest="x")
Inbox.objects.update(name="Front desk")
Contact.objects.update(email="alexandria.montgomery@northsideclinic.example.com", tags=["new-patient", "newsletter"])
contact = Contact.objects.first()
Contact.objects.filter(pk=contact.pk).update(opted_out=True, first_name="Alexandria", last_name="Montgomery")
thread = Conversation.objects.filter(contact=contact).first()
Conversation.objects.filter(pk=thread.pk).update(inbox=Inbox.objects.first(), owner=Member.objects.first())
values = {"first_name": "Newname", "email": "newemail@example.com"}
base = {"first_name": "Alexandria", "email": "alexandria.montgomery@northsideclinic.example.com"}
Change.objects.create(account=account, kind="contact", contact=contact, values=values, base=base, state="done",
    requested_by=demo, finished_at=timezone.now())
other = Conversation.objects.filter(contact__opted_out=False, contact__blocked=False, account=account).first()
print(json.dumps([thread.pk, contact.pk, other.pk]))
"""
# Which of these are out of the window, or have something else over their middle.
COVERED = """(selectors) => selectors.filter((selector) => {
  const element = document.querySelector(selector);
  const {left, top, right, bottom} = element.getBoundingClientRect();
  if (left < 0 || top < 0 || right > innerWidth + 1 || bottom > innerHeight + 1) return true;
  return !element.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
})"""
CUT = """(inner) => [...document.querySelectorAll(inner)].filter((element) => {
  const box = element.getBoundingClientRect();
  if (!box.width) return false;
  for (let outer = element.parentElement; outer; outer = outer.parentElement) {
    const [style, frame] = [getComputedStyle(outer), outer.getBoundingClientRect()];
    if (style.overflowX !== "visible" && (box.right > frame.right + 1 || box.left < frame.left - 1)) return true;
  }
  return box.right > document.documentElement.clientWidth + 1;
}).map((element) => element.className + ": " + element.textContent)"""


def in_both_fonts(page: Page, script: str, argument: object) -> list[str]:
    """What the script finds on the open page, drawn in the one font and in the other."""
    found = []
    for family in (fonts.NARROW, fonts.WIDE):
        fonts.wear(page, family)
        found += [f"{family}: {what}" for what in page.evaluate(script, argument)]
    return found


@pytest.fixture
def filled(empty) -> tuple[Portal, int, int, int]:
    """A portal with long names and addresses: (portal, conversation, contact, conversation to write in)."""
    empty.superuser()
    empty.seed(contacts=12, messages=12)
    return empty, *empty.query(FILL)


def test_nothing_is_cut_off_and_all_can_be_hit(page: Page, filled):
    ours, thread, contact, other = filled
    ours.visit(page, "/inbox/")
    assert fonts.used(page, "h1") == [fonts.chosen()]
    for family in (fonts.WIDE, fonts.NARROW):
        fonts.wear(page, family)
        assert fonts.used(page, "h1") == [family]
    for width, height in ((1280, 850), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{ours.url}/inbox/{thread}/")
        expect(page.locator(".thread-who .badge")).to_have_text("Opted out")
        assert in_both_fonts(page, CUT, ".thread-who .badge, .thread-via, .tab") == []

        page.goto(f"{ours.url}/admin/integrations/contact/")
        expect(page.locator("#result_list .field-in_inbox a").first).to_be_visible()
        assert in_both_fonts(page, CUT, "#result_list td, #result_list th, #result_list a") == []
        targets = page.locator("#user-tools a, #user-tools button")
        assert targets.count() >= 4
        for target in targets.all():
            assert target.bounding_box()["height"] >= 24, target.text_content()

        page.goto(f"{ours.url}/admin/integrations/contact/{contact}/change/")
        for column in ("before", "state_shown"):
            expect(page.locator(f"#changes-group .field-{column}").first).to_be_visible()
        assert in_both_fonts(page, CUT, "#changes-group td, #changes-group .sm-badge") == []
        assert measures.misfits(page) == []

    # 200 % zoom of 1280 x 850, and a small phone: writing and sending stay in sight, with nothing over them.
    for width, height in ((640, 425), (320, 568)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{ours.url}/inbox/{other}/")
        page.locator("#composer-text").fill("Friday at ten? " * 40)
        assert (
            in_both_fonts(page, COVERED, ["#composer-text", "#composer-send", ".later > summary", "#close-button"])
            == []
        )
        assert page.locator("#thread-scroll").bounding_box()["height"] >= 80
        page.locator(".later > summary").click()
        page.locator("#composer-later").scroll_into_view_if_needed()
        assert in_both_fonts(page, COVERED, ["#composer-later", "#composer-send"]) == []
        page.keyboard.press("Escape")
        for key, dialog in (("?", "#keys-help"), ("Control+k", "#palette")):
            page.locator("#thread-scroll").focus()
            page.keyboard.press(key)
            assert in_both_fonts(page, COVERED, [f"{dialog} [data-close]"]) == []
            page.keyboard.press("Escape")

    # German words are longer.
    page.context.add_cookies([{"name": "django_language", "value": "de", "url": ours.url}])
    for width, height in ((1280, 850), (900, 850), (390, 844), (320, 568)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{ours.url}/inbox/")
        heads = page.locator(".list-head .cluster > :visible").evaluate_all(
            "(all) => new Set(all.map((one) => Math.round(one.getBoundingClientRect().bottom))).size"
        )
        assert heads == 1, "one line"
        assert in_both_fonts(page, CUT, ".list-head a, .tab, #list-body .badge") == []
        page.goto(f"{ours.url}/inbox/{thread}/")
        expect(page.locator(".thread-who .badge")).to_have_text("Abgemeldet")
        assert in_both_fonts(page, CUT, ".thread-who .badge, .thread-via, .thread-acts summary, #close-button") == []
        assert page.locator(".thread-who").bounding_box()["width"] >= 96
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert measures.misfits(page) == []
    page.context.clear_cookies(name="django_language")
    page.goto(f"{ours.url}/inbox/{other}/")

    # Colours of the system: an outline marks what is chosen; reduced motion is respected.
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    page.keyboard.press("Control+k")
    option = page.locator("[role=option][aria-selected=true]")
    assert option.evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
    assert page.locator(".spinner").first.evaluate("(one) => getComputedStyle(one).animationIterationCount") == "1"
    assert page.complaints == []


LONG = """
from integrations.models import *
word, spaced = "Wolfeschlegelsteinhausen"[:17] * 30, "Maximilian Karl " * 32
contact = Contact.objects.first()
thread = Conversation.objects.filter(contact=contact).first()
Contact.objects.filter(pk=contact.pk).update(first_name=word[:255], last_name=word[255:510], full_name=word,
    email="e" * 308 + "@example.com", tags=["t" * 255, "short"], opted_out=False, blocked=False)
other = Contact.objects.exclude(pk=contact.pk).first()
Contact.objects.filter(pk=other.pk).update(first_name=spaced[:255], full_name=spaced[:510])
Account.objects.update(state="connected", label="L" * 120)
Inbox.objects.update(name="I" * 120)
Message.objects.create(account=thread.account, conversation=thread, state="failed", text="w" * 400, rank=2**62,
    client_uuid="6e9d7f3a-59a5-4c7b-8c5b-0a8f3c1d2e4f", at=thread.latest_at, reason_code="timed_out")
bulk = Bulk.objects.create(account=thread.account, text="x" * 300, state="draft")
BulkRecipient.objects.create(bulk=bulk, contact=contact)
print(json.dumps([thread.pk, contact.pk, thread.account_id, bulk.pk]))
"""
EVERY_PAGE = (
    "/inbox/", "/inbox/?q=wolf", "/inbox/{0}/", "/inbox/new/", "/outbox/", "/bulk/", "/bulk/{3}/contacts/",
    "/bulk/{3}/text/", "/sync/", "/sync/{2}/", "/accounts/", "/accounts/{2}/", "/admin/integrations/contact/",
    "/admin/integrations/contact/{1}/change/", "/admin/integrations/conversation/", "/admin/integrations/message/",
    "/admin/integrations/inbox/",
)  # fmt: skip


def test_names_without_a_place_to_break_stay_in_their_boxes(page: Page, empty):
    empty.superuser()
    empty.seed(contacts=12, messages=12)
    keys = empty.query(LONG)
    empty.visit(page, "/inbox/")
    found = []
    for path in EVERY_PAGE:
        for width, height in ((1280, 850), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.goto(empty.url + path.format(*keys)).ok, path
            found += [f"{path}: {what}" for what in measures.misfits(page)]
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width and not path.startswith("/admin/"):
                found.append(f"{path}: {wide} px wide at {width}")
    assert found == []
