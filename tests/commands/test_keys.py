"""`generate_key` and `rotate_keys`: exit codes, stderr, and what is sealed with what afterwards."""

import os
import subprocess
import sys
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from integrations.crypto import unseal
from integrations.models import Account, Credential
from salesmsg_portal.demo import BASE_DIR
from tests import factories as f
from tests.harness.environment import around


def rotate() -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()


def test_generate_key_needs_no_key_yet():
    """It is the first thing that a new installation does."""
    done = subprocess.run(
        [sys.executable, "manage.py", "generate_key"],
        cwd=BASE_DIR,
        env=around(),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    key = done.stdout.strip()
    assert done.stdout == key + "\n"
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"x")) == b"x"
    assert "FIELD_ENCRYPTION_KEYS" not in os.environ or key not in os.environ["FIELD_ENCRYPTION_KEYS"]


def test_rotation_seals_everything_under_the_first_key(db, settings):
    f.connected_account()
    f.connected_account("Northside Clinic")
    f.connected_account("Gone", state=Account.State.DISCONNECTED)
    new = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, *settings.FIELD_ENCRYPTION_KEYS]
    assert rotate() == "5 stored secrets are encrypted with the first key.\n"
    settings.FIELD_ENCRYPTION_KEYS = [new]
    for credential in Credential.objects.all():
        assert unseal(credential.access_token) == unseal(credential.refresh_token) == f.ACCESS_TOKEN
    for account in Account.objects.all():
        assert unseal(account.webhook_secret) == f.SECRET.format(account.label)
    assert rotate().startswith("5 "), "a second time does no harm"


def test_without_the_old_key_it_says_whose_secrets_are_lost(db, settings):
    account = f.connected_account()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError) as raised:
        rotate()
    assert f"the tokens of account {account.pk}" in str(raised.value)
    assert f"the webhook address of account {account.pk}" in str(raised.value)
    assert "old key" in str(raised.value)


def test_nothing_to_do(db):
    assert rotate().startswith("0 ")
