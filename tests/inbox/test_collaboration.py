"""Several people at one inbox: who is here, whose it is, and a text that would answer the wrong thing."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.inbox.collaboration import presence, read_state
from integrations.models import AuditEntry, Change, Member, Membership, Message, Presence, ReadMark
from integrations.outbox import compose, safeguards
from tests import factories as f

from . import pages

SESSION_AND_PERSON = 2
MOVED = "Your text has not been sent. Read the new messages, then send it again."


@pytest.fixture
def sam(harbor):
    made = f.person("sam", first_name="Sam", last_name="Ortiz")
    Membership.objects.create(user=made, account=harbor)
    return made


@pytest.fixture
def conversation(harbor):
    made = f.conversation(harbor)
    f.thread(made, 4)
    return made


@pytest.fixture
def address(conversation):
    return f"/inbox/{conversation.pk}/"


@pytest.fixture
def sams(sam):
    """Sam's browser."""
    client = Client()
    client.force_login(sam)
    return client


# --- Who is here -----------------------------------------------------------------------------------------------------


@pytest.fixture
def poll(browser, address):
    told = pages.state(browser.get(address))

    def ask(here: str = "", **more):
        return browser.get(f"{address}poll/", {**told, "here": here, **more})

    return ask


def test_somebody_else_is_here_and_writes_and_leaves(poll, sams, sam, address):
    assert poll().status_code == 204
    assert sams.post(f"{address}watch/").status_code == 204
    answer = poll()
    assert "Sam Ortiz is viewing" in pages.text(answer)
    assert b"data-region" not in answer.content, "nothing else is rendered again"
    assert b"thread-version" not in answer.content
    assert poll(here=str(sam.pk)).status_code == 204
    sams.post(f"{address}watch/", {"typing": "1"})
    assert "Sam Ortiz is typing…" in pages.text(poll(here=str(sam.pk)))
    sams.post(f"{address}watch/")
    assert "Sam Ortiz is typing…" in pages.text(poll()), "a later report removes nothing"
    sams.post(f"{address}watch/", {"typing": "0"})
    assert "Sam Ortiz is viewing" in pages.text(poll())
    sams.post(f"{address}leave/")
    assert poll().status_code == 204
    assert pages.text(poll(here=str(sam.pk))) == "", "what was said of them is taken back"


def test_one_is_no_company_of_ones_own(poll, browser, address):
    browser.post(f"{address}watch/", {"typing": "1"})
    assert poll().status_code == 204


def test_whoever_is_not_heard_of_is_gone(poll, sams, address):
    sams.post(f"{address}watch/", {"typing": "1"})
    Presence.objects.update(typing_at=timezone.now() - presence.TYPING_FOR)
    assert "Sam Ortiz is viewing" in pages.text(poll())
    Presence.objects.update(seen_at=timezone.now() - presence.PRESENT_FOR)
    assert poll().status_code == 204
    Presence.objects.update(seen_at=timezone.now() - presence.RETENTION)
    assert presence.prune_presence() == 1


def test_presence_comes_with_news_too(poll, sams, address, conversation):
    sams.post(f"{address}watch/")
    new = f.message(conversation, "Just in")
    f.touch(conversation)
    answer = poll()
    assert "Sam Ortiz is viewing" in pages.text(answer)
    assert f'id="m-{new.pk}"' in answer.content.decode()


def test_three_are_counted(harbor, conversation):
    for name in ("one", "two", "three"):
        presence.record_presence(f.person(name), conversation, typing=name == "one")
    _, here = presence.read_presence(f.person("root", superuser=True), conversation.pk)
    assert (here.writing, here.reading) == ("one is typing…", "two and three are viewing")
    Presence.objects.update(typing_at=None)
    _, here = presence.read_presence(f.person("root2", superuser=True), conversation.pk)
    assert (here.writing, here.reading) == ("", "3 people are viewing")


def test_an_idle_poll_with_company_costs_one_query(poll, sams, sam, address):
    sams.post(f"{address}watch/")
    with CaptureQueriesContext(connection) as made:
        assert poll(here=str(sam.pk)).status_code == 204
    assert len(made) == SESSION_AND_PERSON + 1


def test_a_beat_is_one_upsert(harbor, ada, conversation):
    for _ in range(2):
        with CaptureQueriesContext(connection) as made:
            presence.record_presence(ada, conversation)
        assert len([query for query in made if "presence" in query["sql"]]) == 1
    assert Presence.objects.count() == 1


@pytest.mark.parametrize(("act", "data"), [("assign", {"owner": ""}), ("snooze", {"for": "hour"}), ("close", {})])
def test_a_form_reads_the_header_only_to_show_it(browser, htmx, address, act, data):
    known = pages.state(browser.get(address))

    def reads_of_header(post, data):
        with CaptureQueriesContext(connection) as made:
            assert post(f"{address}{act}/", data).status_code in (200, 302)
        return len([query for query in made if "draft_revision" in query["sql"]])

    assert reads_of_header(browser.post, data) == 0, "it redirects"
    assert reads_of_header(htmx.post, {**known, **data}) == 1, "it returns the changed header"


def test_nobody_looks_into_another_account(client, address):
    stranger = f.person("stranger")
    client.force_login(stranger)
    assert client.post(f"{address}watch/").status_code == 404
    assert client.get(f"{address}poll/").status_code == 404
    for act in ("claim", "me", "snooze", "wake", "unread"):
        assert client.post(f"{address}{act}/").status_code == 404, act
    assert not Presence.objects.exists()


# --- A thread that moved on ------------------------------------------------------------------------------------------


@pytest.fixture(params=["htmx", "plain"])
def answer(request, browser, address):
    """Opens the page; what is called then posts the composer as that page would, and knows what it has drawn since."""
    told = pages.state(browser.get(address)) if request.param == "htmx" else {}
    page = browser.get(address)
    form = {"client_uuid": pages.field(page, "client_uuid"), "seen": pages.field(page, "seen")}
    headers = {"HX-Request": "true"} if told else {}

    def post(text="Yes, from nine."):
        response = browser.post(f"{address}send/", {**told, **form, "text": text}, headers=headers)
        if response.status_code == 422 and told:
            order = pages.messages_after(told["have"], response)
            told["have"] = ",".join(f"{pk}-x" for pk in order)
        elif response.status_code == 422:
            form["seen"] = pages.field(response, "seen")
        return response

    return post


def sent(conversation) -> list[str]:
    return list(conversation.messages.filter(client_uuid__isnull=False).values_list("text", flat=True))


def test_what_came_meanwhile_is_shown_first(answer, conversation):
    new = f.message(conversation, "No, wait: is Sunday possible?")
    refused = answer()
    assert refused.status_code == 422
    assert f"Dana Reyes texted while you were writing. {MOVED}" in pages.text(refused)
    assert f'id="m-{new.pk}"' in refused.content.decode()
    assert sent(conversation) == []
    assert answer().status_code in (200, 302)
    assert sent(conversation) == ["Yes, from nine."]


def test_a_plain_form_keeps_the_text(browser, address, conversation):
    page = browser.get(address)
    f.message(conversation, "No, wait")
    form = {name: pages.field(page, name) for name in ("client_uuid", "seen")}
    refused = browser.post(f"{address}send/", {**form, "text": "Typed with care"})
    assert "Typed with care" in pages.text(refused)


def test_two_colleagues_answer_one_text(answer, conversation, sam, sams, address):
    page = sams.get(address)
    form = {name: pages.field(page, name) for name in ("client_uuid", "seen")}
    assert sams.post(f"{address}send/", {**form, "text": "I do it."}).status_code == 302
    refused = answer()
    assert f"Sam Ortiz replied while you were writing. {MOVED}" in pages.text(refused)
    assert sent(conversation) == ["I do it."]
    assert answer().status_code in (200, 302)


def test_somebody_answers_at_salesmsg(answer, conversation):
    f.message(conversation, "From the app", inbound=False, author_vendor_id=77)
    assert "Someone replied while you were writing." in pages.text(answer())
    f.message(conversation, "From the app", inbound=False, author_vendor_id=77, author_name="Mia Wong")
    assert "Mia Wong replied while you were writing." in pages.text(answer())


@pytest.mark.parametrize(
    "values",
    [
        {"inbound": True, "is_news": False, "at": timedelta(days=-3)},  # history that is filled in
        {"inbound": False, "at": timedelta(days=-3)},
        {"inbound": False, "sender": "ada"},  # another tab of the same person
        {"inbound": False, "author_vendor_id": 4711},  # they themselves, at Salesmsg
        {"inbound": False, "automated": True},
        {"inbound": False, "sender": "sam", "state": "cancelled"},
        {
            "inbound": False,
            "sender": "sam",
            "state": "queued",
            "send_at": timedelta(days=1),
            "at": timedelta(days=1),
            "zone": "UTC",
        },
        {"inbound": True, "kind": "call"},
    ],
)
def test_what_holds_nobody_up(answer, conversation, harbor, ada, sam, values):
    people = {"ada": ada, "sam": sam}
    member = f.member(harbor, "Ada Marsh", ada)
    Member.objects.filter(pk=member.pk).update(vendor_id=4711)
    now = timezone.now()
    values = {name: now + value if isinstance(value, timedelta) else value for name, value in values.items()}
    if "sender" in values:
        values["sender"] = people[values["sender"]]
    f.message(conversation, "Not in the way", **values)
    assert answer().status_code in (200, 302)


def test_only_messages_of_this_thread_count_as_shown(browser, harbor, address, conversation):
    page = browser.get(address)
    new = f.message(conversation, "Unseen")
    elsewhere = f.message(f.conversation(harbor), "Another thread's")
    assert elsewhere.pk > new.pk
    told = {"client_uuid": pages.field(page, "client_uuid"), "have": f"{elsewhere.pk}-x,99999999-x,x-x"}
    assert browser.post(f"{address}send/", {**told, "text": "Yes"}).status_code == 422


def test_delivery_holds_nobody_up(answer, conversation):
    Message.objects.filter(inbound=False).update(state="delivered")
    f.touch(conversation)
    assert answer().status_code in (200, 302)


def test_a_text_that_reached_us_a_little_late_counts(answer, conversation, ada):
    f.message(conversation, "Late", at=conversation.messages.first().at - timedelta(minutes=1))
    assert answer().status_code == 422


def test_the_first_text_of_all_counts(browser, harbor):
    empty = f.conversation(harbor)
    page = browser.get(f"/inbox/{empty.pk}/")
    f.message(empty, "Hello?")
    form = {name: pages.field(page, name) for name in ("client_uuid", "seen")}
    assert form["seen"] == "0"
    assert browser.post(f"/inbox/{empty.pk}/send/", {**form, "text": "Hi"}).status_code == 422


def test_one_form_posted_twice_is_still_one_text(browser, address, conversation):
    page = browser.get(address)
    form = {name: pages.field(page, name) for name in ("client_uuid", "seen")}
    assert browser.post(f"{address}send/", {**form, "text": "Yes"}).status_code == 302
    f.message(conversation, "Thanks")
    assert browser.post(f"{address}send/", {**form, "text": "Yes"}).status_code == 302
    assert sent(conversation) == ["Yes"]


def test_commands_and_what_is_scheduled_ask_nobody(conversation, ada):
    f.message(conversation, "New")
    assert compose.queue_reply(ada, conversation, "Anyhow", uuid.uuid4()).pk
    assert compose.queue_reply(ada, conversation, "Later", uuid.uuid4(), send_at=timezone.now()).pk


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_is_refused(conversation, ada, sam):
    ready, ended = threading.Barrier(2), []

    def write(user, newest):
        try:
            ready.wait(10)
            compose.queue_reply(user, conversation, f"By {user}, after {newest}", uuid.uuid4(), seen=newest)
            ended.append("sent")
        except safeguards.CannotSend:
            ended.append("refused")
        finally:
            connection.close()

    for rounds in range(1, 6):
        newest = conversation.messages.order_by("-pk").first().pk
        threads = [threading.Thread(target=write, args=(user, newest)) for user in (ada, sam)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(ended) == ["refused"] * rounds + ["sent"] * rounds
    assert len(sent(conversation)) == rounds


# --- Whose it is -----------------------------------------------------------------------------------------------------


def test_claim_and_somebody_was_quicker(browser, htmx, sams, sam, ada, harbor, conversation, address):
    mine, sams_own = f.member(harbor, "Ada Marsh", ada), f.member(harbor, "Sam Ortiz", sam)
    page = browser.get(address)
    assert 'id="claim-button"' in page.content.decode()
    assert f'formaction="{address}claim/"' in page.content.decode(), "“assign to me” claims it as well"
    assert sams.post(f"{address}claim/").status_code == 302
    conversation.refresh_from_db()
    assert conversation.owner == sams_own
    assert Change.objects.get().values == {"member": sams_own.vendor_id}
    refused = htmx.post(f"{address}claim/", pages.state(page))
    assert refused.status_code == 422
    assert "Sam Ortiz has just claimed this conversation" in pages.text(refused)
    conversation.refresh_from_db()
    assert conversation.owner == sams_own
    assert Change.objects.count() == 1, "nothing is sent to Salesmsg"
    assert sams.post(f"{address}claim/").status_code == 302, "twice is once"
    assert Change.objects.count() == 1
    assert 'id="claim-button"' not in browser.get(address).content.decode()
    browser.post(f"{address}assign/", {"owner": mine.pk})
    conversation.refresh_from_db()
    assert conversation.owner == mine


def test_whom_the_portal_does_not_know_is_told_how(htmx, browser, conversation, harbor, address, ada):
    member = f.member(harbor, "Ada Marsh")
    taken = f.member(harbor, "Rosa Lind", f.person("rosa"))
    Membership.objects.create(user=f.person("rosa2"), account=harbor, member=taken)
    refused = htmx.post(f"{address}claim/")
    assert refused.status_code == 422
    assert "You are not linked to a Salesmsg user yet" in pages.text(refused)
    menu = browser.get(address).content.decode().partition("Who are you in Salesmsg?")[2].partition("</select>")[0]
    assert f'value="{member.pk}"' in menu
    assert f'value="{taken.pk}"' not in menu, "another user is linked to that member"
    assert htmx.post(f"{address}me/", {"member": taken.pk}).status_code == 422
    assert htmx.post(f"{address}me/", {"member": member.pk}).status_code == 200
    assert Membership.objects.get(user=ada).member == member
    assert AuditEntry.objects.filter(user=ada, action="member_linked").count() == 1
    other = f.member(harbor, "Other")
    refused = htmx.post(f"{address}me/", {"member": other.pk})
    assert "You are already linked to a Salesmsg user." in pages.text(refused)
    assert htmx.post(f"{address}claim/").status_code == 200
    conversation.refresh_from_db()
    assert conversation.owner == member


def test_a_superuser_gets_a_membership(client, harbor, conversation, address):
    root = f.person("root", superuser=True)
    client.force_login(root)
    member = f.member(harbor, "Root")
    for page in ("/inbox/?show=mine", "/inbox/poll/?show=mine"):
        assert client.get(page).content.decode().count(f'value="{member.pk}"') == 1
    assert client.post("/inbox/me/", {"member": member.pk})["Location"] == "/inbox/?show=mine"
    assert Membership.objects.get(user=root).role == "agent"
    client.post(f"{address}claim/")
    assert pages.rows(client.get("/inbox/?show=mine")) == [conversation.pk]


@pytest.mark.parametrize("member", ["", "x", "99999999"])
def test_who_is_nobody_is_nobody(browser, harbor, member):
    assert browser.post("/inbox/me/", {"member": member}).status_code == 302
    assert "Choose yourself from the list." in pages.text(browser.get("/inbox/"))


# --- Unread ----------------------------------------------------------------------------------------------------------


def unread(client, pk) -> bool:
    return pk in pages.rows(client.get("/inbox/?show=unread"))


def test_mark_as_unread_is_ones_own(browser, htmx, sams, address, conversation, ada):
    browser.get(address)
    sams.get(address)
    assert not unread(browser, conversation.pk)
    response = htmx.post(f"{address}unread/")
    assert (response.status_code, response["HX-Redirect"]) == (204, "/inbox/")
    assert unread(browser, conversation.pk)
    assert not unread(sams, conversation.pk)
    assert "1 unread" in pages.text(browser.get("/inbox/"))
    browser.get(address)
    assert not unread(browser, conversation.pk)
    assert browser.post(f"{address}unread/?show=open")["Location"] == "/inbox/?show=open"


def test_unread_before_it_was_ever_read(conversation, ada):
    assert read_state.mark_unread(ada, conversation)
    newest = conversation.messages.filter(inbound=True).first()
    assert ReadMark.objects.get(user=ada).message_pk == newest.pk - 1


def test_where_nobody_has_texted_nothing_can_be_unread(htmx, harbor):
    empty = f.conversation(harbor)
    f.message(empty, "Hi", inbound=False)
    refused = htmx.post(f"/inbox/{empty.pk}/unread/")
    assert refused.status_code == 422
    assert "the contact has not texted yet" in pages.text(refused)


def test_what_comes_into_a_hidden_tab_is_not_read(poll, browser, conversation):
    f.message(conversation, "Just in")
    f.touch(conversation)
    assert poll(hidden="1").status_code == 200
    assert unread(browser, conversation.pk)
    assert poll(version="").status_code == 200, "the tab is looked at again"
    assert not unread(browser, conversation.pk)
