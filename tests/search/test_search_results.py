"""What is found: every text and every contact, however it is typed, by the index and by the scan of new texts."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.inbox.conversation_list import queries, search_results
from integrations.models import Contact, Message
from integrations.search import ask, index
from integrations.search.words import Wanted
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["newest", "index"])
def way(request, monkeypatch):
    """Both ways must find the same."""
    if request.param == "index":
        monkeypatch.setattr(ask, "NEWEST", 0)
    return request.param


def find(user, q: str, **more) -> search_results.SearchResults:
    before = more.pop("before", "")
    limit = more.pop("limit", queries.ROWS)
    return search_results.search_inbox(user, queries.Filters(q=q, **more), before=before, limit=limit)


def texts(user, q: str, **more) -> list[int]:
    return [row.hit.message for row in find(user, q, **more).texts.rows]


def people(user, q: str, **more) -> list[str]:
    return [row.contact.full_name for row in find(user, q, **more).people.rows]


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("Please send the invoice 4711", "INVOICE"),
        ("Please send the invoice 4711", "invo"),
        ("Please send the invoice 4711", "inv 47"),
        ("Please send the invoice 4711", '"the invoice"'),
        ("Gracias, José", "jose"),
        ("gracias, jose", "José"),
        ("Jose\u0301 writes his accent apart", "josé"),
        ("Wir treffen uns in der Straße, Müller", "strasse muller"),
        ("GRÖSSE XL", "größe"),
        ("Yarın İSTANBUL'a geliyorum, ılık", "istanbul"),
        ("Yarın İSTANBUL'a geliyorum, ılık", "ilik"),
        ("Встреча в МОСКВЕ", "москв"),
        ("Καλημέρα ΟΔΥΣΣΕΥΣ", "καλημερα οδυσσευς"),
        ("Ёлка и чай", "елка чай"),
        ("مَرْحَبًا", "مرحبا"),
        ("אֲנִי בא", "אני"),
        ("موعدك غدًا في العيادة", "العيادة"),
        ("明日の予約を確認してください", "予約"),
        ("明日の予約を確認してください", "予約を確認"),
        ("我想预约明天下午", "预约"),
        ("ขอเลื่อนนัดเป็นพรุ่งนี้", "เลื่อนนัด"),
        ("Don't forget: mail dana.reyes@example.com!", "don't"),
        ("Don't forget: mail dana.reyes@example.com!", "dana.reyes@ex"),
        ("See https://example.com/pay?id=77", "example.com/pay"),
        ("It is 12.50 € at 10:30", "12.50"),
        ("It is 12.50 € at 10:30", "10:30"),
        ("Order A-4711b, please 🙏", "a-4711b 🙏"),
        ("100% sure_thing", "sure"),
    ],
)
def test_a_text_is_found_however_it_is_typed(ada, harbor, way, said, typed):
    thread = f.conversation(harbor)
    f.message(thread, "Something else altogether", at=timezone.now() - timedelta(days=2))
    wanted = f.message(thread, said)
    assert texts(ada, typed) == [wanted.pk]
    [row] = find(ada, typed).texts.rows
    assert "<mark>" in row.hit.snippet


@pytest.mark.parametrize(
    "typed", ["voice", "invoice receipt", '"invoice the"', "🙏", "%", "_", '"', "*", "()", "NEAR(", "\\"]
)
def test_what_does_not_stand_there_is_not_found(ada, harbor, way, typed):
    f.message(f.conversation(harbor), "Please send the invoice, 100% 🙏")
    assert texts(ada, typed) == []


@pytest.mark.parametrize(
    "typed",
    [*("OR invoice", "invoice AND", "text : invoice", "invoice*", "-invoice", "^invoice", "invoice & !x", "'invoice'")],
)
def test_signs_that_mean_something_to_a_database_mean_nothing(ada, harbor, way, typed):
    f.message(f.conversation(harbor), "or not and text x invoice")
    assert len(texts(ada, typed)) == 1


@pytest.mark.parametrize(
    "typed",
    ["dana", "REYES", "rey dan", "jose", "dana.reyes", "reyes@example", "example.com", "3055550142", "(305) 555-0142",
     "+1 305 555", "555.01", "0142", "001 305 555", "5550142", "dana 0142"],
)  # fmt: skip
def test_people_are_found_by_name_email_and_phone(ada, harbor, typed):
    who = f.contact(harbor, "José Dana", "Reyes", phone="+13055550142", email="dana.reyes@example.com")
    other = f.contact(harbor, "Olu", "Adeyemi", phone="+442079460999", email="olu@shop.test")
    f.conversation(harbor, who)
    f.conversation(harbor, other)
    assert people(ada, typed) == ["José Dana Reyes"]


def test_the_index_follows_every_change(ada, harbor, way):
    thread = f.conversation(harbor, f.contact(harbor, "Dana", "Reyes"))
    one = f.message(thread, "first words")
    Message.objects.filter(pk=one.pk).update(text="second thoughts")
    assert (texts(ada, "first"), texts(ada, "second")) == ([], [one.pk])
    Contact.objects.update(first_name="Priya", last_name="", full_name="Priya Shah", phone="+4915112345")
    assert (people(ada, "dana"), people(ada, "priya"), people(ada, "0151 1234")) == ([], ["Priya Shah"], ["Priya Shah"])
    Message.objects.filter(pk=one.pk).update(text="")
    assert texts(ada, "second") == []
    Message.objects.filter(pk=one.pk).update(text="third")
    assert texts(ada, "third") == [one.pk]
    Message.objects.filter(pk=one.pk).delete()
    assert texts(ada, "third") == []


def test_the_index_can_be_made_of_what_is_there(ada, harbor, monkeypatch):
    monkeypatch.setattr(ask, "NEWEST", 0)
    wanted = f.message(f.conversation(harbor, f.contact(harbor, "Dana", "Reyes")), "明日 José")
    connection.check_constraints()  # PostgreSQL alters no table while some are still to be checked
    index.remove(connection)
    index.install(connection)
    assert texts(ada, "jose") == texts(ada, "明日") == [wanted.pk]
    assert people(ada, "reyes") == ["Dana Reyes"]
    Message.objects.filter(pk=wanted.pk).update(text="other")
    assert (texts(ada, "jose"), texts(ada, "other")) == ([], [wanted.pk])


def test_only_accounts_of_the_person(ada, harbor, way):
    theirs = f.account("Elsewhere", f.person("tom"))
    mine = f.message(f.conversation(harbor), "invoice", at=timezone.now() - timedelta(days=900))
    for _ in range(3):
        f.message(f.conversation(theirs, f.contact(theirs, "Invoice")), "invoice")
    assert texts(ada, "invoice") == [mine.pk]
    assert people(ada, "invoice") == []
    assert len(texts(f.person("boss", superuser=True), "invoice")) == 4
    assert texts(f.person("nobody"), "invoice") == []
    assert texts(f.person("left", is_staff=False), "invoice") == []


def test_conversations_come_once_by_their_newest_hit(ada, harbor, way):
    now = timezone.now()
    first, second = f.conversation(harbor), f.conversation(harbor)
    f.message(first, "invoice", at=now - timedelta(days=9))
    later = f.message(first, "invoice again", at=now - timedelta(days=3))
    f.message(first, "thanks", at=now)
    between = f.message(second, "the invoice", at=now - timedelta(days=5))
    assert texts(ada, "invoice") == [later.pk, between.pk]


def test_pages_go_on_where_the_last_one_ended(ada, harbor, way):
    now, wanted = timezone.now(), []
    for place in range(7):
        thread = f.conversation(harbor, f.contact(harbor, "Dana", f"Number{place}"))
        f.message(thread, "invoice", at=now - timedelta(days=100 + place))
        # Two at one moment, and older hits that must not come back on a later page.
        wanted.append(f.message(thread, "invoice", at=now - timedelta(days=place // 2)).pk)
    expected = sorted(wanted, key=lambda pk: (Message.objects.get(pk=pk).at, pk), reverse=True)
    seen, before = [], ""
    for _ in range(4):
        page = find(ada, "invoice", before=before, limit=2)
        seen += [row.hit.message for row in page.texts.rows]
        before = page.more_texts
        if not before:
            break
    assert seen == expected


def test_where_some_are_found_the_look_goes_on_before_the_index_is_asked(ada, harbor, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite tells first whether a word is rare")
    threads = [f.conversation(harbor) for _ in range(12)]
    made = [f.message(thread, "invoice") for thread in threads]
    monkeypatch.setattr(ask, "NEWEST", 7)
    scope = ask.Scope([harbor.pk], everywhere=False)
    wanted = Wanted("invoice")
    assert [hit.message for hit in ask.newest(scope, wanted, lambda hits: False)] == [one.pk for one in reversed(made)]
    monkeypatch.setattr(ask, "NEWEST", 5)
    assert len(ask.newest(scope, wanted, lambda hits: False)) == 5


def test_people_stand_above_texts_but_do_not_fill_the_page(ada, harbor):
    threads = [f.conversation(harbor, f.contact(harbor, "Dana", f"Number{place}")) for place in range(9)]
    assert len(people(ada, "dana")) == 9
    assert not find(ada, "dana").more_people
    f.message(threads[0], "Hello Dana")
    first = find(ada, "dana")
    assert (len(first.people.rows), len(first.texts.rows)) == (search_results.PEOPLE, 1)
    rest = find(ada, "dana", before=first.more_people)
    assert {row.pk for row in first.people.rows + rest.people.rows} == {thread.pk for thread in threads}
    assert len(first.people.rows + rest.people.rows) == 9
    assert not rest.more_people
    assert not rest.texts.rows


def test_filters_hold_for_a_search(ada, harbor, way):
    desk, billing = f.inbox(harbor, "Front desk"), f.inbox(harbor, "Billing")
    here, there = f.conversation(harbor, inbox=desk), f.conversation(harbor, inbox=billing, closed_at=timezone.now())
    one, other = f.message(here, "invoice"), f.message(there, "invoice")
    assert texts(ada, "invoice", box=str(desk.pk)) == [one.pk]
    assert texts(ada, "invoice", show="closed") == [other.pk]
    assert texts(ada, "invoice", show="open", box=str(billing.pk)) == []
    assert set(texts(ada, "invoice", box=f"a{harbor.pk}")) == {one.pk, other.pk}
    assert texts(ada, "invoice", box="a999999") == []
    assert people(ada, "dana", show="closed") == ["Dana Reyes"]


def test_an_error_that_only_says_it_was_interrupted_is_no_bound_of_time():
    with pytest.raises(OperationalError, match="interrupted"), ask.limited():
        raise OperationalError("interrupted")


def test_what_takes_too_long_says_so_and_shows_what_was_found(browser, ada, harbor, monkeypatch):
    thread = f.conversation(harbor)
    f.message(thread, "invoice")
    f.thread(f.conversation(harbor), 400)

    def slow(*_):
        with connection.cursor() as cursor:
            cursor.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")

    monkeypatch.setattr(ask, "SECONDS", 0.05)
    monkeypatch.setattr(ask, "everywhere", slow)
    result = find(ada, "invoice")
    assert result.cut
    assert [row.pk for row in result.texts.rows] == [thread.pk]
    page = browser.get("/inbox/", {"q": "invoice"}).content.decode()
    assert "Results may be incomplete." in page
    assert "<mark>invoice</mark>" in page
    # And nothing of the bound is left behind.
    monkeypatch.undo()
    assert not find(ada, "invoice").cut
    assert "Results may be incomplete." not in browser.get("/inbox/", {"q": "invoice"}).content.decode()


def test_a_search_is_a_fixed_number_of_queries(browser, harbor, way):
    for place in range(12):
        f.message(f.conversation(harbor, f.contact(harbor, f"Invoice{place}")), "invoice")
    with CaptureQueriesContext(connection) as seen:
        browser.get("/inbox/", {"q": "invoice", "show": "open"})
    # session, person, accounts with inboxes; newest, people, index, rows; the three of a transaction of PostgreSQL
    assert len(seen) == (10 if connection.vendor == "postgresql" else 7), [one["sql"][:90] for one in seen]


def test_nothing_to_look_for_finds_nothing(ada, harbor):
    f.message(f.conversation(harbor), "Hello")
    result = find(ada, "… 🙏 !")
    assert not result.rows
    assert not result.cut
