"""An edit that meets another change at Salesmsg overwrites nothing: a person chooses, field by field."""

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from integrations import gateway, mirror
from integrations.contacts import conflicts, profile_changes, push_changes, three_way
from integrations.gateway import BudgetWait
from integrations.models import AuditEntry, Budget, BudgetCall, Change, Contact
from tests import factories

from ..outbox.conftest import read_everything

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
State = Change.State


@pytest.fixture
def contact(account, conversation) -> Contact:
    """Ana Gomez, here and there, whatever the test before made of her."""
    client = gateway.open_session(account.pk, BudgetCall.Lane.EDIT).client
    agreed = {"first_name": "Ana", "last_name": "Gomez", "email": "agreed@example.com"}
    mirror.upsert_contacts(account.pk, [client.update_contact(conversation.contact.vendor_id, **agreed)])
    return Contact.objects.get(pk=conversation.contact_id)


@pytest.fixture
def there(account, contact):
    """Changes the contact at Salesmsg, behind our back: ``there(email="x@example.com")``."""

    def change(**values):
        gateway.open_session(account.pk, BudgetCall.Lane.EDIT).client.update_contact(contact.vendor_id, **values)

    return change


def at_salesmsg(salesmsg, contact) -> dict:
    return next(row for row in salesmsg.data()["contacts"] if row["id"] == contact.vendor_id)


def calls(salesmsg) -> dict[str, int]:
    """Reads and edits of single contacts that Salesmsg has answered."""
    counts = salesmsg.state()["by_endpoint"]
    reads = sum(number for name, number in counts.items() if name == "GET /contacts/{contact}")
    edited = sum(
        number for name, number in counts.items() if name.startswith("PUT ") and name.endswith("/contacts/{contact}")
    )
    return {"read": reads, "put": edited}


def spent(salesmsg, act) -> tuple[int, int]:
    before = calls(salesmsg)
    act()
    after = calls(salesmsg)
    return after["read"] - before["read"], after["put"] - before["put"]


def due_now(change):
    Change.objects.filter(pk=change.pk).update(due_at=timezone.now())


@pytest.fixture
def conflict(staff, contact, there) -> Change:
    """Ours against theirs: the email; the first name was sent."""
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Oona", "email": "ours@example.com"})
    there(email="theirs@example.com")
    push_changes.push_change(change.pk)
    return conflicts.waiting_conflicts(staff).get()


def picked(user, change, **picks):
    change = Change.objects.select_related("contact").get(pk=change.pk)
    return conflicts.resolve_conflict(user, change, picks, conflicts.seal_rows(conflicts.conflict_rows(change)))


# --- Telling ---------------------------------------------------------------------------------------------------------


def test_without_a_conflict_it_takes_two_calls(salesmsg, staff, contact):
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Plain"})
    assert spent(salesmsg, lambda: push_changes.push_change(change.pk)) == (1, 1)
    change.refresh_from_db()
    assert change.state == State.DONE


def test_a_field_that_both_changed_waits_and_the_others_are_told(salesmsg, staff, contact, there):
    old = contact.email
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Oona", "email": "ours@example.com"})
    there(email="theirs@example.com")
    assert push_changes.push_change(change.pk) == State.DONE
    theirs = at_salesmsg(salesmsg, contact)
    assert (theirs["first_name"], theirs["email"]) == ("Oona", "theirs@example.com")
    waits = conflicts.waiting_conflicts(staff).get()
    assert (waits.values, waits.base) == ({"email": "ours@example.com"}, {"email": old})
    assert (waits.theirs, waits.requested_by) == ({"email": "theirs@example.com"}, staff)
    contact.refresh_from_db()
    assert contact.email == "theirs@example.com"
    assert profile_changes.shown_values(contact)["email"] == "ours@example.com"


def test_an_edit_that_is_all_conflict_becomes_it_without_a_put(salesmsg, staff, contact, there):
    change = profile_changes.edit_contact(staff, contact, {"email": "ours@example.com"})
    there(email="Theirs@example.com")
    assert spent(salesmsg, lambda: push_changes.push_change(change.pk)) == (1, 0)
    assert conflicts.waiting_conflicts(staff).get().pk == change.pk
    assert push_changes.push_change(change.pk) == "", "it waits for a person, not for a worker"
    assert push_changes.wake_due() == 0


def test_what_others_changed_in_other_fields_stays(salesmsg, staff, contact, there):
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Oona"})
    there(last_name="Changed-There")
    assert push_changes.push_change(change.pk) == State.DONE
    theirs = at_salesmsg(salesmsg, contact)
    assert (theirs["first_name"], theirs["last_name"]) == ("Oona", "Changed-There")
    assert not conflicts.waiting_conflicts(staff).exists()


def test_what_salesmsg_has_already_is_not_told(salesmsg, staff, contact, there):
    change = profile_changes.edit_contact(staff, contact, {"email": "both@example.com"})
    there(email="both@example.com")
    assert spent(salesmsg, lambda: push_changes.push_change(change.pk)) == (1, 0)
    change.refresh_from_db()
    assert (change.state, change.values) == (State.DONE, {"email": "both@example.com"})


def test_a_retry_does_not_take_its_own_effect_for_theirs(salesmsg, staff, contact):
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Unclear"})
    salesmsg.post("/sandbox/faults", {"kind": "drop-after", "count": 1, "match": "PUT /"})
    assert push_changes.push_change(change.pk) == State.PENDING
    due_now(change)
    assert spent(salesmsg, lambda: push_changes.push_change(change.pk)) == (1, 0)
    change.refresh_from_db()
    assert change.state == State.DONE


def test_what_an_earlier_edit_of_ours_told_is_no_change_of_theirs(salesmsg, staff, contact):
    first = profile_changes.edit_contact(staff, contact, {"first_name": "Early"})
    salesmsg.post("/sandbox/faults", {"kind": "drop-after", "count": 1, "match": "PUT /"})
    assert push_changes.push_change(first.pk) == State.PENDING  # arrived, but without a response
    second = profile_changes.edit_contact(staff, contact, {"first_name": "Late"})
    assert second.base == first.base
    assert push_changes.push_change(second.pk) == State.DONE
    assert at_salesmsg(salesmsg, contact)["first_name"] == "Late"


def test_a_later_edit_keeps_what_was_agreed_before_the_first(salesmsg, staff, account, contact, there):
    """A sync between two edits must not make theirs appear agreed."""
    profile_changes.edit_contact(staff, contact, {"email": "ours@example.com"})
    there(email="theirs@example.com")
    read_everything(account)
    second = profile_changes.edit_contact(staff, Contact.objects.get(pk=contact.pk), {"first_name": "Oona"})
    assert second.base["email"] == contact.email
    push_changes.push_change(second.pk)
    assert at_salesmsg(salesmsg, contact)["email"] == "theirs@example.com"
    assert conflicts.waiting_conflicts(staff).get().values == {"email": "ours@example.com"}


def test_a_sync_shows_the_conflict_before_anything_is_pushed(staff, account, contact, there):
    change = profile_changes.edit_contact(staff, contact, {"email": "ours@example.com", "first_name": "Oona"})
    there(email="theirs@example.com")
    assert conflicts.clashing_labels(change) == []
    read_everything(account)
    change = Change.objects.get(pk=change.pk)
    assert (change.state, conflicts.clashing_labels(change)) == (State.PENDING, ["Email"])
    assert profile_changes.shown_values(change.contact)["email"] == "ours@example.com"


def test_taking_back_an_edit_leaves_what_was_changed_there(salesmsg, staff, account, contact, there):
    profile_changes.edit_contact(staff, contact, {"email": "ours@example.com"})
    there(email="theirs@example.com")
    read_everything(account)
    assert profile_changes.edit_contact(staff, contact, {"email": contact.email}) is None
    assert profile_changes.shown_values(Contact.objects.get(pk=contact.pk))["email"] == "theirs@example.com"


def test_a_worker_killed_between_reading_and_telling_repeats_both(salesmsg, staff, contact, there):
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Oona", "email": "ours@example.com"})
    there(email="theirs@example.com")
    salesmsg.post("/sandbox/faults", {"kind": "drop-before", "count": 1, "match": "PUT /"})
    assert push_changes.push_change(change.pk) == State.PENDING
    long_ago = timezone.now() - timezone.timedelta(seconds=9)
    Change.objects.filter(pk=change.pk).update(state=State.PUSHING, due_at=long_ago)  # as a killed worker leaves it
    assert push_changes.wake_due() == 0
    assert push_changes.push_change(change.pk) == State.DONE
    assert conflicts.waiting_conflicts(staff).count() == 1
    assert at_salesmsg(salesmsg, contact)["first_name"] == "Oona"


def test_waiting_for_budget_does_not_read_again(salesmsg, staff, account, contact, settings):
    """With one place at a time, a second read would take the place that the edit waits for, for ever."""
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Patient"})
    Budget.objects.filter(account=account).delete()
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 1, 60
    assert spent(salesmsg, lambda: push_changes.push_change(change.pk)) == (1, 0)
    change.refresh_from_db()
    assert (change.state, change.attempts) == (State.PENDING, 0)
    BudgetCall.objects.all().delete()
    due_now(change)
    assert spent(salesmsg, lambda: push_changes.push_change(change.pk)) == (0, 1)
    change.refresh_from_db()
    assert change.state == State.DONE


def test_a_later_edit_while_one_is_read_takes_its_place(salesmsg, staff, account, contact):
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Early"})
    Change.objects.filter(pk=change.pk).update(state=State.PUSHING, attempts=1)
    change.refresh_from_db()
    session = gateway.open_session(account.pk, BudgetCall.Lane.EDIT)
    record = session.client.contact(contact.vendor_id)
    later = profile_changes.edit_contact(staff, contact, {"first_name": "Late"})
    assert push_changes._fields_to_push(change, record) == []
    assert push_changes.push_change(later.pk) == State.DONE
    assert at_salesmsg(salesmsg, contact)["first_name"] == "Late"


@pytest.mark.parametrize(
    ("name", "one", "other", "equal"),
    [
        ("email", "", None, True),
        ("email", "Ana@example.com", "ana@example.com", False),
        ("phone", "(305) 555-0142", "+13055550142", True),
        ("phone", "+13055550142", "+13055550143", False),
        ("first_name", "x" * 300, "x" * 255, True),
        ("first_name", "Ana", "ana", False),
    ],
)
def test_what_counts_as_the_same(name, one, other, equal):
    assert three_way.same(name, one, other, "US") is equal


# --- Choosing --------------------------------------------------------------------------------------------------------


def test_choosing_ours_tells_it_over_theirs(salesmsg, staff, contact, conflict):
    made = picked(staff, conflict, email="ours")
    assert (made.values, made.base) == ({"email": "ours@example.com"}, {"email": "theirs@example.com"})
    assert spent(salesmsg, lambda: push_changes.push_change(made.pk)) == (1, 1)
    assert at_salesmsg(salesmsg, contact)["email"] == "ours@example.com"
    assert not conflicts.waiting_conflicts(staff).exists()
    assert AuditEntry.objects.get(action="conflict_decided", user=staff).params["ours"] == ["email"]
    assert "example.com" not in str([entry.params for entry in AuditEntry.objects.all()])


def test_choosing_theirs_lets_ours_go(salesmsg, staff, contact, conflict):
    assert picked(staff, conflict, email="theirs") is None
    conflict.refresh_from_db()
    assert conflict.state == State.SUPERSEDED
    contact.refresh_from_db()
    assert profile_changes.shown_values(contact)["email"] == "theirs@example.com"
    with pytest.raises(conflicts.NotChosen) as problem:
        picked(staff, conflict, email="ours")
    assert problem.value.settled


def test_choosing_field_by_field(salesmsg, staff, contact, there):
    change = profile_changes.edit_contact(staff, contact, {"email": "ours@example.com", "last_name": "Ours"})
    there(email="theirs@example.com", last_name="Theirs")
    push_changes.push_change(change.pk)
    made = picked(staff, change, email="theirs", last_name="ours")
    assert made.values == {"last_name": "Ours"}
    assert push_changes.push_change(made.pk) == State.DONE
    theirs = at_salesmsg(salesmsg, contact)
    assert (theirs["last_name"], theirs["email"]) == ("Ours", "theirs@example.com")


def test_it_refuses_when_salesmsg_moved_on_while_one_chose(staff, account, conflict, there):
    change = conflicts.waiting_conflicts(staff).get()
    seen = conflicts.seal_rows(conflicts.conflict_rows(change))
    there(email="third@example.com")
    read_everything(account)
    with pytest.raises(conflicts.NotChosen, match="again while you were choosing") as problem:
        conflicts.resolve_conflict(staff, change, {"email": "ours"}, seen)
    assert not problem.value.settled
    row = conflicts.conflict_rows(conflicts.waiting_conflicts(staff).get())[0]
    assert (row.ours, row.theirs, row.fresh) == ("ours@example.com", "third@example.com", True)


def test_a_choice_that_salesmsg_overtakes_is_a_conflict_again(salesmsg, staff, contact, conflict, there):
    made = picked(staff, conflict, email="ours")
    there(email="third@example.com")
    push_changes.push_change(made.pk)
    assert at_salesmsg(salesmsg, contact)["email"] == "third@example.com"
    again = conflicts.waiting_conflicts(staff).get()
    assert (again.base, again.theirs) == ({"email": "theirs@example.com"}, {"email": "third@example.com"})


def test_a_field_left_out_is_asked_for(staff, conflict):
    with pytest.raises(conflicts.NotChosen, match="Email"):
        picked(staff, conflict)
    assert conflicts.waiting_conflicts(staff).exists()


def test_who_is_no_member_sees_and_decides_nothing(staff, conflict):
    stranger = factories.person("eve")
    assert not conflicts.waiting_conflicts(stranger).exists()
    with pytest.raises(PermissionDenied):
        picked(stranger, conflict, email="ours")


# --- A new edit while one waits for a choice -------------------------------------------------------------------------


def test_a_new_edit_of_the_field_decides_it(salesmsg, staff, contact, conflict):
    made = profile_changes.edit_contact(staff, contact, {"email": "new@example.com"})
    assert (made.values, made.base) == ({"email": "new@example.com"}, {"email": "theirs@example.com"})
    assert not conflicts.waiting_conflicts(staff).exists()
    assert push_changes.push_change(made.pk) == State.DONE
    assert at_salesmsg(salesmsg, contact)["email"] == "new@example.com"


def test_typing_what_salesmsg_has_lets_ours_go(staff, contact, conflict):
    assert profile_changes.edit_contact(staff, contact, {"email": "theirs@example.com"}) is None
    assert not conflicts.waiting_conflicts(staff).exists()


def test_an_edit_of_another_field_leaves_the_conflict(salesmsg, staff, contact, conflict):
    made = profile_changes.edit_contact(staff, contact, {"last_name": "Else", "email": "ours@example.com"})
    assert made.values == {"last_name": "Else"}
    assert push_changes.push_change(made.pk) == State.DONE
    assert conflicts.waiting_conflicts(staff).get() == conflict
    assert profile_changes.shown_values(Contact.objects.get(pk=contact.pk))["email"] == "ours@example.com"


def test_a_second_conflict_joins_the_first(staff, contact, conflict, there):
    made = profile_changes.edit_contact(staff, contact, {"last_name": "Ours"})
    there(last_name="Theirs")
    push_changes.push_change(made.pk)
    assert conflicts.waiting_conflicts(staff).get().values == {"email": "ours@example.com", "last_name": "Ours"}
    conflict.refresh_from_db()
    assert conflict.state == State.SUPERSEDED


def test_without_budget_the_read_waits_too(staff, account, contact, settings):
    change = profile_changes.edit_contact(staff, contact, {"first_name": "Later"})
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 1, 60
    Budget.objects.filter(account=account).delete()
    session = gateway.open_session(account.pk, BudgetCall.Lane.EDIT)
    session.client.contact(contact.vendor_id)
    with pytest.raises(BudgetWait):
        session.client.contact(contact.vendor_id)
    assert push_changes.push_change(change.pk) == State.PENDING
