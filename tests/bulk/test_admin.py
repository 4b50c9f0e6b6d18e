"""Bulk texts in the admin: the action on contacts, and the pages."""

import pytest
from django.urls import reverse

from integrations.bulk import recipients as service
from integrations.models import Bulk
from tests import factories
from tests.inbox import pages

CONTACTS = reverse("admin:integrations_contact_changelist")


def act(browser, contacts, **more):
    data = {"action": "text_them", "_selected_action": [contact.pk for contact in contacts], **more}
    return browser.post(CONTACTS, data)


def test_the_action_makes_a_draft_of_the_chosen(browser, ada, people):
    response = act(browser, people[:2])
    made = Bulk.objects.get()
    assert response["Location"] == reverse("bulk:write", args=[made.pk])
    assert made.created_by == ada
    assert set(made.recipients.values_list("contact", flat=True)) == {people[0].pk, people[1].pk}


def test_the_action_takes_all_that_a_search_found(browser, people):
    browser.post(
        f"{CONTACTS}?q=o", {"action": "text_them", "_selected_action": [people[1].pk], "select_across": "1", "index": 0}
    )
    names = set(Bulk.objects.get().recipients.values_list("contact__first_name", flat=True))
    assert names == {"Ben", "Cleo", "Dan"}


def test_several_accounts_are_refused_in_words(browser, ada, people):
    elsewhere = factories.contact(factories.account("Northside", ada))
    response = act(browser, [people[0], elsewhere])
    assert not Bulk.objects.exists()
    assert "belong to several accounts" in pages.text(browser.get(response["Location"]))


def test_too_many_are_refused_in_words(browser, people, monkeypatch):
    monkeypatch.setattr(service, "MOST", 2)
    response = act(browser, people)
    assert not Bulk.objects.exists()
    assert "at most" in pages.text(browser.get(response["Location"]))


@pytest.fixture
def made(ada, harbor, people) -> Bulk:
    return service.create_draft(ada, harbor, people, "Hello {first_name}")


def test_bulk_texts_and_recipients_are_to_look_at(browser, made, people):
    bulks = reverse("admin:integrations_bulk_changelist")
    recipients = reverse("admin:integrations_bulkrecipient_changelist")
    assert "Hello {first_name}" in pages.text(browser.get(bulks))
    one = browser.get(reverse("admin:integrations_bulk_change", args=[made.pk]))
    assert f"{recipients}?bulk__id__exact={made.pk}" in one.content.decode()
    assert 'name="_save"' not in one.content.decode()
    listed = pages.text(browser.get(recipients, {"bulk__id__exact": made.pk}))
    assert "Ben Okoro Left out Opted out of texts" in listed
    row = made.recipients.first()
    assert browser.get(reverse("admin:integrations_bulkrecipient_change", args=[row.pk])).status_code == 200


def test_the_list_of_recipients_costs_the_same_however_many(
    browser, ada, harbor, people, made, django_assert_num_queries, django_assert_max_num_queries
):
    recipients = reverse("admin:integrations_bulkrecipient_changelist")
    with django_assert_max_num_queries(10) as first:
        browser.get(recipients, {"bulk__id__exact": made.pk})
    service.add_recipients(ada, made, [factories.contact(harbor, f"P{number}") for number in range(20)])
    with django_assert_num_queries(len(first)):
        browser.get(recipients, {"bulk__id__exact": made.pk})


def test_others_rows_are_not_there(client, made, people):
    eve = factories.person("eve")
    factories.account("Northside", eve)
    client.force_login(eve)
    assert "Hello" not in pages.text(client.get(reverse("admin:integrations_bulk_changelist")))
    assert "Ana Silva" not in pages.text(client.get(reverse("admin:integrations_bulkrecipient_changelist")))
