"""A keyword that Salesmsg does not know opts the contact out there, too."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.contacts import opt_out, push_changes
from integrations.contacts.keyword_opt_outs import AT_ONCE, PATIENCE, SWEPT, sweep_keyword_opt_outs
from integrations.models import Change, ConsentEntry, Contact
from tests import factories as f
from tests.tokens.vendor import queued

from ..outbox.conftest import read_thread

LONG_AGO = PATIENCE + timedelta(minutes=1)


@pytest.fixture
def contact(db) -> Contact:
    return f.contact(f.account(), vendor_id=1)


def say(contact: Contact, ago: timedelta = LONG_AGO, kind: str = "opt_out", source: str = "keyword", **values):
    return f.consent(contact, kind, source, at=timezone.now() - ago, text="ARRET", **values)


def requested() -> list[tuple]:
    return list(Change.objects.order_by("pk").values_list("contact", "kind", "state", "requested_by"))


def test_the_opt_out_is_requested_once(contact, django_capture_on_commit_callbacks):
    say(contact)
    with django_capture_on_commit_callbacks(execute=True):
        assert sweep_keyword_opt_outs() == 1
    change = Change.objects.get()
    assert requested() == [(contact.pk, "opt_out", "pending", None)]
    assert (push_changes.PUSH, (change.pk,)) in queued()
    assert sweep_keyword_opt_outs() == 0
    for state in ("pushing", "done", "refused", "superseded"):
        Change.objects.update(state=state)
        assert sweep_keyword_opt_outs() == 0, state
    assert ConsentEntry.objects.count() == 1


def test_every_contact_with_the_number_is_opted_out(contact):
    say(contact)
    f.contact(contact.account, phone=contact.phone, vendor_id=2)
    f.contact(f.account(), phone=contact.phone, vendor_id=2)
    assert [sweep_keyword_opt_outs() for _ in range(3)] == [1, 1, 0]


LEFT_ALONE = {
    "just said": lambda contact: say(contact, timedelta(minutes=1)),
    "long ago": lambda contact: say(contact, SWEPT + timedelta(minutes=1)),
    "Salesmsg knows": lambda contact: (say(contact), Contact.objects.update(opted_out=True)),
    "deleted": lambda contact: (say(contact), Contact.objects.update(deleted_at=timezone.now())),
    "not in Salesmsg": lambda contact: (say(contact), Contact.objects.update(vendor_id=None)),
    "undone": lambda contact: (say(contact), say(contact, LONG_AGO - timedelta(seconds=1), "opt_in", "staff")),
    "by staff": lambda contact: say(contact, source="staff"),
    "in Salesmsg": lambda contact: say(contact, source="salesmsg"),
    "a doubt": lambda contact: say(contact, kind="doubt"),
    "an open change": lambda contact: (say(contact), change(contact, "opt_in", "pending", LONG_AGO * 2)),
    "a later change": lambda contact: (say(contact), change(contact, "opt_out", "refused", timedelta(0))),
}


def change(contact: Contact, kind: str, state: str, ago: timedelta) -> None:
    made = Change.objects.create(account=contact.account, contact=contact, kind=kind, state=state)
    Change.objects.filter(pk=made.pk).update(created_at=timezone.now() - ago)


@pytest.mark.parametrize("why", LEFT_ALONE)
def test_others_are_left_alone(contact, why):
    LEFT_ALONE[why](contact)
    before = requested()
    assert sweep_keyword_opt_outs() == 0
    assert requested() == before


def test_an_earlier_change_does_not_count(contact):
    change(contact, "opt_out", "done", LONG_AGO * 2)
    say(contact)
    assert sweep_keyword_opt_outs() == 1


def test_a_doubt_after_the_keyword_does_not_undo_it(contact):
    say(contact)
    say(contact, LONG_AGO - timedelta(seconds=1), "doubt")
    assert sweep_keyword_opt_outs() == 1


def test_a_sweep_requests_so_many_and_the_next_one_the_rest(contact):
    for number in range(AT_ONCE + 1):
        say(f.contact(contact.account, vendor_id=100 + number))
    assert [sweep_keyword_opt_outs() for _ in range(3)] == [AT_ONCE, 1, 0]


def test_nothing_to_do_is_one_query_by_an_index(contact, django_assert_num_queries):
    say(contact)
    Contact.objects.update(opted_out=True)
    with CaptureQueriesContext(connection) as made, django_assert_num_queries(1):
        assert sweep_keyword_opt_outs() == 0
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {made[0]['sql']}")
            plan = " ".join(row[3] for row in cursor.fetchall())
        assert "consent_keywords" in plan
        assert "SCAN" not in plan


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_a_word_that_salesmsg_does_not_know(salesmsg, conversation):
    """Over HTTP: the sandbox takes ARRET for an ordinary text until the portal tells it."""
    cache.clear()
    contact = conversation.contact
    salesmsg.post(f"/sandbox/phone/{contact.vendor_id}", {"text": "ARRÊT"})
    read_thread(conversation)
    assert opt_out.why_not_textable(Contact.objects.get(pk=contact.pk))
    entries = ConsentEntry.objects.filter(phone=contact.phone)
    assert entries.values_list("kind", "source").get() == ("opt_out", "keyword")
    assert not theirs(salesmsg, contact)["opt_out"]

    entries.update(at=timezone.now() - LONG_AGO)
    Contact.objects.filter(pk=contact.pk).update(opted_out=False)  # as Salesmsg says in the next sync
    assert sweep_keyword_opt_outs() == 1
    assert push_changes.push_change(Change.objects.get().pk) == Change.State.DONE
    assert theirs(salesmsg, contact)["opt_out"]
    assert Contact.objects.get(pk=contact.pk).opted_out
    assert entries.count() == 1
    assert salesmsg.state()["by_endpoint"].get("PUT /contacts/opt-out/{contact}") == 1
    assert sweep_keyword_opt_outs() == 0


def theirs(salesmsg, contact) -> dict:
    return next(row for row in salesmsg.data()["contacts"] if row["id"] == contact.vendor_id)
