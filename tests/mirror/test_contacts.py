"""Contacts: only the difference is written, newest wins, drafts are adopted."""

import pytest
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import mirror
from integrations.mirror.contacts import merge_draft
from integrations.models import Account, Contact, Conversation
from tests.accounts import build

from . import vendor_records

pytestmark = pytest.mark.django_db


def version() -> int:
    return Account.objects.get().inbox_version


def test_a_page_is_a_handful_of_statements(account, django_assert_max_num_queries):
    page = [vendor_records.contact(key) for key in range(1, 101)]
    with django_assert_max_num_queries(12):
        assert mirror.upsert_contacts(account.pk, page)[1] == 100
    edited = [vendor_records.contact(key, first_name="Other") for key in range(1, 101)]
    with django_assert_max_num_queries(12):
        assert mirror.upsert_contacts(account.pk, edited)[1] == 100
    with django_assert_max_num_queries(4):
        assert mirror.upsert_contacts(account.pk, edited)[1] == 0


def test_what_is_the_same_is_not_written_and_bumps_nothing(account, connection_of_test):
    page = [vendor_records.contact(key, updated_at="2026-04-10 09:00:00") for key in (1, 2, 3)]
    rows, count = mirror.upsert_contacts(account.pk, page)
    assert (count, version()) == (3, 1)
    thread = build.conversation(rows[2])
    with CaptureQueriesContext(connection_of_test) as captured:
        assert mirror.upsert_contacts(account.pk, page)[1] == 0
    assert not [q for q in captured.captured_queries if q["sql"].startswith(("INSERT", "UPDATE"))]
    mirror.upsert_contacts(account.pk, [vendor_records.contact(2, first_name="New")])
    thread.refresh_from_db()
    assert (version(), thread.version) == (2, 1)


@pytest.fixture
def connection_of_test():
    from django.db import connection

    return connection


@pytest.mark.parametrize("first", ["old", "new"])
def test_the_newest_word_wins_in_any_order(account, first):
    old = vendor_records.contact(1, first_name="Old", updated_at="2026-04-10 09:00:00")
    new = vendor_records.contact(1, first_name="New", updated_at="2026-04-10 09:00:01")
    for record in [old, new] if first == "old" else [new, old]:
        mirror.upsert_contacts(account.pk, [record])
    assert Contact.objects.get().first_name == "New"
    mirror.upsert_contacts(account.pk, [new, old, old])
    assert Contact.objects.get().first_name == "New"


def test_what_a_record_does_not_carry_stays(account):
    mirror.upsert_contacts(
        account.pk, [vendor_records.contact(1, email="a@b.example", opt_out=True, tags=[{"id": 1, "label": "VIP"}])]
    )
    mirror.upsert_contacts(account.pk, [vendor_records.contact(1, first_name="Only")])
    row = Contact.objects.get()
    assert (row.first_name, row.email, row.opted_out, row.tags) == ("Only", "a@b.example", True, ["VIP"])


def test_a_record_in_passing_fills_only_what_no_full_one_filled(account):
    mirror.upsert_contacts(account.pk, [vendor_records.contact(1, first_name="Stub")], partial=True)
    assert Contact.objects.get().raw == {}
    mirror.upsert_contacts(account.pk, [vendor_records.contact(1, first_name="Stub 2")], partial=True)
    assert Contact.objects.get().first_name == "Stub 2"
    mirror.upsert_contacts(account.pk, [vendor_records.contact(1, first_name="Full")])
    mirror.upsert_contacts(account.pk, [vendor_records.contact(1, first_name="Stub 3")], partial=True)
    assert Contact.objects.get().first_name == "Full"


def test_a_draft_with_the_phone_is_adopted(account):
    draft = Contact.objects.create(account=account, phone="+13055550001")
    other = Contact.objects.create(account=account, phone="+13055559999")
    rows, count = mirror.upsert_contacts(account.pk, [vendor_records.contact(1)])
    draft.refresh_from_db()
    other.refresh_from_db()
    assert (rows[1].pk, draft.vendor_id, draft.first_name, other.vendor_id, count) == (draft.pk, 1, "Ana1", None, 1)


def test_another_accounts_draft_is_left_alone(account):
    stranger = Contact.objects.create(account=build.account("Other"), phone="+13055550001")
    mirror.upsert_contacts(account.pk, [vendor_records.contact(1)])
    stranger.refresh_from_db()
    assert stranger.vendor_id is None


def test_gone_is_told_to_the_pages_and_taken_back(account):
    rows, _ = mirror.upsert_contacts(account.pk, [vendor_records.contact(1)])
    thread = build.conversation(rows[1])
    before = version()
    assert mirror.contact_gone(account.pk, 1) == 1
    assert mirror.contact_gone(account.pk, 1) == 0
    thread.refresh_from_db()
    assert (version(), thread.version) == (before + 1, 1), "the open thread would still offer to text them"
    assert not Contact.objects.get().textable
    mirror.upsert_contacts(account.pk, [vendor_records.contact(1)])
    assert Contact.objects.get().textable


def test_a_draft_is_merged_into_the_contact_that_has_its_phone(account):
    rows, _ = mirror.upsert_contacts(account.pk, [vendor_records.contact(1)])
    draft = Contact.objects.create(account=account, phone="+13055550001")
    mine = Conversation.objects.create(account=account, contact=draft)
    text = build.message(mine, "Words", vendor_id=None)
    change = build.edit(draft)
    merge_draft(draft, rows[1])
    mine.refresh_from_db()
    text.refresh_from_db()
    change.refresh_from_db()
    assert (mine.contact_id, text.conversation_id, change.contact_id) == (rows[1].pk, mine.pk, rows[1].pk)
    assert Contact.objects.count() == 1

    second = Contact.objects.create(account=account, phone="+13055550001")
    twin = Conversation.objects.create(account=account, contact=second)
    words = build.message(twin, "More", vendor_id=None)
    merge_draft(second, rows[1])
    words.refresh_from_db()
    assert words.conversation_id == mine.pk
    assert Conversation.objects.count() == Contact.objects.count() == 1


def test_odd_values_do_not_stop_a_page(account):
    odd = vendor_records.contact(
        1, first_name="x" * 5000, country="nowhere-land", color="y" * 99, updated_at="soon", email=7
    )
    mirror.upsert_contacts(account.pk, [odd])
    row = Contact.objects.get()
    assert (len(row.first_name), row.country, row.email, row.vendor_updated_at) == (255, "nowhere-", "7", None)
    assert mirror.upsert_contacts(account.pk, [odd])[1] == 0


def test_touch_counts_once_for_each_thread_named(account):
    rows, _ = mirror.upsert_contacts(account.pk, [vendor_records.contact(1), vendor_records.contact(2)])
    one, two = build.conversation(rows[1]), build.conversation(rows[2])
    before = version()
    mirror.touch(account.pk, [one.pk, one.pk])
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.version, two.version, version()) == (1, 0, before + 1)
    assert timezone.now() > account.created_at
