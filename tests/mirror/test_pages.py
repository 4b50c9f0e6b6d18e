"""A page is one statement for each table, whatever its size, and none where nothing changed."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from integrations import mirror
from integrations.mirror.diff import insert_new
from integrations.models import Contact, Conversation, Inbox, Message
from integrations.salesmsg.records import Team
from tests import factories

from . import vendor_records

SIZES = (1, 100, 500)


@pytest.mark.django_db
@pytest.mark.parametrize("size", SIZES)
def test_contacts(account, written, size):
    page = [vendor_records.contact(key, tags=[{"id": 1, "label": "VIP"}]) for key in range(1, size + 1)]
    edited = [vendor_records.contact(key, first_name=f"Other{key}") for key in range(1, size + 1)]
    assert written(lambda: mirror.upsert_contacts(account.pk, page)) == {"INSERT contact": 1, "UPDATE account": 1}
    assert written(lambda: mirror.upsert_contacts(account.pk, edited)) == {"UPDATE contact": 1, "UPDATE account": 1}
    assert written(lambda: mirror.upsert_contacts(account.pk, edited)) == {}
    rows = Contact.objects.order_by("vendor_id").values_list("vendor_id", "first_name", "tags", "raw")
    assert list(rows) == [(record.id, record.first_name, ["VIP"], record.raw) for record in edited]


@pytest.mark.django_db
@pytest.mark.parametrize("size", SIZES)
def test_conversations_and_their_contacts(account, written, size):
    page = [vendor_records.conversation(5000 + key, key, inbox_id=None) for key in range(1, size + 1)]
    moved = [vendor_records.conversation(5000 + key, key, inbox_id=None, unread=key) for key in range(1, size + 1)]
    new = written(lambda: mirror.upsert_conversations(account.pk, page))
    assert new == {"INSERT contact": 1, "INSERT conversation": 1, "UPDATE account": 2}
    assert written(lambda: mirror.upsert_conversations(account.pk, moved)) == {
        "UPDATE conversation": 1, "UPDATE account": 1
    }  # fmt: skip
    assert written(lambda: mirror.upsert_conversations(account.pk, moved)) == {}
    rows = Conversation.objects.order_by("vendor_id").values_list("vendor_id", "unread_at_vendor", "version", "raw")
    assert list(rows) == [(record.id, record.unread, 1, record.raw) for record in moved]


@pytest.mark.django_db
@pytest.mark.parametrize("size", SIZES)
def test_messages(account, written, size):
    mirror.upsert_conversations(account.pk, [vendor_records.conversation()])
    thread = Conversation.objects.get()
    page = [vendor_records.ours(key, "sent") for key in range(1, size + 1)]
    later = [vendor_records.ours(key, "delivered") for key in range(1, size + 1)]
    seen = {"UPDATE conversation": 2, "UPDATE account": 1}  # what the list shows, and its counters
    assert written(lambda: mirror.upsert_messages(thread, page)) == {"INSERT message": 1, **seen}
    assert written(lambda: mirror.upsert_messages(thread, later)) == {"UPDATE message": 1, **seen}
    assert written(lambda: mirror.upsert_messages(thread, later)) == {}
    rows = Message.objects.order_by("pk").values_list("vendor_id", "state", "delivered_at", "raw")
    assert list(rows) == [(record.id, "delivered", record.delivered_at, record.raw) for record in later]


@pytest.mark.django_db
def test_more_rows_than_a_statement_takes_are_all_written(account, written, monkeypatch):
    if connection.vendor != "sqlite":
        pytest.skip("Django splits a page on SQLite only")
    monkeypatch.setattr(connection.features, "max_query_params", 60)
    page = [vendor_records.contact(key) for key in range(1, 8)]
    edited = [vendor_records.contact(key, first_name="Other") for key in range(1, 8)]
    assert written(lambda: mirror.upsert_contacts(account.pk, page))["INSERT contact"] == 4
    assert mirror.upsert_contacts(account.pk, edited)[1] == 7
    assert Contact.objects.filter(first_name="Other").count() == 7


@pytest.mark.django_db
def test_contacts_that_were_drafts_take_one_statement_more(account, written):
    page = [vendor_records.contact(key) for key in range(1, 11)]
    mirror.upsert_contacts(account.pk, page[5:])
    for record in page[:5]:
        Contact.objects.create(account=account, phone=record.phone)
    edited = [vendor_records.contact(key, first_name="Other") for key in range(1, 11)]
    assert written(lambda: mirror.upsert_contacts(account.pk, edited)) == {"UPDATE contact": 2, "UPDATE account": 1}
    assert Contact.objects.filter(first_name="Other", vendor_id__isnull=False).count() == Contact.objects.count() == 10


@pytest.mark.django_db
def test_a_refusal_that_no_other_process_explains_is_raised(account):
    with pytest.raises(IntegrityError):
        insert_new([Contact(account=account, vendor_id=1, first_name=None)])


@pytest.mark.django_db
def test_what_the_mirror_writes_django_reads_and_the_other_way_round(account):
    wire = {
        "first_name": "O'Hara % \"x\" 🙏", "last_name": "%s", "notes": [{"id": 1, "text": "naïve\n\\"}],
        "created_at": "2026-04-10 09:00:00.123456", "updated_at": "2026-04-10T11:00:00+02:00", "opt_out": True,
    }  # fmt: skip
    mirror.upsert_contacts(account.pk, [vendor_records.contact(1, **wire)])
    row = Contact.objects.get(raw__last_name="%s", vendor_updated_at="2026-04-10T09:00:00Z", opted_out=True)
    assert (row.first_name, row.notes[0]["text"]) == (wire["first_name"], wire["notes"][0]["text"])
    assert row.vendor_created_at.microsecond == 123456
    Contact.objects.all().delete()
    row.pk = None
    row.save(force_insert=True)
    assert mirror.upsert_contacts(account.pk, [vendor_records.contact(1, **wire)])[1] == 0


@pytest.mark.django_db
def test_keys_in_another_order_are_no_change(account):
    record = vendor_records.contact(1, country="US")
    mirror.upsert_contacts(account.pk, [record])
    turned = type(record).parse(dict(reversed(record.raw.items())))
    assert mirror.upsert_contacts(account.pk, [turned])[1] == 0
    assert mirror.upsert_contacts(account.pk, [vendor_records.contact(1, country="US", unknown=1)])[1] == 1
    assert Contact.objects.get().raw["unknown"] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("theirs", ["newer", "older"])
def test_of_two_processes_that_meet_a_contact_at_once_the_newest_word_wins(theirs):
    """Another process inserts the row after we looked for it and commits while our INSERT waits."""
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite a writer has the database for itself")
    account = factories.connected_account("Mirror")
    times = {"newer": "2026-04-10 10:00:00", "older": "2026-04-10 08:00:00"}
    done = []

    def ours() -> None:
        try:
            record = vendor_records.contact(1, first_name="Ours", updated_at="2026-04-10 09:00:00")
            done.append(mirror.upsert_contacts(account.pk, [record, vendor_records.contact(2)]))
        finally:
            connection.close()

    with transaction.atomic():
        mirror.upsert_contacts(account.pk, [vendor_records.contact(1, first_name="Theirs", updated_at=times[theirs])])
        thread = threading.Thread(target=ours)
        thread.start()
        thread.join(0.7)  # it stands before our row now
        assert thread.is_alive()
    thread.join(10)
    assert Contact.objects.get(vendor_id=1).first_name == ("Theirs" if theirs == "newer" else "Ours")
    rows, count = done[0]
    assert (set(rows), count) == ({1, 2}, 1 if theirs == "newer" else 2)


@pytest.mark.django_db
def test_inboxes(account, written):
    teams = [Team.parse({"id": key, "name": f"Desk {key}"}) for key in range(1, 31)]
    assert written(lambda: mirror.upsert_inboxes(account, teams)) == {"INSERT inbox": 1}
    renamed = [Team.parse({"id": key, "name": f"Counter {key}"}) for key in range(1, 31)]
    assert written(lambda: mirror.upsert_inboxes(account, renamed)) == {"UPDATE inbox": 1}
    assert written(lambda: mirror.upsert_inboxes(account, renamed)) == {}
    assert Inbox.objects.filter(name="Counter 30").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_processes_that_meet_a_message_in_two_threads_the_later_keeps_it():
    """The other page commits while our INSERT waits."""
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite a writer has the database for itself")
    account = factories.connected_account("Mirror")
    mirror.upsert_conversations(
        account.pk, [vendor_records.conversation(5001, 1), vendor_records.conversation(5002, 2)]
    )
    first, second = Conversation.objects.order_by("vendor_id")
    done = []

    def ours() -> None:
        try:
            done.append(
                mirror.upsert_messages(second, [vendor_records.ours(1, "sent"), vendor_records.ours(2, "sent")])
            )
        finally:
            connection.close()

    with transaction.atomic():
        mirror.upsert_messages(first, [vendor_records.ours(1, "delivered")])
        thread = threading.Thread(target=ours)
        thread.start()
        thread.join(0.7)
        assert thread.is_alive()
    thread.join(10)
    rows = Message.objects.order_by("vendor_id").values_list("vendor_id", "state", "conversation")
    assert list(rows) == [(1, "delivered", second.pk), (2, "sent", second.pk)]
    assert (done[0].new, done[0].met, done[0].changed) == (1, 1, 2)
