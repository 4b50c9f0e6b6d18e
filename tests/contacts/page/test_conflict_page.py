"""The conflict page over HTTP: who sees it, what it shows, and what its plain forms do."""

import pytest
from django.test import Client
from django.urls import reverse

from integrations.contacts import conflicts
from integrations.models import Change, Contact
from tests import factories as f
from tests.inbox import pages

State = Change.State


def at(change) -> str:
    return reverse("contacts:detail", args=[change.pk])


def checked(response) -> dict[str, str]:
    radios = [values for _, values in pages.read(response).tags if values.get("type") == "radio"]
    return {values["name"]: values["value"] for values in radios if "checked" in values}


def decide(browser, change, follow=False, **sent):
    seen = pages.field(browser.get(at(change)), "seen")
    return browser.post(at(change), {"seen": seen, **sent}, follow=follow)


# --- Who -------------------------------------------------------------------------------------------------------------


def test_strangers_sign_in_and_others_find_nothing(conflict):
    assert Client().get(at(conflict)).status_code == 302
    eve = Client()
    eve.force_login(f.person("eve"))
    assert eve.get(at(conflict)).status_code == 404
    assert eve.post(at(conflict), {"all": "ours"}).status_code == 404
    conflict.refresh_from_db()
    assert conflict.state == State.CONFLICT


def test_an_edit_of_another_kind_has_no_such_page(browser, harbor, conflict):
    closed = Change.objects.create(account=harbor, kind=Change.Kind.CLOSE, conversation=f.conversation(harbor))
    assert browser.get(at(closed)).status_code == 404


# --- What it shows ---------------------------------------------------------------------------------------------------


def test_three_values_for_each_field(browser, conflict):
    response = browser.get(at(conflict))
    shown = pages.text(response)
    for words in ("Last name", "Here", "There", "Reyes", "Yours", "In Salesmsg now", "Last agreed", "empty", "You"):
        assert words in shown
    assert "First name" not in shown
    assert checked(response) == {}, "no task is enqueued"
    assert pages.inline(response) == []


def test_what_salesmsg_came_to_by_itself_needs_no_choice(browser, contact, conflict):
    Contact.objects.filter(pk=contact.pk).update(email="here@example.com")
    shown = browser.get(at(conflict))
    assert "Now the same on both sides" in pages.text(shown)
    decide(browser, conflict, last_name="theirs", email="theirs")
    assert not Change.objects.exclude(pk=conflict.pk).exists()
    conflict.refresh_from_db()
    assert conflict.state == State.SUPERSEDED


def test_somebody_elses_edit_is_not_called_yours(browser, conflict):
    conflict.requested_by = f.person("rosa", first_name="Rosa", last_name="Lind")
    conflict.save()
    shown = pages.text(browser.get(at(conflict)))
    assert "Rosa Lind changed this contact" in shown
    assert "Use all of ours" in shown
    assert "Yours" not in shown


def test_values_are_escaped(browser, contact, conflict):
    Contact.objects.filter(pk=contact.pk).update(last_name="<b>There</b>")
    assert "<b>There</b>" not in browser.get(at(conflict)).content.decode()


# --- Deciding --------------------------------------------------------------------------------------------------------


def test_field_by_field(browser, ada, harbor, contact, conflict):
    thread = f.conversation(harbor, contact)
    response = decide(browser, conflict, last_name="ours", email="theirs", follow=True)
    assert response.redirect_chain == [(f"/inbox/{thread.pk}/", 302)]
    made = Change.objects.get(state=State.PENDING)
    assert (made.values, made.base, made.requested_by) == ({"last_name": "Here"}, {"last_name": "There"}, ada)
    assert "Your choice is being sent to Salesmsg" in pages.text(response)
    assert not conflicts.waiting_conflicts(ada).exists()


def test_all_of_mine_with_one_button(browser, contact, conflict):
    response = decide(browser, conflict, all="ours")
    assert response.url == reverse("admin:integrations_contact_change", args=[contact.pk])
    assert Change.objects.get(state=State.PENDING).values == conflict.values


def test_all_of_theirs_with_one_button(browser, conflict):
    decide(browser, conflict, all="theirs")
    assert not Change.objects.filter(state=State.PENDING).exists()
    conflict.refresh_from_db()
    assert (conflict.state, conflict.reason_code) == (State.SUPERSEDED, "decided_theirs")


def test_a_choice_over_values_that_nobody_saw_is_kept_but_not_saved(browser, contact, conflict):
    seen = pages.field(browser.get(at(conflict)), "seen")
    Contact.objects.filter(pk=contact.pk).update(email="third@example.com")
    response = browser.post(at(conflict), {"seen": seen, "last_name": "ours", "email": "theirs"})
    shown = pages.text(response)
    assert response.status_code == 422
    assert "changed in Salesmsg again while you were choosing" in shown
    assert "Changed again" in shown
    assert checked(response) == {"last_name": "ours", "email": "theirs"}
    assert conflicts.waiting_conflicts(conflict.requested_by).exists()
    again = {"seen": pages.field(response, "seen"), **checked(response)}
    assert browser.post(at(conflict), again).status_code == 302
    assert Change.objects.get(state=State.PENDING).values == {"last_name": "Here"}


@pytest.mark.parametrize(
    "sent", [{"last_name": "ours"}, {}, {"all": "everything"}, {"last_name": "x", "email": "ours"}]
)
def test_an_incomplete_choice_is_asked_for(browser, conflict, sent):
    response = decide(browser, conflict, **sent)
    assert response.status_code == 422
    assert "Nothing was saved. Choose a value for" in pages.text(response)
    conflict.refresh_from_db()
    assert conflict.state == State.CONFLICT


def test_without_a_seal_nothing_is_saved(browser, conflict):
    assert browser.post(at(conflict), {"all": "ours"}).status_code == 422
    assert not Change.objects.filter(state=State.PENDING).exists()


def test_pressed_twice_it_is_decided_once(browser, conflict):
    seen = pages.field(browser.get(at(conflict)), "seen")
    for _ in range(2):
        response = browser.post(at(conflict), {"seen": seen, "all": "ours"}, follow=True)
    assert Change.objects.filter(state=State.PENDING).count() == 1
    assert "There is nothing left to choose" in pages.text(response)


def test_what_went_into_a_later_conflict_leads_there(browser, ada, contact, conflict):
    Change.objects.filter(pk=conflict.pk).update(state=State.SUPERSEDED)
    newer = Change.objects.create(
        account=contact.account, kind=Change.Kind.CONTACT, contact=contact, state=State.CONFLICT,
        values={"email": "x@example.com"}, base={"email": ""}, theirs={"email": "there@example.com"},
    )  # fmt: skip
    assert browser.get(at(conflict)).url == at(newer)


# --- The ways to it --------------------------------------------------------------------------------------------------


def test_the_card_beside_the_thread_leads_here(browser, harbor, contact, conflict):
    thread = f.conversation(harbor, contact)
    later = Change.objects.create(
        account=harbor, kind=Change.Kind.CONTACT, contact=contact, values={"first_name": "Dina"},
        base={"first_name": "Dana"},
    )  # fmt: skip
    shown = browser.get(f"/inbox/{thread.pk}/").content.decode()
    assert f'href="{at(conflict)}"' in shown
    assert "Dina Here" in shown
    assert later.state == State.PENDING


def test_the_card_hints_at_a_conflict_to_come(browser, harbor, contact):
    thread = f.conversation(harbor, contact)
    Change.objects.create(
        account=harbor, kind=Change.Kind.CONTACT, contact=contact, values={"email": "here@example.com"},
        base={"email": "before@example.com"},
    )  # fmt: skip
    shown = pages.text(browser.get(f"/inbox/{thread.pk}/"))
    assert "Also changed in Salesmsg: Email. Nothing is overwritten without your choice." in shown


def test_the_outbox_page_counts_it(browser, harbor, conflict):
    response = browser.get("/outbox/")
    shown = pages.text(response)
    assert f'href="{at(conflict)}"' in response.content.decode()
    assert "Needs attention 1" in shown
    assert "in Salesmsg: Last name, Email." in shown
    decide(browser, conflict, all="theirs")
    assert "Nothing needs attention" in pages.text(browser.get("/outbox/"))


def test_the_admin_leads_here(browser, contact, conflict):
    for address in (
        reverse("admin:integrations_contact_changelist"),
        reverse("admin:integrations_contact_changelist") + "?edits=choice",
        reverse("admin:integrations_contact_changelist") + "?edits=open",
        reverse("admin:integrations_contact_change", args=[contact.pk]),
        reverse("admin:integrations_change_changelist"),
        reverse("admin:integrations_change_change", args=[conflict.pk]),
    ):
        shown = browser.get(address).content.decode()
        assert f'href="{at(conflict)}"' in shown, address
    assert "Current values in Salesmsg: last name There" in pages.text(
        browser.get(reverse("admin:integrations_contact_change", args=[contact.pk]))
    )


def test_a_conflict_is_not_refused_nor_pending_in_the_admins_filter(browser, conflict):
    address = reverse("admin:integrations_contact_changelist")
    for edits in ("pending", "refused"):
        assert at(conflict) not in browser.get(address, {"edits": edits}).content.decode()
