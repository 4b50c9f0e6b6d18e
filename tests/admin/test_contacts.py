"""Contacts in the admin: found, edited by way of a pending change, and what became of it."""

from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from integrations.models import Change, Contact
from tests import factories

LIST = "admin:integrations_contact_changelist"


@pytest.fixture
def contact(account):
    return factories.customer(account, 142)


def form(contact, page="change"):
    return reverse(f"admin:integrations_contact_{page}", args=[contact.pk])


def fields(client, contact, **changed):
    """What the browser sends back for the form as it stands, with some fields typed over."""
    bound = client.get(form(contact)).context["adminform"].form
    sent = {"changes-TOTAL_FORMS": "0", "changes-INITIAL_FORMS": "0"}
    for field in bound:
        sent[field.html_initial_name] = sent[field.html_name] = field.value()
    return sent | changed


def save(client, contact, **changed):
    return client.post(form(contact), fields(client, contact, **changed), follow=True)


def found(client, **query):
    return {row.pk for row in client.get(reverse(LIST), query).context["cl"].result_list}


# --- saving ----------------------------------------------------------------------------------------------------------


def test_saving_asks_for_a_change_and_writes_no_contact(editor, contact):
    before = Contact.objects.filter(pk=contact.pk).values().get()
    shown = save(editor, contact, first_name="Newname", email="newemail@example.com").content.decode()
    assert "Saved. The change will be sent to Salesmsg shortly." in shown
    change = Change.objects.get()
    assert change.values == {"first_name": "Newname", "email": "newemail@example.com"}
    assert (change.state, change.requested_by.username) == (Change.State.PENDING, "editor")
    assert Contact.objects.filter(pk=contact.pk).values().get() == before


def test_after_saving_one_sees_the_contact_and_how_its_edit_stands(editor, contact):
    address = f"{form(contact)}?_changelist_filters=q%3Dana"
    response = editor.post(address, fields(editor, contact, first_name="Newname"))
    assert (response.status_code, response.url) == (302, address)
    shown = editor.get(response.url).content.decode()
    assert "Saved. The change will be sent to Salesmsg shortly." in shown
    assert "Saving in Salesmsg</h2>" in shown
    assert "_continue" not in shown, "there is one way to save"


def test_times_are_written_as_in_the_portal(editor, contact):
    edit = factories.contact_edit(contact)
    Change.objects.filter(pk=edit.pk).update(created_at=datetime(2026, 11, 26, 14, 41, tzinfo=UTC))
    for address in (form(contact), reverse("admin:integrations_change_changelist")):
        assert "Nov 26, 2026, 2:41 PM" in editor.get(address).content.decode()


def test_the_form_and_the_list_show_what_was_asked_for(editor, contact):
    save(editor, contact, first_name="Newname")
    shown = editor.get(form(contact)).content.decode()
    assert 'value="Newname"' in shown
    assert "Saving in Salesmsg" in shown
    assert 'hx-trigger="every 2s"' in shown
    listed = editor.get(reverse(LIST)).content.decode()
    assert "Newname Gomez" in listed
    assert "Saving" in listed


def test_saving_what_is_there_changes_nothing(editor, contact):
    shown = save(editor, contact).content.decode()
    assert "No changes to save" in shown
    assert not Change.objects.exists()
    assert not LogEntry.objects.exists()


def test_only_what_was_typed_is_sent(editor, contact):
    """What changed in Salesmsg while the form was open is not put back."""
    sent = fields(editor, contact, first_name="Newname")
    Contact.objects.filter(pk=contact.pk).update(email="fresh@example.com")
    editor.post(form(contact), sent)
    assert Change.objects.get().values == {"first_name": "Newname"}


def test_a_bad_value_is_explained_beside_its_field(editor, contact):
    response = save(editor, contact, phone="12", email="not-an-email", first_name="Kept")
    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert set(errors) == {"phone", "email"}
    assert "too short" in str(errors["phone"])
    assert 'value="Kept"' in response.content.decode()
    assert not Change.objects.exists()


def test_a_phone_is_taken_as_people_write_it(editor, contact):
    save(editor, contact, phone="(305) 555-0199")
    assert Change.objects.get().values == {"phone": "+13055550199"}


def test_an_edit_is_on_top_of_one_that_waits(editor, contact):
    save(editor, contact, first_name="Newname")
    save(editor, contact, last_name="Newlast")
    newest = Change.objects.order_by("-pk").first()
    assert newest.values == {"first_name": "Newname", "last_name": "Newlast"}
    assert Change.objects.filter(state=Change.State.PENDING).count() == 1


def test_whoever_answers_a_contact_may_edit_it_without_further_permissions(helper, contact):
    assert 'name="first_name"' in helper.get(form(contact)).content.decode()
    save(helper, contact, first_name="Newname")
    assert Change.objects.get().values == {"first_name": "Newname"}


def test_staff_without_an_account_see_and_change_nothing(contact, client):
    client.force_login(factories.person("newcomer"))
    assert client.get(form(contact)).status_code in {302, 403, 404}
    assert client.post(form(contact), {"first_name": "X"}).status_code in {302, 403, 404}
    assert not Change.objects.exists()


def test_a_contact_that_is_gone_cannot_be_edited(editor, contact):
    Contact.objects.update(deleted_at=timezone.now())
    shown = editor.get(form(contact)).content.decode()
    assert "Deleted in Salesmsg" in shown
    assert 'name="first_name"' not in shown
    assert editor.post(form(contact), {"first_name": "X"}).status_code == 403


def test_other_fields_cannot_be_smuggled_in(editor, contact):
    save(editor, contact, opted_out="on", account="99", first_name="Newname")
    assert Change.objects.get().values == {"first_name": "Newname"}
    contact.refresh_from_db()
    assert not contact.opted_out


# --- what became of it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "words", "polls"),
    [
        (Change.State.PENDING, "Saving in Salesmsg", True),
        (Change.State.PUSHING, "Saving in Salesmsg", True),
        (Change.State.REFUSED, "Salesmsg refused the last edit", False),
        (Change.State.DONE, "Saved in Salesmsg", False),
    ],
)
def test_the_panel_tells_how_the_edit_stands(editor, contact, state, words, polls):
    factories.contact_edit(
        contact, state, vendor_reason="The number has already been taken.", finished_at=timezone.now()
    )
    shown = editor.get(form(contact, "saved")).content.decode()
    assert words in shown
    assert ("hx-trigger" in shown) is polls
    assert ("The number has already been taken." in shown) is (state != Change.State.DONE)


def test_a_refused_edit_can_be_tried_again(editor, contact, client):
    refused = factories.contact_edit(contact, Change.State.REFUSED, vendor_reason="Taken")
    assert form(contact, "retry") in editor.get(form(contact)).content.decode()
    client.force_login(factories.person("newcomer"))
    client.post(form(contact, "retry"))
    editor.get(form(contact, "retry"))
    refused.refresh_from_db()
    assert refused.state == Change.State.REFUSED
    editor.post(form(contact, "retry"))
    refused.refresh_from_db()
    assert refused.state == Change.State.PENDING


def test_the_panel_of_another_account_is_not_there(editor, other):
    foreign = factories.customer(other)
    factories.contact_edit(foreign, Change.State.REFUSED)
    assert editor.get(form(foreign, "saved")).status_code == 404
    assert editor.post(form(foreign, "retry")).status_code == 404
    assert Change.objects.get().state == Change.State.REFUSED


def test_the_history_is_below_the_form(editor, contact):
    factories.contact_edit(contact, Change.State.SUPERSEDED, {"last_name": "Earlier"})
    factories.contact_edit(contact, Change.State.REFUSED, {"email": ""}, vendor_reason="An email is needed.")
    shown = editor.get(form(contact)).content.decode()
    assert "last name Earlier" in shown
    assert "email (empty)" in shown
    assert "An email is needed." in shown


# --- the list --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["(305) 555-0142", "305.555.0142", "+1 305 555 0142", "5550142", "0142"])
def test_phones_are_found_as_they_are_typed(helper, contact, account, typed):
    factories.customer(account, 999)
    assert found(helper, q=typed) == {contact.pk}


@pytest.mark.parametrize("typed", ["Ana142", "gomez ana142", "ANA142@example", "ana142 gomez"])
def test_names_and_emails_are_found(helper, contact, account, typed):
    factories.customer(account, 999)
    assert found(helper, q=typed) == {contact.pk}


def test_the_filters(helper, account):
    rows = {name: factories.customer(account, number) for number, name in enumerate(
        ["plain", "out", "blocked", "abroad", "pending", "refused", "done", "mended", "gone"])}  # fmt: skip
    Contact.objects.filter(pk=rows["out"].pk).update(opted_out=True)
    Contact.objects.filter(pk=rows["blocked"].pk).update(blocked=True)
    Contact.objects.filter(pk=rows["abroad"].pk).update(country="GB")
    Contact.objects.filter(pk=rows["gone"].pk).update(deleted_at=timezone.now())
    factories.contact_edit(rows["pending"])
    factories.contact_edit(rows["refused"], Change.State.REFUSED)
    factories.contact_edit(rows["done"], Change.State.DONE)
    factories.contact_edit(rows["mended"], Change.State.REFUSED)
    factories.contact_edit(rows["mended"], Change.State.DONE)
    for query, expected in (
        ({"opted_out__exact": "1"}, {"out"}),
        ({"blocked__exact": "1"}, {"blocked"}),
        ({"country": "GB"}, {"abroad"}),
        ({"edits": "open"}, {"pending", "refused"}),
        ({"edits": "refused"}, {"refused"}),
        ({"edits": "pending"}, {"pending"}),
        ({"present": "no"}, {"gone"}),
    ):
        assert found(helper, **query) == {rows[name].pk for name in expected}, query


def test_a_refusal_is_in_the_list_with_its_reason(helper, contact):
    factories.contact_edit(contact, Change.State.REFUSED, vendor_reason="The number has already been taken.")
    shown = helper.get(reverse(LIST)).content.decode()
    assert "Refused" in shown
    assert "The number has already been taken." in shown


def test_each_contact_leads_to_its_newest_thread(helper, contact):
    older = factories.customer_thread(contact, vendor_id=1, latest_at=timezone.now() - timezone.timedelta(days=2))
    newest = factories.customer_thread(contact, vendor_id=2)
    for address in (reverse(LIST), form(contact)):
        shown = helper.get(address).content.decode()
        assert f'href="{reverse("inbox:thread", args=[newest.pk])}"' in shown
        assert f'href="{reverse("inbox:thread", args=[older.pk])}"' not in shown


def test_countries_are_those_of_ones_own_contacts(helper, account, other):
    factories.customer(account, 1, country="CA")
    factories.customer(other, 2, country="FR")
    shown = helper.get(reverse(LIST)).content.decode()
    assert "country=CA" in shown
    assert "country=FR" not in shown


def test_the_form_costs_a_bounded_number_of_queries(editor, contact, django_assert_max_num_queries):
    for _ in range(15):
        factories.contact_edit(contact, Change.State.DONE, requested_by=factories.person(f"p{Change.objects.count()}"))
    with django_assert_max_num_queries(18):
        editor.get(form(contact))
