"""Reactions in the thread: a badge on the text they name, or a line; automatic replies are lines."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override

from integrations import cursors
from integrations.inbox.thread import queries
from integrations.inbox.thread.reactions import Badge, place_reactions
from integrations.models import Contact, Message
from tests import factories as f

from . import pages


@pytest.fixture
def conversation(harbor):
    return f.conversation(harbor, f.contact(harbor, "Dana", "Reyes"))


@pytest.fixture
def say(conversation):
    """Adds messages, a minute apart: ours, theirs and their phone's."""
    start = timezone.now() - timedelta(hours=5)
    count = iter(range(1000))

    def said(text: str, **values) -> Message:
        return f.message(conversation, text, at=start + timedelta(minutes=next(count)), **values)

    return said


def ours(say, text: str, **values) -> Message:
    return say(text, inbound=False, **values)


def reacts(say, text: str) -> Message:
    return say(text, machine="reaction")


def place(conversation) -> tuple[dict, set]:
    return place_reactions(conversation.messages.order_by("at", "rank"))


def lines(response) -> list[str]:
    """The contents of the lines of the thread, without their times."""
    found = re.findall(r'<div class="machine".*?(?=<time)', response.content.decode(), re.DOTALL)
    return [" ".join(re.sub("<[^>]+>", " ", one).split()) for one in found]


def badges(response) -> list[str]:
    found = re.findall(r'<p class="reaction">.*?</p>', response.content.decode(), re.DOTALL)
    return [re.search('hidden">([^<]+)<', one)[1] for one in found]


# --- Which text ------------------------------------------------------------------------------------------------------


def test_the_newest_text_before_it(conversation, say):
    ours(say, "See you at ten.")
    text = ours(say, "See you at ten.")
    other = ours(say, "Bring your card.")
    liked = reacts(say, "Liked “See you at ten.”")
    ours(say, "See you at ten.")
    assert place(conversation) == ({text.pk: Badge(liked.pk, "👍")}, {liked.pk})
    assert other.pk not in place(conversation)[0]


def test_the_same_text_before_one_that_begins_so(conversation, say):
    text = ours(say, "See you")
    longer = ours(say, "See you at ten.")
    assert place(conversation) == ({}, set())
    liked = reacts(say, "Liked “See you”")
    assert place(conversation)[0] == {text.pk: Badge(liked.pk, "👍")}
    loved = reacts(say, "Loved “See you at…”")
    assert place(conversation)[0][longer.pk] == Badge(loved.pk, "❤️")


def test_what_phones_change_does_not_matter(conversation, say):
    text = ours(say, "Don’t  be late:\n“ten” o'clock ")
    liked = reacts(say, 'Liked "Don\'t be late: "ten" o’clock"')
    assert place(conversation)[1] == {liked.pk}
    assert text.pk in place(conversation)[0]


def test_a_picture(conversation, say):
    picture = ours(
        say, "", kind="mms", media=[{"id": 1, "url": "https://x.example/a.jpg", "content_type": "image/jpeg"}]
    )
    ours(say, "Did you get it?")
    loved = reacts(say, "Loved an image")
    assert place(conversation)[0] == {picture.pk: Badge(loved.pk, "❤️")}


@pytest.mark.parametrize("values", [{"inbound": True}, {"inbound": False, "state": "failed"}])
def test_only_a_text_that_the_contact_may_have(conversation, say, values):
    say("See you at ten.", **values)
    reacts(say, "Liked “See you at ten.”")
    assert place(conversation) == ({}, set())


def test_a_new_one_replaces_and_a_removal_takes_away(conversation, say):
    text = ours(say, "See you at ten.")
    liked = reacts(say, "Liked “See you at ten.”")
    loved = reacts(say, "Loved “See you at ten.”")
    assert place(conversation)[0] == {text.pk: Badge(loved.pk, "❤️")}
    late = reacts(say, "Removed a like from “See you at ten.”")  # of the one that was replaced
    assert place(conversation)[0] == {text.pk: Badge(loved.pk, "❤️")}
    removed = reacts(say, "Removed ❤ from “See you at ten.”")
    assert place(conversation) == ({}, {liked.pk, loved.pk, late.pk, removed.pk})


# --- The page --------------------------------------------------------------------------------------------------------


def test_a_badge_and_no_message(browser, conversation, say):
    text = ours(say, "See you at ten.")
    liked = reacts(say, "Liked “See you at ten.”")
    answer = browser.get(f"/inbox/{conversation.pk}/")
    assert badges(answer) == ["Dana Reyes reacted 👍"]
    assert [int(item.split("-")[0]) for item in pages.shown(answer)] == [text.pk]
    assert f'id="m-{liked.pk}"' not in answer.content.decode()
    assert lines(answer) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Liked “See you”", "Dana Reyes reacted 👍 to “See you”"),
        ("Removed a heart from “See you”", "Dana Reyes removed ❤️ from “See you”"),
        ("Laughed at an image", "Dana Reyes reacted 😂 to an attachment"),
        ("Removed 👍 from an image", "Dana Reyes removed 👍 from an attachment"),
        ("Liked “<b>you</b>”", "Dana Reyes reacted 👍 to “&lt;b&gt;you&lt;/b&gt;”"),
    ],
)
def test_without_its_text_it_is_a_line(browser, conversation, say, text, line):
    say("Hello")
    reacts(say, text)
    answer = browser.get(f"/inbox/{conversation.pk}/")
    assert lines(answer) == [line]
    assert badges(answer) == []


def test_an_automatic_reply_is_a_line(browser, conversation, say):
    say("I'm driving right now", machine="auto_reply")
    (line,) = lines(browser.get(f"/inbox/{conversation.pk}/"))
    assert line == "Automatic reply I&#x27;m driving right now"


def test_german(browser, conversation, say):
    ours(say, "Bis morgen.")
    reacts(say, "Gefällt „Bis morgen.“")
    reacts(say, "Removed a heart from “Hello”")
    say("I'm driving right now", machine="auto_reply")
    with override("de"):
        answer = browser.get(f"/inbox/{conversation.pk}/", headers={"Accept-Language": "de"})
    assert badges(answer) == ["Dana Reyes hat mit 👍 reagiert"]
    removed, auto = lines(answer)
    assert removed == "Dana Reyes hat ❤️ von „Hello“ entfernt"
    assert auto == "Automatische Antwort I&#x27;m driving right now"


def test_an_open_page_draws_the_text_anew(browser, conversation, say):
    text = ours(say, "See you at ten.")
    told = pages.state(browser.get(f"/inbox/{conversation.pk}/"))
    for words, shown in (("Liked", ["Dana Reyes reacted 👍"]), ("Loved", ["Dana Reyes reacted ❤️"])):
        reacts(say, f"{words} “See you at ten.”")
        f.touch(conversation)
        answer = browser.get(f"/inbox/{conversation.pk}/poll/", told)
        assert [int(item.split("-")[0]) for item in pages.shown(answer)] == [text.pk]
        assert pages.messages_after(told["have"], answer) == [text.pk]
        assert badges(answer) == shown
    reacts(say, "Removed a heart from “See you at ten.”")
    f.touch(conversation)
    assert pages.shown(browser.get(f"/inbox/{conversation.pk}/poll/", told)) == []  # as it was


def test_a_text_in_an_earlier_part_has_its_badge(browser, conversation, say):
    text = ours(say, "See you at ten.")
    for number in range(queries.MESSAGES):
        say(f"Text {number}")
    reacts(say, "Liked “See you at ten.”")
    newest = browser.get(f"/inbox/{conversation.pk}/")
    assert badges(newest) == []
    assert len(lines(newest)) == 1  # the text is not there
    top = Message.objects.filter(conversation=conversation).order_by("-at")[queries.MESSAGES - 1]
    until = cursors.format_cursor(top.at, top.rank)
    older = browser.get(f"/inbox/{conversation.pk}/older/", {"until": until})
    assert text.text in older.content.decode()
    assert badges(older) == ["Dana Reyes reacted 👍"]


def test_the_first_text_of_a_part_keeps_its_badge_when_it_is_drawn_again(browser, conversation, say):
    say("Hello")
    text = ours(say, "See you at ten.")
    reacts(say, "Liked “See you at ten.”")
    for number in range(queries.MESSAGES - 2):
        say(f"Text {number}")
    answer = browser.get(f"/inbox/{conversation.pk}/")
    assert badges(answer) == ["Dana Reyes reacted 👍"]
    older = browser.get(
        f"/inbox/{conversation.pk}/older/", {"until": cursors.format_cursor(text.at, text.rank)}
    ).content.decode()
    assert f'id="m-{text.pk}"' in older
    assert "reacted 👍" in older


def test_a_reaction_whose_text_is_just_above_is_a_line(browser, conversation, say):
    """The slice reads one message more than it shows."""
    ours(say, "See you at ten.")
    reacts(say, "Liked “See you at ten.”")
    for number in range(queries.MESSAGES - 1):
        say(f"Text {number}")
    answer = browser.get(f"/inbox/{conversation.pk}/")
    assert (len(lines(answer)), badges(answer)) == (1, [])
    assert len(pages.shown(answer)) == queries.MESSAGES


def test_reactions_cost_no_query(conversation, say, django_assert_num_queries):
    ours(say, "See you at ten.")
    with django_assert_num_queries(2):
        queries.read_slice(conversation)
    for _ in range(20):
        reacts(say, "Liked “See you at ten.”")
    with django_assert_num_queries(2):
        assert len(queries.read_slice(conversation).items) == 1


def test_a_found_reaction_marks_its_text(browser, conversation, say):
    text = ours(say, "See you at ten.")
    liked = reacts(say, "Liked “See you at ten.”")
    page = browser.get(f"/inbox/{conversation.pk}/", {"q": "liked", "at": liked.pk}).content.decode()
    assert re.search(rf'<li class="[^"]* sighted" id="m-{text.pk}"', page)


def test_a_contact_without_a_name(browser, conversation, say):
    Contact.objects.filter(pk=conversation.contact_id).update(first_name="", last_name="", full_name="")
    ours(say, "See you at ten.")
    reacts(say, "Liked “See you at ten.”")
    (badge,) = badges(browser.get(f"/inbox/{conversation.pk}/"))
    assert badge.endswith(" reacted 👍") and badge != " reacted 👍"
