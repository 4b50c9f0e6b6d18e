"""No token in clear: in no table, no log line, no exception; and keys that change."""

import logging
import re
import traceback

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from integrations import crypto, gateway, tasks, tokens
from integrations.accounts import connect
from integrations.crypto import Unsealable, seal, unseal
from integrations.models import Account, BudgetCall, Credential
from integrations.salesmsg.errors import SalesmsgError
from tests.factories import person

from .vendor import dead, due, stored

SESSION_KEY = "-".join(["session", "key", "in", "clear"])  # not as a literal: tracebacks quote the source
pytestmark = pytest.mark.django_db(transaction=True)


def secrets_of(account) -> set[str]:
    credential = Credential.objects.get(account=account)
    found = {unseal(credential.access_token), unseal(credential.refresh_token), unseal(account.webhook_secret)}
    return {text for text in found if text}


def in_clear(secrets, texts) -> list[str]:
    return [
        where
        for where, text in texts
        for secret in secrets
        if secret in text or (len(secret) > 90 and secret[40:80] in text)
    ]


@pytest.fixture
def everything_logged(caplog):
    """All loggers at their most talkative, those of the libraries and of SQL too."""
    caplog.set_level(logging.DEBUG)
    names = [name for name in logging.root.manager.loggerDict if not name.startswith("asyncio")]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    connection.force_debug_cursor = True
    yield caplog
    connection.force_debug_cursor = False
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def live_a_life(vendor, kind: str) -> tuple[Account, set[str], list[str]]:
    """Connects through the front door, renews, is refused, is disconnected; all secrets, all exceptions on the way."""
    secrets, told = {vendor.client_secret}, []
    user = person("root", superuser=True)

    def attempt(work):
        try:
            return work()
        except (SalesmsgError, gateway.NotConnected, gateway.BudgetWait, connect.ConnectProblem) as error:
            told.append("".join(traceback.format_exception(error)) + repr(error) + str(vars(error)))

    if kind == "oauth":
        address = connect.authorization_url(user, SESSION_KEY, label="Life")
        state = re.search(r"state=([^&]+)", address)[1]
        way_back = vendor.decide(address)
        code = re.search(r"code=([^&]+)", way_back)[1]
        secrets |= {state, code, SESSION_KEY}
        attempt(lambda: connect.finish_authorization(user, SESSION_KEY, {"state": state, "code": "garbage-" + code}))
        address = connect.authorization_url(user, SESSION_KEY, label="Life")
        state = re.search(r"state=([^&]+)", address)[1]
        code = re.search(r"code=([^&]+)", vendor.decide(address))[1]
        secrets |= {state, code}
        account = connect.finish_authorization(user, SESSION_KEY, {"state": state, "code": code})
    else:
        pasted = vendor.make_pat()
        secrets.add(pasted)
        attempt(lambda: connect.connect_by_token(user, "Life", "garbage-" + pasted))
        account = connect.connect_by_token(user, "Life", pasted)
    secrets |= secrets_of(account)
    session = gateway.open_session(account.pk, BudgetCall.Lane.EVENT, patience=5)
    Credential.objects.update(**due())
    attempt(lambda: vendor.fault("500", "POST /oauth", count=1))
    tasks.renew_token(account.pk, Credential.objects.get().generation)
    vendor.fault("none")
    Credential.objects.update(**due())
    assert tasks.renew_token(account.pk, Credential.objects.get().generation) == "renewed"
    secrets |= secrets_of(account)
    held = tokens.current_token(account.pk)
    lease = tokens.begin(account.pk, held.generation)
    told.append(repr(held) + repr(lease))
    tokens.abandon(lease)
    for trouble in ("500", "html", "truncate", "drop-after", "cut"):
        vendor.fault(trouble, "GET /user", count=1)
        attempt(session.client.user)
    vendor.post("/sandbox/revoke", {})
    attempt(session.client.user)
    Credential.objects.update(**dead())
    attempt(session.client.user)
    assert len(told) > 6
    return account, secrets, told


@pytest.mark.parametrize("kind", ["oauth", "pat"])
def test_no_secret_in_tables_logs_or_exceptions(vendor, kind, everything_logged):
    account, secrets, told = live_a_life(vendor, kind)
    assert len(secrets) >= 4
    texts = list(stored())
    assert any(where == "integrations_account.label" and text == "Life" for where, text in texts), "checks all tables"
    assert any(where == "integrations_auditentry.action" for where, _ in texts)
    assert any(where == "django_q_ormq.payload" for where, _ in texts)
    assert not in_clear(secrets, texts)
    logged = [
        (record.name, record.getMessage() + str(record.args) + str(record.exc_info or ""))
        for record in everything_logged.records
    ]
    assert any("GET /user" in line for _, line in logged), "the log is really on"
    assert any(name == "django.db.backends" for name, _ in logged)
    assert not in_clear(secrets, logged)
    assert not in_clear(secrets, [("exception", text) for text in told])
    account.refresh_from_db()
    assert account.reason
    assert not in_clear(secrets, [("reason", account.reason.text)])


def test_the_scan_would_find_one(vendor):
    account = vendor.connect()
    secrets = secrets_of(account)
    Account.objects.update(vendor_reason=f"oops: {next(iter(secrets))}")
    assert in_clear(secrets, stored()) == ["integrations_account.vendor_reason"]


def test_sealing():
    sealed = seal("secret-token")
    assert "secret" not in sealed
    assert seal("secret-token") != sealed
    assert unseal(sealed) == "secret-token"
    assert seal("") == unseal("") == ""
    assert unseal(seal("ünïcode ✓")) == "ünïcode ✓"


def test_rotation(vendor, settings):
    account = vendor.connect()
    before = secrets_of(account)
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    assert secrets_of(account) == before, "while both are there, both are read"
    assert tokens.rotate_keys() == (2, [])
    settings.FIELD_ENCRYPTION_KEYS = [new]
    account.refresh_from_db()
    assert secrets_of(account) == before
    assert gateway.open_session(account.pk, "event", patience=5).client.user().id
    settings.FIELD_ENCRYPTION_KEYS = [old]
    with pytest.raises(Unsealable):
        unseal(account.webhook_secret)


def test_rotation_goes_on_past_what_no_key_opens(vendor, settings):
    first, second = vendor.connect(label="First"), vendor.connect(label="Second")
    Credential.objects.filter(account=first).update(access_token=Fernet(Fernet.generate_key()).encrypt(b"x").decode())
    new = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, *settings.FIELD_ENCRYPTION_KEYS]
    rows, lost = tokens.rotate_keys()
    assert (rows, lost) == (3, [f"the tokens of account {first.pk}"])
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert tokens.current_token(second.pk).access_token


@pytest.mark.parametrize("keys", [[], ["no key"], ["x" * 44], ["ü" * 44]])
def test_keys_that_are_none(settings, keys):
    settings.FIELD_ENCRYPTION_KEYS = keys
    for work in (lambda: seal("x"), lambda: unseal("x"), lambda: crypto.reseal("x")):
        with pytest.raises(Unsealable) as raised:
            work()
        assert raised.value.code == "no_encryption_key"
    assert raised.value.__cause__ is None or "x" * 44 not in str(raised.value.__cause__)


def test_what_is_no_sealed_text_is_told_in_words():
    for odd in ("clear-text", "gAAAAA", "ünïcode"):
        with pytest.raises(Unsealable):
            unseal(odd)
