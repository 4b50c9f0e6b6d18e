"""The same bulk text to the same people within a day asks first."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.bulk import lifecycle, recipients
from integrations.models import Bulk, Contact, Message
from integrations.outbox import bulk_queue
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return f.person("ada")


@pytest.fixture
def account(ada):
    account = f.account("Harbor Dental", ada)
    for number in range(3):
        f.contact(account, f"Dana{number}")
    return account


def draft(ada, account, text="Hi {first_name}", contacts=None) -> Bulk:
    return recipients.create_draft(ada, account, contacts or Contact.objects.all(), text)


def send(ada, account, text="Hi {first_name}", contacts=None, texts=9) -> Bulk:
    bulk = draft(ada, account, text, contacts)
    lifecycle.start_bulk(ada, bulk, ["duplicate"])
    while texts and (pk := bulk_queue.next_message(account.pk)):
        Message.objects.filter(pk=pk).update(state="sent", due_at=None)
        texts -= 1
    return bulk


def sent(ada, account):
    send(ada, account)


def still_running(ada, account):
    send(ada, account, texts=1)


def another_text(ada, account):
    send(ada, account, "Hello {first_name}")


def failed(ada, account):
    send(ada, account)
    Message.objects.update(state="failed")


def long_ago(ada, account):
    send(ada, account)
    Message.objects.update(created_at=timezone.now() - timedelta(hours=25))


def cancelled(ada, account):
    bulk = draft(ada, account)
    lifecycle.start_bulk(ada, bulk)
    lifecycle.cancel_bulk(ada, bulk)


def to_one_of_them(ada, account):
    send(ada, account, contacts=Contact.objects.filter(first_name="Dana1"))


def to_the_same_phone(ada, account):
    one = Contact.objects.get(first_name="Dana1")
    send(ada, account, contacts=[f.contact(account, "Dana1", phone=one.phone)])
    Contact.objects.filter(phone=one.phone).exclude(pk=one.pk).update(deleted_at=timezone.now())


BEFORE = [
    (sent, 3), (still_running, 3), (to_one_of_them, 1), (to_the_same_phone, 1),
    (another_text, 0), (failed, 0), (long_ago, 0), (cancelled, 0),
]  # fmt: skip


@pytest.mark.parametrize(("before", "repeated"), BEFORE)
def test_who_got_it_already(ada, account, before, repeated):
    before(ada, account)
    bulk = draft(ada, account)
    assert lifecycle.count_repeated(bulk) == repeated
    if not repeated:
        assert lifecycle.start_bulk(ada, bulk)
        return
    with pytest.raises(lifecycle.NeedsConfirmation, match="within the last day"):
        lifecycle.start_bulk(ada, bulk)
    bulk.refresh_from_db()
    assert bulk.state == "draft"
    assert lifecycle.start_bulk(ada, bulk, ["duplicate"])
    assert bulk.accepted == ["duplicate"]


def test_the_page_asks(client, ada, account):
    sent(ada, account)
    bulk = draft(ada, account)
    client.force_login(ada)
    page = client.get(f"/bulk/{bulk.pk}/").content.decode()
    seal = page.partition('name="seal" value="')[2].partition('"')[0]
    response = client.post(f"/bulk/{bulk.pk}/start/", {"seal": seal})
    assert response.status_code == 422
    assert 'name="accept" value="duplicate"' in response.content.decode()
    client.post(f"/bulk/{bulk.pk}/start/", {"seal": seal, "accept": "duplicate"})
    bulk.refresh_from_db()
    assert bulk.state == "running"
