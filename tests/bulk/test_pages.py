"""The bulk pages over HTTP: choose, write, check, start, watch, stop."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.bulk import lifecycle, recipients
from integrations.models import Account, AuditEntry, Bulk, BulkRecipient, Contact, Message
from integrations.outbox import bulk_queue
from tests import factories
from tests.inbox import pages

State = Bulk.State
NEW = reverse("bulk:new")


def at(name: str, bulk: Bulk) -> str:
    return reverse(f"bulk:{name}", args=[bulk.pk])


def ids(response) -> set[int]:
    """The contacts on the page of choosing."""
    boxes = [values for tag, values in pages.read(response).tags if tag == "input" and values.get("name") == "contact"]
    return {int(values["value"]) for values in boxes}


@pytest.fixture
def made(ada, harbor, people) -> Bulk:
    """A draft with a text."""
    return recipients.create_draft(ada, harbor, people, "Hello {first_name}")


# --- choosing --------------------------------------------------------------------------------------------------------


def test_the_way_from_choosing_to_the_start(browser, ada, harbor, people):
    chosen = browser.post(NEW, {"account": harbor.pk, "contact": [people[0].pk, people[1].pk]})
    draft = Bulk.objects.get()
    assert chosen["Location"] == at("write", draft)
    assert browser.get(at("detail", draft))["Location"] == at("write", draft)
    written = browser.post(at("write", draft), {"text": "Hello {first_name}!"})
    assert written["Location"] == at("detail", draft)
    preview = browser.get(at("detail", draft))
    shown = pages.text(preview)
    assert "Hello Ana!" in shown
    assert "Opted out of texts 1 Ben Okoro" in shown
    assert "Send to 1 contact" in shown
    assert pages.inline(preview) == []
    started = browser.post(at("start", draft), {"seal": pages.field(preview, "seal")}, follow=True)
    assert "Being sent" in pages.text(started)
    draft.refresh_from_db()
    assert (draft.state, draft.created_by) == (State.RUNNING, ada)
    assert AuditEntry.objects.filter(action="bulk_started", user=ada, account=harbor).exists()


def test_all_that_match(browser, harbor, people):
    browser.post(NEW, {"account": harbor.pk, "tag": "VIP", "all": "1"})
    assert set(Bulk.objects.get().recipients.values_list("contact", flat=True)) == {people[0].pk, people[1].pk}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"Ana", "Ben", "Cleo", "Dan"}),
        ({"q": "mar"}, {"Cleo"}),
        ({"q": "Silva ana"}, {"Ana"}),
        ({"q": "(305) 555-0101"}, {"Ana"}),
        ({"tag": "VIP"}, {"Ana", "Ben"}),
        ({"tag": "Größe L"}, {"Cleo"}),
        ({"tag": "VI"}, set()),
        ({"q": "dan", "tag": "VIP"}, set()),
        ({"account": "no", "page": "99999999999999999999", "q": "\0"}, {"Ana", "Ben", "Cleo", "Dan"}),
    ],
)
def test_finding_contacts(browser, people, query, names):
    response = browser.get(NEW, query)
    assert {Contact.objects.get(pk=pk).first_name for pk in ids(response)} == names
    assert pages.inline(response) == []


def test_nobody_ticked_is_said_and_the_search_is_kept(browser, harbor, people):
    response = browser.post(NEW, {"account": harbor.pk, "q": "ana"})
    assert response.status_code == 422
    assert "No contacts selected" in pages.text(response)
    assert ids(response) == {people[0].pk}
    assert not Bulk.objects.exists()


def test_deleted_contacts_and_those_of_others_cannot_be_chosen(browser, harbor, people):
    Contact.objects.filter(pk=people[3].pk).update(deleted_at="2026-01-01T00:00Z")
    stranger = factories.contact(factories.account("Northside"))
    assert not {people[3].pk, stranger.pk} & ids(browser.get(NEW))
    response = browser.post(NEW, {"account": stranger.account_id, "contact": [stranger.pk]})
    assert response.status_code == 422
    assert not Bulk.objects.exists()


def test_a_person_with_two_accounts_chooses_one(browser, ada, harbor, people):
    second = factories.account("Northside", ada)
    other = factories.contact(second, "Zoe")
    assert ids(browser.get(NEW, {"account": second.pk})) == {other.pk}
    browser.post(NEW, {"account": second.pk, "contact": [other.pk, people[0].pk]})
    assert list(Bulk.objects.get().recipients.values_list("contact", flat=True)) == [other.pk]


def test_without_a_connected_account_nothing_can_be_chosen(browser, harbor, people):
    Account.objects.update(state=Account.State.ATTENTION)
    assert "No connected account can send texts" in pages.text(browser.get(NEW))
    assert browser.post(NEW, {"account": harbor.pk, "all": "1"}).status_code == 200
    assert not Bulk.objects.exists()


def test_more_are_chosen_for_a_draft(browser, ada, harbor, people):
    draft = recipients.create_draft(ada, harbor, people[:1], "Hello {first_name}")
    shown = browser.get(at("choose", draft))
    assert "Selected" in pages.text(shown)
    done = browser.post(at("choose", draft), {"contact": [people[3].pk]}, follow=True)
    assert "Hello Dan" in pages.text(done)


def test_choosing_goes_on_over_several_pages(browser, harbor, people):
    on = browser.post(NEW, {"account": harbor.pk, "q": "an", "contact": [people[0].pk], "more": "1"})
    draft = Bulk.objects.get()
    assert on["Location"] == f"{at('choose', draft)}?account={harbor.pk}&q=an&page=1"
    assert "1 contact selected so far." in pages.text(browser.get(on["Location"]))
    browser.post(at("choose", draft), {"contact": [people[3].pk], "more": "1"})
    assert ids(browser.get(at("choose", draft), {"chosen": "1"})) == {people[0].pk, people[3].pk}


def test_one_is_taken_out_again(browser, made, people):
    browser.post(at("choose", made), {"out": people[0].pk})
    shown = browser.get(at("choose", made), {"chosen": "1"})
    assert ids(shown) == {contact.pk for contact in people[1:]}
    assert pages.inline(shown) == []


def test_long_lists_have_pages(browser, harbor):
    for number in range(103):
        factories.contact(harbor, f"P{number:03d}")
    first = browser.get(NEW, {"q": "P"})
    second = browser.get(NEW, {"q": "P", "page": "2"})
    assert (len(ids(first)), len(ids(second))) == (100, 3)
    assert f"?account={harbor.pk}&amp;q=P&amp;page=2" in first.content.decode()


# --- writing and checking --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Hello {nick}", "Hello {first_name", "   "])
def test_a_text_that_cannot_be_is_kept_with_the_reason(browser, made, text):
    response = browser.post(at("write", made), {"text": text})
    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert text.strip() in response.content.decode()
    made.refresh_from_db()
    assert made.text == "Hello {first_name}"


def test_a_customers_name_is_no_markup(browser, ada, harbor):
    who = factories.contact(harbor, "<script>alert(1)</script>", "x")
    draft = recipients.create_draft(ada, harbor, [who], "Hello {first_name}")
    response = browser.get(at("detail", draft))
    assert "&lt;script&gt;alert(1)" in response.content.decode()
    assert pages.inline(response) == []


def test_a_text_that_was_changed_meanwhile_is_not_started(browser, ada, made):
    seal = pages.field(browser.get(at("detail", made)), "seal")
    recipients.write_text(ada, made, "Something else")
    response = browser.post(at("start", made), {"seal": seal})
    assert response.status_code == 422
    assert "The text has changed since" in pages.text(response)
    assert "Something else" in pages.text(response)
    assert Bulk.objects.get().state == State.DRAFT


def test_pressed_twice_it_starts_once(browser, made):
    seal = pages.field(browser.get(at("detail", made)), "seal")
    for _ in range(2):
        assert browser.post(at("start", made), {"seal": seal})["Location"] == at("detail", made)
    assert AuditEntry.objects.filter(action="bulk_started").count() == 1


def test_when_nobody_would_get_it_there_is_no_button(browser, ada, harbor, people):
    draft = recipients.create_draft(ada, harbor, people[1:2], "Hello")
    response = browser.get(at("detail", draft))
    assert "This text has no recipients" in pages.text(response)
    assert at("start", draft) not in response.content.decode()


def test_a_started_one_cannot_be_written_or_filled(browser, ada, made, people):
    lifecycle.start_bulk(ada, made)
    for name, data in (("write", {"text": "New words"}), ("choose", {"contact": [people[0].pk]})):
        done = browser.post(at(name, made), data, follow=True)
        assert "can no longer be changed" in pages.text(done)
    assert Bulk.objects.get().text == "Hello {first_name}"


# --- times -----------------------------------------------------------------------------------------------------------


def times(**values) -> dict:
    """What the form posts for a start in two days, from 9 AM to 5 PM."""
    when = (timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT06:30")
    posted = {"text": "Hello", "start": "later", "when": when, "zone": "UTC", "hours": "own"}
    return {**posted, "from_hour": "9", "to_hour": "17", **values}


def test_a_start_time_and_hours_are_kept_and_taken_back(browser, made):
    assert browser.post(at("write", made), times())["Location"] == at("detail", made)
    made.refresh_from_db()
    assert (made.start_at.strftime("%H:%M"), made.window) == ("06:30", (9, 17))
    preview = browser.get(at("detail", made))
    assert "Starts on" in pages.text(preview) and "Schedule for 3 contacts" in pages.text(preview)
    assert pages.inline(preview) == []
    browser.post(at("write", made), times(start="now", hours="daytime"))
    made.refresh_from_db()
    assert (made.start_at, made.window) == (None, None)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"when": ""}, "Choose when to send it."),
        ({"when": "soon"}, "Choose when to send it."),
        ({"when": "2020-01-01T09:00"}, "is in the past"),
        ({"when": "2999-01-01T09:00"}, "up to one year ahead"),
        ({"zone": "Nowhere"}, "Unknown time zone"),
        ({"zone": ""}, "Unknown time zone"),
        ({"to_hour": "9"}, "Choose two different hours."),
        ({"to_hour": ""}, "Choose two different hours."),
        ({"from_hour": "24"}, "Choose two different hours."),
    ],
)
def test_times_that_cannot_be_are_kept_with_the_reason(browser, made, values, said):
    response = browser.post(at("write", made), times(**values))
    assert response.status_code == 422
    assert said in pages.text(response)
    made.refresh_from_db()
    assert (made.text, made.start_at, made.window) == ("Hello {first_name}", None, None)


def test_a_text_that_cannot_be_changes_no_times(browser, made):
    assert browser.post(at("write", made), times(text="Hello {nick}")).status_code == 422
    made.refresh_from_db()
    assert (made.start_at, made.window) == (None, None)


def test_times_that_were_changed_meanwhile_are_not_started(browser, ada, made):
    seal = pages.field(browser.get(at("detail", made)), "seal")
    recipients.set_times(ada, made, None, (9, 17))
    assert browser.post(at("start", made), {"seal": seal}).status_code == 422
    assert Bulk.objects.get().state == State.DRAFT


def test_a_start_time_that_has_passed_is_said(browser, ada, made):
    recipients.set_times(ada, made, timezone.now() - timedelta(hours=1), None)
    assert "The start time has passed" in pages.text(browser.get(at("detail", made)))


# --- watching and stopping -------------------------------------------------------------------------------------------


def test_the_page_follows_and_an_unchanged_one_is_cheap(browser, ada, made, django_assert_max_num_queries):
    lifecycle.start_bulk(ada, made)
    page = browser.get(at("detail", made))
    address = next(values["hx-get"] for _, values in pages.read(page).tags if values.get("id") == "bulk-standing")
    with django_assert_max_num_queries(5):
        assert browser.get(address).status_code == 204
    message = Message.objects.get(pk=bulk_queue.next_message(made.account_id))
    Message.objects.filter(pk=message.pk).update(state=Message.State.FAILED, vendor_reason="The carrier refused it.")
    answer = browser.get(address)
    assert "1 of 3 processed" in pages.text(answer)
    assert "The carrier refused it." in pages.text(answer)
    assert reverse("inbox:thread", args=[message.conversation_id]) in answer.content.decode()
    lifecycle.pause_bulk(ada, made)
    assert browser.get(address)["HX-Refresh"] == "true"


def test_pause_resume_cancel(browser, ada, made):
    lifecycle.start_bulk(ada, made)
    browser.post(at("pause", made))
    assert Bulk.objects.get().state == State.PAUSED
    assert "Paused. No more texts" in pages.text(browser.get(at("detail", made)))
    browser.post(at("resume", made))
    assert Bulk.objects.get().state == State.RUNNING
    asked = browser.get(at("cancel", made))
    assert "Cancel the bulk text?" in pages.text(asked)
    assert Bulk.objects.get().state == State.RUNNING
    browser.post(at("cancel", made))
    assert Bulk.objects.get().state == State.CANCELLED
    ended = browser.get(at("detail", made))
    assert "hx-get" not in ended.content.decode()
    assert made.recipients.filter(state=BulkRecipient.State.CANCELLED).count() == 3


def test_what_changes_something_wants_a_post(browser, made):
    for name in ("start", "pause", "resume"):
        assert browser.get(at(name, made)).status_code == 405


def test_the_list_costs_the_same_however_long(
    browser, ada, harbor, people, made, django_assert_num_queries, django_assert_max_num_queries
):
    with django_assert_max_num_queries(6) as first:
        browser.get(reverse("bulk:list"))
    for number in range(5):
        lifecycle.start_bulk(ada, recipients.create_draft(ada, harbor, people, f"Number {number}"))
    with django_assert_num_queries(len(first)):
        shown = browser.get(reverse("bulk:list"))
    assert "Number 4" in pages.text(shown)
    assert "0 of 3 processed · 1 left out" in pages.text(shown)
    assert pages.inline(shown) == []


def test_the_preview_costs_the_same_however_many(
    browser, ada, harbor, people, django_assert_num_queries, django_assert_max_num_queries
):
    few = recipients.create_draft(ada, harbor, people[:2], "Hello {first_name}")
    with django_assert_max_num_queries(8) as first:
        browser.get(at("detail", few))
    for number in range(40):
        factories.contact(harbor, f"P{number}")
    many = recipients.create_draft(ada, harbor, Contact.objects.all(), "Hello {first_name}")
    with django_assert_num_queries(len(first)):
        browser.get(at("detail", many))


def test_choosing_costs_the_same_however_many(
    browser, harbor, people, django_assert_num_queries, django_assert_max_num_queries
):
    browser.get(NEW)  # remembers the labels
    with django_assert_max_num_queries(6) as first:
        browser.get(NEW)
    for number in range(60):
        factories.contact(harbor, f"P{number}")
    with django_assert_num_queries(len(first)):
        browser.get(NEW)


def test_others_see_nothing(client, made):
    client.force_login(factories.person("eve"))
    for name in ("detail", "live", "write", "choose", "cancel"):
        assert client.get(at(name, made)).status_code == 404
    for name in ("start", "pause", "resume", "cancel", "write", "choose"):
        assert client.post(at(name, made)).status_code == 404
    assert "No bulk texts yet" in pages.text(client.get(reverse("bulk:list")))
    client.logout()
    assert client.get(reverse("bulk:list")).status_code == 302


def test_the_inbox_leads_here(browser, harbor):
    assert reverse("bulk:list") in browser.get(reverse("inbox:list")).content.decode()
