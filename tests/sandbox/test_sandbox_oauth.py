"""Credentials, by salesmsg-api.md section 2."""

import base64
import hashlib
import json
import re
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from integrations.sandbox import oauth

from .conftest import CALLBACK, SCOPES, ask


def _bare(vendor, path: str, token: str | None) -> requests.Response:
    return ask("GET", f"{vendor.url}/pub/v2.2{path}", token)


# -- consent --------------------------------------------------------------------------------------------------


def test_a_person_sees_who_asks_for_what_and_nothing_else_is_in_the_page(vendor):
    scope = "contacts:read messages:write"
    query = {"response_type": "code", "client_id": "1001", "redirect_uri": CALLBACK, "scope": scope, "state": '"><b>'}
    page = vendor.call("GET", "/auth/oauth", params=query)
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    assert "Sam Ortiz" in page.text and "Approve" in page.text and "Deny" in page.text
    assert re.findall(r"<span>([^<]+)</span><small>([^<]+)</small></li>", page.text) == [
        ("Contacts", "See"),
        ("Messages", "Change"),
    ]
    assert "&quot;&gt;&lt;b&gt;" in page.text and '"><b>' not in page.text


def test_approval_returns_a_code_and_the_same_state(vendor):
    answer = vendor.consent(redirect_uri="http://localhost:8000/back?here=1")
    assert answer.status_code == 302
    target = urlsplit(answer.headers["Location"])
    assert target.netloc == "localhost:8000" and target.path == "/back"
    query = parse_qs(target.query)
    assert query["here"] == ["1"] and query["state"] == ["s t&1"] and len(query["code"][0]) > 20


def test_denial_returns_an_error_and_the_state(vendor):
    query = parse_qs(urlsplit(vendor.consent("deny").headers["Location"]).query)
    assert query["error"] == ["access_denied"] and query["state"] == ["s t&1"] and query["error_description"]
    assert "code" not in query


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": "7"}, "no application"),
        ({"redirect_uri": "https://evil.example/"}, "redirect address"),
        ({"redirect_uri": "http://127.0.0.1.evil.example/"}, "redirect address"),
        ({"scope": ""}, "no scope"),
        ({"scope": "contacts:read everything:write"}, "everything:write"),
        ({"scope": "public-api"}, "public-api"),
    ],
)
def test_a_bad_request_is_a_page_and_never_a_redirect(vendor, changes, words):
    answer = vendor.consent(**changes)
    assert answer.status_code in (400, 401) and "Location" not in answer.headers and words in answer.text


def test_another_response_type_is_told_to_the_application(vendor):
    assert "error=unsupported_response_type" in vendor.consent(response_type="token").headers["Location"]


# -- code exchange --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_json", [True, False])
def test_a_code_becomes_a_token_pair(vendor, as_json):
    answer = vendor.exchange(code=vendor.code(), as_json=as_json)
    assert answer.status_code == 200
    pair = answer.json()
    assert pair["token_type"] == "Bearer" and pair["expires_in"] == 86340 and pair["refresh_token"]
    claims = json.loads(base64.urlsafe_b64decode(pair["access_token"].split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 86340 and claims["scopes"] == sorted(SCOPES.split())
    me = _bare(vendor, "/user", pair["access_token"])
    assert me.status_code == 200 and me.json()["full_name"] == "Sam Ortiz"


def test_a_code_works_once(vendor):
    code = vendor.code()
    assert vendor.exchange(code=code).status_code == 200
    again = vendor.exchange(code=code)
    assert again.status_code == 400 and again.json()["error"] == "invalid_grant"


def test_a_code_lives_ten_minutes(vendor, monkeypatch):
    code = vendor.code()
    late = oauth.time.time() + 601

    class Clock:
        time = staticmethod(lambda: late)

    monkeypatch.setattr(oauth, "time", Clock)
    assert vendor.exchange(code=code).json()["error"] == "invalid_grant"


def test_wrong_secret_redirect_or_grant_is_refused_and_the_code_survives_it(vendor):
    code = vendor.code()
    wrong = vendor.exchange(code=code, client_secret="no")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    elsewhere = vendor.token(grant_type="authorization_code", code=code, redirect_uri="http://127.0.0.1/other")
    assert (elsewhere.status_code, elsewhere.json()["error"]) == (400, "invalid_grant")
    for grant in ("client_credentials", "password"):
        assert vendor.token(grant_type=grant).json()["error"] == "unsupported_grant_type"
    assert vendor.token().json()["error"] == "invalid_request"
    assert vendor.exchange(code=code).status_code == 200


def test_basic_authentication_is_not_known(vendor):
    secret = vendor.server.sandbox.credentials.options.client_secret
    body = {"grant_type": "authorization_code", "code": vendor.code(), "redirect_uri": CALLBACK}
    answer = ask("POST", f"{vendor.url}/pub/v2.2/oauth/token", data=body, auth=("1001", secret))
    assert answer.json()["error"] == "invalid_client"


def test_a_challenge_that_was_sent_is_verified(vendor):
    verifier = "v" * 50
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    code = vendor.code(code_challenge=challenge, code_challenge_method="S256")
    assert vendor.exchange(code=code).status_code == 400
    assert vendor.exchange(code=code, code_verifier="w" * 50).status_code == 400
    assert vendor.exchange(code=code, code_verifier=verifier).status_code == 200


# -- refresh --------------------------------------------------------------------------------------------------


def test_spelling_a_wants_the_scope(vendor):
    old = vendor.exchange(code=vendor.code()).json()["refresh_token"]
    path = "/oauth/token/refresh"
    without = vendor.token(path, grant_type="refresh_token", refresh_token=old)
    assert without.status_code == 400 and "scope" in without.json()["hint"]
    assert vendor.token(path, grant_type="refresh_token", refresh_token=old, scope="tags:write").status_code == 400
    renewed = vendor.token(path, grant_type="refresh_token", refresh_token=old, scope="public-api")
    assert renewed.status_code == 200 and renewed.json()["refresh_token"] != old
    again = vendor.token(path, grant_type="refresh_token", refresh_token=renewed.json()["refresh_token"], scope=SCOPES)
    assert again.status_code == 200


def test_spelling_b_rotates_and_the_old_refresh_token_is_dead(vendor):
    first = vendor.exchange(code=vendor.code()).json()
    second = vendor.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert _bare(vendor, "/user", second["access_token"]).status_code == 200
    assert _bare(vendor, "/user", first["access_token"]).status_code == 200
    dead = vendor.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    text = "The refresh token is invalid."
    assert dead.status_code == 400
    assert dead.json() == {"error": "invalid_grant", "error_description": text, "message": text}


def test_of_two_refreshes_at_the_same_time_one_wins(vendor):
    old = vendor.exchange(code=vendor.code()).json()["refresh_token"]
    states = []
    barrier = threading.Barrier(6)

    def refresh():
        barrier.wait()
        states.append(vendor.token(grant_type="refresh_token", refresh_token=old).status_code)

    threads = [threading.Thread(target=refresh) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(states) == [200, 400, 400, 400, 400, 400]


def test_the_answer_may_lack_a_refresh_token(start):
    vendor = start(contacts=1, rotate_refresh=False)
    old = vendor.exchange(code=vendor.code()).json()["refresh_token"]
    for _ in range(2):
        assert "refresh_token" not in vendor.token(grant_type="refresh_token", refresh_token=old).json()


def test_a_refresh_may_kill_the_old_access_token(start):
    vendor = start(contacts=1, revoke_on_refresh=True)
    first = vendor.exchange(code=vendor.code()).json()
    vendor.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert _bare(vendor, "/user", first["access_token"]).status_code == 401


# -- personal access tokens -----------------------------------------------------------------------------------


def test_a_renewed_pat_kills_the_one_presented(vendor):
    old = vendor.pat()
    answer = ask("POST", f"{vendor.url}/pub/v2.3/oauth/personal-token/refresh", old)
    assert answer.status_code == 200 and answer.json()["expires_in"] == 3600 and "refresh_token" not in answer.json()
    assert _bare(vendor, "/user", answer.json()["access_token"]).status_code == 200
    for dead in (
        _bare(vendor, "/user", old),
        ask("POST", f"{vendor.url}/pub/v2.2/oauth/personal-token/refresh", old),
    ):
        assert dead.status_code == 403
        assert "explicit deny in an identity-based policy" in dead.json()["message"]


def test_an_oauth_token_is_no_pat(vendor):
    token = vendor.exchange(code=vendor.code()).json()["access_token"]
    assert ask("POST", f"{vendor.url}/pub/v2.2/oauth/personal-token/refresh", token).status_code == 403


def test_a_predefined_pat_works(start):
    assert _bare(start(contacts=1, pats=("known",)), "/user", "known").status_code == 200


def test_an_expired_pat_cannot_be_renewed(start):
    vendor = start(contacts=1)
    assert vendor.own("expire", {})["expired"] >= 1
    answer = vendor.post("/oauth/personal-token/refresh")
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})


# -- bad tokens (2.5) -----------------------------------------------------------------------------------------


def test_what_a_bad_credential_gets(vendor):
    none = _bare(vendor, "/contacts", None)
    assert (none.status_code, none.json()) == (401, {"message": "Unauthorized", "auth_required": False})
    malformed = _bare(vendor, "/users/me", "nonsense")
    assert malformed.status_code == 403 and malformed.json()["auth_required"] is True
    assert malformed.json()["message"].startswith("Could not decode token: ")
    teams = _bare(vendor, "/teams", "nonsense")
    assert (teams.status_code, teams.json()) == (500, {"message": None})
    assert teams.headers["x-amzn-ErrorType"] == "AuthorizerConfigurationException"
    stranger = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b"{}", b"{}", b"x"))
    assert _bare(vendor, "/user", stranger).json() == {"message": "Unauthenticated."}


def test_expired_and_revoked(start):
    vendor = start(contacts=1, token_ttl=86340)
    pair = vendor.exchange(code=vendor.code()).json()
    vendor.own("expire", {})
    expired = _bare(vendor, "/user", pair["access_token"])
    assert (expired.status_code, expired.json()) == (401, {"message": "Unauthorized"})
    renewed = vendor.token(grant_type="refresh_token", refresh_token=pair["refresh_token"]).json()
    assert _bare(vendor, "/user", renewed["access_token"]).status_code == 200
    vendor.own("revoke", {})
    revoked = _bare(vendor, "/user", renewed["access_token"])
    assert (revoked.status_code, revoked.json()) == (401, {"message": "Unauthenticated."})
    refused = vendor.token(grant_type="refresh_token", refresh_token=renewed["refresh_token"])
    assert refused.json()["error"] == "invalid_grant"


def test_a_short_life_ends(start):
    vendor = start(contacts=1, token_ttl=0.05)
    answer = vendor.exchange(code=vendor.code()).json()
    assert answer["expires_in"] == 0.05
    threading.Event().wait(0.06)
    assert _bare(vendor, "/user", answer["access_token"]).status_code == 401


def test_a_missing_scope_is_no_bad_token(vendor):
    token = vendor.pat(scopes=["contacts:read", "users:read"])
    answer = ask("POST", f"{vendor.url}/pub/v2.2/contacts/list", token, json={})  # reads, wants write
    assert (answer.status_code, answer.json()) == (403, {"message": "This action is unauthorized."})
    assert _bare(vendor, "/user", token).status_code == 200
