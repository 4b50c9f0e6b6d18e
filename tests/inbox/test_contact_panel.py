"""The contact's card: its forms ask for changes, with and without JavaScript, and say how they stand."""

import pytest
from django.core.cache import cache
from django.utils import timezone

from integrations.models import Change, Contact, Tag
from tests import factories as f

from . import pages

State = Change.State


@pytest.fixture
def contact(harbor):
    cache.clear()
    return f.contact(
        harbor,
        tags=["VIP"],
        notes=[
            {"id": place, "text": f"Note {place}", "created_at": f"2026-03-0{place} 10:00:00"} for place in (2, 4, 1, 3)
        ],
        custom_fields=[{"field_key": "plan", "text": "Basic"}],
    )


@pytest.fixture
def conversation(harbor, contact):
    return f.conversation(harbor, contact)


@pytest.fixture
def ask(browser, conversation):
    """Posts a form of the card: ``ask("tag", htmx=True, label="VIP")``."""

    def post(what: str, *, htmx: bool = False, of=conversation, state=None, **data):
        headers = {"HX-Request": "true"} if htmx else {}
        return browser.post(f"/inbox/{of.pk}/contact/{what}/", {**(state or {}), **data}, headers=headers)

    return post


def look(browser, conversation):
    return browser.get(f"/inbox/{conversation.pk}/")


def forms(response) -> set[str]:
    """What the page's forms ask for: the last word of their addresses. Hidden ones wait for a button elsewhere."""
    tags = pages.read(response).tags
    found = [values.get("action", "") for tag, values in tags if tag == "form" and "hidden" not in values]
    return {address.rstrip("/").split("/")[-1] for address in found if "/contact/" in address}


ASKED = [
    ("tag", {"label": "Recall due"}, "tag", {"label": "Recall due"}),
    ("untag", {"label": "VIP"}, "untag", {"label": "VIP"}),
    ("opt-out", {}, "opt_out", {}),
    ("note", {"text": "Likes tea"}, "note", {"text": "Likes tea"}),
    ("fields", {"field-plan": "Gold"}, "fields", {"plan": "Gold"}),
]


@pytest.mark.parametrize(("what", "data", "kind", "values"), ASKED)
@pytest.mark.parametrize("htmx", [True, False])
def test_each_form_asks_for_its_change(ask, browser, conversation, contact, ada, what, data, kind, values, htmx):
    page = look(browser, conversation)
    assert what in forms(page)
    response = ask(what, htmx=htmx, state=pages.state(page), **data)
    change = Change.objects.get()
    assert (change.kind, change.values, change.contact, change.requested_by) == (kind, values, contact, ada)
    if htmx:
        assert response.status_code == 200
        assert "not saved in Salesmsg yet" in pages.text(response)
    else:
        assert response["Location"] == f"/inbox/{conversation.pk}/"
        assert "not saved in Salesmsg yet" in pages.text(look(browser, conversation))


def test_a_field_that_nobody_typed_over_is_not_put_back(ask, contact):
    Contact.objects.filter(pk=contact.pk).update(
        custom_fields=[{"field_key": "plan", "text": "Gold"}, {"field_key": "pet", "text": ""}]
    )
    ask("fields", **{"field-plan": "Basic", "was-plan": "Basic", "field-pet": "Cat", "was-pet": ""})
    assert Change.objects.get().values == {"pet": "Cat"}
    ask("fields", **{"field-plan": "Basic", "was-plan": "Basic"})
    assert Change.objects.count() == 1


def test_an_opt_in_needs_the_tick_and_tells_that_the_carrier_may_refuse(ask, browser, conversation, contact):
    Contact.objects.filter(pk=contact.pk).update(opted_out=True)
    assert "A manager of this account can also opt them in." in pages.text(look(browser, conversation))
    assert ask("opt-in", agreed="1", why="On the phone").status_code == 403
    contact.account.memberships.update(role="manager")
    page = look(browser, conversation)
    assert "the carrier may refuse" in pages.text(page)
    response = ask("opt-in", htmx=True, state=pages.state(page))
    assert response.status_code == 422
    assert "Confirm that this contact has asked" in pages.text(response)
    assert not Change.objects.exists()
    assert "how and when they asked" in pages.text(ask("opt-in", htmx=True, agreed="1"))
    assert ask("opt-in", agreed="1", why="On the phone").status_code == 302
    assert Change.objects.get().kind == "opt_in"


def test_who_is_being_opted_out_cannot_be_texted(ask, browser, conversation):
    ask("opt-out")
    page = look(browser, conversation)
    assert "being opted out, so no text may be sent" in pages.text(page)
    send = next(values for _, values in pages.read(page).tags if values.get("id") == "composer-send")
    assert "disabled" in send


@pytest.mark.parametrize("htmx", [True, False])
def test_what_is_refused_at_once_is_said(ask, browser, conversation, htmx):
    page = look(browser, conversation)
    response = ask("tag", htmx=htmx, state=pages.state(page), label="x" * 51)
    response = response if htmx else look(browser, conversation)
    assert "at most 50 characters" in pages.text(response)
    assert not Change.objects.exists()


def refused(contact, **values) -> Change:
    values = {"kind": "tag", "values": {"label": "Summer"}, "vendor_reason": "Not allowed.", **values}
    return Change.objects.create(account=contact.account, contact=contact, state=State.REFUSED, **values)


def test_a_refusal_is_told_in_words_and_tried_again(ask, browser, conversation, contact):
    change = refused(contact)
    page = look(browser, conversation)
    assert "Salesmsg refused to add the tag “Summer”: “Not allowed.”" in pages.text(page)
    assert {"again", "untag"} <= forms(page)
    ask("again", change=change.pk)
    change.refresh_from_db()
    assert change.state == State.PENDING


def test_a_refused_field_tells_what_was_typed(browser, conversation, contact):
    refused(contact, kind="fields", values={"renewal_date": "soon", "plan": ""})
    told = pages.text(look(browser, conversation))
    assert "Salesmsg refused to set Plan to nothing, Renewal date to “soon”: “Not allowed.”" in told


def test_a_refusal_can_be_left_at_that(ask, browser, conversation, contact):
    change = refused(contact, kind="opt_out", values={})
    words = "Until this is resolved, the portal does not send texts to this contact"
    assert words in pages.text(look(browser, conversation))
    ask("leave", change=change.pk)
    change.refresh_from_db()
    assert change.state == State.SUPERSEDED
    assert "refused" not in pages.text(look(browser, conversation))
    assert ask("again", change=change.pk).status_code == 302, "an old page asks once more"
    change.refresh_from_db()
    assert change.state == State.SUPERSEDED


def test_tags_are_suggested_and_notes_stand_newest_first(browser, conversation, contact, harbor):
    for key, label in enumerate(("VIP", "Recall due"), 70000):
        Tag.objects.create(account=harbor, vendor_id=key, label=label)
    Tag.objects.create(account=f.account("Elsewhere"), vendor_id=1, label="Not ours")
    page = look(browser, conversation)
    offered = {values["value"] for tag, values in pages.read(page).tags if tag == "option" and values.get("value")}
    assert "Recall due" in offered
    assert not {"VIP", "Not ours"} & offered
    text = pages.text(page)
    assert [text.index(f"Note {place}") for place in (4, 3, 2, 1)] == sorted(
        text.index(f"Note {place}") for place in (4, 3, 2, 1)
    )
    assert "Show 1 older" in text


@pytest.mark.parametrize("values", [{"deleted_at": timezone.now()}, {"vendor_id": None}])
def test_nothing_is_offered_for_a_contact_that_salesmsg_does_not_have(ask, browser, conversation, contact, values):
    Contact.objects.filter(pk=contact.pk).update(**values)
    again = {str(contact.pk), str(conversation.pk)}  # reading it once more is always right
    assert forms(look(browser, conversation)) - again <= {"untag"}, "the list of tags is there, without buttons"
    assert ask("note", htmx=True, text="x").status_code == 422
    assert not Change.objects.exists()


def test_a_stranger_and_an_unknown_wish_find_nothing(ask, browser, conversation, contact):
    other = f.account("Somebody else", f.person("eve"))
    theirs = f.conversation(other)
    assert ask("note", of=theirs, text="x").status_code == 404
    assert ask("delete").status_code == 404
    assert browser.get(f"/inbox/{conversation.pk}/contact/note/").status_code == 405
    foreign = refused(theirs.contact)
    ask("again", change=foreign.pk)
    foreign.refresh_from_db()
    assert foreign.state == State.REFUSED


def test_nothing_inline(browser, conversation, contact):
    refused(contact)
    assert pages.inline(look(browser, conversation)) == []
