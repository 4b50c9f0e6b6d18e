"""Polls: what they cost when nothing happened, and that only what is new travels."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.inbox.conversation_list import queries as conversation_list_queries
from integrations.inbox.thread import fragments, polling
from integrations.inbox.thread import queries as thread_queries
from integrations.models import Message, ReadMark
from tests import factories as f

from . import pages

SESSION_AND_PERSON = 2  # what Django asks for every request of a signed-in person


@pytest.fixture
def conversation(harbor):
    made = f.conversation(harbor)
    f.thread(made, 6)
    return made


@pytest.fixture
def tab(browser, conversation):
    """An open thread: knows what it shows, and polls as its script does."""

    class Tab:
        def __init__(self):
            self.page = browser.get(f"/inbox/{conversation.pk}/")
            self.told = pages.state(self.page)

        def poll(self):
            return browser.get(f"/inbox/{conversation.pk}/poll/", self.told)

        def swapped(self, answer) -> list[int]:
            return [int(item.split("-")[0]) for item in pages.shown(answer)]

        def shows_after(self, answer) -> list[int]:
            return pages.messages_after(self.told["have"], answer)

    return Tab()


def order(conversation) -> list[int]:
    """By time; what is planned comes last."""
    rows = conversation.messages.order_by("at", "rank")
    return [row.pk for row in sorted(rows, key=lambda row: row.state == "queued" and row.send_at is not None)]


def planned(conversation) -> Message:
    at = timezone.now() + timedelta(days=1)
    return f.message(conversation, "Plan", at=at, inbound=False, state="queued", send_at=at, zone="UTC")


# --- The list --------------------------------------------------------------------------------------------------------


def test_an_idle_list_costs_one_query_a_poll(browser, conversation):
    token = pages.state(browser.get("/inbox/"))["token"]
    with CaptureQueriesContext(connection) as made:
        response = browser.get("/inbox/poll/", {"token": token})
    assert response.status_code == 204
    assert response.content == b""
    assert len(made) == SESSION_AND_PERSON + 1


def test_a_changed_list_comes_with_its_new_token(browser, conversation):
    token = pages.state(browser.get("/inbox/"))["token"]
    f.message(conversation, "Something new")
    f.touch(conversation)
    response = browser.get("/inbox/poll/", {"token": token})
    assert response.status_code == 200
    assert "Something new" in pages.text(response)
    assert browser.get("/inbox/poll/", pages.state(response)).status_code == 204


def test_the_list_poll_keeps_filter_and_length(browser, harbor):
    for _ in range(conversation_list_queries.ROWS + 10):
        f.conversation(harbor)
    closed = f.conversation(harbor, closed_at=timezone.now())
    assert len(pages.rows(browser.get("/inbox/poll/"))) == conversation_list_queries.ROWS
    assert (
        len(pages.rows(browser.get("/inbox/poll/", {"shown": conversation_list_queries.ROWS + 10})))
        == conversation_list_queries.ROWS + 10
    )
    assert pages.rows(browser.get("/inbox/poll/", {"show": "closed"})) == [closed.pk]
    for odd in ("x", "-5", "9" * 30, "²"):
        assert browser.get("/inbox/poll/", {"shown": odd, "open": odd}).status_code == 200


def test_the_open_conversation_has_no_badge(browser, conversation):
    assert "unread" in pages.text(browser.get("/inbox/poll/"))
    assert "unread" not in pages.text(browser.get("/inbox/poll/", {"open": conversation.pk}))


# --- The thread ------------------------------------------------------------------------------------------------------


def test_an_idle_thread_costs_one_query_a_poll(tab):
    with CaptureQueriesContext(connection) as made:
        response = tab.poll()
    assert response.status_code == 204
    assert len(made) == SESSION_AND_PERSON + 1


def test_only_the_new_message_travels(tab, conversation):
    new = f.message(conversation, "Just in")
    f.touch(conversation)
    answer = tab.poll()
    # The one before it ends no longer what was said in one go? It was ours, so it stays as it is.
    assert tab.swapped(answer) == [new.pk]
    assert tab.shows_after(answer) == order(conversation)
    assert pages.state(answer)["version"] == "1"
    assert b"data-region" not in answer.content, "head, card and composer did not change"


def test_a_changed_message_is_swapped_in_place(tab, conversation):
    message = conversation.messages.filter(inbound=False).first()
    Message.objects.filter(pk=message.pk).update(state="failed", vendor_reason="The carrier said no.")
    f.touch(conversation)
    answer = tab.poll()
    assert tab.swapped(answer) == [message.pk]
    assert "The carrier said no." in pages.text(answer)
    assert tab.shows_after(answer) == order(conversation)


def test_what_vanished_is_taken_away(tab, conversation):
    gone = conversation.messages.order_by("at")[2]
    gone.delete()
    f.touch(conversation)
    assert tab.shows_after(tab.poll()) == order(conversation)


def test_a_late_message_takes_its_place_in_the_middle(tab, conversation):
    before = conversation.messages.order_by("at")[2]
    late = f.message(conversation, "Out of order", at=before.at + timedelta(seconds=1))
    f.touch(conversation)
    answer = tab.poll()
    assert tab.shows_after(answer) == order(conversation)
    assert late.pk in tab.swapped(answer)


def test_a_message_that_moved_is_moved(tab, conversation):
    moved = conversation.messages.order_by("at")[1]
    Message.objects.filter(pk=moved.pk).update(at=timezone.now() + timedelta(minutes=1))
    f.touch(conversation)
    assert tab.shows_after(tab.poll()) == order(conversation)


def test_history_that_arrives_late_comes_above(tab, conversation):
    first = conversation.messages.order_by("at")[0]
    for place in range(5):
        f.message(conversation, "History", at=first.at - timedelta(days=place + 1), is_news=False)
    f.touch(conversation)
    assert tab.shows_after(tab.poll()) == order(conversation)


def test_after_a_long_absence_the_thread_is_drawn_anew(tab, conversation):
    f.thread(conversation, thread_queries.MESSAGES + 20, start=timezone.now(), every=timedelta(seconds=1))
    f.touch(conversation)
    answer = tab.poll()
    assert tab.shows_after(answer) == order(conversation)[-thread_queries.MESSAGES :]
    assert b'id="older"' in answer.content


def test_a_plan_that_both_know_hides_no_gap(browser, conversation, tab):
    planned(conversation)
    tab = tab.__class__()
    f.thread(conversation, thread_queries.MESSAGES + 20, start=timezone.now(), every=timedelta(seconds=1))
    f.touch(conversation)
    answer = tab.poll()
    assert tab.shows_after(answer) == order(conversation)[-thread_queries.MESSAGES :]
    assert b'id="older"' in answer.content


def test_messages_above_the_newest_stretch_are_left_alone(browser, harbor):
    conversation = f.conversation(harbor)
    f.thread(conversation, thread_queries.MESSAGES + 30)
    page = browser.get(f"/inbox/{conversation.pk}/")
    older = browser.get(next(v["hx-get"] for _, v in pages.read(page).tags if "older/" in str(v.get("hx-get"))))
    everything = pages.shown(older)[1:] + pages.shown(page)
    told = {**pages.state(page), "have": ",".join(everything[-60:]), "top": everything[0].split("-")[0]}
    new = f.message(conversation, "New")
    f.touch(conversation)
    answer = browser.get(f"/inbox/{conversation.pk}/poll/", told)
    assert pages.messages_after(told["have"], answer)[-51:] == order(conversation)[-51:]
    assert [int(item.split("-")[0]) for item in pages.shown(answer)] == [new.pk]
    assert b'id="older"' not in answer.content


@pytest.mark.parametrize("seed", range(40))
def test_any_change_of_the_thread_is_followed(tab, conversation, seed):
    """Whatever happens to the messages, a browser that applies the answer shows the thread as it is."""
    import random

    dice = random.Random(seed)
    for _ in range(dice.randint(1, 6)):
        message = dice.choice(list(conversation.messages.all()) or [None])
        at = timezone.now() - timedelta(minutes=dice.randint(-5, 60))
        match dice.choice(["new", "new", "move", "gone", "state", "plan"]):
            case "plan":
                planned(conversation)
            case "move" if message:
                Message.objects.filter(pk=message.pk).update(at=at)
            case "gone" if message and conversation.messages.count() > 1:
                message.delete()
            case "state" if message:
                Message.objects.filter(pk=message.pk).update(state="failed", inbound=False)
            case _:
                f.message(conversation, "Text", at=at, inbound=dice.random() < 0.5)
    f.touch(conversation)
    answer = tab.poll()
    assert tab.shows_after(answer) == order(conversation)
    fresh = dict(item.split("-") for item in pages.shown(tab.__class__().page))
    known = dict(item.split("-") for item in tab.told["have"].split(",")) | dict(
        item.split("-") for item in pages.shown(answer)
    )
    assert {key: known[key] for key in fresh} == fresh, "the parts that were not sent are the same as on a fresh page"


@pytest.mark.parametrize("have", ["", "x", "1-", "9" * 30 + "-a", "1-a,1-a,,,", "²-a", "5" * 5000])
def test_odd_polls_are_answered(browser, conversation, have):
    answer = browser.get(f"/inbox/{conversation.pk}/poll/", {"have": have, "top": have, "version": have})
    assert answer.status_code == 200


def test_regions_travel_when_they_change(tab, conversation):
    conversation.contact.opted_out = True
    conversation.contact.save()
    f.touch(conversation)
    answer = tab.poll()
    assert "has opted out" in pages.text(answer)
    changed = {key for key in pages.state(answer) if key.startswith("r-")}
    assert changed == {"r-head", "r-card", "r-hints", "r-gate"}
    assert b"composer-text" not in answer.content, "the text that a user types is never swapped"


def test_a_poll_marks_read_what_it_brought(tab, conversation, ada):
    new = f.message(conversation, "Just in")
    f.touch(conversation)
    assert ReadMark.objects.get(user=ada).message_pk < new.pk
    tab.poll()
    assert ReadMark.objects.get(user=ada).message_pk == new.pk


def test_a_changed_poll_costs_a_fixed_number_of_queries(tab, conversation):
    for _ in range(20):
        f.message(conversation, "More", inbound=False)
    f.touch(conversation)
    with CaptureQueriesContext(connection) as made:
        tab.poll()
    assert len(made) <= 12


def test_watching_asks_for_a_fresh_thread(browser, conversation, monkeypatch):
    asked = []
    monkeypatch.setattr(polling.sync, "watch_conversation", asked.append)
    assert browser.post(f"/inbox/{conversation.pk}/watch/").status_code == 204
    assert asked == [conversation]


def test_order_is_kept_with_few_moves():
    assert fragments._in_order([1, 2, 3], [1, 2, 3]) == {1, 2, 3}
    assert fragments._in_order([3, 1, 2], [1, 2, 3]) == {1, 2}
