"""Row locks of the mirror and PostgreSQL's checks of foreign keys: one must not wait for the other."""

import threading
import time
import uuid

import pytest
from django.db import connection, transaction
from django.utils import timezone

from integrations import mirror
from integrations.mirror.diff import by_vendor_id
from integrations.models import Contact, Conversation, Message
from integrations.outbox import deliver
from tests.accounts import build

from . import vendor_records


@pytest.mark.django_db(transaction=True)
def test_a_thread_is_stored_while_a_page_holds_its_contact():
    """A row that is updated twice has its foreign keys checked at the commit: the pages' locks must let that pass."""
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's own matter")
    account = build.account("Mirror")
    contact = Contact.objects.create(account=account, vendor_id=7, phone="+13055550142")
    conversation = Conversation.objects.create(account=account, contact=contact, vendor_id=8)
    done = threading.Event()

    def store_thread() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '3s'")
            with transaction.atomic():
                for text in ("first", "second"):
                    Conversation.objects.filter(pk=conversation.pk).update(latest_text=text)
            done.set()
        finally:
            connection.close()

    with transaction.atomic():
        assert by_vendor_id(Contact, account.pk, {7: vendor_records.contact(7)})
        thread = threading.Thread(target=store_thread)
        thread.start()
        thread.join(10)
    assert done.is_set()


@pytest.mark.django_db(transaction=True)
def test_a_page_and_a_sweep_take_a_thread_in_the_same_order():
    """The page holds the conversation and wants its texts under way; the sweep settles one of those and its list."""
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's own matter")
    account = build.account("Mirror")
    contact = Contact.objects.create(account=account, vendor_id=7, phone="+13055550142")
    conversation = Conversation.objects.create(account=account, contact=contact, vendor_id=8)
    now = timezone.now()
    text = Message.objects.create(
        account=account, conversation=conversation, client_uuid=uuid.uuid4(), state="sending", text="Hello",
        at=now, rank=1, due_at=now, claimed_at=now - deliver.claim_lifetime() * 2,
    )  # fmt: skip
    outcome = []

    def sweep() -> None:
        try:
            outcome.append(deliver.expire_claims())
        finally:
            connection.close()

    with transaction.atomic():
        mirror.lock_thread(conversation.pk)
        thread = threading.Thread(target=sweep)
        thread.start()
        time.sleep(0.4)  # it stands before the conversation now
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '3s'")
        assert Message.objects.select_for_update(no_key=True).get(pk=text.pk).state == "sending"
    thread.join(10)
    assert outcome == [1]
