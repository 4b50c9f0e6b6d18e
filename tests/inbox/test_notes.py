"""Internal notes: never a text, in their place in the thread, and seen by those they mention."""

import random
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.inbox.thread import note_items, queries
from integrations.models import AuditEntry, InternalNote, Membership, Mention, Message
from tests import factories as f

from . import pages


@pytest.fixture
def conversation(harbor):
    made = f.conversation(harbor)
    f.thread(made, 6)
    return made


@pytest.fixture
def bo(harbor):
    made = f.person("bo.berg", first_name="Bo", last_name="Berg")
    Membership.objects.create(user=made, account=harbor)
    return made


def add(of, text="Hm", *, at=None, author=None) -> InternalNote:
    return InternalNote.objects.create(
        account_id=of.account_id,
        conversation=of,
        client_uuid=uuid.uuid4(),
        author=author,
        author_name="Ada Marsh",
        text=text,
        at=at or timezone.now(),
    )


@pytest.fixture
def write(htmx, conversation):
    """Adds a note as the page does."""

    def post(text, key=None, to=conversation):
        return htmx.post(f"/inbox/{to.pk}/note/", {"client_uuid": key or uuid.uuid4(), "text": text})

    return post


# --- Never a text ----------------------------------------------------------------------------------------------------


def test_a_note_is_no_message(write, conversation):
    before = (Message.objects.count(), conversation.latest_at, conversation.latest_text)
    answer = write("Careful with this one")
    assert answer.status_code == 200
    assert answer["HX-Trigger"] == "portal:noted", "never portal:sent, which empties the text"
    assert InternalNote.objects.get().text == "Careful with this one"
    conversation.refresh_from_db()
    assert (Message.objects.count(), conversation.latest_at, conversation.latest_text) == before
    assert not Message.objects.filter(client_uuid__isnull=False).exists(), "the outbox has nothing to send"
    assert not Message.objects.filter(text__contains="Careful").exists()


def test_a_note_is_not_found_by_the_search_of_texts(write, browser):
    write("Xylophone")
    assert pages.rows(browser.get("/inbox/", {"q": "Xylophone"})) == []


def test_the_forms_of_text_and_note_have_nothing_in_common(browser, conversation):
    """Whatever submits the one, by Enter or without a script, cannot submit the other."""
    forms: dict[str, dict] = {}
    inside = ""
    for tag, values in pages.read(browser.get(f"/inbox/{conversation.pk}/")).tags:
        if tag == "form":
            inside = values.get("id", "")
            forms[inside] = {"form": values, "buttons": [], "names": []}
        elif inside and tag == "button" and values.get("type") == "submit":
            forms[inside]["buttons"].append(values)
        elif inside and tag in ("textarea", "input", "select"):
            forms[inside]["names"].append(values.get("name"))
        assert "form" not in values or tag == "form", "nothing outside of a form belongs to one"
    note, text = forms["note-composer"], forms["composer"]
    address = f"/inbox/{conversation.pk}/note/"
    assert (note["form"]["method"], note["form"]["action"], note["form"]["hx-post"]) == ("post", address, address)
    assert [button["id"] for button in note["buttons"]] == ["note-add"]
    assert not [button for button in note["buttons"] if "formaction" in button]
    assert sorted(note["names"]) == ["client_uuid", "csrfmiddlewaretoken", "text"]
    assert text["form"]["action"] == f"/inbox/{conversation.pk}/send/"


def test_the_address_of_notes_ignores_what_a_text_would_have(browser, conversation):
    told = {"client_uuid": uuid.uuid4(), "text": "Hm", "when": "2030-01-01T09:00", "zone": "UTC", "draft": "0"}
    browser.post(f"/inbox/{conversation.pk}/note/", told)
    assert InternalNote.objects.count() == 1
    assert not Message.objects.filter(text="Hm").exists()


def test_a_note_can_be_written_where_no_text_can(browser, write, conversation, harbor):
    type(conversation.contact).objects.update(opted_out=True)
    harbor.state = "disconnected"
    harbor.save()
    assert b'id="note-add"' in browser.get(f"/inbox/{conversation.pk}/").content
    assert write("Call her instead").status_code == 200


# --- The form --------------------------------------------------------------------------------------------------------


def test_posted_twice_it_is_one_note(write):
    key = uuid.uuid4()
    write("Once", key)
    assert write("Once", key).status_code == 200
    assert InternalNote.objects.count() == 1


def test_changed_after_a_lost_answer_it_is_kept_and_said(write):
    key = uuid.uuid4()
    write("First", key)
    answer = write("First and more", key)
    assert answer.status_code == 422
    assert "was already added" in pages.text(answer)
    assert InternalNote.objects.get().text == "First"


@pytest.mark.parametrize(
    ("text", "words"), [("  ", "Write a note first."), ("x" * 5001, "5001 characters. The limit is 5000")]
)
def test_what_cannot_be_added_is_said(write, text, words):
    answer = write(text)
    assert answer.status_code == 422
    assert words in pages.text(answer)
    assert not InternalNote.objects.exists()


def test_a_damaged_form_keeps_the_words(browser, conversation):
    page = browser.post(f"/inbox/{conversation.pk}/note/", {"client_uuid": "x", "text": "Do not lose me"})
    assert page.status_code == 422
    assert ">Do not lose me</textarea>" in page.content.decode()
    assert "data-open" in page.content.decode().partition('id="note-composer"')[2].partition(">")[0]


def test_without_a_script_the_form_leads_back(browser, conversation):
    told = {"client_uuid": uuid.uuid4(), "text": "By hand"}
    answer = browser.post(f"/inbox/{conversation.pk}/note/?show=open", told)
    assert answer["Location"] == f"/inbox/{conversation.pk}/?show=open"
    assert "Internal note by Ada Marsh" in pages.text(browser.get(answer["Location"]))


def test_nobody_writes_or_deletes_in_a_foreign_account(write, htmx, ada):
    other = f.conversation(f.account("Elsewhere"))
    assert write("Hi", to=other).status_code == 404
    assert not InternalNote.objects.exists()
    note = add(other, author=ada)
    assert htmx.post(f"/inbox/notes/{note.pk}/delete/").status_code == 404
    assert htmx.get(f"/inbox/{other.pk}/colleagues/").status_code == 404
    assert InternalNote.objects.count() == 1


def test_only_the_author_deletes(htmx, client, bo, write, conversation):
    write("Mine, about @bo.berg")
    note = InternalNote.objects.get()
    client.force_login(bo)
    assert f'id="note-delete-{note.pk}"' not in client.get(f"/inbox/{conversation.pk}/").content.decode()
    assert client.post(f"/inbox/notes/{note.pk}/delete/").status_code == 404
    client.force_login(note.author)
    assert f'id="note-delete-{note.pk}"' in client.get(f"/inbox/{conversation.pk}/").content.decode()
    assert htmx.post(f"/inbox/notes/{note.pk}/delete/").status_code == 200
    assert not Mention.objects.exists()
    told = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert told == ["internal_note_added", "internal_note_deleted"]
    assert "Mine" not in str([entry.params for entry in AuditEntry.objects.all()])


def test_texts_of_notes_are_never_html(write, browser, conversation):
    write("<script>alert(1)</script> see https://example.com/@ada & '\"")
    page = browser.get(f"/inbox/{conversation.pk}/")
    assert "&lt;script&gt;alert(1)" in page.content.decode()
    assert 'href="https://example.com/@ada"' in page.content.decode()
    assert pages.inline(page) == []


# --- In the thread ---------------------------------------------------------------------------------------------------


def expected(conversation) -> list[str]:
    """Keys by time."""
    rows = [(row.at, 0, row.rank, str(row.pk)) for row in conversation.messages.all()]
    rows += [(row.at, 1, row.pk, f"n{row.pk}") for row in conversation.internal_notes.all()]
    return [row[-1] for row in sorted(rows)]


def keys(response) -> list[str]:
    return [item.partition("-")[0] for item in pages.shown(response)]


def after(told: str, answer) -> list[str]:
    """What a browser shows after an update."""
    order, place = [item.partition("-")[0] for item in told.split(",") if item], None
    for tag, values in pages.read(answer).tags:
        swap, key = values.get("hx-swap-oob", ""), str(values.get("id", ""))[2:]
        if swap.startswith("delete:#m-"):
            order.remove(swap.removeprefix("delete:#m-"))
        elif tag == "ol" and swap:
            way, _, target = swap.partition(":#")
            place = 0 if way == "afterbegin" else order.index(target[2:]) + 1 if way == "afterend" else None
            if way == "innerHTML":
                order, place = [], 0
        elif tag == "li" and str(values.get("id", "")).startswith("m-"):
            if swap:
                assert key in order
            else:
                order.insert(place, key)
                place += 1
    return order


def test_notes_stand_between_the_messages_by_time(browser, conversation):
    third = conversation.messages.order_by("at")[2]
    add(conversation, "In the middle", at=third.at + timedelta(seconds=1))
    add(conversation, "At the same moment", at=third.at)
    add(conversation, "Before all", at=third.at - timedelta(days=9))
    add(conversation, "Last")
    page = browser.get(f"/inbox/{conversation.pk}/")
    assert keys(page) == expected(conversation)
    first = page.content.decode().partition('class="message message-note')[2].partition("</li>")[0]
    assert 'class="day"' in first, "the first note of a day names it"


def test_paging_crosses_notes_without_a_gap(browser, harbor):
    conversation = f.conversation(harbor)
    messages = f.thread(conversation, queries.MESSAGES + 30)
    for place in range(0, len(messages), 2):
        add(conversation, f"Note {place}", at=messages[place].at + timedelta(seconds=place % 4))
    for _ in range(queries.MESSAGES + 5):
        add(conversation, "Many at once", at=messages[40].at + timedelta(seconds=1))
    page = browser.get(f"/inbox/{conversation.pk}/")
    shown = keys(page)
    assert len(shown) == queries.MESSAGES
    for _ in range(10):
        address = [v["hx-get"] for _, v in pages.read(page).tags if "older/" in str(v.get("hx-get"))]
        if not address:
            break
        page = browser.get(address[0])
        got = keys(page)
        assert got[0] == shown[0], "the boundary is rendered again"
        shown = got[1:] + shown
    assert shown == expected(conversation)


def test_a_note_is_live_for_others(client, ada, bo, conversation):
    client.force_login(bo)
    told = pages.state(client.get(f"/inbox/{conversation.pk}/"))
    client.force_login(ada)
    told_ada = {"client_uuid": uuid.uuid4(), "text": "New to you"}
    client.post(f"/inbox/{conversation.pk}/note/", told_ada)
    client.force_login(bo)
    answer = client.get(f"/inbox/{conversation.pk}/poll/", told)
    assert keys(answer) == [f"n{InternalNote.objects.get().pk}"]
    assert after(told["have"], answer) == expected(conversation)


@pytest.mark.parametrize("seed", range(12))
def test_any_change_is_followed(browser, conversation, seed):
    dice = random.Random(seed)
    for _ in range(3):
        add(conversation, at=timezone.now() - timedelta(minutes=dice.randint(0, 20)))
    told = pages.state(browser.get(f"/inbox/{conversation.pk}/"))
    for _ in range(dice.randint(1, 5)):
        at = timezone.now() - timedelta(minutes=dice.randint(-2, 30))
        match dice.choice(["note", "note", "gone", "text", "move"]):
            case "note":
                add(conversation, at=at)
            case "gone":
                conversation.internal_notes.order_by("?").first().delete()
            case "text":
                f.message(conversation, "Text", at=at)
            case "move":
                Message.objects.filter(pk=conversation.messages.order_by("?").first().pk).update(at=at)
        if not conversation.internal_notes.exists():
            add(conversation)
    f.touch(conversation)
    assert after(told["have"], browser.get(f"/inbox/{conversation.pk}/poll/", told)) == expected(conversation)


def test_notes_above_the_stretch_are_left_alone(browser, harbor):
    conversation = f.conversation(harbor)
    messages = f.thread(conversation, queries.MESSAGES + 10)
    add(conversation, "Far above", at=messages[3].at + timedelta(seconds=1))
    page = browser.get(f"/inbox/{conversation.pk}/")
    older = browser.get(next(v["hx-get"] for _, v in pages.read(page).tags if "older/" in str(v.get("hx-get"))))
    everything = pages.shown(older)[1:] + pages.shown(page)
    told = {**pages.state(page), "have": ",".join(everything), "top": everything[0].partition("-")[0]}
    f.message(conversation, "New")
    f.touch(conversation)
    assert after(told["have"], browser.get(f"/inbox/{conversation.pk}/poll/", told)) == expected(conversation)


def test_notes_cost_one_query_of_the_page(browser, conversation, bo):
    address = f"/inbox/{conversation.pk}/"
    browser.get(address)
    with CaptureQueriesContext(connection) as without:
        browser.get(address)
    for place in range(20):
        note = add(conversation, f"@bo.berg {place}")
        Mention.objects.create(note=note, user=bo)
    with CaptureQueriesContext(connection) as made:
        browser.get(address)
    assert len(made) == len(without)
    assert sum("internalnote" in query["sql"] and "SELECT" in query["sql"][:7] for query in made) <= 4


# --- Mentions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@ada", ["ada"]),
        ("Ask @Ada, please. Or @bo.berg.", ["ada", "bo.berg"]),
        ("(@ada) @@ada @ad @adam", ["ada"]),
        ("ada@example.com a@ada https://x.example/@ada", []),
        ("@nobody @ @. @bo", []),
    ],
)
def test_what_names_somebody(text, found):
    assert [name for _, _, name in note_items.mention_spans(text, ["ada", "bo.berg"])] == found


def test_a_mention_shows_until_it_is_seen(write, client, bo, conversation):
    write("@bo.berg and @nobody, have a look. @ada is me.")
    assert list(Mention.objects.values_list("user__username", flat=True)) == ["bo.berg"]
    client.force_login(bo)
    told = pages.state(client.get("/inbox/"))
    page = client.get("/inbox/", {"show": "mentions"})
    assert pages.rows(page) == [conversation.pk]
    assert "Mentions 1 unread" in pages.text(page)
    assert "You are mentioned in a note" in pages.text(page)
    opened = client.get(f"/inbox/{conversation.pk}/")
    assert Mention.objects.get().read_at is not None
    assert '<strong class="mention mention-me">@bo.berg</strong> and @nobody' in opened.content.decode()
    # Read, it is still found, and every list of this person hears of it.
    assert client.get("/inbox/poll/", told).status_code == 200
    page = client.get("/inbox/", {"show": "mentions"})
    assert pages.rows(page) == [conversation.pk]
    assert "Mentions 1 unread" not in pages.text(page)


def test_a_poll_of_an_open_thread_reads_the_mention(client, bo, conversation, harbor):
    client.force_login(bo)
    told = pages.state(client.get(f"/inbox/{conversation.pk}/"))
    Mention.objects.create(note=add(conversation, "@bo.berg"), user=bo)
    assert client.get(f"/inbox/{conversation.pk}/poll/", told).status_code == 204
    assert Mention.objects.get().read_at is None, "what was not shown is not read"
    f.touch(conversation)
    client.get(f"/inbox/{conversation.pk}/poll/", told)
    assert Mention.objects.get().read_at is not None


def test_who_cannot_see_the_account_cannot_be_mentioned(write, htmx, conversation, bo):
    f.account("Elsewhere", f.person("eve"))
    f.person("root", superuser=True)
    gone = f.person("gone", is_active=False)
    Membership.objects.create(user=gone, account=conversation.account)
    offered = htmx.get(f"/inbox/{conversation.pk}/colleagues/").json()["people"]
    assert offered == [{"username": "bo.berg", "name": "Bo Berg"}, {"username": "root", "name": ""}]
    write("@eve @gone @root @bo.berg")
    assert sorted(Mention.objects.values_list("user__username", flat=True)) == ["bo.berg", "root"]


def test_many_mentions_are_counted_to_a_limit(client, bo, conversation):
    notes = [add(conversation, "@bo.berg") for _ in range(note_items.MOST_UNREAD + 5)]
    Mention.objects.bulk_create([Mention(note=note, user=bo) for note in notes])
    client.force_login(bo)
    with CaptureQueriesContext(connection) as made:
        page = client.get("/inbox/")
    assert "Mentions 99+ unread" in pages.text(page)
    counting = [query["sql"] for query in made if "integrations_mention" in query["sql"] and "counted" in query["sql"]]
    assert any(f"LIMIT {note_items.MOST_UNREAD}" in query for query in counting)


def test_a_mention_in_an_account_that_was_left_is_not_counted(client, bo, conversation):
    Mention.objects.create(note=add(conversation, "@bo.berg"), user=bo)
    Membership.objects.filter(user=bo).delete()
    f.account("New place", bo)
    client.force_login(bo)
    assert "1 unread" not in pages.text(client.get("/inbox/"))
    assert pages.rows(client.get("/inbox/", {"show": "mentions"})) == []
