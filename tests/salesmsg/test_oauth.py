"""Consent, exchange, both spellings of the refresh, renewal of personal tokens, and every way to be denied."""

import base64
import hashlib
import json
import os
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from integrations.salesmsg import errors, oauth

from .conftest import TOKEN

GRANTED = {"token_type": "Bearer", "expires_in": 86340, "access_token": "new-access", "refresh_token": "new-refresh"}


@pytest.fixture
def app(vendor) -> oauth.App:
    return oauth.App(
        client_id="77",
        client_secret="s3cret & more",
        authorize_url="https://app.salesmessage.com/auth/oauth",
        token_url=vendor.url + "/pub/v2.2/oauth/token",
        refresh_url=vendor.url + "/pub/v2.2/oauth/token",
        scopes=("contacts:read", "messages:write"),
        redirect_uri="https://portal.example/accounts/callback/",
    )


def jwt(**claims) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{middle}.x"


def close_to(moment: datetime | None, seconds: int) -> bool:
    return abs(moment - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=60)


def test_the_consent_page(app):
    address, verifier = oauth.authorize_url(app, "state-1")
    parts = urlsplit(address)
    asked = {name: value[0] for name, value in parse_qs(parts.query).items()}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert address.startswith(app.authorize_url + "?")
    assert asked == {
        "response_type": "code",
        "client_id": "77",
        "redirect_uri": app.redirect_uri,
        "scope": "contacts:read messages:write",
        "state": "state-1",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    assert 43 <= len(verifier) <= 128
    assert oauth.authorize_url(app, "state-1")[1] != verifier


def test_exchange(vendor, app):
    vendor.will(200, GRANTED)
    tokens = oauth.exchange(app, "the-code", "the-verifier")
    seen = vendor.last
    assert (seen.method, seen.path, seen.query) == ("POST", "/pub/v2.2/oauth/token", [])
    assert seen.form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": app.redirect_uri,
        "client_id": "77",
        "client_secret": "s3cret & more",
        "code_verifier": "the-verifier",
    }
    assert seen.headers["Authorization"] is None  # no Basic
    assert seen.headers["Accept"] == "application/json"
    assert (tokens.access_token, tokens.refresh_token) == ("new-access", "new-refresh")
    assert tokens.scopes == app.scopes
    assert tokens.expires_at.tzinfo is UTC
    assert close_to(tokens.expires_at, 86340)
    assert len(vendor.seen) == 1


def test_exchange_without_a_code_never_leaves(vendor, app):
    with pytest.raises(errors.CredentialRefused):
        oauth.exchange(app, "", "v")
    assert vendor.seen == []


def test_a_netrc_adds_no_basic(vendor, app, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    vendor.will(200, GRANTED)
    oauth.exchange(app, "c", "v")
    oauth.refresh(app, "r")
    assert [seen.headers["Authorization"] for seen in vendor.seen] == [None, None]


@pytest.mark.parametrize(
    ("path", "scopes", "scope"),
    [
        ("/pub/v2.2/oauth/token/refresh", ("contacts:read", "tags:read"), "contacts:read tags:read"),
        ("/pub/v2.2/oauth/token/refresh/", ("contacts:read",), "contacts:read"),
        ("/pub/v2.2/oauth/token/refresh", (), "public-api"),
        ("/pub/v2.2/oauth/token", ("contacts:read",), None),
    ],
)
def test_both_spellings_of_the_refresh(vendor, app, path, scopes, scope):
    vendor.will(200, GRANTED)
    tokens = oauth.refresh(replace(app, refresh_url=vendor.url + path, scopes=scopes), "old-refresh")
    expected = {
        "grant_type": "refresh_token",
        "refresh_token": "old-refresh",
        "client_id": "77",
        "client_secret": "s3cret & more",
    }
    assert vendor.last.form == expected | ({"scope": scope} if scope else {})
    assert vendor.last.path == path
    assert vendor.last.headers["Authorization"] is None
    assert (tokens.access_token, tokens.refresh_token, tokens.scopes) == ("new-access", "new-refresh", scopes)


@pytest.mark.parametrize("missing", [{}, {"refresh_token": None}, {"refresh_token": ""}])
def test_the_old_refresh_token_is_kept(vendor, app, missing):
    vendor.will(200, {"access_token": "new-access", "expires_in": 60} | missing)
    assert oauth.refresh(app, "old-refresh").refresh_token == "old-refresh"
    assert oauth.exchange(app, "c", "v").refresh_token is None


@pytest.mark.parametrize("scope", ["contacts:read", "contacts:read  more:write extra:read"])
def test_changed_scopes_are_believed(vendor, app, scope):
    vendor.will(200, GRANTED | {"scope": scope})
    assert oauth.exchange(app, "c", "v").scopes == tuple(scope.split())
    assert oauth.refresh(app, "r").scopes == tuple(scope.split())


@pytest.mark.parametrize("given", [3600, "3600", 3600.0])
def test_expires_in_is_believed(vendor, app, given):
    vendor.will(200, GRANTED | {"expires_in": given, "access_token": jwt(exp=4_000_000_000)})
    assert close_to(oauth.refresh(app, "r").expires_at, 3600)


@pytest.mark.parametrize("given", [None, "soon", "", [], 0, -5])
def test_a_strange_expires_in_loses_no_token(vendor, app, given):
    vendor.will(200, GRANTED | {"expires_in": given, "access_token": jwt(exp=4_000_000_000)})
    for tokens in (oauth.exchange(app, "c", "v"), oauth.refresh(app, "r")):
        assert tokens.expires_at == datetime.fromtimestamp(4_000_000_000, UTC)
        assert tokens.refresh_token == "new-refresh"


def test_nobody_says_when(vendor, app):
    vendor.will(200, {"access_token": "opaque"})
    assert oauth.refresh(app, "r").expires_at is None


@pytest.mark.parametrize("word", ["invalid_grant", "invalid_client", "invalid_request", "unauthorized_client"])
@pytest.mark.parametrize("status", [400, 401])
def test_denied(vendor, app, status, word):
    said = {"error": word, "error_description": "The refresh token is invalid.", "hint": "Token has been revoked"}
    vendor.will(status, said)
    for ask in (lambda: oauth.refresh(app, "old-refresh"), lambda: oauth.exchange(app, "the-code", "v")):
        with pytest.raises(errors.CredentialRefused) as caught:
            ask()
        error = caught.value
        assert error.quote == "The refresh token is invalid."
        assert (error.status, error.endpoint, error.__context__) == (status, "POST /oauth/token", None)
        frames = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
        assert not [name for name in frames if "requests" in name or "oauthlib" in name]  # their frames hold the body
        for secret in ("s3cret", "old-refresh", "the-code"):
            assert secret not in str(error) + repr(vars(error))


def test_denied_with_200(vendor, app):
    vendor.will(200, {"error": "invalid_grant", "error_description": "Used up."})
    with pytest.raises(errors.CredentialRefused, match="Used up"):
        oauth.refresh(app, "r")


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({"status": 429}, errors.RateLimited),
        ({"status": 404, "body": {"message": "x"}}, errors.NotFound),
        ({"status": 400, "body": {"error": "invalid_scope"}}, errors.Invalid),
        ({"status": 500, "body": {"message": "Server Error"}}, errors.VendorTrouble),
        ({"status": 504}, errors.TimedOut),
        ({"body": b"<!DOCTYPE html>", "headers": {"Content-Type": "text/html"}}, errors.Unreadable),
        ({"body": {"token_type": "Bearer"}}, errors.Unreadable),
        ({"body": {"access_token": ""}}, errors.Unreadable),
        ({"body": {"access_token": None}}, errors.Unreadable),
        ({"body": []}, errors.Unreadable),
        ({"body": None}, errors.Unreadable),
        ({"body": b'{"access_token": "x"'}, errors.Unreadable),
        ({"body": b"access_token=form&refresh_token=encoded"}, errors.Unreadable),
        ({"body": b'{"access_token": "x"}', "length": 900}, errors.Unreadable),
        ({"drop": True}, errors.ConnectionBroken),
        ({"wait": 0.5, "body": GRANTED}, errors.TimedOut),
    ],
)
def test_every_other_failure(vendor, app, how, kind):
    vendor.will(**how)
    for ask in (oauth.refresh, lambda app, code, timeout: oauth.exchange(app, code, "v", timeout=timeout)):
        with pytest.raises(errors.SalesmsgError) as caught:
            ask(app, "secret-credential", timeout=(1, 0.15))
        assert type(caught.value) is kind
        assert caught.value.__context__ is None
        assert caught.value.endpoint == "POST /oauth/token"
        assert "secret-credential" not in str(caught.value) + repr(vars(caught.value))
    assert len(vendor.seen) == 2


def test_redirects_carry_no_secret_away(vendor, app):
    vendor.will(307, headers={"Location": vendor.url + "/elsewhere"})
    with pytest.raises(errors.Refused):
        oauth.refresh(app, "r")
    assert [seen.path for seen in vendor.seen] == ["/pub/v2.2/oauth/token"]


def test_nobody_listens(app):
    with pytest.raises(errors.Unreachable):
        oauth.refresh(replace(app, refresh_url="http://127.0.0.1:1/oauth/token"), "r")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.salesmessage.com/x",
        "http://10.0.0.1/x",
        "http://127.0.0.1.evil.test/x",
        "ftp://localhost",
        "",
        "http://[::1",
    ],
)
def test_plain_http_is_refused_beyond_this_machine(app, url, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # even then
    other = replace(app, authorize_url=url, token_url=url, refresh_url=url)
    asks = [
        lambda: oauth.authorize_url(other, "s"),
        lambda: oauth.exchange(other, "c", "v"),
        lambda: oauth.refresh(other, "r"),
        lambda: oauth.renew_pat(url, "v2.2", TOKEN),
    ]
    for ask in asks:
        with pytest.raises(errors.Refused):
            ask()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_plain_http_on_this_machine(app, host, monkeypatch):
    monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT", raising=False)
    address, _ = oauth.authorize_url(replace(app, authorize_url=f"http://{host}:8900/auth/oauth"), "s")
    assert address.startswith(f"http://{host}:8900/auth/oauth?")
    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ


def test_the_switch_is_put_back(vendor, app, monkeypatch):
    monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT", raising=False)
    vendor.will(400, {"error": "invalid_grant"})
    with pytest.raises(errors.CredentialRefused):
        oauth.refresh(app, "r")
    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: {"data": body}])
def test_renewal_of_a_personal_token(vendor, wrap):
    vendor.will(200, wrap({"access_token": "next", "expires_in": 3600}))
    tokens = oauth.renew_pat(vendor.url, "v2.3", TOKEN)
    seen = vendor.last
    assert (seen.method, seen.path, seen.body) == ("POST", "/pub/v2.3/oauth/personal-token/refresh", b"")
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["Content-Length"] == "0"
    assert (tokens.access_token, tokens.refresh_token) == ("next", None)
    assert close_to(tokens.expires_at, 3600)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, {"message": "explicit deny in an identity-based policy"}, errors.CredentialRefused),
        (401, {"message": "Unauthorized"}, errors.CredentialRefused),
        (404, {"message": "No."}, errors.NotFound),
        (429, None, errors.RateLimited),
        (200, None, errors.Unreadable),
        (200, {"expires_in": 3600}, errors.Unreadable),
        (200, ["x"], errors.Unreadable),
        (502, None, errors.VendorTrouble),
    ],
)
def test_renewal_that_fails(vendor, status, body, kind):
    vendor.will(status, body)
    with pytest.raises(kind) as caught:
        oauth.renew_pat(vendor.url, "v2.2", TOKEN)
    assert TOKEN not in str(caught.value) + repr(vars(caught.value))
    assert len(vendor.seen) == 1


def test_expiry_of_a_jwt():
    assert oauth.expiry_of(jwt(exp=1_775_812_527)) == datetime(2026, 4, 10, 9, 15, 27, tzinfo=UTC)
    assert oauth.expiry_of(jwt(exp=1_775_812_527.5)).microsecond == 500_000
    assert oauth.expiry_of(TOKEN) == datetime.fromtimestamp(4_000_000_000, UTC)


@pytest.mark.parametrize(
    "token",
    ["", "opaque", "a.b.c", "a..c", "a.käse.c", "x.W10.z", jwt(), jwt(exp="soon"), jwt(exp=1e30), jwt(exp=None)],
)
def test_no_expiry(token):
    assert oauth.expiry_of(token) is None
