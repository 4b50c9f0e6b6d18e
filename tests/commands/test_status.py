"""`status`: the same in words and as one JSON object."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from integrations import budget
from integrations.models import Account, Message
from tests.accounts import build


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("status", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def account(db):
    return build.account()


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
                "outbox": {"queued": 0, "sending": 0, "sent": 0, "failed": 0, "unknown": 0},
                "budget": {"limit": settings.SALESMSG_RATE_LIMIT, "used": 0, "blocked_until": None},
                "last_sync": None,
            }
        ]
    }


def test_what_is_cached_and_what_waits(account):
    other = build.account("Northside Clinic", state=Account.State.ATTENTION)
    thread = build.conversation(build.contact(account))
    build.contact(account, 2, deleted_at=timezone.now())
    build.contact(account, 3, vendor_id=None)
    build.message(thread)
    for number, state in enumerate(["queued", "queued", "sending", "sent", "delivered", "failed", "unknown"]):
        build.message(
            thread,
            state=state,
            inbound=False,
            client_uuid=f"00000000-0000-0000-0000-{number:012}",
            vendor_id=900 + number if state in ("sent", "delivered") else None,
        )
    Account.objects.filter(pk=account.pk).update(synced_at=timezone.now())
    first, second = json.loads(told("--json"))["accounts"]
    assert first["outbox"] == {"queued": 2, "sending": 1, "sent": 2, "failed": 1, "unknown": 1}
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
    account = build.account()
    for _ in range(3):
        budget.settle(budget.take(account.pk, "sync"))
    account.budget.calls.filter(pk=account.budget.calls.first().pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert json.loads(told("--json"))["accounts"][0]["budget"] == {"limit": 7, "used": 2, "blocked_until": None}
    until = budget.block(account.pk)
    assert json.loads(told("--json"))["accounts"][0]["budget"]["blocked_until"] == until.isoformat()
    assert f"blocked until {until.isoformat()}" in told()


def test_nothing_secret_is_told(account):
    shown = told() + told("--json")
    assert build.ACCESS_TOKEN not in shown
    assert "webhook-secret" not in shown


def test_labels_of_every_alphabet(db):
    build.account("Клиника 🦷 שיניים")
    assert "Клиника 🦷 שיניים" in told("--json")
