"""Row locks of the mirror and PostgreSQL's checks of foreign keys: one must not wait for the other."""

import threading

import pytest
from django.db import connection, transaction

from integrations.mirror.rows import by_vendor_id
from integrations.models import Contact, Conversation
from tests.accounts import build


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
        assert by_vendor_id(Contact.objects.filter(account=account), [contact.vendor_id])
        thread = threading.Thread(target=store_thread)
        thread.start()
        thread.join(10)
    assert done.is_set()
