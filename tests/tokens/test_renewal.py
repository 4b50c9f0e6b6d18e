"""Renewing: once for all callers, stored before use, explained when it ends, and nothing lost on the way."""

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from integrations import gateway, tasks, tokens
from integrations.crypto import seal, unseal
from integrations.models import Account, BudgetCall, Credential
from integrations.salesmsg.errors import Unreachable
from tests.harness.sandbox import PATIENCE

from .vendor import RENEWALS, at_once, dead, due, queued

pytestmark = pytest.mark.django_db(transaction=True)
EVENT = BudgetCall.Lane.EVENT


def session(account, patience=PATIENCE):
    return gateway.open_session(account.pk, EVENT, patience=patience)


def access(account) -> str:
    return unseal(Credential.objects.get(account=account).access_token)


@pytest.mark.parametrize("kind", RENEWALS)
@pytest.mark.parametrize("state", [due, dead])
def test_eight_who_find_it_due_renew_once(vendor, settings, kind, state):
    account = vendor.connect(kind)
    old = Credential.objects.get()
    Credential.objects.update(**state())
    vendor.fault("slow", RENEWALS[kind], seconds=0.4)
    vendor.post("/sandbox/reset-counters", {})
    outcomes = at_once(8, lambda _: session(account).client.user().id)
    assert len(set(outcomes)) == 1, outcomes
    assert isinstance(outcomes[0], int), outcomes
    assert vendor.calls(RENEWALS[kind]) == 1
    assert vendor.calls("GET /user") == 8, "the dead token was not tried"
    assert vendor.state()["status"] == {"200": 9}
    credential = Credential.objects.get()
    assert credential.generation == old.generation + 1
    assert credential.access_token != old.access_token
    assert (credential.refresh_token != old.refresh_token) == (kind != "pat")
    assert credential.renewing_until is None
    assert credential.renew_at > timezone.now()


@pytest.mark.parametrize("kind", ["oauth", "oauth, spelling A"])
def test_eight_whose_token_ended_on_the_way_renew_once(vendor, settings, kind):
    """Nothing here knew: the vendor ended it. Each call is refused once and repeated once."""
    account = vendor.connect(kind)
    vendor.post("/sandbox/expire", {})
    vendor.fault("slow", RENEWALS[kind], seconds=0.4)
    vendor.post("/sandbox/reset-counters", {})
    outcomes = at_once(8, lambda _: session(account).client.user().id)
    assert len(set(outcomes)) == 1, outcomes
    assert isinstance(outcomes[0], int), outcomes
    state = vendor.state()
    assert state["by_endpoint"][RENEWALS[kind]] == 1
    assert state["status"]["200"] == 9
    assert state["status"]["401"] <= 8
    assert set(state["status"]) == {"200", "401"}


def test_an_ended_token_costs_one_renewal_and_one_repeat(vendor):
    account = vendor.connect()
    vendor.post("/sandbox/expire", {})
    vendor.post("/sandbox/reset-counters", {})
    one = session(account)
    assert one.client.user().id
    assert vendor.state()["by_endpoint"] == {"GET /user": 2, RENEWALS["oauth"]: 1}
    assert one.client.user().id
    assert vendor.calls("GET /user") == 3


def test_a_text_is_sent_once_though_its_token_had_ended(vendor):
    account = vendor.connect()
    conversation = vendor.data()["conversations"][0]["id"]
    vendor.post("/sandbox/expire", {})
    vendor.post("/sandbox/reset-counters", {})
    assert session(account).client.send_message(conversation, "My text message").id
    assert vendor.state()["status"] == {"401": 1, "200": 2}
    assert [text["body"] for text in vendor.state()["messages"]] == ["My text message"]


@pytest.mark.parametrize("kind", ["oauth", "pat"])
def test_the_new_pair_is_committed_before_it_is_used(vendor, kind, monkeypatch):
    """Read through another connection at the moment at which the next call leaves."""
    account = vendor.connect(kind, **dead() if kind == "oauth" else due())
    seen = []
    real = gateway.send

    def send(base, token, request, **how):
        if request.endpoint == "GET /user":
            other = connections.create_connection("default")
            try:
                with other.cursor() as cursor:
                    cursor.execute("SELECT access_token FROM integrations_credential")
                    seen.append((unseal(cursor.fetchone()[0]), token))
            finally:
                other.close()
        return real(base, token, request, **how)

    monkeypatch.setattr(gateway, "send", send)
    before = access(account)
    assert session(account).client.user().id
    assert len(seen) == 1
    assert seen[0][0] == seen[0][1] != before
    assert not connection.in_atomic_block


@pytest.mark.parametrize("kind", ["oauth", "pat"])
def test_a_refused_renewal_asks_for_a_person(vendor, kind):
    account = vendor.connect(kind, **due())
    vendor.post("/sandbox/revoke", {})
    vendor.post("/sandbox/reset-counters", {})
    with pytest.raises(gateway.NotConnected) as raised:
        session(account).client.user()
    account.refresh_from_db()
    assert account.state == Account.State.ATTENTION
    assert account.reason_code == "token_renewal_refused"
    assert account.last_error_at is not None
    assert raised.value.reason == account.reason, "the caller learns why"
    with pytest.raises(gateway.NotConnected):
        session(account).client.user()
    assert vendor.state()["requests"] == 1, "and nothing calls any more"


@pytest.mark.parametrize("kind", ["oauth", "pat"])
def test_eight_who_meet_a_refused_renewal(vendor, kind):
    account = vendor.connect(kind, **due())
    vendor.post("/sandbox/revoke", {})
    vendor.post("/sandbox/reset-counters", {})
    outcomes = at_once(8, lambda _: session(account).client.user())
    assert {type(outcome) for outcome in outcomes} == {gateway.NotConnected}, outcomes
    assert vendor.calls(RENEWALS[kind]) == 1


def test_an_oauth_account_without_a_refresh_token_ends_in_words(vendor):
    account = vendor.connect(**dead(), refresh_token="")
    vendor.post("/sandbox/reset-counters", {})
    with pytest.raises(gateway.NotConnected):
        session(account).client.user()
    account.refresh_from_db()
    assert account.state == Account.State.ATTENTION
    assert vendor.state()["requests"] == 0


@pytest.mark.parametrize("kind", RENEWALS)
@pytest.mark.parametrize("trouble", ["500", "drop-before", "html", "429"])
def test_trouble_while_renewing_loses_nothing(vendor, settings, kind, trouble):
    account = vendor.connect(kind, **due())
    before = access(account)
    settings.SALESMSG_RATE_PERIOD = 0.2
    vendor.fault(trouble, RENEWALS[kind], count=1)
    assert tasks.renew_token(account.pk, Credential.objects.get().generation) != "renewed"
    account.refresh_from_db()
    credential = Credential.objects.get()
    assert account.state == Account.State.CONNECTED
    assert access(account) == before
    assert credential.renewing_until is None
    vendor.post("/sandbox/reset-counters", {})
    Credential.objects.update(**due())
    account.budget.calls.all().delete()
    type(account.budget).objects.update(blocked_until=None)
    assert tasks.renew_token(account.pk, credential.generation) == "renewed"
    assert access(account) != before
    assert session(account).client.user().id


@pytest.mark.parametrize("kind", ["oauth", "pat"])
def test_nobody_at_home_while_renewing(vendor, settings, kind):
    """An unreachable vendor: a token that still lives goes on being used, one that does not waits."""
    account = vendor.connect(kind, **due())
    vendor.post("/sandbox/reset-counters", {})
    home = settings.SALESMSG_REFRESH_URL, settings.SALESMSG_BASE_URL
    settings.SALESMSG_REFRESH_URL = "http://127.0.0.1:9/pub/v2.2/oauth/token"
    if kind == "oauth":
        assert session(account).client.user().id, "the old token lives"
    settings.SALESMSG_BASE_URL = "http://127.0.0.1:9"
    Credential.objects.update(**dead())
    with pytest.raises(Unreachable):
        session(account, patience=0).client.user()
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED
    assert Credential.objects.get().renewing_until is None
    settings.SALESMSG_REFRESH_URL, settings.SALESMSG_BASE_URL = home
    assert session(account).client.user().id
    assert vendor.calls(RENEWALS[kind]) == 1


@pytest.mark.parametrize("trouble", ["504", "500", "drop-after", "truncate", "html"])
def test_trouble_while_renewing_does_not_make_a_text_doubtful(vendor, trouble):
    """The text itself was refused with the old token, so it was surely not sent: it may go again later."""
    account = vendor.connect()
    conversation = vendor.data()["conversations"][0]["id"]
    vendor.post("/sandbox/expire", {})
    vendor.fault(trouble, "POST /oauth/token")
    with pytest.raises(Unreachable) as raised:
        session(account).client.send_message(conversation, "My text message")
    assert raised.value.done is False
    assert raised.value.again == "later"
    assert raised.value.status is None
    assert vendor.state()["messages"] == []


class Nothing(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_error(404)

    def log_message(self, *_) -> None:
        pass


def test_a_missing_token_address_is_no_missing_contact(vendor, settings):
    """A 404 of the token endpoint must not be taken for a missing contact."""
    account = vendor.connect()
    vendor.post("/sandbox/expire", {})
    with HTTPServer(("127.0.0.1", 0), Nothing) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        settings.SALESMSG_REFRESH_URL = f"http://127.0.0.1:{server.server_port}/oauth/token"
        with pytest.raises(Unreachable):
            session(account).client.contact(vendor.data()["contacts"][0]["id"])


def test_a_pat_is_not_used_while_somebody_renews_it(vendor):
    """It dies at that moment. Without patience the answer is: ask again soon."""
    account = vendor.connect("pat", **due())
    vendor.fault("slow", RENEWALS["pat"], seconds=1.5)
    vendor.post("/sandbox/reset-counters", {})
    outcomes = at_once(6, lambda _: session(account, patience=0).client.user().id)
    waits = [outcome for outcome in outcomes if isinstance(outcome, gateway.BudgetWait)]
    assert len(waits) == 5, outcomes
    assert vendor.state()["status"] == {"200": 2}


def test_a_pat_is_not_used_when_somebody_began_to_renew_it_a_moment_ago(vendor, monkeypatch):
    """Read as free, found under lease: read again before it is used."""
    account = vendor.connect("pat", **due())
    stale, real = [tokens.current_token(account.pk)], tokens.current_token
    assert tokens.begin(account.pk, stale[0].generation)
    monkeypatch.setattr(tokens, "current_token", lambda pk: stale.pop() if stale else real(pk))
    vendor.post("/sandbox/reset-counters", {})
    with pytest.raises(gateway.BudgetWait):
        session(account, patience=0).client.user()
    assert not stale
    assert vendor.state()["requests"] == 0


def test_a_new_grant_leaves_nothing_of_the_old_one(vendor):
    account = vendor.connect()
    tokens.store(account, "oauth", tokens.Tokens(access_token="x"))
    assert Credential.objects.get().refresh_token == ""


def test_an_oauth_token_is_used_while_somebody_renews_it(vendor):
    account = vendor.connect(**due())
    vendor.fault("slow", RENEWALS["oauth"], seconds=1.5)
    outcomes = at_once(6, lambda _: session(account, patience=0).client.user().id)
    assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
    assert vendor.calls(RENEWALS["oauth"]) == 2  # one of them gave the grant


def test_a_late_writer_loses(vendor):
    """A renewal that began before the account was reconnected must not touch the new grant."""
    account = vendor.connect()
    late = tokens.begin(account.pk, Credential.objects.get().generation)
    tokens.forget(account)
    tokens.store(account, "oauth", vendor.grant())
    mine = access(account)
    tokens.finish(late, vendor.grant())
    assert access(account) == mine
    assert not tokens.mark_broken(account.pk, late.generation, "late")
    tokens.abandon(late)
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED
    assert session(account).client.user().id


def test_a_lease_of_a_process_that_died_ends(vendor):
    account = vendor.connect(**dead())
    generation = Credential.objects.get().generation
    lease = tokens.begin(account.pk, generation)
    with pytest.raises(tokens.BeingRenewed):
        tokens.begin(account.pk, generation)
    assert tokens.due() == []
    Credential.objects.update(renewing_until=timezone.now() - timedelta(seconds=1))
    assert tokens.due() == [(account.pk, generation)]
    assert session(account).client.user().id
    tokens.finish(lease, vendor.grant())
    assert Credential.objects.get().generation == generation + 1


def test_one_lease_for_eight(vendor):
    account = vendor.connect()
    generation = Credential.objects.get().generation
    outcomes = at_once(8, lambda _: tokens.begin(account.pk, generation))
    assert sum(isinstance(outcome, tokens.Renewal) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, tokens.BeingRenewed) for outcome in outcomes) == 7


def test_a_lease_is_not_taken_when_the_key_is_missing(vendor, settings):
    account = vendor.connect(**dead())
    generation = Credential.objects.get().generation
    keys, settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS, ["x" * 43 + "="]
    assert tasks.renew_token(account.pk, generation) == "broken"
    settings.FIELD_ENCRYPTION_KEYS = keys
    assert tasks.renew_token(account.pk, generation) == "renewed"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")
@pytest.mark.parametrize("kind", ["oauth", "pat"])
def test_the_new_pair_survives_a_lost_database_connection(vendor, kind):
    """The vendor has rotated already: what it answered is the only pair there is."""
    account = vendor.connect(kind, **dead() if kind == "oauth" else due())
    generation = Credential.objects.get().generation
    vendor.fault("slow", RENEWALS[kind], seconds=0.8)
    vendor.post("/sandbox/reset-counters", {})

    def work(number: int) -> object:
        if number == 0:
            return gateway.renew(account.pk, generation)
        while not vendor.calls(RENEWALS[kind]):
            pass
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return cursor.fetchone()[0]

    lost, killed = at_once(2, work)
    connection.close()
    assert lost is None, lost
    assert killed >= 1
    assert Credential.objects.get().generation == generation + 1
    assert session(account).client.user().id
    assert vendor.calls(RENEWALS[kind]) == 1


def test_the_tick_renews_a_pat_long_before_it_dies(vendor):
    """Day and night, also when no user is active: the sweep finds it due and the task renews it."""
    account = vendor.connect("pat")
    credential = Credential.objects.get()
    left = credential.expires_at - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(minutes=60)
    assert timedelta(minutes=15) < credential.expires_at - credential.renew_at < timedelta(minutes=25)
    assert tokens.due() == []
    tasks.sweep()
    assert not queued()
    Credential.objects.update(renew_at=timezone.now())
    tasks.sweep()
    assert queued() == [("integrations.tasks.renew_token", (account.pk, credential.generation))]
    old = access(account)
    assert tasks.renew_token(account.pk, credential.generation) == "renewed"
    assert tasks.renew_token(account.pk, credential.generation) == "renewed", "a second task does no harm"
    assert vendor.calls(RENEWALS["pat"]) == 1
    assert access(account) != old
    assert session(account).client.user().id
    assert tokens.due() == []


def test_a_pat_that_died_is_told_in_words(vendor):
    account = vendor.connect("pat", **dead())
    vendor.post("/sandbox/expire", {})
    assert tasks.renew_token(account.pk, Credential.objects.get().generation) == "broken"
    account.refresh_from_db()
    assert account.state == Account.State.ATTENTION
    assert account.reason_code
    assert tokens.due() == []


@pytest.mark.parametrize(
    ("kind", "expires_in", "spare"),
    [("oauth", 86340, 600), ("oauth", 100, 10), ("pat", 3600, 1200), ("pat", 300, 100), ("pat", None, 1200)],
)
def test_how_long_before_its_end(vendor, kind, expires_in, spare):
    account = vendor.connect()
    expires_at = timezone.now() + timedelta(seconds=expires_in) if expires_in else None
    tokens.store(account, kind, tokens.Tokens(access_token="x", refresh_token=None, expires_at=expires_at))
    credential = Credential.objects.get()
    assert (credential.expires_at - credential.renew_at).total_seconds() == pytest.approx(spare, abs=1)


def test_an_oauth_token_without_an_end_is_used_until_it_is_refused(vendor):
    account = vendor.connect(expires_at=None, renew_at=None)
    assert tokens.due() == []
    held = tokens.current_token(account.pk)
    assert not held.due
    assert not held.dead


def test_an_answer_without_a_refresh_token_keeps_the_old_one(vendor):
    account = vendor.connect("oauth", **dead())
    kept = unseal(Credential.objects.get().refresh_token)
    vendor.post("/sandbox/settings", {"rotate_refresh": False})
    assert kept
    assert session(account).client.user().id
    assert unseal(Credential.objects.get().refresh_token) == kept


def test_no_call_leaves_inside_a_transaction(vendor):
    account = vendor.connect()
    vendor.post("/sandbox/reset-counters", {})
    with transaction.atomic(), pytest.raises(RuntimeError, match="commit first"):
        session(account).client.user()
    with transaction.atomic(), pytest.raises(RuntimeError, match="commit first"):
        gateway.renew(account.pk, 1)
    assert vendor.state()["requests"] == 0


def test_the_words_of_the_account_are_not_the_vendors_token(vendor):
    """`seal` of nothing is nothing, and a stored token that is empty is not sent."""
    account = vendor.connect(access_token=seal(""), refresh_token=seal(""))
    with pytest.raises(gateway.NotConnected):
        session(account).client.user()
