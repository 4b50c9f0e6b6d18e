"""Names, email and phone are edited on the card, by the admin's way; head and list call people as they will be."""

import pytest
from django.core.cache import cache

from integrations.models import Change, Contact, Credential
from tests import factories as f

from . import pages

State = Change.State
FIELDS = ("first_name", "last_name", "email", "phone")


@pytest.fixture
def contact(harbor):
    cache.clear()
    return f.contact(harbor, email="dana@example.com", custom_fields=[{"field_key": "plan", "text": "Basic"}])


@pytest.fixture
def conversation(harbor, contact):
    return f.conversation(harbor, contact)


@pytest.fixture
def save(browser, conversation, contact):
    """Sends the card's form as a page that showed the contact of now would: ``save(first_name="Nora")``."""
    was = {f"was-{name}": getattr(contact, name) for name in FIELDS}
    same = {name: getattr(contact, name) for name in FIELDS}

    def post(*, htmx: bool = False, state=None, **data):
        headers = {"HX-Request": "true"} if htmx else {}
        body = {**(state or {}), **was, **same, "spot": "side", **data}
        return browser.post(f"/inbox/{conversation.pk}/contact/edit/", body, headers=headers)

    return post


def look(browser, conversation):
    return browser.get(f"/inbox/{conversation.pk}/")


@pytest.mark.parametrize("htmx", [True, False])
def test_an_edit_is_a_pending_change_with_what_it_met(save, browser, conversation, contact, ada, htmx):
    page = look(browser, conversation)
    response = save(htmx=htmx, state=pages.state(page), first_name="Nora", email="nora@example.com")
    change = Change.objects.get()
    assert change.values == {"first_name": "Nora", "email": "nora@example.com"}
    assert change.base == {"first_name": "Dana", "email": "dana@example.com"}
    assert (change.kind, change.state, change.requested_by, change.contact) == ("contact", "pending", ada, contact)
    if not htmx:
        assert response["Location"] == f"/inbox/{conversation.pk}/"
        response = look(browser, conversation)
    assert response.status_code == 200
    assert "A change is not saved in Salesmsg yet." in pages.text(response)
    assert "Nora Reyes" in pages.text(response)
    contact.refresh_from_db()
    assert contact.first_name == "Dana", "the cache stays Salesmsg's word"


def test_what_nobody_typed_over_is_not_sent(save, contact):
    Contact.objects.filter(pk=contact.pk).update(last_name="Changed there")
    save(first_name="Nora")
    assert Change.objects.get().values == {"first_name": "Nora"}
    assert save().status_code == 302
    assert Change.objects.count() == 1, "nothing typed, nothing asked"


def test_what_was_changed_meanwhile_is_shown_before_it_is_replaced(save, browser, conversation, contact):
    Contact.objects.filter(pk=contact.pk).update(first_name="Daniela")
    response = save(htmx=True, first_name="Nora")
    assert response.status_code == 422
    assert "Changed to “Daniela” since you opened this page." in pages.text(response)
    assert pages.field(response, "first_name") == "Nora"
    assert pages.field(response, "was-first_name") == "Daniela"
    assert not Change.objects.exists()
    save(htmx=True, first_name="Nora", **{"was-first_name": "Daniela"})
    assert Change.objects.get().base == {"first_name": "Daniela"}


@pytest.mark.parametrize("htmx", [True, False])
def test_a_refusal_stands_at_its_field_and_keeps_what_was_typed(save, htmx):
    response = save(htmx=htmx, first_name="Nora", email="no address", spot="h3")
    assert response.status_code == 422
    assert not Change.objects.exists()
    assert "Enter a valid email address." in pages.text(response)
    wrong = [values for _, values in pages.read(response).tags if values.get("aria-invalid")]
    assert {values["name"] for values in wrong} == {"email"}
    assert {values["value"] for values in wrong} == {"no address"}
    assert pages.field(response, "first_name") == "Nora"
    assert 'id="h3-quick" open' in response.content.decode()
    if htmx:
        assert (response["HX-Retarget"], response["HX-Reswap"]) == ("#h3-quick", "outerHTML")
    assert pages.inline(response) == []


def test_a_damaged_spot_leads_nowhere_else(save):
    assert save(htmx=True, email="x", spot="main, body")["HX-Retarget"] == "#side-quick"


def test_a_stranger_edits_nobody(browser):
    theirs = f.conversation(f.account("Somebody else", f.person("eve")))
    assert browser.post(f"/inbox/{theirs.pk}/contact/edit/", {"first_name": "Nora"}).status_code == 404
    assert not Change.objects.exists()


def asked(contact, values: dict, state=State.PENDING, **more) -> Change:
    base = {name: getattr(contact, name) for name in values}
    return Change.objects.create(
        account=contact.account, contact=contact, kind="contact", values=values, base=base, state=state, **more
    )


@pytest.mark.parametrize("state", [State.PENDING, State.PUSHING, State.CONFLICT])
def test_head_and_list_call_people_as_they_will_be(browser, conversation, contact, state):
    asked(contact, {"first_name": "Nora"}, state, theirs={"first_name": "Daniela"})
    page = look(browser, conversation).content.decode()
    assert '<span class="row-name" dir="auto">Nora Reyes</span>' in page
    assert '<h2 dir="auto" title="Nora Reyes">Nora Reyes</h2>' in page, "the head"
    assert "Dana Reyes" not in page


@pytest.mark.parametrize("state", [State.DONE, State.REFUSED, State.SUPERSEDED])
def test_what_is_over_names_nobody(browser, conversation, contact, state):
    asked(contact, {"first_name": "Nora"}, state)
    assert '<h2 dir="auto" title="Dana Reyes">Dana Reyes</h2>' in look(browser, conversation).content.decode()


def test_the_last_word_counts_and_a_name_that_is_taken_off_is_gone(browser, conversation, contact):
    asked(contact, {"first_name": "Old", "last_name": "Word"}, State.CONFLICT)
    asked(contact, {"first_name": ""})
    assert '<h2 dir="auto" title="Word">Word</h2>' in look(browser, conversation).content.decode()
    asked(contact, {"last_name": ""}, State.PUSHING)
    page = look(browser, conversation).content.decode()
    assert "Dana Reyes" not in page, "the full name from Salesmsg is an old one, too"


def test_a_name_that_looks_like_json_is_a_name(browser, conversation, contact):
    asked(contact, {"first_name": "null", "last_name": "7"})
    assert '<h2 dir="auto" title="null 7">null 7</h2>' in look(browser, conversation).content.decode()


@pytest.mark.parametrize(
    ("scopes", "offered"),
    [([], True), (["contacts:read", "custom-fields:write"], True), (["contacts:read", "contacts:write"], False)],
)
def test_custom_fields_are_offered_where_the_access_may_reach_them(browser, harbor, conversation, scopes, offered):
    Credential.objects.create(account=harbor, kind="oauth", access_token="sealed", scopes=scopes)
    page = look(browser, conversation)
    assert ('name="field-plan"' in page.content.decode()) is offered
    assert ("custom-fields:write" in pages.text(page)) is not offered


def test_the_card_offers_to_call_and_to_copy(browser, conversation, contact):
    page = look(browser, conversation).content.decode()
    assert f'href="tel:{contact.phone}"' in page
    assert f'<data id="side-phone" value="{contact.phone}">' in page
    assert 'data-copy="#side-phone"' in page
