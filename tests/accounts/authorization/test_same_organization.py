"""Which account a grant belongs to: the one of its organisation, with all its data, and never another one."""

import pytest
from django.core.exceptions import PermissionDenied

from integrations import access, gateway, tokens
from integrations.accounts import connect
from integrations.accounts.connect import ConnectProblem
from integrations.crypto import unseal
from integrations.failures import Code, Reason
from integrations.models import (
    Account,
    Budget,
    BudgetCall,
    Contact,
    Conversation,
    Credential,
    ListSync,
    Membership,
    SyncRun,
    WebhookEvent,
)
from integrations.sync import sweep as sync_due
from tests import factories
from tests.tokens.vendor import at_once, queued

from .test_authorization import SESSION, way_back

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def root(transactional_db):
    return factories.person("root", superuser=True)


@pytest.fixture
def account(vendor, root):
    """Connected, with data of its own."""
    account = connect.connect_by_token(root, "Harbor Dental", vendor.make_pat())
    factories.customer_thread(factories.customer(account))
    vendor.post("/sandbox/reset-counters", {})
    BudgetCall.objects.all().delete()
    return account


def refused(work) -> ConnectProblem:
    with pytest.raises(ConnectProblem) as raised:
        work()
    return raised.value


# --- personal access tokens ---------------------------------------------------------------------------------------


def test_a_token_is_checked_and_then_stored(vendor, root):
    token = vendor.make_pat()
    account = connect.connect_by_token(root, "  Front office ", f"  {token[:40]}\n {token[40:]} \r\n")
    assert unseal(account.credential.access_token) == token, "as pasted, but for blanks and line breaks"
    assert account.label == "Front office"
    assert account.credential.kind == "pat"
    assert account.credential.expires_at == gateway.grant_of(token).expires_at, "it may be some minutes old already"
    assert vendor.state()["by_endpoint"] == {"GET /user": 1, "GET /organization/current": 1}
    assert BudgetCall.objects.count() == 2
    assert SyncRun.objects.get().kind == SyncRun.Kind.FULL


@pytest.mark.parametrize("label", ["", "   "])
def test_without_a_label_it_is_called_as_the_organisation_is(vendor, root, label):
    account = connect.connect_by_token(root, label, vendor.make_pat())
    assert account.label == account.organization_name == vendor.data()["organization"]["name"]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "  \n ",
        "garbage",
        "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjQwMDAwMDAwMDB9.c2ln",
        "tökén",
        "x" * 8001,
        "a\0b",
        "\x1b[0m",
    ],
)
def test_garbage_is_refused_in_words(vendor, root, token):
    problem = refused(lambda: connect.connect_by_token(root, "x", token))
    assert problem.kind == "credential"
    assert problem.what
    assert problem.todo
    assert not token.strip() or token not in str(problem)
    assert not Account.objects.exists()
    assert not Credential.objects.exists()


@pytest.mark.parametrize("how", ["expire", "revoke"])
def test_a_token_that_ended_is_refused_in_words(vendor, root, how):
    token = vendor.make_pat()
    vendor.post(f"/sandbox/{how}", {})
    problem = refused(lambda: connect.connect_by_token(root, "x", token))
    assert problem.kind == "credential"
    assert "Create a new one" in problem.todo
    assert not Account.objects.exists()


@pytest.mark.parametrize("trouble", ["500", "drop-before", "429", "html", "truncate"])
def test_a_token_that_could_not_be_checked_is_not_stored(vendor, root, trouble):
    vendor.fault(trouble, "GET /")
    assert refused(lambda: connect.connect_by_token(root, "x", vendor.make_pat())).kind == "vendor"
    assert not Account.objects.exists()


def test_a_token_that_may_tell_nothing_makes_an_account_without_an_organisation(vendor, root):
    account = connect.connect_by_token(root, "", vendor.make_pat(scopes="contacts:read"))
    assert account.organization_id is None
    assert account.label == "Salesmsg"


def test_without_a_key_nothing_is_stored(vendor, root, settings):
    token = vendor.make_pat()
    settings.FIELD_ENCRYPTION_KEYS = []
    assert refused(lambda: connect.connect_by_token(root, "x", token)).kind == "setup"
    assert not Account.objects.exists()


def test_who_may(vendor, root, account):
    for user in (factories.person("agent"), factories.person("visitor", is_staff=False)):
        with pytest.raises(PermissionDenied):
            connect.connect_by_token(user, "x", vendor.make_pat())
        with pytest.raises(PermissionDenied):
            connect.connect_by_token(user, "x", vendor.make_pat(), account=account)
        with pytest.raises(PermissionDenied):
            connect.disconnect_account(user, account)
        with pytest.raises(PermissionDenied):
            connect.rotate_webhook(user, account)
    assert vendor.state()["requests"] == 0


# --- again --------------------------------------------------------------------------------------------------------


def test_the_same_organisation_is_the_same_account_with_its_data(vendor, root, account):
    secret, old = account.webhook_secret, account.credential
    again = connect.connect_by_token(root, "", vendor.make_pat())
    assert again.pk == account.pk
    assert (Account.objects.count(), Credential.objects.count(), Membership.objects.count()) == (1, 1, 1)
    assert Contact.objects.filter(account=again).count() == Conversation.objects.filter(account=again).count() == 1
    again.refresh_from_db()
    assert again.label == "Harbor Dental", "the name your team gave it"
    assert again.webhook_secret == secret, "the address that was pasted goes on working"
    assert again.credential.generation > old.generation
    assert again.credential.access_token != old.access_token


def test_the_other_way_of_connecting_is_the_same_account(vendor, root, account):
    again = connect.finish_authorization(root, SESSION, way_back(vendor, root))
    assert again.pk == account.pk
    assert Credential.objects.get().kind == "oauth"
    assert unseal(Credential.objects.get().refresh_token)
    back = connect.connect_by_token(root, "", vendor.make_pat())
    assert back.pk == account.pk
    assert Credential.objects.get().kind == "pat"
    assert Credential.objects.get().refresh_token == "", "nothing of the old grant is left"


def test_eight_at_once_make_one_account(vendor, root):
    pats = [vendor.make_pat() for _ in range(8)]
    outcomes = at_once(8, lambda number: connect.connect_by_token(root, f"Number {number}", pats[number]).pk)
    assert {outcome for outcome in outcomes if isinstance(outcome, int)} == set(
        Account.objects.values_list("pk", flat=True)
    )
    assert Account.objects.count() == Credential.objects.count() == Membership.objects.count() == 1
    assert all(isinstance(outcome, (int, ConnectProblem)) for outcome in outcomes), outcomes
    assert SyncRun.objects.filter(state=SyncRun.State.RUNNING).count() == 1


def test_disconnected_and_connected_again_keeps_everything(vendor, root, account):
    WebhookEvent.objects.create(account=account, body="{}", digest="0" * 64)
    running = SyncRun.objects.get(state=SyncRun.State.RUNNING)
    connect.disconnect_account(root, account)
    account.refresh_from_db()
    running.refresh_from_db()
    assert account.state == Account.State.DISCONNECTED
    assert running.state == SyncRun.State.STOPPED
    assert not Credential.objects.exists()
    assert Contact.objects.count() == Conversation.objects.count() == WebhookEvent.objects.count() == 1
    with pytest.raises(gateway.NotConnected):
        gateway.open_session(account.pk, "interactive", patience=5).client.user()
    before = queued()
    ListSync.objects.create(account=account, name="open", due_at="2026-01-01T00:00:00Z")
    sync_due.wake_due_work()
    assert queued() == before, "and no sync begins by itself"
    assert tokens.due() == []
    assert vendor.state()["requests"] == 0
    again = connect.connect_by_token(root, "", vendor.make_pat(), account=account)
    assert again.pk == account.pk
    assert again.state == Account.State.CONNECTED
    assert Contact.objects.count() == Conversation.objects.count() == WebhookEvent.objects.count() == 1
    assert gateway.open_session(again.pk, "interactive", patience=5).client.user().id


def test_an_account_that_needs_attention_is_well_again(vendor, root, account):
    tokens.mark_broken(account.pk, account.credential.generation, Reason(Code.TOKEN_REFUSED))
    account.refresh_from_db()
    assert (account.state, account.reason_code) == (Account.State.ATTENTION, "token_refused")
    connect.connect_by_token(root, "", vendor.make_pat(), account=account)
    account.refresh_from_db()
    assert (account.state, account.reason.text, account.last_error_at) == (Account.State.CONNECTED, "", None)


def test_another_organisation_does_not_take_an_account_over(vendor, root, account):
    Account.objects.update(organization_id=666)
    account.refresh_from_db()
    before = account.credential.access_token
    problem = refused(lambda: connect.connect_by_token(root, "", vendor.make_pat(), account=account))
    assert problem.kind == "organization"
    assert "666" in problem.what
    assert Credential.objects.get().access_token == before
    assert Account.objects.get().organization_id == 666


def test_a_token_of_who_knows_which_organisation_does_not_either(vendor, root, account):
    before = account.credential.access_token
    token = vendor.make_pat(scopes="contacts:read")
    problem = refused(lambda: connect.connect_by_token(root, "", token, account=account))
    assert problem.kind == "organization"
    assert "organizations:read" in problem.todo
    assert Credential.objects.get().access_token == before


def test_two_accounts_do_not_become_one_organisation(vendor, root, account):
    nameless = factories.connected_account("Nameless")
    problem = refused(lambda: connect.connect_by_token(root, "", vendor.make_pat(), account=nameless))
    assert problem.kind == "organization"
    assert "Two sign-ins" not in str(problem)
    assert Account.objects.get(pk=nameless.pk).organization_id is None


@pytest.mark.parametrize("state", Account.State)
def test_a_manager_of_another_account_gets_no_foot_in_this_one(vendor, root, account, state):
    """Cached data belongs to the account's members, whatever its state is and whoever can sign in to Salesmsg."""
    stranger = factories.person("stranger")
    factories.membership(stranger, factories.connected_account("Northside Clinic"), Membership.Role.MANAGER)
    Account.objects.filter(pk=account.pk).update(state=state)
    with pytest.raises(PermissionDenied):
        connect.connect_by_token(stranger, "", vendor.make_pat())
    assert not Account.objects.for_user(stranger).filter(pk=account.pk).exists()


# --- the budget of connecting again -------------------------------------------------------------------------------


def test_connecting_again_keeps_to_the_budget(vendor, root, account, settings):
    settings.SALESMSG_RATE_LIMIT = 2
    connect.connect_by_token(root, "", vendor.make_pat(), account=account)
    assert BudgetCall.objects.count() == account.budget.calls.count() == 2, "counted once"
    before = vendor.state()["requests"]
    problem = refused(lambda: connect.connect_by_token(root, "", vendor.make_pat(), account=account))
    assert problem.kind == "vendor"
    assert "rate limit" in problem.what
    assert vendor.state()["requests"] == before


def test_a_429_while_connecting_again_closes_the_door_for_all(vendor, root, account):
    vendor.fault("429", "GET /user", count=1)
    assert refused(lambda: connect.connect_by_token(root, "", vendor.make_pat(), account=account)).kind == "vendor"
    assert Budget.objects.get(account=account).blocked_until is not None
    before = vendor.state()["requests"]
    with pytest.raises(gateway.BudgetWait):
        gateway.open_session(account.pk, "interactive").client.user()
    assert vendor.state()["requests"] == before


# --- the webhook's address ----------------------------------------------------------------------------------------


def test_a_new_address(vendor, root, account, client, settings):
    old = access.webhook_address(account)
    new = connect.rotate_webhook(root, account)
    account.refresh_from_db()
    assert new == access.webhook_address(account) != old
    assert client.get(new.removeprefix(settings.PORTAL_URL)).status_code == 200
    assert client.get(old.removeprefix(settings.PORTAL_URL)).status_code == 404
