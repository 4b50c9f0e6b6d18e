"""Scheduled texts through the pump, against a real sandbox: they leave at their hour, once, unless something keeps
them back."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Message
from integrations.outbox import deliver, dispatcher, scheduled
from integrations.tasks import sweep

from .conftest import posts, write

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def plan(staff, conversation):
    """Schedules a text, and moves its hour: ``plan("text", seconds=-5, stop=True)``."""

    def make(text: str, *, seconds: float, stop: bool = False) -> Message:
        local = (timezone.now() + timedelta(hours=1)).replace(tzinfo=None)
        made = scheduled.schedule_message(staff, conversation, text, uuid.uuid4(), local, "UTC", stop)
        then = timezone.now() + timedelta(seconds=seconds)
        Message.objects.filter(pk=made.pk).update(send_at=then, due_at=then, at=then)
        return made

    return make


def state(message) -> str:
    message.refresh_from_db()
    return "held" if message.held else message.state


def test_it_leaves_at_its_hour_and_holds_up_nobody(staff, conversation, plan, salesmsg):
    words = f"Reminder {uuid.uuid4()}"
    planned = plan(words, seconds=60)
    reply = write(staff, conversation, f"At once {uuid.uuid4()}")
    assert dispatcher.INTERACTIVE.run(conversation.account_id) == 1
    assert (state(reply), state(planned)) == ("sent", "queued")
    then = timezone.now()
    Message.objects.filter(pk=planned.pk).update(send_at=then, due_at=then, at=then)
    assert dispatcher.INTERACTIVE.run(conversation.account_id) == 1
    assert dispatcher.INTERACTIVE.run(conversation.account_id) == 0
    assert state(planned) == "sent"
    assert posts(salesmsg, words) == 1


@pytest.mark.parametrize("swept", [True, False])
def test_after_an_outage_it_asks_and_a_word_sends_it(staff, conversation, plan, salesmsg, swept):
    words = f"Late {uuid.uuid4()}"
    message = plan(words, seconds=-3700)
    if swept:
        sweep()
    dispatcher.INTERACTIVE.run(conversation.account_id)  # the gate holds it also where no sweep came first
    assert state(message) == "held"
    assert "It was not sent" in message.failure
    dispatcher.INTERACTIVE.run(conversation.account_id)
    assert posts(salesmsg, words) == 0
    assert scheduled.send_now(staff, message)
    sweep()
    assert dispatcher.INTERACTIVE.run(conversation.account_id) == 1
    assert state(message) == "sent"
    assert posts(salesmsg, words) == 1


def test_an_answer_between_sweep_and_claim_stops_it(conversation, plan, salesmsg):
    words = f"Still there? {uuid.uuid4()}"
    message = plan(words, seconds=-1, stop=True)
    now = timezone.now()
    Message.objects.create(
        account_id=conversation.account_id, conversation=conversation, inbound=True, state="received", text="Yes",
        at=now, rank=1, vendor_id=987_654_321,
    )  # fmt: skip
    assert deliver.deliver_message(message.pk, patience=5) == "cancelled"
    assert state(message) == "cancelled"
    assert message.failure == scheduled.ANSWERED
    assert message.attempts.count() == 0
    assert posts(salesmsg, words) == 0


def test_written_long_ago_is_no_reason_to_give_up(conversation, plan, salesmsg):
    words = f"Long planned {uuid.uuid4()}"
    message = plan(words, seconds=-1)
    Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - timedelta(days=30))
    salesmsg.post("/sandbox/faults", {"kind": "429", "count": 1, "match": "POST /messages"})
    deliver.deliver_message(message.pk, patience=0)
    assert state(message) in {"queued", "sent"}
