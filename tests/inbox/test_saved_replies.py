"""Saved replies: whose they are, how they are kept, and what they say in a conversation."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Membership, Message, SavedReply
from integrations.outbox import merge_fields
from tests import factories as f

from . import pages


@pytest.fixture
def conversation(harbor):
    made = f.conversation(harbor, f.contact(harbor, "", "Reyes"))
    f.message(made, "Are you open on Saturday?")
    return made


@pytest.fixture
def manager(ada, harbor):
    """Ada may change what is everybody's."""
    Membership.objects.filter(user=ada).update(role=Membership.Role.MANAGER)
    return ada


def reply(of, owner=None, name="hours", text="Hello {first_name}, we open at nine.", **values):
    return SavedReply.objects.create(account=of, owner=owner, name=name, text=text, **values)


# --- Merge fields ----------------------------------------------------------------------------------------------------


def test_fields_are_filled_where_the_contact_has_something(harbor):
    dana = f.contact(harbor, "Dana", "", phone="+13055550142")
    text = merge_fields.fill_fields("Hi { First_Name }, {last_name|neighbour}! {phone} {last_name} {order}", dana)
    assert text == "Hi Dana, neighbour! (305) 555-0142 {last_name} {order}"
    assert merge_fields.find_fields(text) == ["last_name", "{order}"]
    assert (
        merge_fields.fields_problem(text, dana)
        == "This contact has no value for Last name. Replace {last_name} with text."
    )
    assert merge_fields.fields_problem("Your code is {order}", dana).startswith("{order} has not been filled in")


def test_a_value_with_braces_is_not_filled_a_second_time(harbor):
    assert merge_fields.fill_fields("Hi {first_name}", f.contact(harbor, "D{1}")) == "Hi D{1}"


# --- The pages -------------------------------------------------------------------------------------------------------


def test_an_agent_saves_one_of_their_own(browser, ada, harbor):
    page = browser.get("/inbox/replies/new/")
    assert "Everyone in the account" not in pages.text(page) and pages.inline(page) == []
    done = browser.post("/inbox/replies/new/", {"name": "hours", "text": "From {first_name|nine}.\r\nBye"}, follow=True)
    [made] = SavedReply.objects.all()
    assert (made.owner, made.account, made.created_by) == (ada, harbor, ada)
    assert made.text == "From {first_name|nine}.\nBye"
    assert "Only for you" in pages.text(done) and pages.inline(done) == []


def test_an_agent_cannot_save_one_for_everybody(browser, ada, harbor):
    browser.post("/inbox/replies/new/", {"name": "a", "text": "b", "whose": "everybody"})
    assert SavedReply.objects.get().owner == ada


def test_a_manager_saves_one_for_everybody(browser, manager, harbor):
    browser.post("/inbox/replies/new/", {"name": "a", "text": "b", "whose": "everybody"})
    assert SavedReply.objects.get().owner is None


def test_a_manager_of_one_account_saves_nothing_for_everybody_in_another(browser, manager, harbor):
    other = f.account("Other", manager)
    data = {"name": "a", "text": "b", "whose": "everybody", "account": other.pk}
    answer = browser.post("/inbox/replies/new/", data)
    assert answer.status_code == 422 and "Only managers of this account" in pages.text(answer)
    assert not SavedReply.objects.exists()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": "", "text": "b"}, "Enter a name"),
        ({"name": "a", "text": " "}, "Write a text first."),
        ({"name": "a", "text": "Hi {first"}, "Unmatched “{”"),
        ({"name": "a", "text": "Hi {nickname}"}, "Unknown merge field “{nickname}”"),
        ({"name": "a", "text": "x" * 1601}, "1601 characters"),
        ({"name": "hours", "text": "b"}, "this name already"),
    ],
)
def test_what_is_refused_comes_back_as_typed(browser, ada, harbor, typed, words):
    reply(harbor, ada)
    answer = browser.post("/inbox/replies/new/", typed)
    assert answer.status_code == 422 and words in pages.text(answer).replace("&#x27;", "'")
    assert pages.field(answer, "name") == typed["name"]
    assert SavedReply.objects.count() == 1


def test_there_is_a_bound(browser, ada, harbor, monkeypatch):
    monkeypatch.setattr("integrations.inbox.composer.saved_replies.queries.OWN_AT_MOST", 1)
    reply(harbor, ada)
    assert "Delete one first" in pages.text(browser.post("/inbox/replies/new/", {"name": "a", "text": "b"}))


def test_who_may_change_what(browser, ada, harbor):
    ben = f.person("ben")
    own, shared, hers = reply(harbor, ada, "own"), reply(harbor, None, "shared"), reply(harbor, ben, "hers")
    foreign = reply(f.account("Other"), None, "foreign")
    page = pages.text(browser.get("/inbox/replies/"))
    assert "own" in page and "shared" in page and "hers" not in page and "foreign" not in page
    for one, status in ((own, 200), (shared, 403), (hers, 404), (foreign, 404)):
        for address in (f"/inbox/replies/{one.pk}/", f"/inbox/replies/{one.pk}/delete/"):
            assert browser.get(address).status_code == status, address
            if status != 200:
                assert browser.post(address, {"name": "x", "text": "y"}).status_code == status, address
    Membership.objects.filter(user=ada).update(role=Membership.Role.MANAGER)
    assert browser.get(f"/inbox/replies/{shared.pk}/").status_code == 200
    assert browser.get(f"/inbox/replies/{hers.pk}/").status_code == 404


def test_changed_and_deleted(browser, ada, harbor):
    own = reply(harbor, ada, used=4)
    browser.post(f"/inbox/replies/{own.pk}/", {"name": "hours", "text": "Anew"})
    own.refresh_from_db()
    assert (own.text, own.used, own.owner) == ("Anew", 4, ada)
    browser.post(f"/inbox/replies/{own.pk}/delete/")
    assert not SavedReply.objects.exists()


def test_in_the_admin_ones_own_are_ones_own(browser, ada, harbor):
    for owner, name in ((ada, "own"), (None, "shared"), (f.person("ben"), "hers")):
        reply(harbor, owner, name)
    page = pages.text(browser.get("/admin/integrations/savedreply/"))
    assert "own" in page and "shared" in page and "hers" not in page


# --- In a conversation -----------------------------------------------------------------------------------------------


def offered(browser, conversation) -> list[dict]:
    return browser.get(f"/inbox/{conversation.pk}/replies/list/").json()["replies"]


def test_offered_filled_in_and_the_most_used_first(browser, ada, harbor, conversation):
    first = reply(harbor, None, "a", "Hello {last_name}")
    often = reply(harbor, ada, "b", "Hi {first_name}!", used=3)
    reply(harbor, f.person("ben"), "of ben")
    reply(f.account("Other", ada), None, "elsewhere")
    assert offered(browser, conversation) == [
        {"id": often.pk, "name": "b", "text": "Hi {first_name}!", "empty": ["first_name"]},
        {"id": first.pk, "name": "a", "text": "Hello Reyes", "empty": []},
    ]


def test_an_edit_that_salesmsg_has_still_to_take_counts(browser, ada, harbor, conversation):
    reply(harbor)
    conversation.contact.changes.create(account=harbor, kind="contact", values={"first_name": "Dana"}, requested_by=ada)
    assert offered(browser, conversation)[0]["text"] == "Hello Dana, we open at nine."


def test_use_is_counted(browser, ada, harbor, conversation):
    own, hers = reply(harbor, ada), reply(harbor, f.person("ben"))
    assert browser.post(f"/inbox/{conversation.pk}/replies/{own.pk}/used/").status_code == 204
    assert browser.post(f"/inbox/{conversation.pk}/replies/{hers.pk}/used/").status_code == 404
    assert [row.used for row in SavedReply.objects.order_by("pk")] == [1, 0]


def test_foreign_conversations_are_not_there(browser, conversation):
    foreign = f.conversation(f.account("Other"))
    assert browser.get(f"/inbox/{foreign.pk}/replies/list/").status_code == 404
    assert browser.post(f"/inbox/{foreign.pk}/replies/").status_code == 404


def test_without_a_script(browser, ada, harbor, conversation):
    own = reply(harbor, ada)
    page = browser.get(f"/inbox/{conversation.pk}/")
    typed = {"client_uuid": pages.field(page, "client_uuid"), "text": "Good morning!"}
    listed = browser.post(f"/inbox/{conversation.pk}/replies/", typed)
    assert listed.status_code == 200 and pages.inline(listed) == []
    assert "Good morning!" in pages.text(listed) and pages.field(listed, "reply") == str(own.pk)
    filled = browser.post(f"/inbox/{conversation.pk}/replies/", {**typed, "reply": own.pk})
    assert "Good morning! Hello {first_name}, we open at nine." in pages.text(filled)
    assert "This contact has no value for First name. Replace {first_name} with text." in pages.text(filled)
    assert pages.field(filled, "client_uuid") == typed["client_uuid"]
    own.refresh_from_db()
    assert own.used == 1 and not Message.objects.filter(inbound=False).exists()


@pytest.mark.parametrize("way", ["send", "later"])
@pytest.mark.parametrize("htmx", [True, False])
def test_an_empty_field_is_not_sent(browser, conversation, way, htmx):
    page = browser.get(f"/inbox/{conversation.pk}/")
    data = {"client_uuid": pages.field(page, "client_uuid"), "text": "Hello {first_name}!", "zone": "UTC"}
    data |= {"when": f"{timezone.now() + timedelta(days=2):%Y-%m-%dT%H:%M}"} if way == "later" else {}
    headers = {"HX-Request": "true"} if htmx else {}
    answer = browser.post(f"/inbox/{conversation.pk}/{way}/", {**pages.state(page), **data}, headers=headers)
    assert answer.status_code == 422
    assert "This contact has no value for First name. Replace {first_name} with text." in pages.text(answer)
    assert not Message.objects.filter(inbound=False).exists()


def test_a_first_text_with_an_empty_field_is_not_sent(browser, harbor):
    page = browser.get("/inbox/new/")
    data = {name: pages.field(page, name) for name in ("client_uuid", "line")}
    answer = browser.post("/inbox/new/", {**data, "phone": "+13055550199", "text": "Hello {first_name}!"})
    assert answer.status_code == 422 and "no value for First name" in pages.text(answer)
    assert not Message.objects.exists()
