"""No phone, text, token, secret or address query in an error, a repr or a log."""

import logging
import pickle

import pytest

from integrations.salesmsg import errors, oauth, records
from integrations.salesmsg.client import Client
from integrations.salesmsg.http import Request, send
from integrations.salesmsg.redact import redact

from .conftest import TOKEN

SECRETS = ["13055550142", "MyPrivateWords", "dana@example.com", TOKEN, "s3cr3t-of-the-application", "187700101"]
LIBRARIES = ["urllib3", "urllib3.connectionpool", "requests", "requests_oauthlib.oauth2_session", "oauthlib"]


@pytest.fixture
def everything_logged(caplog):
    """All loggers at DEBUG, whatever their level was before."""
    loggers = [logging.getLogger(), *map(logging.getLogger, LIBRARIES), logging.getLogger("integrations.salesmsg.http")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    caplog.handler.setLevel(logging.DEBUG)
    yield caplog
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def clean(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("The number 13055550142 is taken", "The number … is taken"),
        ("Bad +1 (305) 555-0142.", "Bad …."),
        ("Seven 1234567 digits", "Seven … digits"),
        ("Code 21610 and id 123456", "Code 21610 and id 123456"),
        ("dana.r+x@example.co.uk exists", "… exists"),
        (f"Could not decode {TOKEN} now", "Could not decode … now"),
        ("Could not decode token: opaque-word, sorry", "Could not decode token: … sorry"),
        ("Header Bearer abc def", "Header Bearer …"),
        ("bearer abc\nsecond line", "Bearer …"),
        ("at https://x.test/a?number=5&code=zz end", "at https://x.test/a?… end"),
        ("key 0a1b2c3d4e5f60718293a4b5c6d7e8f9 end", "key … end"),
        ("two\n lines\tand   blanks", "two lines and blanks"),
        (None, ""),
        (["a list"], ""),
    ],
)
def test_redact(given, shown):
    assert redact(given) == shown
    assert redact(shown) == shown  # twice is once


def test_redact_cuts():
    assert len(redact("word " * 500)) == 300
    assert redact("a" * 300) == "a" * 300


LEAKY = f"Contact dana@example.com +1 305-555-0142 / 13055550142 with token {TOKEN} and 187700101"


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 422, 429, 500, 504])
def test_errors_hold_nothing(vendor, status):
    vendor.will(status, {"message": LEAKY, "errors": {"number": [LEAKY]}})
    request = Request(
        "POST",
        "/pub/v2.2/contacts/187700101",
        "POST /contacts/{contact}",
        (("number", "+13055550142"),),
        {"m": "MyPrivateWords"},
    )
    with pytest.raises(errors.SalesmsgError) as caught:
        send(vendor.url, TOKEN, request)
    error = caught.value
    clean(str(error) + repr(error) + repr(vars(error)))
    assert str(status) in str(error)
    assert "POST /contacts/{contact}" in str(error)
    assert "Contact …" in str(error)  # the vendor's words do arrive
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(again) is type(error)
    assert vars(again) == vars(error)


def test_an_error_redacts_whoever_makes_it():
    clean(str(errors.Unclear(quote=LEAKY)))
    clean(errors.CredentialRefused(quote=LEAKY).quote)


def test_failures_of_the_network_name_no_address():
    with pytest.raises(errors.Unreachable) as caught:
        send("http://127.0.0.1:1", TOKEN, Request("GET", "/x/187700101", "GET /x", (("term", "MyPrivateWords"),)))
    clean(str(caught.value) + repr(vars(caught.value)))
    assert "127.0.0.1" not in str(caught.value)


def test_reprs_hide_people_and_secrets():
    request = Request("POST", "/x/187700101", "POST /x", (("n", "+13055550142"),), {"t": "MyPrivateWords"})
    contact = records.Contact.parse({"id": 5, "number": "+13055550142", "email": "dana@example.com"})
    message = records.Message.parse({"id": 6, "body": "MyPrivateWords"})
    tokens = oauth.Tokens(TOKEN, TOKEN)
    app = oauth.App("1", "s3cr3t-of-the-application", "a", "t", "r", (), "c")
    shown = repr([request, contact, message, tokens, app])
    clean(shown)
    assert "POST /x" in shown
    assert "<Contact 5>" in shown


def test_logs_of_a_call(vendor, everything_logged):
    client = Client(lambda request: send(vendor.url, TOKEN, request))
    vendor.will(200, {"id": 1, "status": "queued"})
    client.send_message(187700101, "MyPrivateWords +13055550142")
    vendor.will(422, {"message": LEAKY}).will(422, {"message": LEAKY})
    vendor._answers.pop(0)
    with pytest.raises(errors.Invalid):
        client.create_contact("+13055550142", email="dana@example.com")
    clean(everything_logged.text)
    lines = [record.getMessage() for record in everything_logged.records]
    assert len(lines) == 2
    assert lines[0].startswith("POST /messages/{conversation} 200 ok ")
    assert lines[1].startswith("POST /contacts 422 Invalid ")
    assert all(line.endswith(" ms") for line in lines)


def test_logs_of_the_token_endpoints(vendor, everything_logged):
    app = oauth.App(
        "77",
        "s3cr3t-of-the-application",
        vendor.url + "/a",
        vendor.url + "/oauth/token",
        vendor.url + "/oauth/token/refresh",
        (),
        "https://me.test/cb",
    )
    vendor.will(200, {"access_token": TOKEN, "refresh_token": "MyPrivateWords"})
    oauth.exchange(app, "MyPrivateWords", "187700101" * 6)
    oauth.refresh(app, "MyPrivateWords")
    oauth.renew_pat(vendor.url, "v2.2", TOKEN)
    vendor.will(400, {"error": "invalid_grant", "error_description": LEAKY}).will(400, {"error": "invalid_grant"})
    vendor._answers.pop(0)
    with pytest.raises(errors.CredentialRefused):
        oauth.refresh(app, "MyPrivateWords")
    assert len(vendor.seen) == 4
    clean(everything_logged.text)
    assert "POST /oauth/token 200 ok" in everything_logged.text
    assert "POST /oauth/token/refresh 400 CredentialRefused" in everything_logged.text
