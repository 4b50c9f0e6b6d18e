"""Conversations: stubs, drafts, what has moved, and what the list shows until the messages are read."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import mirror
from integrations.models import Account, Contact, Conversation, Inbox, Member
from tests.accounts import build

from . import vendor_records

pytestmark = pytest.mark.django_db

LAST = {"id": 600, "body": "See you", "status": "received", "created_at": "2026-04-10 09:00:00"}


@pytest.fixture
def ana(account) -> Contact:
    return mirror.upsert_contacts(account.pk, [vendor_records.contact(1)])[0][1]


def test_a_page_is_a_handful_of_statements(account, django_assert_max_num_queries):
    mirror.upsert_contacts(account.pk, [vendor_records.contact(key) for key in range(1, 101)])

    def page(minute):
        last = LAST | {"created_at": f"2026-04-10 09:{minute}:00"}
        return [
            vendor_records.conversation(
                1000 + key, key, last_message=last | {"id": 600 + key}, last_message_at=last["created_at"]
            )
            for key in range(1, 101)
        ]

    with django_assert_max_num_queries(16):
        assert mirror.upsert_conversations(account.pk, page("00")).changed == 100
    with django_assert_max_num_queries(14):
        result = mirror.upsert_conversations(account.pk, page("01"))
    assert (result.changed, len(result.moved)) == (100, 100)
    with django_assert_max_num_queries(12):
        assert mirror.upsert_conversations(account.pk, page("01")).changed == 0


def test_unknown_contacts_inboxes_and_members_are_made_as_stubs(account):
    nested = {"id": 5, "full_name": "Dana Reyes", "number": "+13055550142"}
    result = mirror.upsert_conversations(
        account.pk,
        [
            vendor_records.conversation(10, 5, contact=nested, owner={"id": 60}),
            vendor_records.conversation(11, 6),
            vendor_records.conversation(12, None),
        ],
    )
    assert (result.changed, result.homeless) == (2, [12])
    row = Conversation.objects.get(vendor_id=10)
    assert (row.contact.full_name, row.contact.phone, row.contact.raw) == ("Dana Reyes", "+13055550142", {})
    assert (row.inbox.vendor_id, row.owner.vendor_id) == (7, 60)
    assert Contact.objects.get(vendor_id=6).name == "Contact 6"
    assert (Inbox.objects.count(), Member.objects.count()) == (1, 1)


def test_only_the_difference_is_written(account, ana):
    record = vendor_records.conversation(last_message=LAST)
    mirror.upsert_conversations(account.pk, [record])
    row = Conversation.objects.get()
    version = Account.objects.get().inbox_version
    assert mirror.upsert_conversations(account.pk, [record]).changed == 0
    assert Account.objects.get().inbox_version == version
    mirror.upsert_conversations(
        account.pk, [vendor_records.conversation(last_message=LAST, closed_at="2026-04-11 00:00:00")]
    )
    row.refresh_from_db()
    assert (row.is_open, row.version, Account.objects.get().inbox_version) == (False, 1, version + 1)


def test_an_owner_is_taken_away_and_a_key_that_is_missing_changes_nothing(account, ana):
    mirror.upsert_conversations(account.pk, [vendor_records.conversation(owner={"id": 60}, unread=3)])
    assert Conversation.objects.get().owner.vendor_id == 60
    bare = vendor_records.conversation()
    raw = {key: value for key, value in bare.raw.items() if key not in {"unread", "closed_at", "inbox_id"}}
    mirror.upsert_conversations(account.pk, [type(bare).parse(raw)])
    row = Conversation.objects.get()
    assert (row.owner.vendor_id, row.unread_at_vendor, row.inbox.vendor_id) == (60, 3, 7)
    mirror.upsert_conversations(account.pk, [vendor_records.conversation(owner=None)])
    assert Conversation.objects.get().owner is None


def test_moved_is_what_has_a_message_that_is_not_cached(account, ana):
    first = mirror.upsert_conversations(account.pk, [vendor_records.conversation(last_message=LAST)])
    row = Conversation.objects.get()
    assert first.moved == {row.pk}
    again = mirror.upsert_conversations(account.pk, [vendor_records.conversation(last_message=LAST)])
    assert again.moved == {row.pk}, "not read yet"
    mirror.upsert_messages(row, [vendor_records.message(600)])
    assert mirror.upsert_conversations(account.pk, [vendor_records.conversation(last_message=LAST)]).moved == set()


def test_the_list_shows_a_preview_and_never_goes_back(account, ana):
    mirror.upsert_conversations(account.pk, [vendor_records.conversation(last_message=LAST)])
    row = Conversation.objects.get()
    assert (row.latest_text, row.latest_inbound, row.latest_state) == ("See you", True, "received")
    mirror.upsert_messages(row, [vendor_records.message(600, body="See you"), vendor_records.message(601, "10:00:00")])
    stale = vendor_records.conversation(last_message=LAST | {"id": 599, "body": "Old"})
    mirror.upsert_conversations(account.pk, [stale])
    row.refresh_from_db()
    assert row.latest_text == "Text 601"
    new = LAST | {"id": 700, "body": "New", "created_at": "2026-04-10 11:00:00"}
    mirror.upsert_conversations(
        account.pk, [vendor_records.conversation(last_message=new, last_message_at=new["created_at"])]
    )
    row.refresh_from_db()
    assert row.latest_text == "New"


def test_our_own_waiting_text_stays_the_newest(account, ana):
    mirror.upsert_conversations(account.pk, [vendor_records.conversation(last_message=LAST)])
    row = Conversation.objects.get()
    Conversation.objects.update(latest_at=timezone.now(), latest_text="Mine", latest_state="queued")
    newer = LAST | {"id": 700, "body": "Theirs", "created_at": "2026-04-10 12:00:00"}
    mirror.upsert_conversations(
        account.pk, [vendor_records.conversation(last_message=newer, last_message_at=newer["created_at"])]
    )
    row.refresh_from_db()
    assert row.latest_text == "Mine"


def test_drafts_are_adopted_by_their_inbox_first(account, ana):
    seven = Inbox.objects.create(account=account, vendor_id=7)
    eight = Inbox.objects.create(account=account, vendor_id=8)
    any_inbox = Conversation.objects.create(account=account, contact=ana)
    for_seven = Conversation.objects.create(account=account, contact=ana, inbox=seven)
    for_eight = Conversation.objects.create(account=account, contact=ana, inbox=eight)
    text = build.message(for_seven, "Waiting", vendor_id=None)
    mirror.upsert_conversations(
        account.pk, [vendor_records.conversation(10), vendor_records.conversation(11, inbox_id=9)]
    )
    drafts = {row.pk: row for row in Conversation.objects.all()}
    assert {pk: row.vendor_id for pk, row in drafts.items()} == {
        for_seven.pk: 10, any_inbox.pk: 11, for_eight.pk: None
    }  # fmt: skip
    assert drafts[any_inbox.pk].inbox.vendor_id == 9
    text.refresh_from_db()
    assert text.conversation_id == for_seven.pk


@pytest.mark.parametrize("inbox_id", [7, 8, None])
def test_one_draft_is_not_two_conversations(account, ana, inbox_id):
    draft = Conversation.objects.create(account=account, contact=ana)
    mirror.upsert_conversations(
        account.pk, [vendor_records.conversation(10), vendor_records.conversation(11, inbox_id=inbox_id)]
    )
    assert set(Conversation.objects.values_list("vendor_id", flat=True)) == {10, 11}
    draft.refresh_from_db()
    assert draft.vendor_id == 10


def test_a_draft_of_somebody_else_is_not_adopted(account, ana):
    other = mirror.upsert_contacts(account.pk, [vendor_records.contact(2)])[0][2]
    draft = Conversation.objects.create(account=account, contact=other)
    mirror.upsert_conversations(account.pk, [vendor_records.conversation(10)])
    draft.refresh_from_db()
    assert draft.vendor_id is None


def test_an_empty_conversation_is_placed_by_its_beginning(account, ana):
    mirror.upsert_conversations(
        account.pk,
        [
            vendor_records.conversation(last_message_at=None, started_at="2026-04-01 00:00:00"),
            vendor_records.conversation(11, last_message_at=None),
        ],
    )
    rows = {row.vendor_id: row for row in Conversation.objects.all()}
    assert rows[10].latest_at.day == 1
    assert timezone.now() - rows[11].latest_at < timedelta(minutes=1)
