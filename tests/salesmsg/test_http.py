"""What every answer and every failure of the network means, against a real server."""

import gzip
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from integrations.failures import Code
from integrations.salesmsg import errors
from integrations.salesmsg.http import LARGEST, Request, send

from .conftest import TOKEN

GET = Request("GET", "/pub/v2.2/contacts/187700101", "GET /contacts/{contact}")
POST = Request("POST", "/pub/v2.2/messages/5", "POST /messages/{conversation}", (("message", "Hi"),), write=True)


def failure(vendor, request=GET, timeout=(2, 2)) -> errors.SalesmsgError:
    with pytest.raises(errors.SalesmsgError) as caught:
        send(vendor.url, TOKEN, request, timeout=timeout)
    return caught.value


ANSWERS = [
    # 2.5: what a bad credential gets
    (401, {"message": "Unauthorized", "auth_required": False}, errors.CredentialRefused),
    (401, None, errors.CredentialRefused),
    (401, {"message": "Unauthenticated."}, errors.CredentialRefused),
    (403, {"message": "Could not decode token: x", "auth_required": True, "status": 403}, errors.CredentialRefused),
    (403, {"message": "Forbidden", "auth_required": True}, errors.CredentialRefused),
    (403, {"message": "Unauthenticated."}, errors.CredentialRefused),
    (
        403,
        {"Message": "x", "message": "User is not authorized with an explicit deny in an identity-based policy"},
        errors.CredentialRefused,
    ),
    # rights, and the trap of section 11
    (403, {"message": "This action is unauthorized."}, errors.NotAllowed),
    (403, {"message": "This action is unauthorized.", "auth_required": False}, errors.NotAllowed),
    (403, {"message": "This action is unauthorized.", "auth_required": True}, errors.CredentialRefused),
    (403, {"message": "Invalid scope(s) provided."}, errors.NotAllowed),
    (403, {"message": "The token does not carry the scope contacts:write"}, errors.NotAllowed),
    (403, {"message": "Forbidden"}, errors.NotAllowed),
    (403, None, errors.NotAllowed),
    (403, b"<html>Forbidden</html>", errors.NotAllowed),
    (403, {"message": "Missing Authentication Token"}, errors.NotFound),
    (404, {"message": "Not found"}, errors.NotFound),
    (404, b"<!DOCTYPE html>", errors.NotFound),
    (400, {"message": "bad"}, errors.Invalid),
    (400, {"error": "invalid_request"}, errors.Invalid),
    (422, {"message": "The given data was invalid.", "errors": {"number": ["Wrong."]}}, errors.Invalid),
    (409, {"message": "Contact exists", "contact_id": 7}, errors.Invalid),
    (409, {"message": "Conflict"}, errors.Refused),
    (405, {"message": "no"}, errors.Refused),
    (413, None, errors.Refused),
    (408, None, errors.TimedOut),
    (504, {"message": "Endpoint request timed out"}, errors.TimedOut),
    (429, {"message": "Too Many Attempts."}, errors.RateLimited),
    (429, None, errors.RateLimited),
    (429, b"<html>slow down</html>", errors.RateLimited),
    (500, {"message": "Server Error"}, errors.VendorTrouble),
    (500, {"message": "Unauthorized"}, errors.VendorTrouble),
    (502, b"<html>Bad gateway</html>", errors.VendorTrouble),
    (503, None, errors.VendorTrouble),
]


@pytest.mark.parametrize(("status", "body", "kind"), ANSWERS)
def test_an_answer_has_one_meaning(vendor, status, body, kind):
    error = failure(vendor.will(status, body))
    assert type(error) is kind
    assert error.status == status
    assert error.endpoint == "GET /contacts/{contact}"
    assert error.__cause__ is None
    assert error.__context__ is None
    assert error.__suppress_context__
    assert error.code == kind.default
    assert str(status) in str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("kind", "done", "again"),
    [
        (errors.Unreachable, False, "later"),
        (errors.RateLimited, False, "after_block"),
        (errors.CredentialRefused, False, "after_renewal"),
        (errors.NotAllowed, False, "never"),
        (errors.NotFound, False, "never"),
        (errors.Invalid, False, "never"),
        (errors.Refused, False, "never"),
        (errors.TimedOut, None, "later"),
        (errors.VendorTrouble, None, "later"),
        (errors.ConnectionBroken, None, "later"),
        (errors.Unreadable, None, "later"),
    ],
)
def test_the_two_questions(kind, done, again):
    assert (kind.done, kind.again) == (done, again)
    assert issubclass(kind, errors.Unclear if done is None else errors.NotDone)
    assert kind().code in Code.values, "every class has words"


def test_a_silent_500_may_be_a_bad_token(vendor):
    assert failure(vendor.will(500, {"message": None})).maybe_credential is True


@pytest.mark.parametrize("body", [{"message": "Server Error"}, {}, None, b"<html>", []])
def test_other_500s_are_not(vendor, body):
    assert failure(vendor.will(500, body)).maybe_credential is False


def test_a_silent_502_is_the_gateways(vendor):
    assert failure(vendor.will(502, {"message": None})).maybe_credential is False


def test_fields_of_a_validation(vendor):
    error = failure(vendor.will(422, {"message": "No.", "errors": {"number": ["Taken.", "Bad."], "email": "Odd."}}))
    assert error.fields == {"number": ["Taken.", "Bad."], "email": ["Odd."]}
    assert error.contact_id is None
    assert error.quote == "No. Taken. Bad. Odd."


def test_fields_at_the_top_level(vendor):
    error = failure(vendor.will(400, {"message": ["One.", "Two."], "number": ["Taken."], "contact_id": [9]}))
    assert error.fields == {"number": ["Taken."]}
    assert error.contact_id == 9
    assert error.quote == "One. Two. Taken."


@pytest.mark.parametrize(("given", "read"), [(187700101, 187700101), ([187700101], 187700101), ("7", 7), ([], None)])
def test_the_contact_that_exists(vendor, given, read):
    assert failure(vendor.will(422, {"message": "exists", "contact_id": given})).contact_id == read


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "First", "error": "e"}, "First"),
        ({"message": None, "error_description": "Second", "error": "e"}, "Second"),
        ({"message": "", "error": "Third"}, "Third"),
    ],
)
def test_the_vendors_words(vendor, body, words):
    assert failure(vendor.will(409, body)).quote == words


@pytest.mark.parametrize(("header", "seconds"), [("17", 17), ("-3", 0), ("soon", None), ("", None)])
def test_retry_after(vendor, header, seconds):
    assert failure(vendor.will(429, headers={"Retry-After": header})).retry_after == seconds


def test_retry_after_a_date(vendor):
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    assert 30 < failure(vendor.will(429, headers={"Retry-After": until})).retry_after <= 40


def test_redirects_are_not_followed(vendor):
    error = failure(vendor.will(302, headers={"Location": vendor.url + "/elsewhere"}))
    assert type(error) is errors.Refused
    assert [seen.path for seen in vendor.seen] == [GET.path]


def test_no_retries_and_no_reuse(vendor):
    vendor.will(200, {"id": 1})
    send(vendor.url, TOKEN, GET)
    send(vendor.url, TOKEN, GET)
    assert (len(vendor.seen), vendor.connections) == (2, 2)
    vendor.will(503).will(503)
    vendor._answers.pop(0)
    failure(vendor)
    assert len(vendor.seen) == 3


def test_headers_and_address(vendor):
    vendor.will(200, {"id": 1})
    send(vendor.url + "/", TOKEN, POST)
    assert vendor.last.path == POST.path
    assert vendor.last.query == [("message", "Hi")]
    assert vendor.last.headers["Authorization"] == f"Bearer {TOKEN}"
    assert vendor.last.headers["Accept"] == "application/json"
    assert vendor.last.headers["Content-Length"] == "0"
    assert vendor.last.headers["Content-Type"] is None


def test_a_json_body(vendor):
    vendor.will(200, {"id": 1})
    send(vendor.url, TOKEN, Request("PUT", "/x", "PUT /x", json={"a": "ä"}))
    assert vendor.last.json == {"a": "ä"}
    assert vendor.last.headers["Content-Type"].startswith("application/json")


def test_a_netrc_does_not_replace_the_token(vendor, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    vendor.will(200, {"id": 1})
    send(vendor.url, TOKEN, GET)
    assert vendor.last.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(("status", "body"), [(204, None), (200, None), (202, b"  \n")])
def test_nothing_is_none(vendor, status, body):
    assert send(vendor.will(status, body).url, TOKEN, GET) is None


@pytest.mark.parametrize("body", [{"id": 1}, [], [1], "word", 0])
def test_json_comes_as_it_is(vendor, body):
    assert send(vendor.will(200, body).url, TOKEN, GET) == body


def test_gzip_and_chunks(vendor):
    packed = gzip.compress(b'{"id": 5}')
    assert send(vendor.will(200, packed, headers={"Content-Encoding": "gzip"}).url, TOKEN, GET) == {"id": 5}


def test_what_no_database_takes_is_taken_out(vendor):
    vendor.will(200, b'{"a": ["x\\u0000y", "\\ud83d", "\\ud83d\\ude00"], "b\\u0000": 1}')
    assert send(vendor.url, TOKEN, GET) == {"a": ["xy", "?", "😀"], "b": 1}


UNREADABLE = [
    {"body": b"<!DOCTYPE html><p>Log in", "headers": {"Content-Type": "text/html"}},
    {"body": b"\n <html>"},
    {"body": b'{"id": 1}', "headers": {"Content-Type": "text/html; charset=utf-8"}},
    {"body": b'{"id": 1, "na'},
    {"body": b'{"id": 1}', "length": 4000},
    {"body": b'{"id": 1}', "chunked": True},
    {"body": b"OK"},
    {"body": b"[" * 100_000},
    {"body": b"\xff\xfe\xfd"},
    {"body": b"no gzip", "headers": {"Content-Encoding": "gzip"}},
    {"body": b'{"id": 1}', "headers": {"Content-Length": "5, 9"}, "length": 9},
]


@pytest.mark.parametrize("how", UNREADABLE)
def test_2xx_that_cannot_be_read(vendor, how):
    assert type(failure(vendor.will(200, **how), POST)) is errors.Unreadable


def test_a_huge_answer_is_not_swallowed(vendor):
    bomb = gzip.compress(b'"' + b"a" * (LARGEST + 10) + b'"')
    error = failure(vendor.will(200, bomb, headers={"Content-Encoding": "gzip"}))
    assert type(error) is errors.Unreadable
    assert error.code == "answer_too_large"


def test_a_refusal_counts_also_when_its_body_broke_off(vendor):
    assert type(failure(vendor.will(429, b'{"mess', length=4000), POST)) is errors.RateLimited


def test_dropped_after_the_request_left(vendor):
    for reset in (False, True):
        error = failure(vendor.will(drop=True, reset=reset), POST)
        assert type(error) is errors.ConnectionBroken
        assert error.status is None


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(errors.Unreachable) as caught:
        send(f"http://127.0.0.1:{port}", TOKEN, POST)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "base", ["http://no-such-host.invalid", "nonsense", "ftp://127.0.0.1", "http://", "http://[::1", "https://a..b"]
)
def test_addresses_that_lead_nowhere(base):
    with pytest.raises(errors.Unreachable):
        send(base, TOKEN, POST, timeout=(1, 1))


def test_slow_answers_time_out(vendor):
    error = failure(vendor.will(200, {"id": 1}, wait=1.5), POST, timeout=(2, 0.2))
    assert type(error) is errors.TimedOut


def test_a_body_that_never_ends_times_out(raw_server):
    gone = threading.Event()

    def half(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")
        gone.wait(1)

    port = raw_server(half)
    with pytest.raises(errors.TimedOut) as caught:
        send(f"http://127.0.0.1:{port}", TOKEN, POST, timeout=(1, 0.2))
    gone.set()
    assert caught.value.status == 200


@pytest.mark.parametrize("how", ["closes", "talks plain", "says nothing"])
def test_a_failed_handshake_surely_sent_nothing(raw_server, how):
    gone = threading.Event()

    def behave(connection):
        if how == "talks plain":
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif how == "says nothing":
            gone.wait(1)

    port = raw_server(behave)
    with pytest.raises(errors.Unreachable):
        send(f"https://127.0.0.1:{port}", TOKEN, POST, timeout=(0.3, 0.3))
    gone.set()


def test_a_missing_certificate_bundle_surely_sent_nothing(vendor, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
    with pytest.raises(errors.Unreachable):
        send(vendor.url.replace("http:", "https:"), TOKEN, POST)
    assert vendor.seen == []


def test_a_proxy_that_is_away_surely_sent_nothing(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(errors.Unreachable):
        send("http://api.example.invalid", TOKEN, POST)


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "käse"])
def test_a_token_that_cannot_be_one_never_leaves(vendor, token):
    vendor.will(200, {"id": 1})
    with pytest.raises(errors.CredentialRefused):
        send(vendor.url, token, GET)
    assert vendor.seen == []


def test_text_that_cannot_be_sent_never_leaves(vendor):
    vendor.will(200, {"id": 1})
    with pytest.raises(errors.Invalid):
        send(vendor.url, TOKEN, Request("POST", "/x", "POST /x", (("message", "\ud83d"),)))
    assert vendor.seen == []
