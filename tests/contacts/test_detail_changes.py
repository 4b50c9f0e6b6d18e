"""Tags, opt-out, notes and custom fields reach Salesmsg, are shown at once, and say so when they do not arrive."""

import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from integrations import mirror
from integrations.bulk import recipients
from integrations.contacts import detail_changes as changes
from integrations.contacts import opt_out, profile_changes, push_changes
from integrations.contacts.effective import effective_contact, suggest_tags
from integrations.contacts.profile_changes import InvalidEdit
from integrations.models import AuditEntry, Change, Contact, Message, Tag
from integrations.outbox import compose, deliver, safeguards
from integrations.salesmsg import records
from tests import factories
from tests.harness.sandbox import wait_for

from ..outbox.conftest import posts, write

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
State = Change.State


@pytest.fixture
def contact(conversation) -> Contact:
    cache.clear()
    return conversation.contact


def theirs(salesmsg, contact) -> dict:
    return next(row for row in salesmsg.data()["contacts"] if row["id"] == contact.vendor_id)


def labels(salesmsg, contact) -> list[str]:
    return [tag["label"] for tag in theirs(salesmsg, contact)["tags"]]


def notes(salesmsg, contact, text: str) -> int:
    return sum(note["text"] == text for note in theirs(salesmsg, contact)["notes"])


def told(change: Change) -> Change:
    """Pushed once, now; the change as it stands then."""
    Change.objects.filter(pk=change.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    push_changes.push_change(change.pk)
    change.refresh_from_db()
    return change


def shown(contact):
    return effective_contact(Contact.objects.get(pk=contact.pk))


def names(shown_tags) -> list[str]:
    return [one.text for one in shown_tags]


def fault(salesmsg, kind: str, match: str) -> None:
    salesmsg.post("/sandbox/faults", {"kind": kind, "count": 1, "match": match})


def calls(salesmsg, endpoint: str) -> int:
    return salesmsg.state()["by_endpoint"].get(endpoint, 0)


# --- Tags ------------------------------------------------------------------------------------------------------------


def test_a_new_tag_is_shown_at_once_made_at_salesmsg_and_taken_off_again(salesmsg, staff, contact):
    label = f"New {uuid.uuid4().hex[:8]}"
    change = changes.add_tag(staff, contact, f"  {label} ")
    waiting = next(one for one in shown(contact).tags if one.text == label)
    assert (waiting.change, label in contact.tags) == (change, False)
    searches = calls(salesmsg, "GET /tags")
    assert told(change).state == State.DONE
    assert calls(salesmsg, "GET /tags") == searches + 1
    contact.refresh_from_db()
    assert label in contact.tags
    assert label in labels(salesmsg, contact)
    assert Tag.objects.filter(account=contact.account, label=label).exists()
    assert changes.add_tag(staff, contact, label.upper()) is None, "they have it"

    off = changes.remove_tag(staff, contact, label)
    assert label not in names(shown(contact).tags)
    assert names(shown(contact).leaving) == [label]
    assert told(off).state == State.DONE
    contact.refresh_from_db()
    assert label not in contact.tags
    assert label not in labels(salesmsg, contact)
    assert label in suggest_tags(contact)
    said = list(AuditEntry.objects.order_by("pk").values_list("user", "action"))
    assert said[-2:] == [(staff.pk, "tag_added"), (staff.pk, "tag_removed")]


def test_a_known_tag_costs_no_search_and_keeps_its_spelling(salesmsg, staff, contact):
    raw = next(tag for one in salesmsg.data()["contacts"] for tag in one["tags"] if tag["label"] not in contact.tags)
    assert mirror.upsert_tags(contact.account, [records.Tag.parse(raw)]) == 1
    assert mirror.upsert_tags(contact.account, [records.Tag.parse(raw)]) == 0
    before = calls(salesmsg, "GET /tags")
    change = changes.add_tag(staff, contact, raw["label"].upper())
    assert change.values == {"label": raw["label"]}
    assert told(change).state == State.DONE
    assert raw["label"] in labels(salesmsg, contact)
    assert calls(salesmsg, "GET /tags") == before


def test_a_tag_that_was_deleted_at_salesmsg_is_made_anew(salesmsg, staff, contact):
    label = f"Stale {uuid.uuid4().hex[:8]}"
    mirror.upsert_tags(contact.account, [records.Tag.parse({"id": 999_999_998, "label": label})])
    assert told(changes.add_tag(staff, contact, label)).state == State.DONE
    assert label in labels(salesmsg, contact)


def test_an_opposite_change_takes_the_place_of_a_waiting_one(staff, contact):
    first = changes.add_tag(staff, contact, "Wavering")
    assert changes.add_tag(staff, contact, "wavering") is None, "on its way already"
    assert changes.remove_tag(staff, contact, "Wavering") is None, "nothing has been sent yet"
    first.refresh_from_db()
    assert first.state == State.SUPERSEDED
    assert push_changes.push_change(first.pk) == ""
    assert "Wavering" not in names(shown(contact).tags)


def test_what_may_have_arrived_is_taken_back_by_telling(salesmsg, staff, contact):
    label = f"Perhaps {uuid.uuid4().hex[:8]}"
    change = changes.add_tag(staff, contact, label)
    fault(salesmsg, "drop-after", "PUT /tags/contact")
    assert told(change).state == State.PENDING
    assert label in labels(salesmsg, contact)
    off = changes.remove_tag(staff, contact, label)
    assert off is not None
    assert told(off).state == State.DONE
    assert label not in labels(salesmsg, contact)


@pytest.mark.parametrize("kind", ["drop-after", "500"])
def test_an_unclear_answer_while_making_a_tag_makes_one_tag(salesmsg, staff, contact, kind):
    label = f"Unclear {uuid.uuid4().hex[:8]}"
    change = changes.add_tag(staff, contact, label)
    fault(salesmsg, kind, "POST /tags")
    assert told(change).state == State.PENDING
    assert told(change).state == State.DONE
    assert labels(salesmsg, contact).count(label) == 1
    assert Tag.objects.filter(label=label).count() == 1


@pytest.mark.parametrize(("label", "words"), [("  ", "Write a tag"), ("x" * 51, "at most 50")])
def test_a_label_has_its_bounds(staff, contact, label, words):
    with pytest.raises(InvalidEdit, match=words):
        changes.add_tag(staff, contact, label)
    assert not Change.objects.exists()


# --- Opt-out and opt-in ----------------------------------------------------------------------------------------------


def test_an_opt_out_holds_here_from_the_moment_it_is_asked_for(salesmsg, staff, conversation, contact):
    text = f"Already written {uuid.uuid4()}"
    message = write(staff, conversation, text)
    change = changes.request_opt_out(staff, contact)
    assert shown(contact).opted_out
    contact.refresh_from_db()
    assert contact.textable, "Salesmsg has not said so yet"
    assert deliver.deliver_message(message.pk) == Message.State.FAILED
    assert posts(salesmsg, text) == 0
    with pytest.raises(safeguards.CannotSend, match="being opted out"):
        write(staff, conversation, "Another")
    with pytest.raises(safeguards.CannotSend, match="being opted out"):
        compose.queue_to_phone(staff, contact.account, contact.phone, "By number", uuid.uuid4())
    draft = recipients.create_draft(staff, contact.account, [contact], "Hi")
    assert draft.recipients.get().reason_code == "skip_twin_refuses"

    assert told(change).state == State.DONE
    contact.refresh_from_db()
    assert contact.opted_out
    assert theirs(salesmsg, contact)["opt_out"]
    assert changes.request_opt_out(staff, contact) is None

    back = changes.request_opt_in(staff, contact, agreed=True, why="Asked on the phone")
    with pytest.raises(safeguards.CannotSend, match="opted out"):
        write(staff, conversation, "Too early")
    assert told(back).state == State.DONE
    assert not theirs(salesmsg, contact)["opt_out"]
    contact.refresh_from_db()
    assert not opt_out.why_not_textable(contact)
    said = list(AuditEntry.objects.order_by("pk").values_list("user", "action"))
    assert (staff.pk, "opted_out") in said
    assert said[-1] == (staff.pk, "opted_in")


def test_an_opt_in_needs_the_word_of_a_person(staff, contact):
    Contact.objects.filter(pk=contact.pk).update(opted_out=True)
    with pytest.raises(InvalidEdit, match="Confirm that this contact has asked"):
        changes.request_opt_in(staff, contact, agreed=False, why="Asked")
    assert not Change.objects.exists()


def test_a_refused_opt_out_holds_until_the_contact_opts_in_again(salesmsg, staff, contact):
    Contact.objects.filter(pk=contact.pk).update(vendor_id=999_999_999)
    contact.refresh_from_db()
    change = told(changes.request_opt_out(staff, contact))
    assert change.state == State.REFUSED
    assert change.reason_code == "contact_gone"
    assert [one.change for one in shown(contact).refused] == [change]
    assert opt_out.why_not_textable(contact)
    assert contact.phone in opt_out.refusing_phones(contact.account_id)
    assert changes.dismiss_refused(staff, change)
    assert not changes.dismiss_refused(staff, change)
    assert opt_out.why_not_textable(contact), "undoing it needs a reason"
    assert changes.request_opt_in(staff, contact, agreed=True, why="Asked on the phone") is None
    assert not opt_out.why_not_textable(contact)
    assert contact.phone not in opt_out.refusing_phones(contact.account_id)


def test_a_later_opt_in_lifts_an_opt_out_that_waits(salesmsg, staff, contact):
    change = changes.request_opt_out(staff, contact)
    assert changes.request_opt_in(staff, contact, agreed=True, why="Asked on the phone") is None
    change.refresh_from_db()
    assert change.state == State.SUPERSEDED
    assert not opt_out.why_not_textable(contact)


# --- Notes -----------------------------------------------------------------------------------------------------------


def test_a_note_is_shown_at_once_and_told_once(salesmsg, staff, contact):
    text = f"Called back.\nWants {uuid.uuid4()}"
    change = changes.add_note(staff, contact, text)
    assert (shown(contact).notes[0].text, shown(contact).notes[0].change) == (text, change)
    assert changes.add_note(staff, contact, text) == change, "pressed twice"
    assert told(change).state == State.DONE
    assert notes(salesmsg, contact, text) == 1
    assert (shown(contact).notes[0].text, shown(contact).notes[0].change) == (text, None)
    assert text not in " ".join([str(one.params) for one in AuditEntry.objects.all()])


def test_a_long_note_passes_though_no_address_would_hold_it(salesmsg, staff, contact):
    text = "ü" * 1990 + uuid.uuid4().hex[:8]
    assert told(changes.add_note(staff, contact, text)).state == State.DONE
    assert notes(salesmsg, contact, text) == 1


@pytest.mark.parametrize("kind", ["drop-after", "504", "truncate"])
def test_a_note_whose_answer_was_lost_is_one_note(salesmsg, staff, contact, kind):
    text = f"Once only {uuid.uuid4()}"
    change = changes.add_note(staff, contact, text)
    fault(salesmsg, kind, "POST /contacts/note")
    assert told(change).state == State.PENDING
    assert notes(salesmsg, contact, text) == 1
    assert told(change).state == State.DONE
    assert notes(salesmsg, contact, text) == 1


@pytest.mark.parametrize("kind", ["drop-before", "500"])
def test_a_note_that_did_not_arrive_is_told_again(salesmsg, staff, contact, kind):
    text = f"Not yet {uuid.uuid4()}"
    change = changes.add_note(staff, contact, text)
    fault(salesmsg, kind, "POST /contacts/note")
    assert told(change).state == State.PENDING
    assert notes(salesmsg, contact, text) == 0
    assert told(change).state == State.DONE
    assert notes(salesmsg, contact, text) == 1


def test_a_note_left_by_a_killed_worker_is_looked_for(salesmsg, staff, contact, monkeypatch):
    text = f"Killed {uuid.uuid4()}"
    change = changes.add_note(staff, contact, text)

    def killed(*_):
        raise SystemExit

    monkeypatch.setattr(push_changes, "_finish", killed)
    with pytest.raises(SystemExit):
        push_changes.push_change(change.pk)
    monkeypatch.undo()
    change.refresh_from_db()
    assert (change.state, notes(salesmsg, contact, text)) == (State.PUSHING, 1)
    Change.objects.filter(pk=change.pk).update(due_at=timezone.now() - timedelta(seconds=9))
    push_changes.wake_due()
    assert told(change).state == State.DONE
    assert notes(salesmsg, contact, text) == 1


def test_the_same_words_again_are_a_second_note(salesmsg, staff, contact):
    text = f"No answer {uuid.uuid4()}"
    assert told(changes.add_note(staff, contact, text)).state == State.DONE
    second = changes.add_note(staff, contact, text)
    fault(salesmsg, "drop-before", "POST /contacts/note")
    assert told(second).state == State.PENDING
    assert told(second).state == State.DONE, "the first one must not pass for it"
    assert notes(salesmsg, contact, text) == 2


def test_a_full_budget_after_the_note_left_does_not_repeat_it(salesmsg, staff, contact):
    text = f"Budget {uuid.uuid4()}"
    change = changes.add_note(staff, contact, text)
    fault(salesmsg, "429", "GET /contacts/{contact}")
    assert told(change).state == State.PENDING
    assert notes(salesmsg, contact, text) == 1
    salesmsg.post("/sandbox/faults", {"kind": "none"})
    wait_for("the block ends and the note is found", lambda: told(change).state == State.DONE)
    assert notes(salesmsg, contact, text) == 1


def test_where_notes_are_not_shown_a_person_decides_whether_a_doubtful_one_is_told_again(
    salesmsg, staff, contact, monkeypatch
):
    text = f"Blind {uuid.uuid4()}"
    change = changes.add_note(staff, contact, text)
    parse = records.Contact.parse
    monkeypatch.setattr(records.Contact, "parse", lambda raw: parse({key: raw[key] for key in raw if key != "notes"}))
    fault(salesmsg, "drop-before", "POST /contacts/note")
    assert told(change).state == State.PENDING
    assert told(change).state == State.REFUSED
    assert change.reason_code == "note_uncertain"
    assert notes(salesmsg, contact, text) == 0
    profile_changes.retry_change(staff, change)
    assert told(change).state == State.DONE
    assert notes(salesmsg, contact, text) == 1


def test_a_worker_that_lost_its_claim_writes_no_note(salesmsg, staff, contact, monkeypatch):
    text = f"Lost {uuid.uuid4()}"
    change = changes.add_note(staff, contact, text)
    turn = push_changes._is_first

    def slow(claimed):
        Change.objects.filter(pk=claimed.pk).update(due_at=timezone.now() + timedelta(seconds=300))
        return turn(claimed)

    monkeypatch.setattr(push_changes, "_is_first", slow)
    assert push_changes.push_change(change.pk) == ""
    assert notes(salesmsg, contact, text) == 0


# --- Custom fields ---------------------------------------------------------------------------------------------------


@pytest.fixture
def others_field(contact) -> str:
    """A field that only another contact carries."""
    other = Contact.objects.filter(account=contact.account).exclude(pk=contact.pk).first()
    Contact.objects.filter(pk=other.pk).update(custom_fields=[{"field_key": "renewal_date", "value": "2027-01-01"}])
    return "renewal_date"


def test_fields_are_shown_at_once_and_told(salesmsg, staff, contact, others_field):
    change = changes.edit_custom_fields(staff, contact, {others_field: " 2027-05-01 "})
    field = next(one for one in shown(contact).filled if one.key == others_field)
    assert (field.label, field.text, field.change) == ("Renewal date", "2027-05-01", change)
    assert told(change).state == State.DONE
    assert {one["field_key"]: one["value"] for one in theirs(salesmsg, contact)["custom_fields"]}[
        others_field
    ] == "2027-05-01"
    contact.refresh_from_db()
    assert changes.edit_custom_fields(staff, contact, {others_field: "2027-05-01"}) is None
    assert told(changes.edit_custom_fields(staff, contact, {others_field: ""})).state == State.DONE
    assert others_field not in [one.key for one in shown(contact).filled]


def test_a_later_edit_of_fields_keeps_what_waits(staff, contact, others_field):
    Contact.objects.filter(pk=contact.pk).update(custom_fields=[{"field_key": "plan", "text": "basic"}])
    first = changes.edit_custom_fields(staff, contact, {"plan": "premium"})
    second = changes.edit_custom_fields(staff, contact, {others_field: "2027-06-01"})
    first.refresh_from_db()
    assert first.state == State.SUPERSEDED
    assert second.values == {"plan": "premium", others_field: "2027-06-01"}
    assert changes.edit_custom_fields(staff, contact, {"plan": "basic", others_field: ""}) is None
    assert not Change.objects.filter(state=State.PENDING).exists()


@pytest.mark.parametrize(
    ("values", "words"), [({"unheard": "x"}, "does not exist in Salesmsg"), ({"renewal_date": "x" * 1001}, "most")]
)
def test_only_known_fields_within_their_bounds(staff, contact, others_field, values, words):
    with pytest.raises(InvalidEdit, match=words):
        changes.edit_custom_fields(staff, contact, values)
    assert not Change.objects.exists()


# --- All kinds -------------------------------------------------------------------------------------------------------


def test_a_refusal_keeps_its_reason_and_can_be_tried_again(salesmsg, staff, contact):
    label = f"Again {uuid.uuid4().hex[:8]}"
    change = changes.add_tag(staff, contact, label)
    Contact.objects.filter(pk=contact.pk).update(vendor_id=999_999_999)
    assert told(change).state == State.REFUSED
    assert label not in names(shown(contact).tags)
    Contact.objects.filter(pk=contact.pk).update(vendor_id=contact.vendor_id)
    assert profile_changes.retry_change(staff, change).state == State.PENDING
    assert told(change).state == State.DONE
    assert shown(contact).refused == []


def test_nobody_changes_what_is_not_theirs_or_what_salesmsg_does_not_have(staff, contact):
    stranger = factories.person("stranger")
    for ask in (
        lambda user: changes.add_tag(user, contact, "x"),
        lambda user: changes.remove_tag(user, contact, "x"),
        lambda user: changes.request_opt_out(user, contact),
        lambda user: changes.request_opt_in(user, contact, agreed=True, why="Asked"),
        lambda user: changes.add_note(user, contact, "x"),
        lambda user: changes.edit_custom_fields(user, contact, {}),
    ):
        with pytest.raises(PermissionDenied):
            ask(stranger)
    Contact.objects.filter(pk=contact.pk).update(deleted_at=timezone.now())
    with pytest.raises(InvalidEdit, match="was deleted in Salesmsg"):
        changes.add_note(staff, contact, "x")
    Contact.objects.filter(pk=contact.pk).update(deleted_at=None, vendor_id=None)
    with pytest.raises(InvalidEdit, match="does not exist in Salesmsg yet"):
        changes.request_opt_out(staff, contact)
    assert not Change.objects.exists()
