"""The commands as a user at a shell, or a script, uses them: exit codes, stdout and stderr."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import ON_POSTGRES
from tests.harness.sandbox import wait_for
from tests.harness.truth import differences

pytestmark = [pytest.mark.processes]


def textable(vendor) -> dict:
    """A contact who may be texted."""
    return next(row for row in vendor.data()["contacts"] if not row["opt_out"] and not row["is_blocked"])


@ON_POSTGRES
def test_connect_sync_status(sandbox, portal, each_database):
    vendor = sandbox(contacts=16, messages=3, rate=60, period=2, no_auto_replies=True, no_failures=True)
    ours = portal(vendor, each_database, SALESMSG_RATE_PERIOD=2)

    refused = ours.manage("connect", "Shop", "--token", "1|nobody-knows-this-one", check=False)
    assert (refused.returncode != 0, refused.stdout) == (True, "")
    assert refused.stderr.strip()
    assert "Traceback" not in refused.stderr
    assert json.loads(ours.manage("status", "--json").stdout) == ours.status() == {"accounts": []}

    account = ours.connect(vendor, "Shop")
    assert account.isdigit()
    first = json.loads(ours.manage("sync", "--account", account, "--full", "--json").stdout)
    truth = vendor.data()
    for name in ("contacts", "conversations", "messages"):
        assert first[name] == len(truth[name]), first
    assert differences(vendor, ours) == []
    again = json.loads(ours.manage("sync", "--account", account, "--full", "--json").stdout)
    assert again["changed"] == 0, again
    assert vendor.state()["too_many"] == 0
    row = ours.status()["accounts"][0]
    fixed = ("id", "label", "state", "contacts", "conversations", "messages", "outbox", "budget", "last_sync")
    assert set(fixed) <= set(row)
    assert (row["id"], row["label"], row["state"]) == (int(account), "Shop", "connected")
    assert row["budget"]["limit"] == 60


@ON_POSTGRES
def test_send(sandbox, portal, each_database):
    vendor = sandbox(contacts=16, messages=3, rate=60, period=2, no_auto_replies=True, no_failures=True)
    ours = portal(vendor, each_database, SALESMSG_RATE_PERIOD=2)
    account = ours.connect(vendor)
    ours.manage("sync", "--account", account)

    someone = textable(vendor)
    queued = ours.manage("send", "--account", account, "--to", someone["number"], "For the worker")
    assert queued.stdout.strip().isdigit()
    assert ours.status()["accounts"][0]["outbox"]["queued"] == 1
    assert vendor.state()["messages"] == []
    ours.start_worker(2)
    sent = ours.manage(
        "send", "--account", account, "--to", someone["number"], "My text message", "--wait", "90", check=False
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert sent.stdout.strip().isdigit()
    wait_for("both texts are there", lambda: len(vendor.state()["messages"]) == 2)
    assert sorted(row["body"] for row in vendor.state()["messages"]) == ["For the worker", "My text message"]

    out = next((row for row in vendor.data()["contacts"] if row["opt_out"]), None)
    if out is not None:
        no = ours.manage("send", "--account", account, "--to", out["number"], "Hello", "--wait", "20", check=False)
        assert no.returncode == 1, no.stdout + no.stderr
        assert "opted out" in no.stderr.lower()
    outbox = ours.status()["accounts"][0]["outbox"]
    assert outbox["sent"] == 2
    assert outbox["queued"] == outbox["sending"] == outbox["unknown"] == 0
    assert len(vendor.state()["messages"]) == 2


def test_a_mistake_is_told_in_words(portal):
    done = portal("http://127.0.0.1:9").manage("send", "--account", "77", "--to", "+13055550142", "Hello", check=False)
    assert done.returncode != 0
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.django_db
@pytest.mark.parametrize("command", [("sync", "--account", "77"), ("sync",), ("connect", "Shop")])
def test_a_mistake_is_one_that_commands_tell(command, capsys, monkeypatch):
    """Django makes words and an exit code of it, as above."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match=r"\w+ \w+"):
        call_command(*command)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["sandbox", "connect", "sync", "send", "status", "seed_inbox", "generate_key"])
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as end:
        call_command(name, "--help")
    assert end.value.code == 0
    assert "usage:" in capsys.readouterr().out


def test_keys_rotate(sandbox, portal):
    vendor = sandbox(contacts=3, messages=1, no_auto_replies=True)
    ours = portal(vendor)
    ours.connect(vendor)
    old, new = ours.environment["FIELD_ENCRYPTION_KEYS"], ours.manage("generate_key").stdout.strip()
    ours.environment["FIELD_ENCRYPTION_KEYS"] = f"{new},{old}"
    ours.manage("rotate_keys")
    ours.environment["FIELD_ENCRYPTION_KEYS"] = new
    ours.manage("sync", "--json")
    ours.environment["FIELD_ENCRYPTION_KEYS"] = old
    lost = ours.manage("sync", "--json", check=False)
    assert lost.returncode != 0
    assert "Traceback" not in lost.stderr, lost.stderr
