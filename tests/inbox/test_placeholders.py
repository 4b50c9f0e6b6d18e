"""Every way a text is written: a placeholder is refused by name, and the offer fills it in or converts it."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from integrations.models import Bulk, Contact, Message, SavedReply
from integrations.outbox import compose, safeguards, scheduled
from tests import factories as f

from . import pages

pytestmark = pytest.mark.django_db
TYPED, FILLED, OURS = "Hi {{contact.first_name}}!", "Hi Dana!", "Hi {first_name}!"
REFUSED = "{{contact.first_name}} has not been filled in. Replace it with text."
OFFER = "Replace with “Dana”"


@pytest.fixture
def dana(harbor):
    return f.contact(harbor, "Dana", "Reyes", phone="+13055550142")


@pytest.fixture
def thread(harbor, dana):
    made = f.conversation(harbor, dana)
    f.message(made, "Hello")
    return made


@pytest.fixture
def planned(browser, thread):
    page = browser.get(f"/inbox/{thread.pk}/")
    values = {"client_uuid": pages.field(page, "client_uuid"), "text": "Hi", "zone": "UTC", "when": in_two_days()}
    browser.post(f"/inbox/{thread.pk}/later/", {**pages.state(page), **values})
    return Message.objects.get(send_at__isnull=False)


def in_two_days() -> str:
    return f"{timezone.now() + timedelta(days=2):%Y-%m-%dT%H:%M}"


def outgoing() -> list[str]:
    return list(Message.objects.filter(inbound=False).values_list("text", flat=True))


def composer_form(browser, thread) -> dict:
    page = browser.get(f"/inbox/{thread.pk}/")
    fixed = {"client_uuid": pages.field(page, "client_uuid"), "zone": "UTC", "when": in_two_days()}
    return {**pages.state(page), **fixed, "text": TYPED}


@pytest.mark.parametrize("way", ["send", "later"])
@pytest.mark.parametrize("htmx", [True, False])
def test_a_reply(browser, thread, way, htmx):
    headers, address = ({"HX-Request": "true"} if htmx else {}), f"/inbox/{thread.pk}/{way}/"
    form = composer_form(browser, thread)
    refused = browser.post(address, form, headers=headers)
    assert refused.status_code == 422 and REFUSED in pages.text(refused) and OFFER in pages.text(refused)
    assert pages.inline(refused) == []
    filled = browser.post(address, {**form, "convert": "1"}, headers=headers)
    assert filled.status_code == 200 and outgoing() == []
    if htmx:
        assert filled["HX-Trigger"] == '{"portal:filled-in": {"text": "Hi Dana!"}}'
    else:
        assert FILLED in pages.text(filled) and pages.field(filled, "client_uuid") == form["client_uuid"]
        offer = refused.content.decode().split('name="convert"')[1].split(">")[0]
        assert (f'formaction="{address}"' in offer) is (way == "later"), "the form keeps its time"
    browser.post(address, {**form, "text": FILLED}, headers=headers)
    assert outgoing() == [FILLED]


def test_a_name_that_staff_have_requested_counts(browser, ada, harbor, thread):
    thread.contact.changes.create(account=harbor, kind="contact", values={"first_name": "Dee"}, requested_by=ada)
    form = composer_form(browser, thread)
    assert "Replace with “Dee”" in pages.text(browser.post(f"/inbox/{thread.pk}/send/", form))
    assert "Hi Dee!" in pages.text(browser.post(f"/inbox/{thread.pk}/send/", {**form, "convert": "1"}))


def test_without_a_value_nothing_is_offered(browser, thread):
    Contact.objects.update(first_name="\u3164\u200b")
    answer = browser.post(f"/inbox/{thread.pk}/send/", composer_form(browser, thread))
    assert "This contact has no value for First name. Replace {{contact.first_name}} with text." in pages.text(answer)
    assert 'name="convert"' not in answer.content.decode()


@pytest.mark.parametrize("known", [True, False])
def test_a_new_conversation(browser, harbor, dana, known):
    if not known:
        dana.delete()
    page = browser.get("/inbox/new/")
    form = {name: pages.field(page, name) for name in ("client_uuid", "line")}
    form |= {"phone": "(305) 555-0142", "text": TYPED}
    refused = browser.post("/inbox/new/", form)
    said = REFUSED if known else "This contact has no value for First name."
    assert refused.status_code == 422 and said in pages.text(refused)
    assert (OFFER in pages.text(refused)) is known
    filled = browser.post("/inbox/new/", {**form, "convert": "1"})
    assert filled.status_code == 200 and (FILLED if known else TYPED) in pages.text(filled)
    assert pages.field(filled, "client_uuid") == form["client_uuid"] and outgoing() == []


@pytest.mark.parametrize("htmx", [True, False])
def test_an_edit_of_a_scheduled_text(browser, planned, htmx):
    headers, address = ({"HX-Request": "true"} if htmx else {}), reverse("inbox:edit", args=[planned.pk])
    form = {"text": TYPED, "zone": "UTC", "when": in_two_days()}
    refused = browser.post(address, form, headers=headers)
    assert refused.status_code == 422 and REFUSED in pages.text(refused) and OFFER in pages.text(refused)
    filled = browser.post(address, {**form, "convert": "1"}, headers=headers)
    assert filled.status_code == 200 and FILLED in pages.text(filled)
    assert outgoing() == ["Hi"]


def test_a_scheduled_text_that_is_sent_now(browser, planned):
    Message.objects.filter(pk=planned.pk).update(text=TYPED)
    planned.refresh_from_db()
    with pytest.raises(safeguards.CannotSend, match="has not been filled in"):
        scheduled.send_now(planned.sender, planned)


def test_a_resend(ada, thread):
    failed = f.message(thread, TYPED, inbound=False, state=Message.State.FAILED)
    with pytest.raises(safeguards.CannotSend, match="has not been filled in"):
        compose.resend_message(ada, failed)


def test_the_command_line(harbor, dana):
    with pytest.raises(CommandError, match="has not been filled in"):
        call_command("send", "--account", str(harbor.pk), "--to", dana.phone, TYPED)
    assert outgoing() == []


def test_a_saved_reply(browser, ada, harbor):
    form = {"name": "hello", "text": TYPED}
    refused = browser.post("/inbox/replies/new/", form)
    assert refused.status_code == 422 and "Write it as {first_name}." in pages.text(refused)
    assert "Convert to {first_name}" in pages.text(refused) and pages.inline(refused) == []
    converted = browser.post("/inbox/replies/new/", {**form, "convert": "1"})
    assert converted.status_code == 200 and OURS in pages.text(converted)
    assert pages.field(converted, "name") == "hello" and not SavedReply.objects.exists()
    browser.post("/inbox/replies/new/", {**form, "text": OURS})
    assert SavedReply.objects.get().text == OURS


def test_a_saved_reply_from_before_is_inserted_filled_in(browser, harbor, thread):
    row = SavedReply.objects.create(account=harbor, name="old", text=TYPED + " {order}")
    [offered] = browser.get(f"/inbox/{thread.pk}/replies/list/").json()["replies"]
    assert (offered["text"], offered["empty"]) == (FILLED + " {order}", ["{order}"])
    page = browser.get(f"/inbox/{thread.pk}/")
    form = {"client_uuid": pages.field(page, "client_uuid"), "text": "[First Name],", "reply": row.pk}
    chosen = pages.text(browser.post(f"/inbox/{thread.pk}/replies/", form))
    assert "[First Name] has not been filled in" in chosen and OFFER in chosen


def test_a_bulk_text(browser, harbor, dana):
    f.contact(harbor, "", "Null")
    bulk = Bulk.objects.create(account=harbor)
    bulk.recipients.create(contact=dana)
    refused = browser.post(f"/bulk/{bulk.pk}/text/", {"text": TYPED})
    assert refused.status_code == 422 and "Convert to {first_name}" in pages.text(refused)
    converted = browser.post(f"/bulk/{bulk.pk}/text/", {"text": TYPED, "convert": "1"})
    assert converted.status_code == 200 and OURS in pages.text(converted)
    browser.post(f"/bulk/{bulk.pk}/text/", {"text": OURS})
    assert bulk.recipients.get().text == FILLED


# --- Custom fields ---------------------------------------------------------------------------------------------------


@pytest.fixture
def gold(dana):
    dana.custom_fields = [{"field_key": "plan", "value": "Gold"}]
    dana.save()
    cache.clear()  # the keys of accounts
    return dana


def test_custom_fields_in_a_bulk_text(browser, harbor, gold, django_assert_max_num_queries):
    bulk = Bulk.objects.create(account=harbor)
    bulk.recipients.create(contact=gold)
    for number in range(50):
        bulk.recipients.create(contact=f.contact(harbor, "Ana", phone=f"+1305555{number:04}"))
    page = browser.get(f"/bulk/{bulk.pk}/text/").content.decode()
    assert 'data-insert="{field:plan}"' in page and ">Plan<" in page
    with django_assert_max_num_queries(30):
        browser.post(f"/bulk/{bulk.pk}/text/", {"text": "Your plan: {field:plan}"})
    assert bulk.recipients.get(contact=gold).text == "Your plan: Gold"
    assert bulk.recipients.filter(reason_code="skip_empty_field").count() == 50
    assert "Plan is empty, and the text names no replacement for it" in pages.text(browser.get(f"/bulk/{bulk.pk}/"))
    browser.post(f"/bulk/{bulk.pk}/text/", {"text": "Your plan: {field:plan|none}"})
    assert bulk.recipients.filter(text="Your plan: none").count() == 50
    refused = browser.post(f"/bulk/{bulk.pk}/text/", {"text": "Your plan: {field:plam}"})
    assert "Unknown merge field “{field:plam}”" in pages.text(refused) and "{field:plan}" in pages.text(refused)


def test_custom_fields_in_a_saved_reply_and_the_composer(browser, harbor, gold, thread):
    assert 'data-insert="{field:plan}"' in browser.get("/inbox/replies/new/").content.decode()
    browser.post("/inbox/replies/new/", {"name": "plan", "text": "You have {field:plan}."})
    [offered] = browser.get(f"/inbox/{thread.pk}/replies/list/").json()["replies"]
    assert offered["text"] == "You have Gold."
    form = {**composer_form(browser, thread), "text": "You have {{contact.plan}}."}
    assert "Replace with “Gold”" in pages.text(browser.post(f"/inbox/{thread.pk}/send/", form))
