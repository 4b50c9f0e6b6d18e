"""Handing texts to Salesmsg: once, in order, with true states, whatever the vendor does."""

import threading
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from integrations import budget, gateway, mirror
from integrations.models import Attempt, Budget, BudgetCall, Change, Contact, Conversation, Message, ThreadSync
from integrations.outbox import compose, deliver, dispatcher, safeguards
from integrations.salesmsg.errors import CredentialRefused

from .conftest import posts, read_thread, worker_is_gone, write

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
State = Message.State


def fresh(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def due_now(message: Message) -> None:
    Message.objects.filter(pk=message.pk).update(due_at=timezone.now())


def test_a_reply_is_sent_once_and_followed_to_delivery(salesmsg, staff, conversation):
    text = f"My text message {uuid.uuid4()}"
    message = write(staff, conversation, text)
    assert message.state == State.QUEUED
    assert deliver.deliver_message(message.pk) == State.SENT
    assert deliver.deliver_message(message.pk) == ""
    sent = fresh(message)
    assert sent.vendor_id
    assert sent.rank == sent.vendor_id
    assert [attempt.outcome for attempt in sent.attempts.all()] == [Attempt.Outcome.ACCEPTED]
    assert posts(salesmsg, text) == 1
    read_thread(conversation)
    assert fresh(message).state == State.DELIVERED
    assert Message.objects.filter(conversation=conversation, text=text).count() == 1
    conversation.refresh_from_db()
    assert (conversation.latest_text, conversation.latest_state) == (text, State.DELIVERED)


def test_a_refused_number_says_what_salesmsg_said(salesmsg, account, staff):
    """The page refuses such a number; Salesmsg may refuse one that the page accepts, in words about the field."""
    contact = Contact.objects.create(account=account, phone="+11234567890")
    message = write(staff, compose.conversation_for(contact))
    assert deliver.deliver_message(message.pk) == State.FAILED
    refused = fresh(message)
    assert refused.reason_code == "invalid"
    assert "The number format is invalid." in refused.vendor_reason
    assert f"Salesmsg says: “{refused.vendor_reason}”" in refused.explanation
    assert Contact.objects.get(pk=contact.pk).vendor_id is None


def test_the_same_form_twice_is_one_message(salesmsg, staff, conversation):
    form = uuid.uuid4()
    text = f"Twice {form}"
    first = compose.queue_reply(staff, conversation, text, form)
    second = compose.queue_reply(staff, conversation, text, form)
    assert first.pk == second.pk
    deliver.deliver_message(first.pk)
    deliver.deliver_message(second.pk)
    assert posts(salesmsg, text) == 1


def test_the_same_form_twenty_times_at_once_is_one_row_and_one_request(salesmsg, staff, conversation):
    form = uuid.uuid4()
    text = f"At once {form}"
    start = threading.Barrier(20)
    failures = []

    def submit():
        try:
            start.wait()
            message = compose.queue_reply(staff, conversation, text, form)
            deliver.deliver_message(message.pk)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=submit) for _ in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert failures == []
    assert Message.objects.filter(client_uuid=form).count() == 1
    assert posts(salesmsg, text) == 1


def test_texts_of_a_thread_keep_their_order(salesmsg, staff, conversation):
    mark = uuid.uuid4()
    first, second = write(staff, conversation, f"one {mark}"), write(staff, conversation, f"two {mark}")
    assert deliver.deliver_message(second.pk) == ""
    assert fresh(second).state == State.QUEUED
    assert deliver.deliver_message(first.pk) == State.SENT
    assert deliver.deliver_message(second.pk) == State.SENT
    bodies = [message["body"] for message in salesmsg.state()["messages"]]
    assert bodies.index(f"one {mark}") < bodies.index(f"two {mark}")


def test_whoever_opted_out_after_the_text_was_queued_is_not_texted(salesmsg, staff, conversation):
    message = write(staff, conversation, f"late {uuid.uuid4()}")
    Contact.objects.filter(pk=conversation.contact_id).update(opted_out=True)
    assert deliver.deliver_message(message.pk) == State.FAILED
    assert fresh(message).reason_code == "opted_out"
    assert posts(salesmsg, message.text) == 0


def test_a_text_that_salesmsg_answers_with_failed_is_failed(salesmsg, staff, account, conversation):
    contact = conversation.contact
    salesmsg.post(f"/sandbox/phone/{contact.vendor_id}", {"text": "STOP"})
    message = write(staff, conversation, f"refused {uuid.uuid4()}")
    assert deliver.deliver_message(message.pk) == State.FAILED
    sent = fresh(message)
    assert sent.reason_code == "carrier_21610"
    assert sent.attempts.get().outcome == Attempt.Outcome.REFUSED
    salesmsg.post(f"/sandbox/phone/{contact.vendor_id}", {"text": "START"})


@pytest.mark.parametrize("kind", ["500", "drop-after", "truncate", "html"])
def test_an_unclear_answer_is_unknown_and_never_sent_again_by_itself(salesmsg, staff, conversation, kind):
    text = f"unclear {kind} {uuid.uuid4()}"
    message = write(staff, conversation, text)
    salesmsg.post("/sandbox/faults", {"kind": kind, "count": 1, "match": "POST /messages"})
    assert deliver.deliver_message(message.pk) == State.UNKNOWN
    taken = posts(salesmsg, text)
    assert deliver.deliver_message(message.pk) == ""
    deliver.expire_claims()
    dispatcher.wake_due()
    assert fresh(message).state in {State.UNKNOWN, State.SENT}
    assert posts(salesmsg, text) == taken
    read_thread(conversation)
    found = fresh(message)
    if taken:
        assert found.vendor_id, "what Salesmsg has is found in its thread"
        assert found.state in {State.SENT, State.DELIVERED}
        assert Message.objects.filter(conversation=conversation, text=text).count() == 1
    else:
        assert found.state == State.UNKNOWN
    assert posts(salesmsg, text) == taken


def test_what_surely_did_not_leave_is_tried_again(salesmsg, staff, conversation, settings):
    text = f"later {uuid.uuid4()}"
    message = write(staff, conversation, text)
    settings.SALESMSG_BASE_URL = "http://127.0.0.1:9"
    assert deliver.deliver_message(message.pk) == State.QUEUED
    waiting = fresh(message)
    assert waiting.due_at > timezone.now()
    assert "try again" in waiting.explanation
    settings.SALESMSG_BASE_URL = salesmsg.url
    due_now(message)
    assert deliver.deliver_message(message.pk) == State.SENT
    assert not fresh(message).reason
    assert posts(salesmsg, text) == 1
    outcomes = list(message.attempts.values_list("outcome", flat=True))
    assert outcomes == [Attempt.Outcome.NOT_DONE, Attempt.Outcome.ACCEPTED]


def test_a_429_waits_for_the_blocks_end_and_sends_once(salesmsg, staff, account, conversation):
    text = f"blocked {uuid.uuid4()}"
    message = write(staff, conversation, text)
    salesmsg.post("/sandbox/faults", {"kind": "429", "count": 1, "match": "POST /messages"})
    assert deliver.deliver_message(message.pk) == State.QUEUED
    assert Budget.objects.get(account=account).blocked_until > timezone.now()
    assert [attempt.outcome for attempt in message.attempts.all()] == [Attempt.Outcome.NOT_DONE]
    asked = salesmsg.state()["requests"]
    due_now(message)
    assert deliver.deliver_message(message.pk) == State.QUEUED, "nothing is called while it is blocked"
    assert salesmsg.state()["requests"] == asked
    due_now(message)
    assert deliver.deliver_message(message.pk, patience=5) == State.SENT
    assert posts(salesmsg, text) == 1


def test_a_crash_before_the_call_is_no_doubt_and_after_it_is_one(salesmsg, staff, conversation):
    early = write(staff, conversation, f"early {uuid.uuid4()}")
    Message.objects.filter(pk=early.pk).update(state=State.SENDING)
    worker_is_gone(early)
    assert deliver.expire_claims() == 1
    assert fresh(early).state == State.QUEUED
    due_now(early)
    assert deliver.deliver_message(early.pk) == State.SENT

    late = write(staff, conversation, f"late {uuid.uuid4()}")
    Message.objects.filter(pk=late.pk).update(state=State.SENDING)
    worker_is_gone(late)
    late.attempts.create()
    assert deliver.expire_claims() == 1
    assert fresh(late).state == State.UNKNOWN
    assert late.attempts.get().outcome == Attempt.Outcome.UNCLEAR
    assert deliver.deliver_message(late.pk) == ""
    assert posts(salesmsg, late.text) == 0


def test_two_identical_unknown_texts_are_never_merged(salesmsg, staff, conversation):
    text = f"same words {uuid.uuid4()}"
    again = {"accepted": ["duplicate"]}
    messages = [write(staff, conversation, text), compose.queue_reply(staff, conversation, text, uuid.uuid4(), **again)]
    salesmsg.post("/sandbox/faults", {"kind": "drop-after", "count": 2, "match": "POST /messages"})
    assert [deliver.deliver_message(message.pk) for message in messages] == [State.UNKNOWN, State.UNKNOWN]
    assert posts(salesmsg, text) == 2
    read_thread(conversation)
    assert [fresh(message).state for message in messages] == [State.UNKNOWN, State.UNKNOWN]


def test_sent_again_by_a_person_is_a_new_text_and_pressed_twice_one(salesmsg, staff, conversation):
    text = f"again {uuid.uuid4()}"
    message = write(staff, conversation, text)
    salesmsg.post("/sandbox/faults", {"kind": "500", "count": 1, "match": "POST /messages"})
    deliver.deliver_message(message.pk)
    once, twice = compose.resend_message(staff, message), compose.resend_message(staff, message)
    assert once.pk == twice.pk != message.pk
    before = posts(salesmsg, text)
    assert deliver.deliver_message(once.pk) == State.SENT
    assert posts(salesmsg, text) == before + 1
    with pytest.raises(safeguards.CannotSend):
        compose.resend_message(staff, once)


def test_a_new_phone_becomes_a_contact_and_a_conversation(salesmsg, staff, account):
    inbox = account.inboxes.order_by("pk").first()
    message = compose.queue_to_phone(staff, account, "(305) 555-0177", "Hello there", uuid.uuid4(), inbox)
    draft = message.conversation
    assert (draft.vendor_id, draft.contact.vendor_id, draft.contact.phone) == (None, None, "+13055550177")
    assert deliver.deliver_message(message.pk) == State.SENT
    sent = Message.objects.select_related("conversation__contact").get(pk=message.pk)
    assert sent.conversation.vendor_id
    assert sent.conversation.contact.vendor_id
    assert sent.conversation.inbox == inbox
    assert Contact.objects.filter(account=account, phone="+13055550177").count() == 1
    assert Conversation.objects.filter(contact__phone="+13055550177").count() == 1


def test_a_phone_that_salesmsg_knows_and_we_do_not_is_no_second_contact(salesmsg, staff, account):
    salesmsg.post("/sandbox/phone/new", {"number": "+13055550178", "text": "Anybody there?", "name": "Known There"})
    message = compose.queue_to_phone(staff, account, "+13055550178", "Hello again", uuid.uuid4())
    assert deliver.deliver_message(message.pk) == State.SENT
    contact = Contact.objects.get(account=account, phone="+13055550178")
    assert contact.full_name == "Known There"


def test_cancelled_before_it_left_never_leaves(salesmsg, staff, conversation):
    message = write(staff, conversation, f"cancelled {uuid.uuid4()}")
    assert compose.cancel_message(staff, message)
    assert not compose.cancel_message(staff, message)
    assert deliver.deliver_message(message.pk) == ""
    assert posts(salesmsg, message.text) == 0


def test_a_disconnected_account_sends_nothing_and_says_so(salesmsg, staff, account, conversation):
    message = write(staff, conversation, f"gone {uuid.uuid4()}")
    account.state = "attention"
    account.save()
    assert deliver.deliver_message(message.pk) == State.FAILED
    assert fresh(message).reason_code == "not_connected"
    with pytest.raises(safeguards.CannotSend, match="Reconnect it"):
        write(staff, Conversation.objects.get(pk=conversation.pk), "no")


@pytest.mark.parametrize(
    ("text", "words"), [("", "Write a text"), ("   \n ", "Write a text"), ("x" * 1601, "1601 characters")]
)
def test_bad_texts_are_refused_with_words(staff, conversation, text, words):
    with pytest.raises(safeguards.CannotSend, match=words):
        write(staff, conversation, text)
    assert not Message.objects.filter(client_uuid__isnull=False).exists()


def test_the_queue_holds_ids_and_never_the_text(staff, conversation):
    OrmQ.objects.all().delete()
    message = write(staff, conversation, "secret words of a customer")
    (task,) = [row.task for row in OrmQ.objects.all()]
    assert (task["func"], task["args"]) == ("integrations.tasks.send_due", (message.account_id,))
    assert "secret" not in repr(task)


def test_waiting_texts_are_one_row_in_the_queue_and_hold_no_worker(salesmsg, staff, account, conversation, settings):
    """However many wait for budget, one task comes back for all of them; the texts stay as they were."""
    messages = [write(staff, conversation, f"full {uuid.uuid4()}") for _ in range(5)]
    settings.SALESMSG_RATE_PERIOD = 60
    budget.block(account.pk)
    OrmQ.objects.all().delete()
    for _ in range(5):
        assert dispatcher.INTERACTIVE.run(account.pk) == 0
    (row,) = OrmQ.objects.all()
    assert row.lock > timezone.now() + timezone.timedelta(seconds=50)
    assert row.task["args"] == (account.pk,)
    assert {fresh(message).state for message in messages} == {State.QUEUED}
    assert not Attempt.objects.exists()


def test_the_sweep_wakes_what_was_forgotten(staff, account, conversation):
    message = write(staff, conversation, f"forgotten {uuid.uuid4()}")
    OrmQ.objects.all().delete()
    assert dispatcher.wake_due() == 0, "its own task has a moment to arrive"
    Message.objects.filter(pk=message.pk).update(due_at=timezone.now() - timezone.timedelta(seconds=10))
    assert dispatcher.wake_due() == 1
    assert OrmQ.objects.get().task["args"] == (account.pk,)


def test_the_pump_sends_all_that_is_due_in_order(salesmsg, staff, account, conversation):
    texts = [f"pumped {number} {uuid.uuid4()}" for number in range(4)]
    for text in texts:
        write(staff, conversation, text)
    sent = [dispatcher.INTERACTIVE.run(account.pk)]
    while deliver.ready_messages(account.pk).exists():  # a slow machine takes several turns; none may be without a text
        sent.append(dispatcher.INTERACTIVE.run(account.pk))
        assert sent[-1] > 0
    assert sum(sent) == 4
    bodies = [message["body"] for message in salesmsg.state()["messages"] if message["body"] in texts]
    assert bodies == texts


def test_a_worker_that_lost_its_claim_changes_nothing(salesmsg, staff, account, conversation, monkeypatch):
    """It hung between claim and call for so long that the sweep gave its text to another one."""
    message = write(staff, conversation, f"slow {uuid.uuid4()}")
    opened = deliver._open_conversation

    def hang(claimed, session):
        monkeypatch.setattr(deliver, "_open_conversation", opened)
        worker_is_gone(message)
        assert deliver.expire_claims() == 1
        due_now(message)
        assert deliver.deliver_message(message.pk) == State.SENT
        return opened(claimed, session)

    monkeypatch.setattr(deliver, "_open_conversation", hang)
    assert deliver.deliver_message(message.pk) == ""
    assert posts(salesmsg, message.text) == 1
    assert fresh(message).state == State.SENT


def test_sending_asks_for_a_look_at_the_thread(salesmsg, staff, conversation):
    ThreadSync.objects.filter(conversation=conversation).update(due_at=None)
    deliver.deliver_message(write(staff, conversation, f"followed {uuid.uuid4()}").pk)
    assert ThreadSync.objects.get(conversation=conversation).due_at > timezone.now()
    assert not Change.objects.exists()


@pytest.fixture
def refused_once(monkeypatch):
    """Salesmsg refuses the token of the next text, before it does anything."""
    really, refusals = gateway._sent, [CredentialRefused(quote="Unauthenticated.", status=401)]

    def sent(request, token, *more):
        if refusals and request.endpoint.startswith("POST /messages"):
            raise refusals.pop()
        return really(request, token, *more)

    monkeypatch.setattr(gateway, "_sent", sent)


def test_a_text_whose_claim_is_gone_is_not_sent_with_the_new_token_either(
    salesmsg, staff, account, conversation, refused_once
):
    """Refused, then a long wait for token or place: by then a person may have sent it again."""
    message = write(staff, conversation, f"refused {uuid.uuid4()}")
    session = gateway.open_session(account.pk, "interactive")

    renewed = session._renewed_token

    def long_wait(held):
        worker_is_gone(message)
        assert deliver.expire_claims() == 1
        return renewed(held)

    session._renewed_token = long_wait
    session.reserve()
    deliver.send_message(message.pk, session)
    assert fresh(message).state == State.UNKNOWN
    assert posts(salesmsg, message.text) == 0
    longest = timezone.now() + timedelta(seconds=5)
    assert not BudgetCall.objects.filter(lane="interactive", expires_at__gt=longest).exists(), (
        "the second place is free"
    )


def test_a_text_is_sent_with_the_new_token_as_long_as_the_claim_holds(salesmsg, staff, conversation, refused_once):
    message = write(staff, conversation, f"renewed {uuid.uuid4()}")
    assert deliver.deliver_message(message.pk) == State.SENT
    assert posts(salesmsg, message.text) == 1


def test_who_must_wait_for_an_earlier_text_takes_no_place(staff, account, conversation):
    write(staff, conversation, "first")
    second = write(staff, conversation, "second")
    before = Budget.objects.get(account=account).taken
    assert deliver.deliver_message(second.pk) == ""
    assert Budget.objects.get(account=account).taken == before


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one after the other")
def test_what_is_written_into_a_draft_that_is_merged_right_now_is_not_deleted_silently(
    salesmsg, staff, account, conversation, monkeypatch
):
    """The draft's conversation turns out to be one that is here: its texts move, and it goes."""
    first = compose.queue_to_phone(staff, account, "+13055550188", "first", uuid.uuid4())
    draft = Conversation.objects.select_related("contact", "account").get(pk=first.conversation_id)
    written, faults = [], []

    def somebody_writes():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = 500")
            written.append(compose.queue_reply(staff, draft, "second", uuid.uuid4()).pk)
        except Exception as error:  # noqa: BLE001 - shown to the user
            faults.append(error)
        finally:
            connection.close()

    delete = Conversation.delete

    def deleting(self, *args, **kwargs):
        thread = threading.Thread(target=somebody_writes)
        thread.start()
        thread.join()
        return delete(self, *args, **kwargs)

    monkeypatch.setattr(Conversation, "delete", deleting)
    monkeypatch.setattr(
        mirror, "upsert_conversations", lambda _, records: SimpleNamespace(rows={records[0].id: conversation})
    )
    deliver.deliver_message(first.pk)
    assert written or faults
    assert not Conversation.objects.filter(pk=draft.pk).exists(), "it was merged"
    assert all(Message.objects.filter(pk=pk).exists() for pk in written)


def test_a_place_that_was_taken_long_ago_is_taken_anew(salesmsg, account, monkeypatch):
    """Whatever held the worker up: a place is booked for one call's time, and the call must fall into it."""
    session = gateway.open_session(account.pk, "interactive")
    session.reserve()
    old = session._ticket
    monkeypatch.setattr(budget.time, "time", lambda: old.taken_at + 30)
    session.client.user()
    assert not BudgetCall.objects.filter(pk=old.call_id).exists()
    assert BudgetCall.objects.filter(lane="interactive").count() == 1
