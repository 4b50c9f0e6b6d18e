"""Consent belongs to the phone: whichever row said STOP, no way may text the number until it is undone."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import mirror
from integrations.contacts import detail_changes, opt_out
from integrations.mirror import consent
from integrations.mirror.contacts import merge_draft
from integrations.models import ConsentEntry, Contact
from integrations.outbox import compose, safeguards
from integrations.salesmsg import records
from tests import factories as f

pytestmark = pytest.mark.django_db
PHONE = "+13055550142"


@pytest.fixture
def account():
    return f.account()


@pytest.fixture
def contact(account):
    return f.contact(account, phone=PHONE, vendor_id=1)


def record(vendor_id: int, **values) -> records.Contact:
    return records.Contact.parse({"id": vendor_id, "number": PHONE, "opt_out": False, **values})


def say(contact: Contact, text: str, vendor_id: int = 1, **values):
    """The contact's text arrives by a sync."""
    thread = contact.conversations.first() or f.conversation(contact.account, contact)
    message = f.message(thread, text, vendor_id=vendor_id, is_news=True, **{"at": timezone.now(), **values})
    consent.read_texts(thread, [message])


def refused(contact: Contact) -> str:
    contact.refresh_from_db()
    return opt_out.why_not_textable(contact).code


def ledger(account) -> list[tuple]:
    return list(ConsentEntry.objects.filter(account=account).order_by("pk").values_list("kind", "source"))


# --- What happens to the row that said STOP ---------------------------------------------------------------------------

FATES = {
    "it stays": lambda contact: contact,
    "it is deleted in Salesmsg": lambda contact: mirror.contact_gone(contact.account_id, contact.vendor_id),
    "its row is merged into another": lambda contact: merge_draft(
        contact, f.contact(contact.account, phone="+13055550199")
    ),
    "Salesmsg never learns of it": lambda contact: mirror.upsert_contacts(contact.account_id, [record(1)]),
}


@pytest.mark.parametrize("fate", FATES)
def test_a_stop_counts_for_every_row_with_the_phone(account, contact, fate):
    say(contact, "Stop.")
    assert refused(contact)
    FATES[fate](contact)
    twin = f.contact(account, phone=PHONE, vendor_id=2)
    mirror.upsert_contacts(account.pk, [record(2), record(3)])
    assert refused(twin)
    assert refused(Contact.objects.get(vendor_id=3))
    with pytest.raises(safeguards.CannotSend, match="opted out"):
        compose.queue_to_phone(None, account, PHONE, "Hello", uuid.uuid4())
    assert opt_out.refusing_phones(account.pk) == {PHONE}


def test_it_counts_in_its_own_account_only(contact):
    say(contact, "STOP")
    other = f.account()
    assert not refused(f.contact(other, phone=PHONE))


# --- What undoes it ---------------------------------------------------------------------------------------------------


def test_their_start_undoes_it(account, contact):
    say(contact, "STOP", 1, at=timezone.now() - timedelta(minutes=2))
    mirror.upsert_contacts(account.pk, [record(1, opt_out=True)])
    say(contact, "Start", 2)
    assert refused(contact) == "opted_out", "Salesmsg still refuses it"
    mirror.upsert_contacts(account.pk, [record(1)])
    assert not refused(contact)
    assert ledger(account) == [("opt_out", "keyword"), ("opt_in", "keyword")]


def test_a_yes_is_an_answer_unless_they_had_opted_out(account, contact):
    say(contact, "YES")
    assert ledger(account) == []


def test_salesmsg_undoes_a_stop_only_with_a_later_date(account, contact):
    say(contact, "ARRET")
    mirror.upsert_contacts(account.pk, [record(1)])
    assert refused(contact), "Salesmsg does not know the word"
    later = (timezone.now() + timedelta(seconds=5)).strftime("%Y-%m-%d %H:%M:%S")
    Contact.objects.filter(pk=contact.pk).update(opted_out=True)
    mirror.upsert_contacts(account.pk, [record(1, opt_in_at=later)])
    assert not refused(contact)


def test_salesmsg_undoes_what_was_done_there(account, contact):
    mirror.upsert_contacts(account.pk, [record(1, opt_out=True)])
    assert refused(contact)
    mirror.upsert_contacts(account.pk, [record(1)])
    assert not refused(contact)
    assert ledger(account) == [("opt_out", "salesmsg"), ("opt_in", "salesmsg")]


def test_a_manager_undoes_it_with_a_reason(account, contact):
    say(contact, "STOP")
    FATES["Salesmsg never learns of it"](contact)
    manager = f.person("manager")
    account.memberships.create(user=manager, role="manager")
    detail_changes.request_opt_in(manager, contact, agreed=True, why="Asked in the shop")
    assert not refused(contact)
    entry = consent.newest_decision(account.pk, PHONE)
    assert (entry.kind, entry.source, entry.user, entry.note) == ("opt_in", "staff", manager, "Asked in the shop")


# --- What may be an opt-out -------------------------------------------------------------------------------------------


def test_a_doubt_waits_for_a_person(account, contact):
    say(contact, "please stop texting me")
    assert not refused(contact)
    assert opt_out.doubted_phones(account.pk) == {PHONE}
    agent = f.person("agent")
    account.memberships.create(user=agent)
    assert detail_changes.clear_doubt(agent, contact)
    assert not opt_out.doubted_phones(account.pk)
    assert not detail_changes.clear_doubt(agent, contact)
    say(contact, "remove me", 2, at=timezone.now() + timedelta(seconds=1))
    assert opt_out.doubted_phones(account.pk) == {PHONE}
    detail_changes.request_opt_out(agent, contact)
    assert not opt_out.doubted_phones(account.pk)
    assert refused(contact)


def test_an_ordinary_text_is_none(account, contact):
    say(contact, "please stop by at 5")
    assert ledger(account) == []


def test_the_settings_add_words(account, contact, settings):
    settings.OPT_OUT_WORDS = ["basta ya"]
    say(contact, "¡Basta ya!")
    assert refused(contact)


# --- One entry a text, and none is lost -------------------------------------------------------------------------------


def test_the_webhook_and_the_sync_make_one_entry(account, contact):
    assert consent.read_event(account.pk, "STOP", PHONE, None, None, 77)
    say(contact, "STOP", 77)
    assert ledger(account) == [("opt_out", "keyword")]


@pytest.mark.parametrize(
    ("phone", "contact_id", "thread_id"), [(PHONE, None, None), ("", 1, None), ("", None, 50), (PHONE, 999, 999)]
)
def test_an_event_opts_out_by_whatever_it_names(account, contact, phone, contact_id, thread_id):
    f.conversation(account, contact, vendor_id=50)
    assert consent.read_event(account.pk, "Stop!", phone, contact_id, thread_id, 5)
    assert refused(contact)


def test_an_event_never_opts_in(account, contact):
    say(contact, "STOP")
    assert not consent.read_event(account.pk, "START", PHONE, 1, None, 6)
    assert refused(contact)


def test_the_entry_outlives_everything_it_names(account, contact):
    contact_name = contact.name
    say(contact, "Stop 🛑")
    merge_draft(contact, f.contact(account))
    entry = ConsentEntry.objects.get()
    assert (entry.contact, entry.contact_name, entry.text) == (None, contact_name, "Stop 🛑")
