"""Internal notes in a browser: two people, a mention that is seen, and no way from a note to a text."""

import pytest
from playwright.sync_api import Page, expect

from tests.harness.portal import Portal
from tests.harness.sandbox import wait_for

pytestmark = [pytest.mark.browser]
FILL = """
from django.contrib.auth import get_user_model
from integrations.models import *
account = Account.objects.get()
Account.objects.update(state="connected")
Contact.objects.update(opted_out=False, blocked=False)
for name, first, last in (("ada", "Ada", "Marsh"), ("bo.berg", "Bo", "Berg")):
    made = get_user_model().objects.create_user(name, is_staff=True, first_name=first, last_name=last)
    Membership.objects.create(user=made, account=account)
print(json.dumps(list(Conversation.objects.order_by("-latest_at").values_list("pk", flat=True)[:2])))
"""


@pytest.fixture
def filled(empty) -> tuple[Portal, int, int]:
    """(portal, a conversation, another one)."""
    empty.seed(contacts=6, messages=12)
    return empty, *empty.query(FILL)


@pytest.fixture
def person(open_page):
    """A user's browser, signed in and at a page: ``person(portal, "ada", "/inbox/")``."""

    def opened(ours: Portal, name: str, path: str, **options) -> Page:
        page = open_page(**options)
        ours.visit(page, path, name)
        return page

    return opened


def test_two_people_and_a_note_that_is_never_a_text(person, filled):
    ours, first, second = filled

    def stored() -> dict:
        """What we have written: {"texts": […], "notes": […]}."""
        return ours.query(
            "from integrations.models import *\n"
            "texts = list(Message.objects.filter(client_uuid__isnull=False).values_list('text', flat=True))\n"
            "notes = list(InternalNote.objects.order_by('pk').values_list('text', flat=True))\n"
            "print(json.dumps({'texts': texts, 'notes': notes}))"
        )

    before = stored()["texts"]
    ada = person(ours, "ada", f"/inbox/{first}/")
    bo = person(ours, "bo.berg", f"/inbox/{second}/")

    # Ada mentions Bo, by the keyboard alone.
    tabs = ada.get_by_role("group", name="What to write")
    tabs.get_by_role("button", name="Internal note").focus()
    ada.keyboard.press("Enter")
    note = ada.locator("#note-text")
    expect(note).to_be_focused()
    expect(ada.locator("#composer")).to_be_hidden()
    expect(ada.get_by_text("Only your team can see this. It is never sent.")).to_be_visible()
    note.press_sequentially("Careful with the dog, @ber")
    expect(ada.get_by_role("option", name="Bo Berg")).to_be_visible()
    note.press("Enter")
    expect(note).to_have_value("Careful with the dog, @bo.berg ")
    note.press("Enter")
    shown = ada.locator(".message-note", has_text="Careful with the dog")
    expect(shown).to_contain_text("Internal note by Ada Marsh")
    expect(note).to_have_value("")

    # Bo sees the badge where he is, and the note when he opens the thread.
    expect(bo.locator("#mentions-count")).to_contain_text("1")
    expect(bo.locator(f'.row[data-key="{first}"] .row-mention')).to_be_visible()
    bo.locator(".tab", has_text="Mentions").click()
    expect(bo.locator("#rows > .row")).to_have_count(1)
    bo.locator(f"#row-{first}").click()
    expect(bo.locator(".mention-me")).to_have_text("@bo.berg")
    expect(bo.locator("#mentions-count")).to_be_empty()

    # A note of Ada's comes to Bo's open thread, and takes neither his focus nor his text.
    bo.locator("#composer-text").press_sequentially("I am wri")
    note.fill("One more thing")
    note.press("Enter")
    live = bo.locator(".message-note", has_text="One more thing")
    expect(live).to_be_visible()
    expect(live.get_by_role("button", name="Delete")).to_have_count(0)
    expect(bo.locator("#composer-text")).to_be_focused()
    expect(bo.locator("#composer-text")).to_have_value("I am wri")

    # Enter in a note sends no text, whatever stands in the other form, and while a text is on its way.
    ada.locator("#write-text").click()
    ada.locator("#composer-text").fill("Unfinished, not to be sent")
    ada.locator("#write-note").click()
    for key in ("Enter", "Control+Enter", "Enter"):
        note.press(key)
    note.fill("Still a note")
    note.press("Control+Enter")
    expect(ada.locator(".message-note", has_text="Still a note")).to_be_visible()
    ada.locator("#write-text").click()
    expect(ada.locator("#composer-text")).to_have_value("Unfinished, not to be sent")
    held = []
    ada.route("**/send/", lambda route: held.append(route))
    ada.locator("#composer-text").fill("A text for the customer")
    ada.locator("#composer-text").press("Enter")
    ada.locator("#write-note").click()
    note.fill("A note meanwhile")
    note.press("Enter")
    expect(ada.locator(".message-note", has_text="A note meanwhile")).to_be_visible()
    note.fill("Half a")
    held[0].continue_()
    expect(ada.locator(".message-out", has_text="A text for the customer")).to_be_visible()
    expect(note).to_have_value("Half a")
    note.press("Enter")
    expect(ada.locator(".message-note", has_text="Half a")).to_be_visible()
    assert len(held) == 1
    notes = ["Careful with the dog, @bo.berg", "One more thing", "Still a note", "A note meanwhile", "Half a"]
    assert stored() == {"texts": [*before, "A text for the customer"], "notes": notes}

    # Ada takes one back: it is asked first, and goes for both.
    ada.once("dialog", lambda dialog: dialog.dismiss())
    ada.locator(".message-note", has_text="One more thing").get_by_role("button", name="Delete").click()
    expect(ada.locator(".message-note", has_text="One more thing")).to_be_visible()
    ada.once("dialog", lambda dialog: dialog.accept())
    ada.locator(".message-note", has_text="One more thing").get_by_role("button", name="Delete").click()
    expect(ada.locator(".message-note", has_text="One more thing")).to_have_count(0)
    expect(live).to_have_count(0)
    # The save of a draft may be on its way when its text is sent.
    assert [said for said in ada.complaints + bo.complaints if "409 (Conflict)" not in said] == []

    # Without a script both forms stand there, each with its own button; what is a note stays one.
    plain = person(ours, "ada", f"/inbox/{second}/", java_script_enabled=False)
    expect(plain.locator("#composer")).to_be_visible()
    plain.locator("#note-text").fill("By hand")
    plain.locator("#note-text").press("Enter")
    plain.get_by_role("button", name="Add note").click()
    expect(plain.locator(".message-note", has_text="By hand")).to_be_visible()
    wait_for("only the note is new", lambda: stored()["notes"][-1] == "By hand")
    assert stored()["texts"] == [*before, "A text for the customer"]
