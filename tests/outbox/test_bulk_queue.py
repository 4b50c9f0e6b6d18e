"""Bulk texts: who gets what, once each, and how they are stopped."""

import re
import threading
import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from integrations.bulk import lifecycle, recipients
from integrations.bulk import progress as bulk_progress
from integrations.failures import Code
from integrations.models import Account, AuditEntry, Bulk, BulkRecipient, Contact, Conversation, Message
from integrations.outbox import bulk_queue, deliver
from integrations.outbox.merge_fields import BulkProblem, EmptyField, Template
from tests import factories

from .conftest import posts

pytestmark = pytest.mark.django_db(transaction=True)
State, Waits = Bulk.State, BulkRecipient.State


@pytest.fixture
def ada(transactional_db):
    return factories.person("ada", first_name="Ada", last_name="Marsh")


@pytest.fixture
def shop(ada):
    return factories.account("Harbor Dental", ada)


@pytest.fixture
def people(shop):
    """Five who may be texted."""
    return [factories.contact(shop, first) for first in ("Ana", "Ben", "Cleo", "Dan", "Eva")]


def running(ada, shop, people, text="Hello {first_name}") -> Bulk:
    made = recipients.create_draft(ada, shop, people, text)
    assert lifecycle.start_bulk(ada, made)
    return made


def states(of: Bulk) -> list[str]:
    return list(of.recipients.order_by("pk").values_list("state", flat=True))


def reasons(of: Bulk) -> dict[str, str]:
    return {row.contact.first_name: row.reason_code for row in of.recipients.select_related("contact")}


def sent(message_id: int) -> None:
    """As if the vendor had taken it."""
    Message.objects.filter(pk=message_id).update(state=Message.State.SENT, vendor_id=message_id, due_at=None)


def handed_out_long_ago(message_id: int) -> None:
    past = timezone.now() - timedelta(seconds=60)
    Message.objects.filter(pk=message_id).update(claimed_at=past, due_at=past)


# --- merge fields ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello {first_name}!", "Hello Dana!"),
        ("{full_name}, {last_name}, { First_Name }", "Dana Reyes, Reyes, Dana"),
        ("{email|your address} at {phone}", "your address at (305) 555-0142"),
        ("Hi {first_name|there}{email|}.", "Hi Dana."),
        ("No fields at all", "No fields at all"),
    ],
)
def test_merge_fields(text, said):
    who = Contact(first_name="Dana", last_name="Reyes", phone="+13055550142")
    assert Template(text).fill(who) == said


def test_a_value_with_braces_is_a_value():
    assert Template("Hello {first_name}").fill(Contact(first_name="D{1}")) == "Hello D{1}"


def test_a_value_that_is_a_placeholder_counts_as_empty():
    assert Template("Hello {first_name|there}").fill(Contact(first_name="[First Name]")) == "Hello there"
    with pytest.raises(EmptyField):
        Template("Hello {first_name}").fill(Contact(first_name="{email}"))


def test_a_name_that_only_the_full_name_holds():
    assert Template("Hello {full_name}").fill(Contact(full_name="Dana Reyes")) == "Hello Dana Reyes"


@pytest.mark.parametrize("text", ["Hello {first_name", "Hello first_name}", "a {b{first_name}", "Hello {}"])
def test_a_brace_that_stands_alone_is_explained(text):
    with pytest.raises(BulkProblem, match=r"Unmatched “[{}]” near"):
        Template(text).fill(Contact(first_name="Dana"))


@pytest.mark.parametrize("text", ["Hello {nickname}", "Hello {nick name|you}", "Hello {{order}}"])
def test_an_unknown_field_names_those_there_are(text):
    with pytest.raises(BulkProblem, match=r"Unknown merge field.*\{first_name\}.*\{email\}"):
        Template(text).fill(Contact(first_name="Dana"))


@pytest.mark.parametrize(
    ("text", "ours"),
    [("Hello {name}", "{full_name}"), ("Hi *|FNAME:you|*", "{first_name|you}"), ("[Plan]{{plan}}", "{field:plan}")],
)
def test_a_placeholder_of_another_product_names_ours(text, ours):
    with pytest.raises(BulkProblem, match=re.escape(f"Write it as {ours}.")):
        Template(text, ["plan"])


def test_custom_fields_are_merged():
    who = Contact(custom_fields=[{"field_key": "Plan", "value": "Gold"}, {"field_key": "seats", "number": 4}])
    assert Template("{field:plan|no} plan, { Field:seats } seats").fill(who) == "Gold plan, 4 seats"
    assert Template("Plan: {field:plan|none}", ["plan"]).fill(Contact()) == "Plan: none"
    with pytest.raises(EmptyField, match="field:plan"):
        Template("{field:plan}").fill(Contact(custom_fields=[{"field_key": "plan", "value": "\u3164"}]))
    with pytest.raises(BulkProblem, match=r"Unknown merge field.*\{field:seats\}"):
        Template("{field:plan}", ["seats"])


def test_an_empty_field_without_a_fallback_is_no_text():
    with pytest.raises(EmptyField) as empty:
        Template("Hello {first_name}").fill(Contact(first_name="  "))
    assert empty.value.field == "first_name"


# --- choosing and writing --------------------------------------------------------------------------------------------


def test_who_is_left_out_and_why(ada, shop):
    factories.contact(shop, "Ana", phone="+13055550001")
    factories.contact(shop, "Ben", opted_out=True)
    factories.contact(shop, "Cleo", blocked=True)
    factories.contact(shop, "Dan", deleted_at=timezone.now())
    factories.contact(shop, "Eva", phone="")
    factories.contact(shop, "Finn", phone="+13055550001")
    factories.contact(shop, "Gil", phone="+13055550009")
    factories.contact(shop, "Hal", phone="+13055550009", opted_out=True)
    factories.contact(shop, "Ida", email="x" * 300, phone="+13055550010")
    factories.contact(shop, "Jon", "", phone="+13055550011")
    made = recipients.create_draft(ada, shop, Contact.objects.all(), "{first_name} {last_name}" + " {email|}" * 6)
    assert reasons(made) == {
        "Ana": "",
        "Ben": Code.SKIP_OPTED_OUT,
        "Cleo": Code.SKIP_BLOCKED,
        "Dan": Code.SKIP_DELETED,
        "Eva": Code.SKIP_NO_PHONE,
        "Finn": Code.SKIP_SAME_PHONE,
        "Gil": Code.SKIP_TWIN_REFUSES,
        "Hal": Code.SKIP_OPTED_OUT,
        "Ida": Code.SKIP_TOO_LONG,
        "Jon": Code.SKIP_EMPTY_FIELD,
    }
    preview = bulk_progress.read_preview(made)
    assert (preview.recipients, preview.left_out_count) == (1, 9)
    assert (preview.left_out[0].reason.code, preview.left_out[0].count) == (Code.SKIP_OPTED_OUT, 2)


def test_a_phone_left_out_for_its_own_reason_does_not_shut_out_its_twin(ada, shop):
    factories.contact(shop, "", "", phone="+13055550001")
    factories.contact(shop, "Finn", phone="+13055550001")
    made = recipients.create_draft(ada, shop, Contact.objects.all(), "Hello {first_name}")
    assert reasons(made)["Finn"] == ""


def test_writing_again_looks_at_everybody_again(ada, shop, people):
    Contact.objects.filter(pk=people[0].pk).update(email="a@example.com")
    made = recipients.create_draft(ada, shop, people, "Is {email} right?")
    assert states(made) == [Waits.WAITING] + [Waits.LEFT_OUT] * 4
    recipients.write_text(ada, made, "Hello {first_name}")
    assert states(made) == [Waits.WAITING] * 5
    assert list(made.recipients.values_list("text", flat=True)) == [f"Hello {who.first_name}" for who in people]


def test_a_broken_text_keeps_the_one_before(ada, shop, people):
    made = recipients.create_draft(ada, shop, people, "Hello {first_name}")
    for broken in ("Hello {nobody}", "   "):
        with pytest.raises(BulkProblem):
            recipients.write_text(ada, made, broken)
    made.refresh_from_db()
    assert made.text == "Hello {first_name}"
    assert states(made) == [Waits.WAITING] * 5


def test_others_accounts_and_their_contacts_stay_out(ada, shop, people):
    elsewhere = factories.account("Northside")
    stranger = factories.contact(elsewhere)
    with pytest.raises(PermissionDenied):
        recipients.create_draft(ada, elsewhere, [stranger])
    made = recipients.create_draft(ada, shop, [*people, stranger])
    assert made.recipients.count() == 5
    with pytest.raises(BulkProblem, match="No contacts selected"):
        recipients.create_draft(ada, shop, [stranger])
    eve = factories.person("eve")
    for deed in (lifecycle.start_bulk, lifecycle.pause_bulk, lifecycle.resume_bulk, lifecycle.cancel_bulk):
        with pytest.raises(PermissionDenied):
            deed(eve, made)


def test_at_most_so_many(ada, shop, people, monkeypatch):
    monkeypatch.setattr(recipients, "MOST", 4)
    with pytest.raises(BulkProblem, match="at most 4 recipients"):
        recipients.create_draft(ada, shop, people)
    assert not Bulk.objects.exists()


def test_more_can_be_added_to_a_draft(ada, shop, people):
    made = recipients.create_draft(ada, shop, people[:2], "Hello {first_name}")
    assert recipients.add_recipients(ada, made, people[1:4]) == 2
    assert list(made.recipients.values_list("text", flat=True)) == [f"Hello {who.first_name}" for who in people[:4]]
    assert recipients.add_recipients(ada, made, people[:4]) == 0
    assert lifecycle.start_bulk(ada, made)
    with pytest.raises(BulkProblem, match="already been started"):
        recipients.add_recipients(ada, made, people)
    assert made.recipients.count() == 4


def test_who_is_taken_out_makes_room_for_a_twin(ada, shop):
    first = factories.contact(shop, "Ana", phone="+13055550001")
    factories.contact(shop, "Finn", phone="+13055550001")
    made = recipients.create_draft(ada, shop, Contact.objects.all(), "Hello {first_name}")
    assert recipients.remove_recipient(ada, made, first.pk)
    assert not recipients.remove_recipient(ada, made, first.pk)
    assert reasons(made) == {"Finn": ""}
    lifecycle.start_bulk(ada, made)
    with pytest.raises(BulkProblem, match="already been started"):
        recipients.remove_recipient(ada, made, first.pk)


def test_the_preview_counts_segments_calls_and_time(ada, shop, people, settings):
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 60, 60.0
    factories.conversation(shop, people[0])
    factories.conversation(shop, people[1], vendor_id=None)  # a draft: it has to be opened at Salesmsg
    made = recipients.create_draft(ada, shop, people, "{first_name} " + "x" * 160)
    preview = bulk_progress.read_preview(made)
    assert (preview.recipients, preview.segments, preview.most_segments) == (5, 10, 2)
    assert preview.calls == 5 + 4
    assert preview.seconds == pytest.approx(9 * 60 / 59)
    assert len(preview.samples) == 3


# --- starting and stopping -------------------------------------------------------------------------------------------


def test_a_second_start_starts_nothing_twice(ada, shop, people):
    made = recipients.create_draft(ada, shop, people, "Hello {first_name}")
    before = OrmQ.objects.count()
    assert lifecycle.start_bulk(ada, made)
    assert not lifecycle.start_bulk(ada, Bulk.objects.get(pk=made.pk))
    assert OrmQ.objects.count() == before + 1
    assert AuditEntry.objects.filter(action="bulk_started", user=ada).count() == 1


def test_what_was_not_seen_is_not_started(ada, shop, people):
    seen = recipients.create_draft(ada, shop, people, "Hello {first_name}")
    recipients.write_text(ada, Bulk.objects.get(pk=seen.pk), "Something else")
    with pytest.raises(BulkProblem, match="text was changed"):
        lifecycle.start_bulk(ada, seen)
    assert Bulk.objects.get(pk=seen.pk).state == State.DRAFT


def test_nothing_starts_without_text_recipient_or_connection(ada, shop, people):
    blank = recipients.create_draft(ada, shop, people)
    with pytest.raises(BulkProblem, match="no recipients"):
        lifecycle.start_bulk(ada, blank)
    nobody = recipients.create_draft(ada, shop, people, "{email}")
    with pytest.raises(BulkProblem, match="no recipients"):
        lifecycle.start_bulk(ada, nobody)
    made = recipients.create_draft(ada, shop, people, "Hello")
    Account.objects.update(state=Account.State.ATTENTION)
    with pytest.raises(BulkProblem, match="not connected"):
        lifecycle.start_bulk(ada, made)


def test_a_started_text_can_no_longer_be_written(ada, shop, people):
    made = running(ada, shop, people)
    with pytest.raises(BulkProblem, match="already been started"):
        recipients.write_text(ada, made, "Other words")
    assert made.recipients.filter(text__startswith="Hello").count() == 5


# --- one message at a time -------------------------------------------------------------------------------------------


def test_each_recipient_gets_one_message_and_then_it_is_done(ada, shop, people):
    made = running(ada, shop, people)
    given = []
    while (pk := bulk_queue.next_message(shop.pk)) is not None:
        given.append(pk)
        sent(pk)
    assert len(set(given)) == 5
    texts = set(Message.objects.filter(bulk=made).values_list("text", "sender", "author_name"))
    assert texts == {(f"Hello {who.first_name}", ada.pk, "Ada Marsh") for who in people}
    made.refresh_from_db()
    assert (made.state, made.finished_at is not None) == (State.DONE, True)
    assert bulk_progress.read_progress(made).percent == 100


def test_eight_workers_at_once(ada, shop):
    """No contact is texted twice, and no two workers get the same message."""
    people = [factories.contact(shop, f"P{number}") for number in range(24)]
    made = running(ada, shop, people)
    start, given, lock, errors = threading.Barrier(8), [], threading.Lock(), []

    def work():
        try:
            start.wait()
            while (pk := bulk_queue.next_message(shop.pk)) is not None:
                with lock:
                    given.append(pk)
        except Exception as error:  # noqa: BLE001 - reported below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(given) == len(set(given)) == 24
    assert Message.objects.filter(bulk=made).count() == 24
    assert Conversation.objects.filter(account=shop).count() == 24


def test_a_message_whose_worker_died_is_given_out_again_once(ada, shop, people):
    running(ada, shop, people[:1])
    first = bulk_queue.next_message(shop.pk)
    assert bulk_queue.next_message(shop.pk) is None
    handed_out_long_ago(first)
    assert bulk_queue.next_message(shop.pk) == first
    assert bulk_queue.next_message(shop.pk) is None
    assert Message.objects.count() == 1


def test_a_recipient_who_seems_to_wait_still_gets_no_second_message(ada, shop, people):
    made = running(ada, shop, people[:1])
    first = bulk_queue.next_message(shop.pk)
    sent(first)
    made.recipients.update(state=Waits.WAITING, message=None)  # a restored backup, say
    assert bulk_queue.next_message(shop.pk) == first
    assert Message.objects.count() == 1


def test_a_text_that_was_put_back_comes_before_new_ones_when_it_is_due(ada, shop, people):
    running(ada, shop, people)
    first = bulk_queue.next_message(shop.pk)
    Message.objects.filter(pk=first).update(due_at=timezone.now() + timedelta(seconds=30))
    assert bulk_queue.next_message(shop.pk) != first
    Message.objects.filter(pk=first).update(
        claimed_at=timezone.now() - timedelta(seconds=2), due_at=timezone.now() - timedelta(seconds=1)
    )
    assert bulk_queue.next_message(shop.pk) == first


def test_the_older_bulk_text_goes_first(ada, shop, people):
    first = running(ada, shop, people[:1])
    second = running(ada, shop, people[1:2])
    assert Message.objects.get(pk=bulk_queue.next_message(shop.pk)).bulk == first
    assert Message.objects.get(pk=bulk_queue.next_message(shop.pk)).bulk == second


def test_an_existing_conversation_is_used(ada, shop, people):
    known = factories.conversation(shop, people[0])
    running(ada, shop, people[:1])
    message = Message.objects.get(pk=bulk_queue.next_message(shop.pk))
    assert message.conversation == known
    known.refresh_from_db()
    assert (known.latest_text, known.version) == ("Hello Ana", 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"opted_out": True}, Code.SKIP_OPTED_OUT),
        ({"blocked": True}, Code.SKIP_BLOCKED),
        ({"deleted_at": timezone.now()}, Code.SKIP_DELETED),
    ],
)
def test_who_says_no_after_the_start_gets_nothing(ada, shop, people, change, reason):
    made = running(ada, shop, people[:2])
    Contact.objects.filter(pk=people[0].pk).update(**change)
    message = Message.objects.get(pk=bulk_queue.next_message(shop.pk))
    assert message.conversation.contact == people[1]
    row = made.recipients.get(contact=people[0])
    assert (row.state, row.reason_code, row.message) == (Waits.LEFT_OUT, reason, None)


def test_a_twin_that_opts_out_after_the_start_counts_too(ada, shop, people):
    running(ada, shop, people[:1])
    factories.contact(shop, "Twin", phone=people[0].phone, opted_out=True)
    assert bulk_queue.next_message(shop.pk) is None
    assert not Message.objects.exists()


def test_nothing_leaves_while_the_account_is_not_connected(ada, shop, people):
    made = running(ada, shop, people)
    Account.objects.update(state=Account.State.ATTENTION)
    assert bulk_queue.next_message(shop.pk) is None
    assert len(bulk_queue.settle_bulks()) == 0
    Account.objects.update(state=Account.State.CONNECTED)
    assert bulk_queue.next_message(shop.pk) is not None
    assert Bulk.objects.get(pk=made.pk).state == State.RUNNING


def test_pause_and_resume(ada, shop, people):
    made = running(ada, shop, people)
    first = bulk_queue.next_message(shop.pk)
    handed_out_long_ago(first)
    assert lifecycle.pause_bulk(ada, made)
    assert not lifecycle.pause_bulk(ada, made)
    assert bulk_queue.next_message(shop.pk) is None
    assert not Message.objects.filter(deliver.waiting_messages(), pk=first).exists()
    assert len(bulk_queue.settle_bulks()) == 0
    before = OrmQ.objects.count()
    assert lifecycle.resume_bulk(ada, made)
    assert not lifecycle.resume_bulk(ada, made)
    assert OrmQ.objects.count() == before + 1
    assert Message.objects.filter(deliver.waiting_messages(), pk=first).exists()
    assert bulk_queue.next_message(shop.pk) == first


def test_cancel_takes_back_all_that_has_not_left(ada, shop, people):
    made = running(ada, shop, people)
    gone = bulk_queue.next_message(shop.pk)
    sent(gone)
    waiting = bulk_queue.next_message(shop.pk)
    assert lifecycle.cancel_bulk(ada, made)
    assert not lifecycle.cancel_bulk(ada, made)
    assert not lifecycle.resume_bulk(ada, made)
    assert bulk_queue.next_message(shop.pk) is None
    assert Message.objects.get(pk=waiting).state == Message.State.CANCELLED
    assert Message.objects.get(pk=waiting).conversation.latest_state == Message.State.CANCELLED
    progress = bulk_progress.read_progress(made)
    assert (progress.sent, progress.cancelled, progress.open) == (1, 4, 0)
    assert deliver.deliver_message(waiting) == ""


def test_what_was_just_leaving_at_the_cancel_and_came_back_is_taken_back(ada, shop, people):
    made = running(ada, shop, people)
    leaving = Message.objects.filter(pk=bulk_queue.next_message(shop.pk))
    leaving.update(state=Message.State.SENDING)
    lifecycle.cancel_bulk(ada, made)
    assert leaving.get().state == Message.State.SENDING
    leaving.update(state=Message.State.QUEUED, due_at=timezone.now())
    assert len(bulk_queue.settle_bulks()) == 0
    assert leaving.get().state == Message.State.CANCELLED
    assert bulk_progress.read_progress(made).open == 0


def test_the_sweep_wakes_what_can_go_on_and_ends_what_is_over(ada, shop, people):
    made = running(ada, shop, people[:1])
    recipients.create_draft(ada, shop, people, "A draft waits for a person")
    assert len(bulk_queue.settle_bulks()) == 1
    pk = bulk_queue.next_message(shop.pk)
    assert len(bulk_queue.settle_bulks()) == 0  # a worker has it
    handed_out_long_ago(pk)
    assert len(bulk_queue.settle_bulks()) == 1
    sent(pk)
    assert len(bulk_queue.settle_bulks()) == 0
    assert Bulk.objects.get(pk=made.pk).state == State.DONE


def test_progress_counts_by_outcome(ada, shop, people, django_assert_max_num_queries):
    made = running(ada, shop, people)
    outcomes = (Message.State.SENT, Message.State.DELIVERED, Message.State.FAILED, Message.State.UNKNOWN)
    for state in outcomes:
        Message.objects.filter(pk=bulk_queue.next_message(shop.pk)).update(state=state)
    with django_assert_max_num_queries(2):
        progress = bulk_progress.read_progress(made)
    assert (progress.sent, progress.delivered, progress.failed, progress.unknown, progress.waiting) == (1, 1, 1, 1, 1)
    assert (progress.percent, progress.total) == (80, 5)
    assert timedelta(0) < progress.ends_at - timezone.now() < timedelta(minutes=1)


# --- with Salesmsg ---------------------------------------------------------------------------------------------------


@pytest.mark.processes
def test_the_texts_arrive_once_each(salesmsg, account, staff):
    mark = uuid.uuid4().hex
    made = recipients.create_draft(
        staff, account, Contact.objects.filter(account=account), f"{{first_name|Hello}}, {mark}"
    )
    waiting = set(made.recipients.filter(state=Waits.WAITING).values_list("text", flat=True))
    assert len(waiting) >= 4
    lifecycle.start_bulk(staff, made)
    while (pk := bulk_queue.next_message(account.pk)) is not None:
        assert deliver.deliver_message(pk) == Message.State.SENT
    arrived = [row["body"] for row in salesmsg.state()["messages"] if mark in row["body"]]
    assert set(arrived) == waiting
    assert len(arrived) == made.recipients.filter(state=Waits.HANDED).count()
    made.refresh_from_db()
    assert made.state == State.DONE


@pytest.mark.processes
def test_a_new_contact_stays_a_recipient_when_salesmsg_knows_it_already(salesmsg, account, staff):
    known = Contact.objects.filter(account=account, opted_out=False, blocked=False).exclude(phone="").first()
    phone, text = known.phone, f"Hello {uuid.uuid4()}"
    known.conversations.all().delete()
    Contact.objects.filter(pk=known.pk).delete()
    new = Contact.objects.create(account=account, phone=phone)
    made = recipients.create_draft(staff, account, [new], text)
    lifecycle.start_bulk(staff, made)
    assert deliver.deliver_message(bulk_queue.next_message(account.pk)) == Message.State.SENT
    assert posts(salesmsg, text) == 1
    assert bulk_progress.read_progress(made).sent == 1
