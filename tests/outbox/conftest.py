"""A connected, synced account beside a real sandbox, and what the tests do with both."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import gateway, mirror
from integrations.accounts import connect
from integrations.models import Account, BudgetCall, Conversation, Message, SyncRun, ThreadSync
from integrations.outbox import compose
from integrations.salesmsg import records
from integrations.sync import request, runner, thread_refresh
from tests import factories


@pytest.fixture(scope="module")
def salesmsg(tmp_path_factory):
    from tests.harness.sandbox import Sandbox

    log = tmp_path_factory.mktemp("outbox") / "sandbox.log"
    running = Sandbox(
        log, contacts=8, messages=2, rate=1000, period=0.5, no_auto_replies=True, no_failures=True, delivery_delay=0
    )
    yield running
    running.stop()


@pytest.fixture
def account(transactional_db, salesmsg, settings) -> Account:
    salesmsg.post("/sandbox/faults", {"kind": "none"})
    settings.SALESMSG_BASE_URL = salesmsg.url
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 1000, 0.5
    token = salesmsg.post("/sandbox/pat", {})["token"]
    account = connect.connect_by_token(None, "Test", token)
    request.stop_sync(account)
    fill(account, salesmsg.data())
    return account


def fill(account: Account, data: dict) -> None:
    """What a sync would bring, without its calls: the sync has tests of its own."""
    mirror.upsert_members(account, [records.User.parse(raw) for raw in data["users"]])
    mirror.upsert_inboxes(account, [records.Team.parse(raw) for raw in data["teams"]])
    mirror.upsert_contacts(account.pk, [records.Contact.parse(raw) for raw in data["contacts"]])
    mirror.upsert_conversations(account.pk, [records.Conversation.parse(raw) for raw in data["conversations"]])
    ThreadSync.objects.bulk_create(
        ThreadSync(conversation=one, complete=True) for one in Conversation.objects.filter(account=account)
    )


@pytest.fixture
def staff(transactional_db):
    return factories.person("boss", superuser=True, first_name="Bo", last_name="Ss")


@pytest.fixture
def conversation(account) -> Conversation:
    """An open conversation with a contact who can be texted."""
    return (
        Conversation.objects.select_related("contact", "account")
        .filter(account=account, contact__opted_out=False, contact__blocked=False, closed_at=None)
        .order_by("pk")
        .first()
    )


def read_everything(account: Account) -> SyncRun:
    run = request.start_full(account)
    session = gateway.open_session(account.pk, BudgetCall.Lane.SYNC, patience=30)
    while (claimed := runner.claim_step(run.pk)) is not None:
        assert runner.advance_run(claimed, session), SyncRun.objects.get(pk=run.pk).reason.text
    run.refresh_from_db()
    assert run.state == "done", run.reason.text
    return run


def write(staff, conversation, text="My text message") -> Message:
    return compose.queue_reply(staff, conversation, text, uuid.uuid4())


def posts(salesmsg, text: str) -> int:
    """How many texts with these words the vendor has taken."""
    return sum(1 for message in salesmsg.state()["messages"] if message["body"] == text)


def read_thread(conversation) -> None:
    """As the task does it, at once."""
    ThreadSync.objects.filter(conversation=conversation).update(due_at=timezone.now() - timedelta(seconds=1))
    thread_refresh.refresh_thread(conversation.pk)


def worker_is_gone(message) -> None:
    """As if the claim were older than any call can last."""
    Message.objects.filter(pk=message.pk).update(claimed_at=timezone.now() - timedelta(seconds=200))
