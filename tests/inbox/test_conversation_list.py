"""The list: filters, search, paging, unread, and whose it is."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.inbox.conversation_list import queries

from . import factories as f
from . import pages

LIST = "/inbox/"


def ids(*conversations):
    return [conversation.pk for conversation in conversations]


@pytest.fixture
def threads(harbor, ada):
    """One conversation for each filter; the newest last."""
    me, tom = f.member(harbor, "Ada Marsh", ada), f.member(harbor, "Tom Okafor")
    made = {
        "mine": f.conversation(harbor, owner=me),
        "closed": f.conversation(harbor, owner=tom, closed_at=timezone.now()),
        "unassigned": f.conversation(harbor),
        "failed": f.conversation(harbor, owner=tom),
        "recovered": f.conversation(harbor, owner=tom),
        "unread": f.conversation(harbor, owner=tom),
    }
    start = timezone.now() - timedelta(days=1)
    for place, (name, conversation) in enumerate(made.items()):
        f.message(conversation, f"About {name}", at=start + timedelta(minutes=place), is_news=name == "unread")
    f.message(made["failed"], "Lost", inbound=False, state="failed", at=start + timedelta(minutes=3, seconds=1))
    f.message(made["failed"], "Are you there?", is_news=False, at=start + timedelta(minutes=3, seconds=2))
    f.message(made["recovered"], "Lost", inbound=False, state="failed", at=start + timedelta(minutes=4, seconds=1))
    f.message(made["recovered"], "Came", inbound=False, state="sent", at=start + timedelta(minutes=4, seconds=2))
    return made


@pytest.mark.parametrize(
    ("show", "names"),
    [
        ("all", ["unread", "recovered", "failed", "unassigned", "closed", "mine"]),
        ("open", ["unread", "recovered", "failed", "unassigned", "mine"]),
        ("unread", ["unread"]),
        ("mine", ["mine"]),
        ("unassigned", ["unassigned"]),
        ("closed", ["closed"]),
        ("failed", ["failed"]),
        ("nonsense", ["unread", "recovered", "failed", "unassigned", "closed", "mine"]),
    ],
)
def test_filters(browser, threads, show, names):
    assert pages.rows(browser.get(LIST, {"show": show})) == ids(*(threads[name] for name in names))


def test_unknown_outcome_counts_as_failed(browser, harbor):
    conversation = f.conversation(harbor)
    f.message(conversation, "Perhaps", inbound=False, state="unknown")
    assert pages.rows(browser.get(LIST, {"show": "failed"})) == [conversation.pk]


@pytest.mark.parametrize(
    "typed",
    [
        "(305) 555-0142",
        "3055550142",
        "305-555-0142",
        "+1 305 555 0142",
        "1 305 555 0142",
        "555.0142",
        "0142",
        "00 1 305 555 0142",
    ],
)
def test_search_by_phone_as_a_person_types_it(browser, harbor, typed):
    wanted = f.conversation(harbor, f.contact(harbor, phone="+13055550142"))
    f.conversation(harbor, f.contact(harbor, "Other", phone="+13055559999"))
    assert pages.rows(browser.get(LIST, {"q": typed})) == [wanted.pk]


def test_search_by_a_national_number_with_its_leading_zero(browser, harbor):
    wanted = f.conversation(harbor, f.contact(harbor, phone="+442079460000"))
    assert pages.rows(browser.get(LIST, {"q": "020 7946 0000"})) == [wanted.pk]


@pytest.mark.parametrize("typed", ["dana", "REYES", "Dana Reyes", "reyes dana", "dan rey"])
def test_search_by_name(browser, harbor, typed):
    wanted = f.conversation(harbor, f.contact(harbor, "Dana", "Reyes"))
    f.conversation(harbor, f.contact(harbor, "Danil", "Brook"))
    assert pages.rows(browser.get(LIST, {"q": typed})) == [wanted.pk]


def test_search_by_text_anywhere_in_the_history(browser, harbor):
    wanted, other = f.conversation(harbor), f.conversation(harbor)
    f.message(wanted, "The invoice is 100% wrong", at=timezone.now() - timedelta(days=400))
    f.message(wanted, "Never mind")
    f.message(other, "Thank you")
    assert pages.rows(browser.get(LIST, {"q": "INVOICE"})) == [wanted.pk]
    assert pages.rows(browser.get(LIST, {"q": "100%"})) == [wanted.pk]
    assert pages.rows(browser.get(LIST, {"q": "%"})) == []
    assert pages.rows(browser.get(LIST, {"q": "Nobody wrote this"})) == []


def test_search_and_filter_together(browser, harbor):
    f.conversation(harbor, f.contact(harbor, "Dana"), closed_at=timezone.now())
    wanted = f.conversation(harbor, f.contact(harbor, "Dana"))
    assert pages.rows(browser.get(LIST, {"q": "dana", "show": "open"})) == [wanted.pk]


@pytest.mark.parametrize("typed", ["\0", "' OR 1=1 --", "%%%", "(" * 200, "🦷", "9" * 90, "²"])
def test_odd_searches_are_answered(browser, harbor, typed):
    f.conversation(harbor)
    assert browser.get(LIST, {"q": typed}).status_code == 200


@pytest.mark.parametrize("box", ["a", "x", "-1", "9" * 30, "²", "a²"])
@pytest.mark.parametrize("before", ["", "x", "1-", "-", "9" * 25 + "-1", "1-" + "9" * 25])
def test_odd_addresses_are_answered(browser, harbor, box, before):
    conversation = f.conversation(harbor)
    response = browser.get(LIST, {"box": box, "before": before})
    assert response.status_code == 200
    assert browser.get(f"/inbox/{conversation.pk}/", {"until": before}).status_code == 200


def test_chooser_of_inboxes_and_accounts(browser, harbor, ada):
    front, billing = f.inbox(harbor, "Front desk"), f.inbox(harbor, "Billing")
    one, two = f.conversation(harbor, inbox=front), f.conversation(harbor, inbox=billing)
    assert "Harbor Ortho" not in pages.text(browser.get(LIST))
    assert pages.rows(browser.get(LIST, {"box": billing.pk})) == [two.pk]
    ortho = f.account("Harbor Ortho", ada)
    three = f.conversation(ortho)
    page = browser.get(LIST, {"box": f"a{ortho.pk}"})
    assert pages.rows(page) == [three.pk]
    assert "Harbor Ortho" in pages.text(page)
    assert set(pages.rows(browser.get(LIST, {"box": f"a{harbor.pk}"}))) == {one.pk, two.pk}


def test_no_chooser_for_one_inbox(browser, harbor):
    f.inbox(harbor, "Only one")
    assert b'name="box"' not in browser.get(LIST).content


def test_paging_meets_each_conversation_once_although_times_are_equal(browser, harbor):
    at = timezone.now()
    made = [f.conversation(harbor, latest_at=at) for _ in range(queries.ROWS * 2 + 5)]
    seen, before = [], ""
    for _ in range(5):
        page = browser.get("/inbox/rows/", {"before": before})
        seen += pages.rows(page)
        more = [values["href"] for tag, values in pages.read(page).tags if "before=" in str(values.get("href"))]
        if not more:
            break
        before = more[0].split("before=")[1]
    assert seen == sorted((conversation.pk for conversation in made), reverse=True)


def test_older_rows_keep_filter_and_search(browser, harbor):
    for _ in range(queries.ROWS + 1):
        f.conversation(harbor, f.contact(harbor, "Dana & Co"))
    page = browser.get(LIST, {"q": "Dana &", "show": "open"})
    href = next(values["href"] for _, values in pages.read(page).tags if "before=" in str(values.get("href")))
    assert len(pages.rows(browser.get(href))) == 1
    assert "q=Dana+%26" in href
    assert "show=open" in href


def test_unread_is_right_per_person(browser, harbor, ada, client):
    conversation = f.conversation(harbor)
    f.message(conversation, "Old history", is_news=False)
    f.message(conversation, "One")
    f.message(conversation, "Two")
    f.message(conversation, "Ours", inbound=False)
    assert "2 unread" in pages.text(browser.get(LIST))
    browser.get(f"/inbox/{conversation.pk}/")
    assert "unread" not in pages.text(browser.get(LIST))
    assert pages.rows(browser.get(LIST, {"show": "unread"})) == []
    tom = f.person("tom")
    harbor.memberships.create(user=tom)
    client.force_login(tom)
    assert "2 unread" in pages.text(client.get(LIST))
    assert pages.rows(client.get(LIST, {"show": "unread"})) == [conversation.pk]
    f.message(conversation, "Three")
    client.force_login(ada)
    assert "1 unread" in pages.text(client.get(LIST))


def test_row_tells_what_matters(browser, harbor):
    contact = f.contact(harbor, opted_out=True)
    tom = f.member(harbor, "Tom Okafor")
    conversation = f.conversation(
        harbor, contact, owner=tom, closed_at=timezone.now(), inbox=f.inbox(harbor, "Billing")
    )
    f.message(conversation, "On its way", inbound=False, state="delivered")
    words = pages.text(browser.get(LIST))
    for expected in (
        "Dana Reyes",
        "You: On its way",
        "Billing",
        "Opted out",
        "Closed",
        "assigned to Tom Okafor",
        "now",
    ):
        assert expected in words, expected
    assert 'aria-label="Delivered"' in browser.get(LIST).content.decode()


def test_a_contact_without_a_name_is_called_by_phone(browser, harbor):
    f.conversation(harbor, f.contact(harbor, "", "", phone="+13055550142"))
    assert "(305) 555-0142" in pages.text(browser.get(LIST))


@pytest.mark.parametrize("number", [3, 25])
def test_queries_do_not_grow(browser, harbor, ada, number):
    inboxes = [f.inbox(harbor, f"Inbox {place}") for place in range(3)]
    for place in range(number):
        owner = f.member(harbor, f"Person {place}")
        conversation = f.conversation(harbor, f.contact(harbor, f"P{place}"), inbox=inboxes[place % 3], owner=owner)
        f.message(conversation, "invoice")
    # session, person, accounts with inboxes, rows
    with CaptureQueriesContext(connection) as plain:
        browser.get(LIST)
    assert len(plain) == 4
    with CaptureQueriesContext(connection) as search:
        browser.get(LIST, {"q": "invoice", "show": "unread"})
    assert len(search) <= (11 if connection.vendor == "postgresql" else 8)


def test_a_filter_by_htmx_gets_the_list_alone(htmx, threads):
    response = htmx.get(LIST, {"show": "closed", "open": threads["mine"].pk}, target="list-body")
    assert pages.rows(response) == [threads["closed"].pk]
    assert b"<html" not in response.content
    assert response["HX-Replace-Url"] == f"/inbox/{threads['mine'].pk}/?show=closed"
