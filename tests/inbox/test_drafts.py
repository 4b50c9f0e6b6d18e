"""Drafts on the server: whose they are, which one stands, and when one goes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.inbox.composer import drafts
from integrations.mirror.contacts import merge_draft
from integrations.models import Draft, InternalNote, Membership, Message
from tests import factories as f

from . import pages


@pytest.fixture
def conversation(harbor):
    made = f.conversation(harbor)
    f.message(made, "Hello there")
    return made


@pytest.fixture
def save(htmx, ada, conversation):
    """Saves as the script does."""

    def post(text, base=0, person=None, **more):
        told = {"text": text, "draft": base, "person": person or ada.pk, **more}
        return htmx.post(f"/inbox/{conversation.pk}/draft/", told)

    return post


def composer(response) -> str:
    body = response.content.decode()
    return body.partition('id="composer-text"')[2].partition("</textarea>")[0].rpartition(">")[2]


def test_a_draft_is_shown_when_the_thread_opens_and_in_the_list(save, browser, conversation):
    assert save("Half a sen").json() == {"revision": 1}
    page = browser.get(f"/inbox/{conversation.pk}/")
    assert composer(page) == "Half a sen"
    assert pages.field(page, "draft") == "1"
    row = pages.text(browser.get("/inbox/"))
    assert "Draft: Half a sen" in row
    assert "Hello there" not in row


def test_a_draft_is_only_its_persons(save, client, harbor, conversation):
    save("Between us")
    eve = f.person("eve")
    Membership.objects.create(user=eve, account=harbor)
    client.force_login(eve)
    for address in ("/inbox/", f"/inbox/{conversation.pk}/", f"/inbox/{conversation.pk}/poll/"):
        assert "Between us" not in client.get(address).content.decode()


def test_a_page_of_another_person_saves_nothing(save, ada):
    assert save("Not mine", person=ada.pk + 1).status_code == 403
    assert not Draft.objects.exists()


def test_a_foreign_conversation_takes_no_draft(htmx, ada):
    other = f.conversation(f.account("Elsewhere"))
    assert htmx.post(f"/inbox/{other.pk}/draft/", {"text": "Hi", "person": ada.pk}).status_code == 404
    assert not Draft.objects.exists()


def test_a_signed_out_script_is_told_so(client, conversation):
    answer = client.post(f"/inbox/{conversation.pk}/draft/", {"text": "Hi"}, headers={"HX-Request": "true"})
    assert answer.status_code == 401


def test_an_older_page_does_not_overwrite(save):
    save("From the desk")
    save("From the desk, longer", base=1)
    late = save("From the phone", base=1)
    assert late.status_code == 409
    assert late.json() == {"revision": 2, "text": "From the desk, longer"}
    assert Draft.objects.get().text == "From the desk, longer"
    assert save("From the phone", base=2).json() == {"revision": 3}
    assert Draft.objects.get().text == "From the phone"


def test_the_same_text_from_two_devices_is_no_conflict(save):
    save("The same")
    assert save("The same", base=0).json() == {"revision": 1}


def test_a_page_that_leaves_overtakes_its_own_save(save):
    save("a", base=0)
    save("ab", base=1)  # on its way, when the page left:
    assert save("abc", base=1, next=1).json() == {"revision": 3}
    # The other order: the one before comes after it.
    assert save("abcde", base=3, next=1).status_code == 200
    assert save("abcd", base=3).status_code == 409
    assert Draft.objects.get().text == "abcde"


def test_clearing_leaves_nothing_to_show(save, browser, conversation):
    save("Never mind")
    assert save("  \n", base=1).status_code == 200
    assert "Draft:" not in pages.text(browser.get("/inbox/"))
    assert composer(browser.get(f"/inbox/{conversation.pk}/")) == ""


def test_long_drafts_are_refused_and_bytes_of_nothing_are_dropped(save):
    assert save("x" * (drafts.MAX_CHARACTERS + 1)).status_code == 422
    assert save("a\0b\r\nc").status_code == 200
    assert Draft.objects.get().text == "ab\nc"


@pytest.mark.parametrize("base", ["", "x", "-3", "9" * 18, "²"])
def test_odd_revisions_are_answered(save, base):
    assert save("Text", base=base).status_code == 200
    assert save("Text again", base=base).status_code in (200, 409)


# --- Sending ----------------------------------------------------------------------------------------------------------


def reply(browser, conversation, text, **more):
    page = browser.get(f"/inbox/{conversation.pk}/")
    told = {"client_uuid": pages.field(page, "client_uuid"), "draft": pages.field(page, "draft"), "text": text, **more}
    return browser.post(f"/inbox/{conversation.pk}/{'later' if more.get('when') else 'send'}/", told)


def test_sending_forgets_the_draft(save, browser, conversation):
    save("See you")
    reply(browser, conversation, "See you at nine")
    assert Message.objects.filter(text="See you at nine", state="queued").count() == 1
    assert Draft.objects.get().text == ""


def test_scheduling_forgets_the_draft(save, browser, conversation):
    save("See you")
    when = (timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    reply(browser, conversation, "See you", when=when, zone="UTC")
    assert Message.objects.get(text="See you").send_at is not None
    assert Draft.objects.get().text == ""


def test_what_cannot_be_sent_stays_a_draft(save, browser, conversation):
    save("Please answer")
    type(conversation.contact).objects.update(opted_out=True)
    reply(browser, conversation, "Please answer")
    assert not Message.objects.filter(inbound=False).exists()
    assert Draft.objects.get().text == "Please answer"


def test_a_failing_queue_keeps_the_draft(save, browser, conversation, monkeypatch):
    """Both or neither: the draft is forgotten in the transaction that queues."""
    save("Please answer")
    browser.raise_request_exception = False
    monkeypatch.setattr("integrations.inbox.composer.drafts._prune_empty_drafts", lambda user: 1 / 0)
    assert reply(browser, conversation, "Please answer").status_code == 500
    assert not Message.objects.filter(inbound=False).exists()
    assert Draft.objects.get().text == "Please answer"


def test_a_newer_draft_of_another_device_survives_the_sending(save, browser, conversation):
    save("First")
    page = browser.get(f"/inbox/{conversation.pk}/")
    save("Something else, from the phone", base=1)
    told = {"client_uuid": pages.field(page, "client_uuid"), "draft": "1", "text": "First, sent"}
    browser.post(f"/inbox/{conversation.pk}/send/", told)
    assert Message.objects.filter(text="First, sent").exists()
    assert Draft.objects.get().text == "Something else, from the phone"


def test_a_save_that_was_overtaken_by_the_sending_brings_nothing_back(save, browser, conversation):
    reply(browser, conversation, "On my way")
    late = save("On my w", base=0)
    assert late.status_code == 409
    assert late.json()["text"] == ""
    assert Draft.objects.get().text == ""
    # Something else that this device had is no echo, and is taken.
    assert save("And one more thing", base=0).status_code == 200
    assert Draft.objects.get().text == "And one more thing"


def test_empty_drafts_go_after_a_while(save, browser, harbor, ada, conversation):
    old = timezone.now() - drafts.EMPTY_DRAFT_RETENTION - timedelta(minutes=1)
    gone = Draft.objects.create(user=ada, conversation=f.conversation(harbor), text="", updated_at=old)
    kept = Draft.objects.create(user=ada, conversation=f.conversation(harbor), text="Old but mine", updated_at=old)
    save("Hello")
    reply(browser, conversation, "Hello")
    assert not Draft.objects.filter(pk=gone.pk).exists()
    assert Draft.objects.filter(pk=kept.pk).exists()


def test_signing_out_keeps_drafts(save, browser):
    save("Later")
    browser.post("/admin/logout/")
    assert Draft.objects.get().text == "Later"


# --- Without JavaScript -----------------------------------------------------------------------------------------------


def test_the_form_saves_a_draft(browser, conversation):
    page = browser.get(f"/inbox/{conversation.pk}/")
    assert "Save draft" in page.content.decode()
    saved = browser.post(f"/inbox/{conversation.pk}/draft/?show=open", {"text": "By hand", "draft": "0"})
    assert saved["Location"] == f"/inbox/{conversation.pk}/?show=open"
    assert composer(browser.get(f"/inbox/{conversation.pk}/")) == "By hand"


def test_enter_in_a_field_never_presses_save_draft(htmx, conversation):
    """What a <noscript> holds becomes real elements where htmx puts it, and Enter presses a form's first button."""
    page = htmx.get(f"/inbox/{conversation.pk}/", target="pane")
    buttons = [v for tag, v in pages.read(page).tags if tag == "button" and v.get("type") == "submit"]
    addresses = [v.get("formaction", v.get("id")) for v in buttons]
    of_form = addresses[addresses.index(f"/inbox/{conversation.pk}/later/") :]
    assert of_form[:2] == [f"/inbox/{conversation.pk}/later/", "composer-send"]
    assert f"/inbox/{conversation.pk}/draft/" in of_form[2:]


def test_the_form_shows_both_when_another_device_was_there(save, browser, conversation):
    save("From the phone")
    page = browser.post(f"/inbox/{conversation.pk}/draft/", {"text": "From the desk", "draft": "0"})
    assert page.status_code == 422
    assert composer(page) == "From the desk"
    assert "Newer draft from another device From the phone" in pages.text(page)
    browser.post(f"/inbox/{conversation.pk}/draft/", {"text": "Both", "draft": pages.field(page, "draft")})
    assert Draft.objects.get().text == "Both"


def test_the_form_comes_back_when_the_draft_is_too_long(browser, conversation):
    page = browser.post(f"/inbox/{conversation.pk}/draft/", {"text": "x" * 10_001, "draft": "0"})
    assert page.status_code == 422
    assert composer(page) == "x" * 10_001
    assert "10000 characters at most" in pages.text(page)


# --- A contact that turns out to be another one -----------------------------------------------------------------------


def test_drafts_and_notes_move_with_the_conversation(harbor, ada):
    real = f.contact(harbor)
    stays = f.conversation(harbor, real, vendor_id=None)
    number = f.contact(harbor, "", "", vendor_id=None)
    goes = f.conversation(harbor, number, vendor_id=None)
    note = InternalNote.objects.create(
        account=harbor, conversation=goes, client_uuid="5b0d6f0e-6f0b-4c0a-9d5e-3f1c7f2a9b11", author=ada, text="Hm"
    )
    Draft.objects.create(user=ada, conversation=goes, text="Second")
    Draft.objects.create(user=ada, conversation=stays, text="First")
    merge_draft(number, real)
    note.refresh_from_db()
    assert note.conversation_id == stays.pk
    assert Draft.objects.get().text == "First\nSecond"
