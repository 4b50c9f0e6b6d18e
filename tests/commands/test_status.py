"""`status`: the same in words and as one JSON object."""

import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from integrations import budget
from integrations.models import Account, Budget, BudgetCall, Message
from tests import factories


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("status", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def account(db):
    return factories.connected_account()


def test_nothing_yet(db):
    assert json.loads(told("--json")) == {"accounts": []}
    assert "/accounts/" in told()


def test_a_fresh_account_has_every_key(account, settings):
    assert json.loads(told("--json")) == {
        "accounts": [
            {
                "id": account.pk,
                "label": "Harbor Dental",
                "state": "connected",
                "contacts": 0,
                "conversations": 0,
                "messages": 0,
                "outbox": dict.fromkeys(
                    ("queued", "sending", "sent", "failed", "unknown", "scheduled", "held", "cancelled"), 0
                ),
                "budget": {"limit": settings.SALESMSG_RATE_LIMIT, "used": 0, "blocked_until": None},
                "lanes": dict.fromkeys(
                    ("token", "interactive", "edit", "event", "delivery_status", "sync", "bulk", "idle"), 0
                ),
                "waiting": {"count": 0, "next_at": None, "last_at": None},
                "needs_person": [],
                "blocks": [],
                "last_sync": None,
            }
        ]
    }


def test_what_is_cached_and_what_waits(account):
    other = factories.connected_account("Northside Clinic", state=Account.State.ATTENTION)
    thread = factories.customer_thread(factories.customer(account))
    factories.customer(account, 2, deleted_at=timezone.now())
    factories.customer(account, 3, vendor_id=None)
    factories.message(thread)
    for number, state in enumerate(["queued", "queued", "sending", "sent", "delivered", "failed", "unknown"]):
        factories.message(
            thread,
            state=state,
            inbound=False,
            client_uuid=f"00000000-0000-0000-0000-{number:012}",
            vendor_id=900 + number if state in ("sent", "delivered") else None,
        )
    Account.objects.filter(pk=account.pk).update(synced_at=timezone.now())
    first, second = json.loads(told("--json"))["accounts"]
    assert {name: first["outbox"][name] for name in ("queued", "sending", "sent", "failed", "unknown")} == {
        "queued": 2,
        "sending": 1,
        "sent": 2,
        "failed": 1,
        "unknown": 1,
    }
    assert (first["contacts"], first["conversations"], first["messages"]) == (1, 1, 3)
    assert first["last_sync"] == Account.objects.get(pk=account.pk).synced_at.isoformat()
    assert (second["id"], second["state"], second["messages"]) == (other.pk, "attention", 0)
    assert Message.objects.count() == 8
    words = told()
    for part in ("Harbor Dental: connected", "1 contacts", "2 queued", "1 unknown", "Northside Clinic: attention"):
        assert part in words


@pytest.mark.django_db(transaction=True)
def test_the_budget_as_it_is_now(settings):
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 7, 60
    account = factories.connected_account()
    for _ in range(3):
        budget.settle(budget.take(account.pk, "sync"))
    account.budget.calls.filter(pk=account.budget.calls.first().pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert json.loads(told("--json"))["accounts"][0]["budget"] == {"limit": 7, "used": 2, "blocked_until": None}
    budget.block(account.pk)
    account.budget.refresh_from_db()
    until = account.budget.blocked_until
    assert json.loads(told("--json"))["accounts"][0]["budget"]["blocked_until"] == until.isoformat()
    assert f"blocked until {until.isoformat()}" in told()


def ours(account, number: int, state: str, **values) -> Message:
    thread = factories.customer_thread(factories.customer(account, 100 + number), latest_at=timezone.now())
    uuid = f"00000000-0000-0000-0000-{number:012}"
    return factories.message(thread, state=state, inbound=False, client_uuid=uuid, vendor_id=None, **values)


def test_what_waits_and_until_when(account, settings):
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 2, 60
    now = timezone.now()
    for number in range(3):
        ours(account, number, "queued", due_at=now)
    tomorrow = now + timedelta(days=1)
    ours(account, 3, "queued", due_at=tomorrow, send_at=tomorrow)
    held = ours(account, 4, "queued", due_at=None)
    failed = ours(account, 5, "failed")
    ours(account, 6, "cancelled")
    shown = json.loads(told("--json"))["accounts"][0]
    assert shown["outbox"] == {
        "queued": 5, "sending": 0, "sent": 0, "failed": 1, "unknown": 0, "scheduled": 1, "held": 1, "cancelled": 1,
    }  # fmt: skip
    assert shown["waiting"]["count"] == 4
    assert shown["waiting"]["last_at"] == tomorrow.isoformat()
    assert timedelta() <= datetime.fromisoformat(shown["waiting"]["next_at"]) - now < timedelta(seconds=5)
    assert sorted(shown["needs_person"]) == sorted([held.pk, failed.pk])
    words = told()
    parts = ("1 scheduled", "1 held", "waiting: 4, the last is sent at about", f"needs a person: message {failed.pk}")
    for part in parts:
        assert part in words
    Account.objects.update(state=Account.State.ATTENTION)
    assert "waiting: 4, the account is not connected" in told()


def test_lanes_and_blocks(account):
    now = timezone.now()
    books = Budget.objects.create(account=account)
    for lane, left in (("interactive", 30), ("sync", 30), ("sync", 30), ("bulk", -5)):
        at = now + timedelta(seconds=left - 60)
        BudgetCall.objects.create(budget=books, lane=lane, started_at=at, expires_at=now + timedelta(seconds=left))
    until = now - timedelta(minutes=2)
    books.blocks.create(at=now - timedelta(minutes=3), until=until)
    books.blocks.create(at=now - timedelta(hours=3), until=now - timedelta(hours=2))
    shown = json.loads(told("--json"))["accounts"][0]
    assert {lane: number for lane, number in shown["lanes"].items() if number} == {"interactive": 1, "sync": 2}
    assert shown["budget"]["used"] == 3
    assert shown["blocks"] == [{"at": (now - timedelta(minutes=3)).isoformat(), "until": until.isoformat()}]
    assert "3 of 60 calls used (1 interactive, 2 sync)" in told()
    assert f"blocks in the last minutes: 1, the last until {until.isoformat()}" in told()


def test_nothing_secret_is_told(account):
    shown = told() + told("--json")
    assert factories.ACCESS_TOKEN not in shown
    assert "webhook-secret" not in shown


def test_labels_of_every_alphabet(db):
    factories.connected_account("Клиника 🦷 שיניים")
    assert "Клиника 🦷 שיניים" in told("--json")
