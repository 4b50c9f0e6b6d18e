"""A hit is opened where it stands: with what is around it, marked, and with a way to everything newer."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import Message
from integrations.search.words import Wanted
from tests import factories as f
from tests.inbox import pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread(harbor):
    """200 messages; the hits are number 20, 25 and 195."""
    made = f.conversation(harbor)
    made.rows = f.thread(made, 200)
    for place in (20, 25, 195):
        made.rows[place].text = f"About the <invoice> {place}"
        made.rows[place].save()
    return made


def shown(response) -> list[int]:
    return [int(item.split("-")[0]) for item in pages.shown(response)]


def keys(thread, first: int, last: int) -> list[int]:
    return [row.pk for row in thread.rows[first : last + 1]]


def test_a_hit_in_the_middle(browser, thread):
    page = browser.get(f"/inbox/{thread.pk}/", {"q": "invoice", "at": thread.rows[25].pk})
    assert shown(page) == keys(thread, 0, 45)
    body = page.content.decode()
    assert "About the &lt;<mark>invoice</mark>&gt; 25" in body
    assert body.count(" sighted") == 1
    assert pages.inline(page) == []


def test_a_hit_among_the_newest_is_an_ordinary_page(browser, thread):
    page = browser.get(f"/inbox/{thread.pk}/", {"q": "invoice", "at": thread.rows[195].pk})
    assert shown(page) == keys(thread, 150, 199)
    assert "Newer messages" not in pages.text(page)


@pytest.mark.parametrize("at", ["0", "x", "99999999999999999999", "999999"])
def test_an_odd_place_is_the_newest(browser, thread, at):
    assert shown(browser.get(f"/inbox/{thread.pk}/", {"q": "invoice", "at": at})) == keys(thread, 150, 199)


def test_a_message_of_another_thread_opens_nothing(browser, thread):
    other = f.message(f.conversation(f.account("Elsewhere")), "invoice")
    page = browser.get(f"/inbox/{thread.pk}/", {"q": "invoice", "at": other.pk})
    assert shown(page) == keys(thread, 150, 199)


def test_newer_messages_follow_without_a_gap(browser, htmx, thread):
    page = browser.get(f"/inbox/{thread.pk}/", {"q": "invoice", "at": thread.rows[25].pk})
    known = ",".join(pages.shown(page))
    for _ in range(4):
        links = [values["hx-get"] for _, values in pages.read(page).tags if "/newer/" in str(values.get("hx-get"))]
        if not links:
            break
        page = htmx.get(links[0])
        order = pages.messages_after(known, page)
        known = ",".join(f"{key}-x" for key in order)
    assert order == keys(thread, 0, 199)


def test_newer_messages_by_link_alone(browser, thread):
    page = browser.get(f"/inbox/{thread.pk}/", {"q": "invoice", "at": thread.rows[25].pk})
    href = next(values["href"] for _, values in pages.read(page).tags if "/newer/" in str(values.get("href")))
    assert shown(browser.get(href, follow=True)) == keys(thread, 44, 94)


def test_the_poll_moves_nothing_that_is_read_further_up(browser, htmx, thread):
    page = browser.get(f"/inbox/{thread.pk}/", {"q": "invoice", "at": thread.rows[25].pk})
    f.message(thread, "Just now")
    f.touch(thread)
    told = pages.state(page)
    answer = htmx.get(f"/inbox/{thread.pk}/poll/", {**told, "deep": "1"})
    assert pages.shown(answer) == []
    assert b'id="newer"' not in answer.content
    # Who writes from there wants to see it: the newest come in place of all.
    answer = htmx.get(f"/inbox/{thread.pk}/poll/", told)
    assert shown(answer)[-1] == Message.objects.latest("pk").pk
    assert b'id="newer"' in answer.content


def test_from_hit_to_hit(browser, htmx, thread):
    def go(at: int, way: str) -> str:
        return browser.get(f"/inbox/{thread.pk}/hit/", {"q": "invoice", "at": thread.rows[at].pk, "way": way}).url

    assert f"at={thread.rows[20].pk}#" in go(25, "older")
    assert f"at={thread.rows[195].pk}#" in go(25, "newer")
    assert f"at={thread.rows[20].pk}&end=older" in go(20, "older")
    page = browser.get(go(195, "newer").partition("#")[0])
    assert "No newer results here." in pages.text(page)
    with CaptureQueriesContext(connection) as plain:
        htmx.get(f"/inbox/{thread.pk}/", target="pane")
    with CaptureQueriesContext(connection) as around:
        htmx.get(f"/inbox/{thread.pk}/", {"q": "invoice", "at": thread.rows[25].pk}, target="pane")
    assert len(around) == len(plain) + 2  # where the slice ends, and reactions further down to its texts


def test_hits_of_others_are_not_reached(client, thread):
    client.force_login(f.person("tom"))
    for path in ("hit/", "newer/"):
        assert client.get(f"/inbox/{thread.pk}/{path}", {"q": "invoice", "at": "1", "after": "1-1"}).status_code == 404


def test_a_search_stands_still(htmx, thread):
    f.touch(thread)
    assert htmx.get("/inbox/poll/", {"q": "invoice", "token": "old"}).status_code == 204
    assert htmx.get("/inbox/poll/", {"token": "old"}).status_code == 200


def test_a_row_leads_to_its_hit(browser, thread):
    page = browser.get("/inbox/", {"q": "invoice", "show": "open"})
    [href] = [values["href"] for _, values in pages.read(page).tags if str(values.get("id")).startswith("hit-")]
    key = thread.rows[195].pk
    assert href == f"/inbox/{thread.pk}/?show=open&q=invoice&at={key}#m-{key}"
    assert "About the &lt;<mark>invoice</mark>&gt; 195" in page.content.decode()


def test_names_are_marked(browser, harbor):
    f.conversation(harbor, f.contact(harbor, "José", "Reyes & Co"))
    assert "<mark>José</mark> Reyes &amp; Co" in browser.get("/inbox/", {"q": "jose"}).content.decode()


@pytest.mark.parametrize(
    ("text", "typed", "expected"),
    [
        ("Straße und strasse", "strasse", ["Straße", "strasse"]),
        ("Jose\u0301 left", "jose", ["Jose\u0301"]),
        ("You, your, thank you", "you", ["You", "you", "you"]),
        ("明日の予約", "予約", ["予約"]),
        ("A-4711b and A 4711", "a-4711", ["A-4711", "A 4711"]),
        ("invoices, invoice", '"invoice"', ["invoice"]),
        ("İstanbul", "istanbul", ["İstanbul"]),
        ("ﬁnal", "fin", ["ﬁn"]),
    ],
)
def test_marks_stand_where_the_words_are(text, typed, expected):
    pieces = list(Wanted(typed).pieces(text))
    assert [piece for piece, hit in pieces if hit] == expected
    assert "".join(piece for piece, _ in pieces) == text


def test_a_snippet_is_a_line_around_the_hit():
    text = "word " * 100 + "the invoice\nis here " + "word " * 100
    pieces = Wanted("invoice").snippet(text)
    line = "".join(piece for piece, _ in pieces)
    assert ("invoice", True) in pieces
    assert line.startswith("…")
    assert "\n" not in line
    assert line.index("invoice") < 50
    assert len(line) < 200
