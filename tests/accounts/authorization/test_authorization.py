"""To the consent page of the sandbox and back, by the plain functions; the pages are tests/accounts' part."""

import base64
import hashlib
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from integrations import gateway
from integrations.accounts import connect
from integrations.accounts.connect import ConnectProblem
from integrations.crypto import unseal
from integrations.models import Account, AuditEntry, AuthorizationState, BudgetCall, Credential, Membership, SyncRun
from tests import factories
from tests.tokens.vendor import at_once

pytestmark = pytest.mark.django_db(transaction=True)
SESSION = "session-of-the-browser"


@pytest.fixture
def root(transactional_db):
    return factories.person("root", superuser=True)


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def way_back(vendor, user, decision="approve", session=SESSION, **how) -> dict[str, str]:
    return query_of(vendor.decide(connect.authorization_url(user, session, **how), decision))


def problem_of(user, query, session=SESSION) -> ConnectProblem:
    with pytest.raises(ConnectProblem) as raised:
        connect.finish_authorization(user, session, query)
    problem = raised.value
    assert problem.title
    assert problem.what
    assert problem.todo
    assert not any(value in str(problem) for name, value in query.items() if name in ("code", "state"))
    return problem


def test_the_whole_way(vendor, root):
    query = way_back(vendor, root, label="Front office")
    account = connect.finish_authorization(root, SESSION, query)
    truth = vendor.data()["organization"]
    assert (account.label, account.state) == ("Front office", Account.State.CONNECTED)
    assert (account.organization_id, account.organization_name) == (truth["id"], truth["name"])
    assert account.vendor_user_id in {user["id"] for user in vendor.data()["users"]}
    credential = Credential.objects.get()
    assert credential.kind == "oauth"
    assert unseal(credential.refresh_token)
    assert (credential.expires_at - timezone.now()).total_seconds() == pytest.approx(86340, abs=30)
    assert Membership.objects.get(user=root, account=account).role == Membership.Role.MANAGER
    assert SyncRun.objects.get().account == account
    assert AuditEntry.objects.filter(account=account, user=root, action="account_connected").exists()
    assert vendor.state()["requests"] == BudgetCall.objects.count() == 3, "what connecting cost is booked"
    assert gateway.open_session(account.pk, "event", patience=5).client.user().id


def test_what_is_asked_for(vendor, root, settings):
    query = query_of(connect.authorization_url(root, SESSION))
    assert query["redirect_uri"] == f"{settings.PORTAL_URL}/accounts/callback/"
    assert query["response_type"] == "code"
    assert query["scope"].split() == settings.SALESMSG_SCOPES
    assert query["code_challenge_method"] == "S256"
    state = AuthorizationState.objects.get()
    verifier = unseal(state.code_verifier)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert query["code_challenge"] == challenge
    assert len(query["state"]) >= 43
    assert query["state"] not in str(vars(state))
    assert len({query_of(connect.authorization_url(root, SESSION))["state"] for _ in range(5)}) == 5


def test_without_the_verifier_the_code_is_worth_nothing(vendor, root):
    """PKCE is really sent, and really checked by the sandbox."""
    query = way_back(vendor, root)
    other = AuthorizationState.objects.create(digest="d", user=root, session_digest="s", code_verifier="")
    connect.authorization_url(root, SESSION)
    AuthorizationState.objects.filter(used_at=None).update(
        code_verifier=AuthorizationState.objects.latest("pk").code_verifier
    )
    other.delete()
    assert problem_of(root, query).kind == "exchange"
    assert not Account.objects.exists()


@pytest.mark.parametrize("after", ["success", "denied", "wrong code"])
def test_a_state_is_used_once(vendor, root, after):
    query = way_back(vendor, root)
    match after:
        case "success":
            connect.finish_authorization(root, SESSION, query)
        case "denied":
            problem_of(root, {"error": "access_denied", "state": query["state"]})
        case "wrong code":
            problem_of(root, query | {"code": "made-up-code-of-somebody"})
    before = vendor.state()["requests"]
    assert problem_of(root, query).kind == "state"
    assert vendor.state()["requests"] == before
    assert Account.objects.count() == (after == "success")


def test_one_of_eight_at_once_uses_it(vendor, root):
    query = way_back(vendor, root)
    outcomes = at_once(8, lambda _: connect.finish_authorization(root, SESSION, query))
    assert sum(isinstance(outcome, Account) for outcome in outcomes) == 1, outcomes
    assert sum(getattr(outcome, "kind", "") == "state" for outcome in outcomes) == 7
    assert vendor.calls("POST /oauth/token") == 1


@pytest.mark.parametrize("spoil", ["user", "session", "no session", "state", "no state", "old", "digest"])
def test_a_state_of_another_trip(vendor, root, spoil):
    query, user, session = way_back(vendor, root), root, SESSION
    match spoil:
        case "user":
            user = factories.person("second", superuser=True)
        case "session":
            session = "session-of-another-browser"
        case "no session":
            session = ""
        case "state":
            query["state"] = "made-up-state-of-somebody"
        case "no state":
            del query["state"]
        case "old":
            AuthorizationState.objects.update(created_at=timezone.now() - timedelta(minutes=10, seconds=1))
        case "digest":
            query["state"] = AuthorizationState.objects.get().digest
    before = vendor.state()["requests"]
    assert problem_of(user, query, session).kind == "state"
    assert vendor.state()["requests"] == before, "no code leaves"
    if spoil not in ("old",):
        assert AuthorizationState.objects.get().used_at is None, "another user's attempt does not use it up"


def test_nine_minutes_are_in_time(vendor, root):
    query = way_back(vendor, root)
    AuthorizationState.objects.update(created_at=timezone.now() - timedelta(minutes=9, seconds=30))
    assert connect.finish_authorization(root, SESSION, query).pk


def test_denied(vendor, root):
    query = way_back(vendor, root, "deny")
    assert query["error"] == "access_denied"
    assert problem_of(root, query).kind == "denied"
    assert not Account.objects.exists()


def test_refused_for_another_reason(vendor, root):
    query = {"error": "invalid_scope", "error_description": "The scope is odd. " * 50}
    problem = problem_of(root, query | {"state": way_back(vendor, root)["state"]})
    assert problem.kind == "exchange"
    assert "The scope is odd" in problem.what
    assert len(problem.what) < 300


def test_no_code(vendor, root):
    query = way_back(vendor, root)
    del query["code"]
    assert problem_of(root, query).kind == "exchange"


def test_a_wrong_code(vendor, root):
    query = way_back(vendor, root)
    problem = problem_of(root, query | {"code": "made-up-code-of-somebody"})
    assert problem.kind == "exchange"
    assert "SALESMSG_CLIENT_SECRET" in problem.todo
    assert not Account.objects.exists()


def test_a_wrong_secret_of_the_application(vendor, root, settings):
    query = way_back(vendor, root)
    settings.SALESMSG_CLIENT_SECRET = "wrong-secret-of-ours"
    problem = problem_of(root, query)
    assert problem.kind == "exchange"
    assert "wrong-secret" not in str(problem)


@pytest.mark.parametrize("trouble", ["500", "504", "drop-before", "drop-after", "html", "429"])
@pytest.mark.parametrize("where", ["POST /oauth/token", "GET /user"])
def test_trouble_at_the_vendor(vendor, root, trouble, where):
    query = way_back(vendor, root)
    vendor.fault(trouble, where)
    if (trouble, where) == ("html", "GET /user"):
        connect.finish_authorization(root, SESSION, query)  # the organisation says whose token it is
        return
    problem = problem_of(root, query)
    assert problem.kind == "vendor"
    assert "Nothing was changed" in problem.todo or "then try again" in problem.todo
    assert not Account.objects.exists()
    assert not Credential.objects.exists()


def test_nobody_home(vendor, root, settings):
    query = way_back(vendor, root)
    settings.SALESMSG_TOKEN_URL = "http://127.0.0.1:9/oauth/token"
    assert problem_of(root, query).kind == "vendor"


@pytest.mark.parametrize("missing", ["SALESMSG_CLIENT_ID", "SALESMSG_CLIENT_SECRET"])
def test_without_an_application(vendor, root, settings, missing):
    setattr(settings, missing, "")
    with pytest.raises(ConnectProblem) as raised:
        connect.authorization_url(root, SESSION)
    assert raised.value.kind == "setup"
    assert connect.redirect_uri() in raised.value.todo


def test_without_a_key_nothing_begins(vendor, root, settings):
    settings.FIELD_ENCRYPTION_KEYS = []
    with pytest.raises(ConnectProblem) as raised:
        connect.authorization_url(root, SESSION)
    assert raised.value.kind == "setup"
    assert "FIELD_ENCRYPTION_KEYS" in str(raised.value)


def test_a_consent_page_over_plain_http_elsewhere(vendor, root, settings):
    settings.SALESMSG_AUTHORIZE_URL = "http://app.example.com/auth"
    with pytest.raises(ConnectProblem) as raised:
        connect.authorization_url(root, SESSION)
    assert raised.value.kind == "setup"


def test_old_states_are_forgotten(vendor, root):
    connect.authorization_url(root, SESSION)
    AuthorizationState.objects.update(created_at=timezone.now() - timedelta(days=2))
    connect.authorization_url(root, SESSION)
    assert AuthorizationState.objects.count() == 1


def test_who_may_not_begin_and_who_may_not_end(vendor, root):
    agent = factories.person("agent")
    with pytest.raises(PermissionDenied):
        connect.authorization_url(agent, SESSION)
    query = way_back(vendor, root)
    root.is_superuser = False
    root.save()
    with pytest.raises(PermissionDenied):
        connect.finish_authorization(root, SESSION, query)
    assert not Account.objects.exists()
    assert vendor.calls("POST /oauth/token") == 0


def test_the_words_of_a_problem_are_sentences():
    problem = ConnectProblem("credential", "No", "Token not found", "Make a new one.")
    assert (problem.what, str(problem)) == ("Token not found.", "No: Token not found. Make a new one.")
    assert ConnectProblem("state", "No", "Is it old?", "").what == "Is it old?"
