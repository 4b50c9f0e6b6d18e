"""Every method as its request reaches the wire, and what it makes of the answer."""

import pytest

from integrations.salesmsg import errors
from integrations.salesmsg.client import LONGEST_QUERY, Client
from integrations.salesmsg.http import Request, send
from integrations.salesmsg.records import Contact, Conversation, Message, Number, Organization, Tag, Team, User

from .conftest import TOKEN

ONE = {"id": 5}
MANY = [{"id": 5}, {"id": 6}]
META = {"current_page": 2, "last_page": 9, "per_page": 10, "total": 83}

# call, method, path below /pub/v2.2, query, JSON, endpoint's words
WIRE = [
    (lambda c: c.user(), "GET", "/user", [], None, "GET /user"),
    (lambda c: c.organization(), "GET", "/organization/current", [], None, "GET /organization/current"),
    (lambda c: c.contact(5), "GET", "/contacts/5", [], None, "GET /contacts/{contact}"),
    (
        lambda c: c.create_contact("+13055550142", first_name="Dana", email="d@example.com"),
        "POST",
        "/contacts",
        [("number", "+13055550142"), ("first_name", "Dana"), ("email", "d@example.com")],
        None,
        "POST /contacts",
    ),
    (lambda c: c.create_tag("VIP"), "POST", "/tags", [("label", "VIP")], None, "POST /tags"),
    (lambda c: c.opt_out(5), "PUT", "/contacts/opt-out/5", [], None, "PUT /contacts/opt-out/{contact}"),
    (lambda c: c.opt_in(5), "PUT", "/contacts/opt-in/5", [], None, "PUT /contacts/opt-in/{contact}"),
    (lambda c: c.conversation(7), "GET", "/conversations/7", [], None, "GET /conversations/{conversation}"),
    (lambda c: c.open_conversation(5), "POST", "/conversations", [("contact_id", "5")], None, "POST /conversations"),
    (
        lambda c: c.open_conversation(5, team_id=9),
        "POST",
        "/conversations",
        [("contact_id", "5"), ("team_id", "9")],
        None,
        "POST /conversations",
    ),
    (
        lambda c: c.close_conversation(7),
        "PUT",
        "/conversations/7/close",
        [],
        None,
        "PUT /conversations/{conversation}/close",
    ),
    (
        lambda c: c.reopen_conversation(7),
        "PUT",
        "/conversations/7/open",
        [],
        None,
        "PUT /conversations/{conversation}/open",
    ),
    (
        lambda c: c.reassign(7, 60031),
        "POST",
        "/conversations/7/reassign",
        [("user_id", "60031")],
        None,
        "POST /conversations/{conversation}/reassign",
    ),
    (
        lambda c: c.reassign(7, None),
        "POST",
        "/conversations/7/reassign",
        [("user_id", "")],
        None,
        "POST /conversations/{conversation}/reassign",
    ),
    (
        lambda c: c.send_message(7, "1 + 1 = 2 & more? #ä\n😀"),
        "POST",
        "/messages/7",
        [("message", "1 + 1 = 2 & more? #ä\n😀")],
        None,
        "POST /messages/{conversation}",
    ),
    (
        lambda c: c.send_message(7, "Ж" * 300, ["https://texts.example.com/p/1.a", "https://texts.example.com/p/2.b"]),
        "POST",
        "/messages/7",
        [
            ("message", "Ж" * 300),
            ("media_url[][url]", "https://texts.example.com/p/1.a"),
            ("media_url[][url]", "https://texts.example.com/p/2.b"),
        ],
        None,
        "POST /messages/{conversation}",
    ),
]

WIRE_OF_LISTS = [
    (lambda c: c.members(), "GET", "/organization/members", [], None, "GET /organization/members"),
    (lambda c: c.teams(), "GET", "/teams", [("limit", "100")], None, "GET /teams"),
    (lambda c: c.numbers(2), "GET", "/numbers", [("page", "2"), ("limit", "100")], None, "GET /numbers"),
    (lambda c: c.tags(2), "GET", "/tags", [("page", "2"), ("length", "100")], None, "GET /tags"),
    (
        lambda c: c.tags(search="VIP & co"),
        "GET",
        "/tags",
        [("search", "VIP & co"), ("page", "1"), ("length", "100")],
        None,
        "GET /tags",
    ),
    (lambda c: c.contacts(2), "GET", "/contacts", [("page", "2")], None, "GET /contacts"),
    (
        lambda c: c.contacts_list(2),
        "POST",
        "/contacts/list",
        [],
        {"page": 2, "length": 100, "sortBy": "updated_at", "sortOrder": "desc"},
        "POST /contacts/list",
    ),
    (
        lambda c: c.find_contacts("Dana & co"),
        "GET",
        "/contacts/search",
        [("term", "Dana & co"), ("limit", "50")],
        None,
        "GET /contacts/search",
    ),
    (
        lambda c: c.contact_conversations(5),
        "GET",
        "/contacts/5/conversations",
        [],
        None,
        "GET /contacts/{contact}/conversations",
    ),
    (
        lambda c: c.conversations("open"),
        "GET",
        "/conversations",
        [("filter", "open"), ("limit", "100"), ("offset", "0")],
        None,
        "GET /conversations",
    ),
    (
        lambda c: c.conversations("closed", 50, 100, after="2026-04-10", inbox_id=9, query=None),
        "GET",
        "/conversations",
        [("filter", "closed"), ("limit", "50"), ("offset", "100"), ("after", "2026-04-10"), ("inbox_id", "9")],
        None,
        "GET /conversations",
    ),
    (
        lambda c: c.messages(7, 3),
        "GET",
        "/messages/7/paginated",
        [("page", "3"), ("per_page", "100")],
        None,
        "GET /messages/{conversation}/paginated",
    ),
    (
        lambda c: c.messages_before(7, before_id=623100210),
        "GET",
        "/messages/7",
        [("limit", "100"), ("before_id", "623100210")],
        None,
        "GET /messages/{conversation}",
    ),
    (
        lambda c: c.messages_before(7, limit=20),
        "GET",
        "/messages/7",
        [("limit", "20")],
        None,
        "GET /messages/{conversation}",
    ),
]

WIRE_OF_WORDS = [
    (lambda c: c.tag_contact(5, 6), "PUT", "/tags/contact/5/6", [], None, "PUT /tags/contact/{contact}/{tag}"),
    (lambda c: c.untag_contact(5, 6), "DELETE", "/tags/contact/5/6", [], None, "DELETE /tags/contact/{contact}/{tag}"),
    (lambda c: c.delete_contact(5), "DELETE", "/contacts/5", [], None, "DELETE /contacts/{contact}"),
    (
        lambda c: c.add_note(5, "Likes tea"),
        "POST",
        "/contacts/note/5/create",
        [("text", "Likes tea")],
        None,
        "POST /contacts/note/{contact}/create",
    ),
    (
        lambda c: c.add_note(5, "é" * 300),
        "POST",
        "/contacts/note/5/create",
        [],
        {"text": "é" * 300},
        "POST /contacts/note/{contact}/create",
    ),
    (
        lambda c: c.set_custom_fields(5, {"plan": "gold", "birthday": ""}),
        "PUT",
        "/contacts/5/custom-fields",
        [],
        {"custom_fields": {"plan": "gold", "birthday": ""}},
        "PUT /contacts/{contact}/custom-fields",
    ),
]


def check_wire(vendor, method, path, query, body):
    seen = vendor.last
    assert (seen.method, seen.path, seen.query) == (method, "/pub/v2.2" + path, query)
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    if body is None:
        assert seen.body == b""
        assert seen.headers["Content-Type"] is None
        assert seen.headers["Content-Length"] == (None if method == "GET" else "0")
    else:
        assert seen.json == body
        assert seen.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("call", "method", "path", "query", "body", "endpoint"), WIRE)
def test_requests_for_one(vendor, client, call, method, path, query, body, endpoint):
    vendor.will(200, ONE)
    assert call(client).id == 5
    check_wire(vendor, method, path, query, body)
    assert len(vendor.seen) == 1


@pytest.mark.parametrize(("call", "method", "path", "query", "body", "endpoint"), WIRE_OF_LISTS)
def test_requests_for_many(vendor, client, call, method, path, query, body, endpoint):
    vendor.will(200, MANY)
    found = call(client)
    assert [item.id for item in getattr(found, "items", found)] == [5, 6]
    check_wire(vendor, method, path, query, body)


@pytest.mark.parametrize(("call", "method", "path", "query", "body", "endpoint"), WIRE_OF_WORDS)
@pytest.mark.parametrize("answer", [{"type": "success", "message": "Tag added"}, ["deleted"], None])
def test_requests_for_words(vendor, client, call, method, path, query, body, endpoint, answer):
    vendor.will(200, answer)
    assert call(client) is None
    check_wire(vendor, method, path, query, body)


@pytest.mark.parametrize(("call", "method", "path", "query", "body", "endpoint"), WIRE + WIRE_OF_LISTS + WIRE_OF_WORDS)
def test_what_the_door_is_told(call, method, path, query, body, endpoint):
    asked: list[Request] = []

    def session(request):
        asked.append(request)
        return {"data": [ONE]} if (call, method) in reads else ONE

    reads = {(row[0], row[1]) for row in WIRE_OF_LISTS}
    call(Client(session))
    assert asked[0].endpoint == endpoint
    assert asked[0].write is (method != "GET" and path != "/contacts/list")
    assert not any(character.isdigit() for character in asked[0].endpoint)


@pytest.mark.parametrize(("call", "method", "path", "query", "body", "endpoint"), WIRE)
@pytest.mark.parametrize(
    "answer", [None, [], {}, {"type": "success", "message": "Done"}, {"data": {"name": "x"}}, b"OK"]
)
def test_an_answer_without_a_record_is_never_success(vendor, client, call, method, path, query, body, endpoint, answer):
    vendor.will(200, answer)
    with pytest.raises(errors.Unreadable) as caught:
        call(client)
    assert caught.value.done is None
    assert caught.value.endpoint == endpoint


@pytest.mark.parametrize(("call", "method", "path", "query", "body", "endpoint"), WIRE_OF_WORDS)
def test_a_web_page_is_no_success_either(vendor, client, call, method, path, query, body, endpoint):
    vendor.will(200, b"<!DOCTYPE html>Log in")
    with pytest.raises(errors.Unreadable):
        call(client)


def test_words_that_say_no(vendor, client):
    vendor.will(200, {"type": "error", "message": "No such tag"})
    with pytest.raises(errors.Refused):
        client.tag_contact(5, 6)


@pytest.mark.parametrize("wrapped", [ONE, {"data": ONE}, {"conversation": ONE}])
def test_partial_and_wrapped_answers_of_writes(vendor, client, wrapped):
    vendor.will(200, wrapped)
    closed = client.close_conversation(5)
    assert (closed.id, closed.present) == (5, frozenset())


def test_kinds_of_records(vendor, client):
    vendor.will(200, ONE)
    one = [client.user(), client.organization(), client.contact(5), client.conversation(5), client.send_message(5, "x")]
    assert [type(record) for record in one] == [User, Organization, Contact, Conversation, Message]
    vendor.will(200, MANY).will(200, MANY)
    vendor._answers.pop(0)
    many = [client.members(), client.teams(), client.numbers().items, client.tags().items, client.messages(5).items]
    assert [type(records[0]) for records in many] == [User, Team, Number, Tag, Message]


def test_a_page(vendor, client):
    vendor.will(200, {"data": MANY, "meta": META})
    found = client.contacts(2)
    assert (found.total, found.last_page, found.page, found.count, len(found.items)) == (83, 9, 2, 2, 2)


def test_an_empty_page(vendor, client):
    vendor.will(200, {"data": [], "meta": META})
    found = client.contacts(9)
    assert (found.items, found.count, found.last_page) == ([], 0, 9)


def test_a_row_without_id_spoils_the_page(vendor, client):
    vendor.will(200, {"data": [{"id": 5}, {"name": "x"}]})
    with pytest.raises(errors.Unreadable) as caught:
        client.contacts()
    assert caught.value.endpoint == "GET /contacts"


def test_teams_at_the_older_address(vendor, client):
    vendor.will(404, {"message": "No."}).will(200, MANY)
    assert [team.id for team in client.teams()] == [5, 6]
    assert [seen.path for seen in vendor.seen] == ["/pub/v2.2/teams", "/pub/v2.2/teams/all"]
    assert vendor.last.query == []


def test_teams_that_fail_otherwise_are_asked_once(vendor, client):
    vendor.will(403, {"message": "This action is unauthorized."})
    with pytest.raises(errors.NotAllowed):
        client.teams()
    assert len(vendor.seen) == 1


def test_contact_edit(vendor, client):
    vendor.will(200, {"id": 5, "first_name": "Dana"})
    edited = client.update_contact(5, first_name="Dana", last_name="", email="d@example.com", phone="+13055550142")
    assert (vendor.last.method, vendor.last.path, vendor.last.query) == ("PUT", "/api/v4/contacts/5", [])
    assert vendor.last.json == {
        "first_name": "Dana",
        "last_name": "",
        "email": "d@example.com",
        "number": "+13055550142",
    }
    assert edited.present == {"first_name"}


@pytest.mark.parametrize("status", [404, 405])
def test_contact_edit_at_the_other_path(vendor, client, status):
    vendor.will(status, {"message": "No."}).will(200, {"data": {"id": 5}})
    assert client.update_contact(5, email="").id == 5
    assert [(seen.method, seen.path, seen.json) for seen in vendor.seen] == [
        ("PUT", "/api/v4/contacts/5", {"email": ""}),
        ("PUT", "/pub/v2.2/contacts/5", {"email": ""}),
    ]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(422, errors.Invalid), (409, errors.Refused), (403, errors.NotAllowed), (500, errors.VendorTrouble)],
)
def test_contact_edit_refused_is_not_tried_elsewhere(vendor, client, status, kind):
    vendor.will(status, {"message": "No."})
    with pytest.raises(kind):
        client.update_contact(5, email="x")
    assert len(vendor.seen) == 1


def test_contact_that_is_gone_at_both_paths(vendor, client):
    vendor.will(404, {"message": "No."})
    with pytest.raises(errors.NotFound):
        client.update_contact(5, email="x")
    assert len(vendor.seen) == 2


@pytest.mark.parametrize("fields", [{}, {"number": "+13055550142"}, {"email": "x", "color": "red"}])
def test_contact_edit_of_unknown_fields_never_leaves(vendor, client, fields):
    with pytest.raises(ValueError, match="first_name"):
        client.update_contact(5, **fields)
    assert vendor.seen == []


def test_the_contact_that_exists(vendor, client):
    vendor.will(422, {"message": "The number has already been taken.", "contact_id": [187700101]})
    with pytest.raises(errors.Invalid) as caught:
        client.create_contact("+13055550142")
    assert caught.value.contact_id == 187700101


@pytest.mark.parametrize(
    ("answer", "ids"),
    [(MANY, [5, 6]), ({"data": MANY}, [5, 6]), (ONE, [5]), ({"data": ONE}, [5]), (None, []), ([], [])],
)
def test_conversations_of_a_contact(vendor, client, answer, ids):
    vendor.will(204 if answer is None else 200, answer)
    assert [found.id for found in client.contact_conversations(9)] == ids


@pytest.mark.parametrize(
    ("text", "in_the_query"),
    [("a" * LONGEST_QUERY, True), ("a" * (LONGEST_QUERY + 1), False), ("ä" * 250, True), ("ä" * 251, False)],
)
def test_long_texts_go_as_json(vendor, client, text, in_the_query):
    vendor.will(200, ONE)
    client.send_message(7, text)
    check_wire(
        vendor,
        "POST",
        "/messages/7",
        [("message", text)] if in_the_query else [],
        None if in_the_query else {"message": text},
    )


def test_a_200_can_be_a_failure(vendor, client):
    vendor.will(200, {"id": 5, "status": "failed", "failed_reason": "21610 unsubscribed", "user_id": 3})
    sent = client.send_message(7, "Hi")
    assert (sent.state, sent.failed_reason) == ("failed", "21610 unsubscribed")


@pytest.mark.parametrize("status", [408, 429, 500, 504])
def test_a_text_is_never_repeated_by_itself(vendor, client, status):
    vendor.will(status, None)
    with pytest.raises(errors.SalesmsgError):
        client.send_message(7, "Hi")
    assert len(vendor.seen) == 1


def test_another_version_and_edit_path(vendor):
    client = Client(
        lambda request: send(vendor.url, TOKEN, request),
        version="v2.3",
        contact_edit_path="/pub/v2.3/contacts/{contact}",
    )
    vendor.will(200, ONE)
    client.user()
    client.update_contact(5, email="x")
    assert [seen.path for seen in vendor.seen] == ["/pub/v2.3/user", "/pub/v2.3/contacts/5"]


def test_ids_are_numbers_before_they_are_paths(client, vendor):
    with pytest.raises(ValueError, match="invalid literal"):
        client.contact("5/../../evil")
    assert vendor.seen == []
