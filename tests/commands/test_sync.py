"""`sync`: everything the first time, then what changed; words on failure; it may be broken off and begun again."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from integrations.models import Account, Contact, SyncRun, ThreadSync
from integrations.sync import request, runner
from tests.accounts import build
from tests.sync.support import connected, one_sandbox, vendor_settings, world  # noqa: F401
from tests.sync.vendor import TOKEN, Vendor

database = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vendor(vendor_settings):  # noqa: F811
    with Vendor() as running:
        vendor_settings(running.url)
        running.people(12, messages=2)
        yield running


def sync(*arguments: str) -> dict:
    out = StringIO()
    call_command("sync", "--json", *arguments, stdout=out, stderr=StringIO())
    lines = out.getvalue().strip().splitlines()
    assert len(lines) == 1
    return json.loads(lines[0])


@pytest.mark.processes
@database
def test_first_everything_then_what_changed_then_everything_again(world):  # noqa: F811
    account = connected()
    data = world.data()
    world.post("/sandbox/reset-counters", {})
    told = sync()
    held = {"contacts": len(data["contacts"]), "conversations": len(data["conversations"])}
    assert told.items() >= (held | {"messages": len(data["messages"]), "notes": []}).items()
    assert told["changed"] >= sum(held.values()) + told["messages"]
    assert told["requests"] == world.state()["requests"]
    assert told["seconds"] > 0
    assert told["accounts"] == [
        {"account": account.pk, "state": "done"}
        | {name: told[name] for name in ("requests", "contacts", "conversations", "messages", "changed")}
    ]
    look = sync("--account", str(account.pk))
    assert (look["changed"], look["requests"] <= 4, look["contacts"]) == (0, True, held["contacts"])
    again = sync("--full")
    assert (again["changed"], again["messages"]) == (0, told["messages"])
    assert again["requests"] > held["conversations"]


@database
def test_everything_can_be_compared(vendor):
    account = connected(TOKEN)
    sync()
    Contact.objects.filter(account=account).update(first_name="Damaged")
    told = sync("--check")
    assert (told["changed"], told["accounts"][0]["state"]) == (12, "done")
    assert not Contact.objects.filter(first_name="Damaged").exists()


@database
def test_in_words(vendor):
    connected(TOKEN)
    out, err = StringIO(), StringIO()
    call_command("sync", stdout=out, stderr=err)
    assert out.getvalue().startswith("12 contacts, 12 conversations and 24 messages are cached; ")
    assert err.getvalue() == ""


@database
def test_all_connected_accounts_and_only_those(vendor):
    one = connected(TOKEN)
    Account.objects.filter(pk=one.pk).update(organization_id=1)
    two = connected(TOKEN, "Second")
    build.account("Gone", state=Account.State.DISCONNECTED)
    told = sync()
    assert [row["account"] for row in told["accounts"]] == [one.pk, two.pk]
    assert (told["contacts"], told["messages"]) == (24, 48)
    assert [row["account"] for row in sync("--account", str(two.pk))["accounts"]] == [two.pk]


@database
def test_a_failure_is_told_on_stderr_and_the_numbers_all_the_same(vendor):
    connected(TOKEN)
    vendor.list_allowed = False
    vendor.bend["GET /contacts"] = lambda query: vendor.page(vendor.contacts, 1, 10)
    out = StringIO()
    with pytest.raises(CommandError, match="Test: Salesmsg gave the same page of contacts twice"):
        call_command("sync", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["accounts"][0]["state"] == "failed"
    assert told["contacts"] == 10
    vendor.bend.clear()
    assert sync()["contacts"] == 12


@database
def test_one_failure_does_not_keep_the_others_waiting(vendor):
    one = connected(TOKEN)
    Account.objects.filter(pk=one.pk).update(organization_id=1)
    connected(TOKEN, "Second")
    vendor.list_allowed = False
    real = iter([(403, {"message": "Forbidden by role."})])
    vendor.bend["GET /contacts"] = lambda query: next(real, None)
    out = StringIO()
    with pytest.raises(CommandError, match="Test: "):
        call_command("sync", "--json", stdout=out)
    assert [row["state"] for row in json.loads(out.getvalue())["accounts"]] == ["failed", "done"]


@pytest.mark.django_db
def test_what_cannot_be_synced_is_explained():
    with pytest.raises(CommandError, match="No account is connected"):
        call_command("sync")
    with pytest.raises(CommandError, match="There is no account 77"):
        call_command("sync", account=77)
    gone = build.account("Gone", state=Account.State.DISCONNECTED)
    with pytest.raises(CommandError, match="Gone: disconnected"):
        call_command("sync", account=gone.pk)
    with pytest.raises(CommandError):
        call_command("sync", "--account", "x")


@database
def test_broken_off_it_goes_on_from_there_without_waiting_for_the_lease(vendor, monkeypatch):
    account = connected(TOKEN)
    with monkeypatch.context() as patched:
        patched.setattr(runner, "next_page", _interrupt_at(9, runner.next_page))
        with pytest.raises(KeyboardInterrupt):
            call_command("sync", "--json", stdout=StringIO())
    run = SyncRun.objects.get()
    assert (run.state, run.lease_until) == (SyncRun.State.RUNNING, None)
    SyncRun.objects.update(due_at=timezone.now())
    vendor.calls.clear()
    assert sync()["messages"] == 24
    run.refresh_from_db()
    assert (run.state, run.account_id, SyncRun.objects.count()) == (SyncRun.State.DONE, account.pk, 1)
    assert vendor.calls["POST /contacts/list"] == 0, "steps that were done were done again"
    assert vendor.calls["GET /messages/{id}/paginated"] == 12
    assert not ThreadSync.objects.filter(complete=False).exists()


def _interrupt_at(turn: int, real):
    turns = iter(range(1, 10_000))

    def maybe(*arguments):
        if next(turns) == turn:
            raise KeyboardInterrupt
        return real(*arguments)

    return maybe


@database
def test_it_works_beside_a_run_that_was_asked_for_elsewhere(vendor):
    account = connected(TOKEN)
    asked = request.start_full(account)
    sync()
    asked.refresh_from_db()
    assert asked.state == SyncRun.State.DONE
    assert SyncRun.objects.count() == 1


@database
def test_a_run_that_is_stopped_elsewhere_ends_it(vendor):
    account = connected(TOKEN)

    def stop(query):
        request.stop_sync(account)
        connection.close()

    vendor.bend["POST /contacts/list"] = stop
    with pytest.raises(CommandError, match="the sync was stopped"):
        call_command("sync", "--json", stdout=StringIO())
    assert account.contacts.count() == 0, "a page was stored after the stop"
