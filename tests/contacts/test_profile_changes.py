"""Edits of contacts and conversations reach Salesmsg, in order, and say so when they do not."""

import pytest
from django.utils import timezone

from integrations.contacts import conversation_changes, profile_changes, push_changes
from integrations.models import Change, Contact, Conversation

from ..outbox.conftest import read_everything

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
State = Change.State


@pytest.fixture
def contact(conversation) -> Contact:
    return conversation.contact


def at_salesmsg(salesmsg, contact) -> dict:
    return next(row for row in salesmsg.data()["contacts"] if row["id"] == contact.vendor_id)


def due_now(change):
    Change.objects.filter(pk=change.pk).update(due_at=timezone.now())


def test_an_edit_is_pending_then_done_at_salesmsg_and_here(salesmsg, staff, contact):
    old = contact.first_name
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Newname", "email": "newemail@example.com"})
    contact.refresh_from_db()
    assert (change.state, contact.first_name) == (State.PENDING, old)
    assert profile_changes.shown_values(contact)["first_name"] == "Newname"
    assert push_changes.push_change(change.pk) == State.DONE
    contact.refresh_from_db()
    assert (contact.first_name, contact.email) == ("Newname", "newemail@example.com")
    theirs = at_salesmsg(salesmsg, contact)
    assert (theirs["first_name"], theirs["email"]) == ("Newname", "newemail@example.com")
    assert profile_changes.edit_contact(staff, contact, {"first_name": "Newname"}) is None


def test_only_what_differs_is_told(salesmsg, staff, contact):
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Solo", "last_name": contact.last_name})
    assert change.values == {"first_name": "Solo"}


def test_a_later_edit_takes_the_place_of_a_waiting_one(salesmsg, staff, contact):
    first = profile_changes.edit_contact(staff, contact, {"first_name": "A", "email": "a@example.com"})
    second = profile_changes.edit_contact(staff, contact, {"first_name": "B"})
    assert second.values == {"first_name": "B", "email": "a@example.com"}
    assert push_changes.push_change(first.pk) == ""
    assert push_changes.push_change(second.pk) == State.DONE
    first.refresh_from_db()
    assert first.state == State.SUPERSEDED
    assert at_salesmsg(salesmsg, contact)["first_name"] == "B"


def test_taking_back_a_waiting_edit_leaves_nothing_to_tell(staff, contact):
    old = contact.first_name
    first = profile_changes.edit_contact(staff, contact, {"first_name": "Other"})
    assert profile_changes.edit_contact(staff, contact, {"first_name": old}) is None
    first.refresh_from_db()
    assert first.state == State.SUPERSEDED
    assert profile_changes.shown_values(contact)["first_name"] == old


def test_a_sync_does_not_undo_a_waiting_edit(salesmsg, staff, account, contact):
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Waiting"})
    read_everything(account)
    contact.refresh_from_db()
    assert profile_changes.shown_values(contact)["first_name"] == "Waiting"
    assert push_changes.push_change(change.pk) == State.DONE


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"email": "nonsense"}, "email", "valid email"),
        ({"phone": "12"}, "phone", ""),
        ({"phone": ""}, "phone", "needs a phone number"),
        ({"first_name": "x" * 300}, "first_name", "255"),
    ],
)
def test_bad_input_is_refused_beside_its_field(staff, contact, values, field, words):
    with pytest.raises(profile_changes.InvalidEdit) as problem:
        profile_changes.edit_contact(staff, contact, values)
    assert words in " ".join(problem.value.fields[field])
    assert not Change.objects.exists()


def test_salesmsgs_refusal_is_kept_with_its_reason_and_can_be_tried_again(salesmsg, staff, account, contact):
    other = Contact.objects.filter(account=account).exclude(pk=contact.pk).first()
    change = profile_changes.edit_contact(staff, contact, {"phone": "+13055550166"})
    Change.objects.filter(pk=change.pk).update(values={"phone": other.phone})
    assert push_changes.push_change(change.pk) == State.REFUSED
    change.refresh_from_db()
    assert change.reason
    Change.objects.filter(pk=change.pk).update(values={"first_name": "Retried"})
    assert profile_changes.retry_change(staff, change).state == State.PENDING
    assert push_changes.push_change(change.pk) == State.DONE


@pytest.mark.parametrize("kind", ["500", "drop-after", "drop-before", "html"])
def test_an_unclear_answer_is_repeated_since_repeating_does_no_harm(salesmsg, staff, contact, kind):
    change = profile_changes.edit_contact(staff, contact, {"first_name": f"Unclear {kind}"})
    salesmsg.post("/sandbox/faults", {"kind": kind, "count": 1, "match": "PUT /"})
    assert push_changes.push_change(change.pk) == State.PENDING
    change.refresh_from_db()
    assert "Trying again" in change.reason
    due_now(change)
    assert push_changes.push_change(change.pk) == State.DONE
    assert at_salesmsg(salesmsg, contact)["first_name"] == f"Unclear {kind}"


def test_a_deleted_contact_is_a_refusal_with_words(salesmsg, staff, account, contact):
    Contact.objects.filter(pk=contact.pk).update(vendor_id=999_999_999)
    contact.refresh_from_db()
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Ghost"})
    assert push_changes.push_change(change.pk) == State.REFUSED
    change.refresh_from_db()
    assert "does not have this contact" in change.reason


def test_a_push_left_by_a_killed_worker_is_found(salesmsg, staff, contact):
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Left"})
    Change.objects.filter(pk=change.pk).update(
        state=State.PUSHING, due_at=timezone.now() - timezone.timedelta(seconds=9)
    )
    assert push_changes.wake_due() == 0
    Change.objects.filter(pk=change.pk).update(due_at=timezone.now() - timezone.timedelta(seconds=9))
    assert push_changes.wake_due() == 1
    assert push_changes.push_change(change.pk) == State.DONE


def test_close_reopen_and_assign_reach_salesmsg(salesmsg, staff, account, conversation):
    member = account.members.order_by("-pk").first()

    def theirs():
        return next(row for row in salesmsg.data()["conversations"] if row["id"] == conversation.vendor_id)

    close = conversation_changes.close_conversation(staff, conversation)
    assert Conversation.objects.get(pk=conversation.pk).closed_at
    assert push_changes.push_change(close.pk) == State.DONE
    assert theirs()["closed_at"]
    assert push_changes.push_change(conversation_changes.reopen_conversation(staff, conversation).pk) == State.DONE
    assert not theirs()["closed_at"]
    assert (
        push_changes.push_change(conversation_changes.assign_conversation(staff, conversation, member).pk) == State.DONE
    )
    assert theirs()["owner"]["id"] == member.vendor_id
    assert Conversation.objects.get(pk=conversation.pk).owner == member
    assert (
        push_changes.push_change(conversation_changes.assign_conversation(staff, conversation, None).pk) == State.DONE
    )
    assert not theirs()["owner"]


def test_changes_of_one_conversation_keep_their_order(staff, account, conversation):
    first = conversation_changes.close_conversation(staff, conversation)
    Change.objects.filter(pk=first.pk).update(state=State.PUSHING)
    second = conversation_changes.reopen_conversation(staff, conversation)
    assert push_changes.push_change(second.pk) == State.PENDING
    Change.objects.filter(pk=first.pk).update(state=State.DONE)
    due_now(second)
    assert push_changes.push_change(second.pk) == State.DONE
