"""What the door makes of refusals: which of them end a connection, and which say nothing about it."""

import pytest

from integrations import gateway, tokens
from integrations.gateway import BudgetWait, NotConnected
from integrations.models import Account, BudgetCall, Credential
from integrations.salesmsg.errors import CredentialRefused, NotAllowed, NotFound, Unreachable, Unreadable, VendorTrouble
from integrations.salesmsg.oauth import Tokens
from tests.harness.sandbox import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)
Lane = BudgetCall.Lane


def with_token(vendor, token: str, kind: str = "pat") -> Account:
    account = vendor.connect(kind)
    tokens.store(account, kind, Tokens(access_token=token))
    vendor.post("/sandbox/reset-counters", {})
    return account


def session(account, lane=Lane.EVENT, patience=PATIENCE):
    return gateway.open_session(account.pk, lane, patience=patience)


def state_of(account) -> str:
    account.refresh_from_db()
    return account.state


def test_a_missing_scope_is_not_a_lost_connection(vendor):
    """403 “This action is unauthorized.” sounds like a bad token and is none."""
    account = with_token(vendor, vendor.make_pat(scopes="users:read contacts:read"))
    before = Credential.objects.get().access_token
    with pytest.raises(NotAllowed):
        session(account).client.teams()
    assert state_of(account) == Account.State.CONNECTED
    assert Credential.objects.get().access_token == before, "and no renewal was tried"
    assert vendor.state()["requests"] == 1
    assert session(account).client.user().id


def test_a_token_that_may_not_even_see_its_user_stays_connected(vendor):
    account = with_token(vendor, vendor.make_pat(scopes="contacts:read"))
    assert session(account).client.contacts().items
    with pytest.raises(NotAllowed):
        session(account).client.user()
    assert state_of(account) == Account.State.CONNECTED


def test_a_500_without_words_is_not_a_lost_connection(vendor):
    """GET /user answers, so the token is good and the trouble is the vendor's."""
    account = with_token(vendor, vendor.make_pat())
    vendor.fault("500", "GET /teams")
    with pytest.raises(VendorTrouble):
        session(account).client.teams()
    assert state_of(account) == Account.State.CONNECTED
    assert vendor.calls("POST /oauth/personal-token/refresh") == 0


def test_a_500_null_that_is_the_token_leads_to_a_renewal(vendor):
    """A malformed token on /teams: 500 {"message": null}. GET /user shows the cause, the refresh token helps."""
    account = vendor.connect("oauth")
    grant = tokens.begin(account.pk, Credential.objects.get().generation)
    tokens.abandon(grant)
    tokens.store(account, "oauth", Tokens(access_token="no-jwt", refresh_token=grant.refresh_token))
    vendor.post("/sandbox/reset-counters", {})
    assert session(account).client.teams()
    assert vendor.state()["by_endpoint"] == {"GET /teams": 2, "GET /user": 1, "POST /oauth/token": 1}
    assert state_of(account) == Account.State.CONNECTED


def test_a_500_null_that_nothing_explains_never_disconnects(vendor):
    """Not even when there is nothing to renew with: the next call that is refused clearly decides."""
    account = with_token(vendor, "no-jwt", "oauth")
    Credential.objects.update(refresh_token="")
    vendor.fault("500", "GET /user")
    with pytest.raises(Unreachable):
        session(account).client.teams()
    assert state_of(account) == Account.State.CONNECTED


def test_a_token_that_nobody_knows_ends_in_words_after_one_renewal(vendor):
    account = with_token(vendor, "no-jwt")
    with pytest.raises(NotConnected):
        session(account).client.user()
    assert state_of(account) == Account.State.ATTENTION
    assert account.reason_code == "token_renewal_refused"
    assert vendor.state()["by_endpoint"] == {"GET /user": 1, "POST /oauth/personal-token/refresh": 1}


def test_refused_again_with_a_fresh_token_but_known_is_a_matter_of_rights(vendor, monkeypatch):
    """An endpoint that answers 401 whatever the token is: GET /user decides, the account stays."""
    account = vendor.connect("oauth")
    real = gateway.send

    def send(base, token, request, **how):
        if request.endpoint == "GET /teams":
            real(base, token, request, **how)
            raise CredentialRefused(quote="No.", status=401, endpoint=request.endpoint)
        return real(base, token, request, **how)

    monkeypatch.setattr(gateway, "send", send)
    vendor.post("/sandbox/reset-counters", {})
    with pytest.raises(NotAllowed):
        session(account).client.teams()
    assert state_of(account) == Account.State.CONNECTED
    assert vendor.state()["by_endpoint"] == {"GET /teams": 2, "GET /user": 1, "POST /oauth/token": 1}
    vendor.fault("504", "GET /user")
    with pytest.raises(Unreachable) as trouble:
        session(account).client.teams()
    assert trouble.value.done is False, "the call itself was refused: only the question after it is open"
    assert state_of(account) == Account.State.CONNECTED


def test_refused_again_and_unknown_is_a_lost_connection(vendor, monkeypatch):
    account = vendor.connect("oauth")

    def send(base, token, request, **how):
        raise CredentialRefused(quote="No.", status=401, endpoint=request.endpoint)

    monkeypatch.setattr(gateway, "send", send)
    with pytest.raises(NotConnected):
        session(account).client.teams()
    assert state_of(account) == Account.State.ATTENTION


def test_a_write_is_not_repeated_for_trouble_that_may_be_the_token(vendor, monkeypatch):
    account = vendor.connect("oauth")
    seen = []

    def send(base, token, request, **how):
        seen.append(request.endpoint)
        raise VendorTrouble(status=500, endpoint=request.endpoint, maybe_credential=True)

    monkeypatch.setattr(gateway, "send", send)
    with pytest.raises(VendorTrouble):
        session(account).client.send_message(1, "My text message")
    assert len(seen) == 1


def test_every_call_is_counted_also_those_of_renewing_and_asking(vendor):
    account = vendor.connect("oauth")
    vendor.post("/sandbox/expire", {})
    vendor.post("/sandbox/reset-counters", {})
    one = session(account)
    one.client.user()
    assert vendor.state()["requests"] == account.budget.taken == BudgetCall.objects.count() == 3
    assert sorted(BudgetCall.objects.values_list("lane", flat=True)) == ["event", "event", "token"]
    assert one.calls == 2


def test_a_full_budget_keeps_the_door_shut_without_a_call(vendor, settings):
    account = vendor.connect("oauth")
    settings.SALESMSG_RATE_LIMIT = 1
    vendor.post("/sandbox/reset-counters", {})
    assert session(account, Lane.INTERACTIVE, patience=0).client.user().id
    with pytest.raises(BudgetWait):
        session(account, Lane.INTERACTIVE, patience=0).client.user()
    assert vendor.state()["requests"] == 1


def test_patience_waits_and_tells(vendor, settings):
    account = vendor.connect("oauth")
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 1, 2.0
    told = []
    patient = gateway.open_session(account.pk, Lane.INTERACTIVE, patience=PATIENCE, waiting=told.append)
    assert patient.client.user().id
    assert patient.client.user().id
    assert told
    assert all(0 < pause < 3 for pause in told)


@pytest.mark.parametrize("state", [Account.State.DISCONNECTED, Account.State.ATTENTION])
def test_an_account_that_is_not_connected_makes_no_call(vendor, state):
    account = vendor.connect("oauth")
    Account.objects.update(state=state)
    vendor.post("/sandbox/reset-counters", {})
    with pytest.raises(NotConnected):
        session(account).client.user()
    with pytest.raises(NotConnected):
        gateway.renew(account.pk, Credential.objects.get().generation)
    assert vendor.state()["requests"] == 0


def test_nobody_home(vendor, settings):
    account = vendor.connect("oauth")
    settings.SALESMSG_BASE_URL = "http://127.0.0.1:9"
    with pytest.raises(Unreachable):
        session(account).client.user()
    assert state_of(account) == Account.State.CONNECTED


@pytest.mark.parametrize("scopes", ["users:read", "organizations:read", "contacts:read"])
def test_whose_token_it_is_as_far_as_it_may_tell(vendor, scopes):
    who = gateway.identify_token(vendor.make_pat(scopes=scopes))
    assert (who.user is not None) == (scopes == "users:read")
    assert (who.organization is not None) == (scopes == "organizations:read")
    assert (who.organization_id is not None) == (scopes != "contacts:read")


@pytest.mark.parametrize(("trouble", "kind"), [("html", Unreadable), ("500", VendorTrouble), ("429", None)])
def test_a_token_is_not_believed_because_nobody_could_read_the_answer(vendor, trouble, kind):
    vendor.fault(trouble, "GET /")
    with pytest.raises(kind or gateway.RateLimited):
        gateway.identify_token(vendor.make_pat())


def test_a_vendor_that_knows_neither_address_believes_no_token(vendor, settings):
    settings.SALESMSG_API_VERSION = "v2.3/nowhere"
    with pytest.raises(NotFound):
        gateway.identify_token(vendor.make_pat())
