"""The contact's card in a browser: what is asked for shows at once, reaches Salesmsg, and takes nothing away."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.harness.portal import Portal
from tests.harness.sandbox import Sandbox, wait_for

pytestmark = [pytest.mark.browser]
TOLD = """
from integrations import mirror
from integrations.models import Contact
contact = Contact.objects.get(vendor_id={})
Contact.objects.filter(pk=contact.pk).update(notes=[{{"id": 1, "text": "told meanwhile"}}])
mirror.touch(contact.account_id, list(contact.conversations.values_list("pk", flat=True)))
print(1)
"""


def test_a_name_a_tag_a_note_and_an_opt_out(page: Page, vendor: Sandbox, connected: Portal, stranger: dict):
    ours, contact = connected, stranger
    ours.visit(page, "/inbox/")
    page.locator(".row-link", has=page.get_by_text(contact["full_name"], exact=True)).click()
    card = page.locator(".side")

    def theirs() -> dict:
        return next(row for row in vendor.data()["contacts"] if row["id"] == contact["id"])

    # The name becomes a field on a click; Escape leaves everything as it was.
    card.get_by_role("heading", name=contact["full_name"]).click()
    first = card.get_by_label("First name")
    expect(first).to_be_focused()
    first.fill("Nobody")
    first.press("Escape")
    expect(first).to_be_hidden()
    expect(card.locator(".contact-quick > summary")).to_be_focused()

    # What is refused stays, with the reason at its field, also while a live update draws the card anew.
    page.keyboard.press("Enter")
    expect(first).to_be_focused()
    expect(first).to_have_value(contact["first_name"])
    email = card.get_by_role("textbox", name="Email")
    first.fill("Nora")
    email.fill("no address")
    email.press("Enter")
    expect(card.get_by_text("Enter a valid email address.")).to_be_visible()
    expect(email).to_be_focused()
    email.fill("nora@example")
    ours.query(TOLD.format(contact["id"]))
    expect(card.get_by_text("told meanwhile")).to_be_visible()
    expect(email).to_be_focused()
    assert [first.input_value(), email.input_value()] == ["Nora", "nora@example"]
    expect(card.get_by_text("Enter a valid email address.")).to_be_visible()
    email.press("Escape")
    page.keyboard.press("Enter")
    assert [first.input_value(), email.input_value()] == [contact["first_name"], contact["email"] or ""]
    expect(card.get_by_text("Enter a valid email address.")).to_have_count(0)
    first.fill("Nora")
    email.fill("nora@example.com")
    email.press("Enter")

    # Everybody is called as asked for at once: card, head and list; the timeline tells who and what.
    called = f"Nora {contact['last_name']}".strip()
    expect(card.get_by_role("heading", name=called)).to_be_visible()
    expect(first).to_be_hidden()
    expect(page.locator(".thread-who h2")).to_have_text(called)
    expect(page.locator(".row-link[aria-current] .row-name")).to_have_text(called)
    card.get_by_text("Change history", exact=True).click()
    entry = card.locator(".timeline-entry", has_text="Edited the contact")
    expect(entry).to_contain_text("nora@example.com")
    expect(entry).to_contain_text("demo")
    wait_for("Salesmsg has the name", lambda: theirs()["first_name"] == "Nora")
    expect(entry).to_contain_text("Saved in Salesmsg")
    expect(card.get_by_role("heading", name=called)).to_be_visible()

    # A tag that nobody had; the note that is half written stays through both updates of the card.
    card.get_by_label("Add a note").first.fill("Prefers the")
    card.get_by_label("Add a tag").fill("Spring offer")
    card.get_by_label("Add a tag").press("Enter")
    tag = card.locator(".tag", has_text="Spring offer")
    expect(tag).to_be_visible()
    wait_for("Salesmsg has the tag", lambda: "Spring offer" in [one["label"] for one in theirs()["tags"]])
    expect(card.locator(".tag-waiting")).to_have_count(0)
    expect(card.get_by_label("Add a tag")).to_have_value("")
    expect(card.get_by_label("Add a note").first).to_have_value("Prefers the")

    card.get_by_label("Add a note").first.fill("Prefers the afternoon.")
    card.get_by_role("button", name="Add this note").click()
    expect(card.locator(".contact-note", has_text="Prefers the afternoon.")).to_have_count(1)
    expect(card.get_by_label("Add a note").first).to_have_value("")
    wait_for("Salesmsg has the note", lambda: theirs()["notes"])
    expect(card.locator(".contact-note .on-its-way")).to_have_count(0)
    assert [note["text"] for note in theirs()["notes"]].count("Prefers the afternoon.") == 1

    card.get_by_text("Opt out…").click()
    card.get_by_role("button", name="Opt out", exact=True).click()
    expect(page.locator("#composer-send")).to_be_disabled()
    wait_for("Salesmsg has the opt-out", lambda: theirs()["opt_out"])
    expect(page.locator("[data-blocked]")).to_contain_text("by demo in the portal.")
    expect(page.get_by_text("This contact is being opted out")).to_have_count(0)
    expect(card.locator(".contact-opt")).not_to_have_attribute("open", "")
    assert [said for said in page.complaints if "422" not in said] == []


def test_the_next_form_stays_folded_when_the_answer_to_the_last_one_is_lost(
    page: Page, connected: Portal, stranger: dict
):
    """A live update then shows the outcome: "Opt in again…" takes the place of the open "Opt out…"."""
    connected.visit(page, "/inbox/")
    page.locator(".row-link", has=page.get_by_text(stranger["full_name"], exact=True)).click()
    card = page.locator(".side")

    def lose(route: Route):
        route.fetch()
        route.abort()

    page.route("**/contact/opt-*/**", lose)
    for opener, button, following in [
        ("Opt out…", "Opt out", "Opt in again…"),
        ("Opt in again…", "Opt in", "Opt out…"),
    ]:
        card.get_by_text(opener).click()
        for box in card.locator(".contact-opt").get_by_role("checkbox").all():
            box.check()
            card.get_by_label("How and when they asked").fill("On the phone")
        card.get_by_role("button", name=button, exact=True).click()
        expect(card.get_by_text(following)).to_be_visible()
        expect(card.locator(".contact-opt")).not_to_have_attribute("open", "")
