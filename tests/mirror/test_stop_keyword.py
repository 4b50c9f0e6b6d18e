"""A text STOP counts from its arrival, before Salesmsg has reported anything about the contact."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import mirror
from integrations.bulk import recipients
from integrations.models import Contact
from integrations.outbox import compose
from tests import factories as f

from . import vendor_records

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread():
    return f.conversation(f.account("Harbor Dental", f.person("ada"), created_at=timezone.now() - timedelta(days=10)))


def arrives(thread, text: str, **wire) -> Contact:
    at = f"{timezone.now():%Y-%m-%d %H:%M:%S}"
    wire = {"conversation_id": thread.vendor_id, "body": text, "status": "received", "created_at": at} | wire
    mirror.upsert_messages(thread, [vendor_records.message(7, **wire)])
    return Contact.objects.get(pk=thread.contact_id)


@pytest.mark.parametrize("text", ["STOP", " stop ", "Unsubscribe"])
def test_it_opts_out(thread, text):
    contact = arrives(thread, text)
    assert contact.opted_out
    assert contact.opted_out_at is not None
    assert not contact.textable


@pytest.mark.parametrize("text", ["Stop by at five", "START", "please stop texting me"])
def test_other_words_do_not(thread, text):
    assert not arrives(thread, text).opted_out


def test_it_counts_for_the_number_without_a_webhook(thread):
    twin = f.contact(thread.account, phone=thread.contact.phone)
    arrives(thread, "STOP")
    with pytest.raises(compose.CannotSend, match="opted out"):
        compose.queue_to_phone(None, thread.account, twin.phone, "Hello", uuid.uuid4())
    draft = recipients.create_draft(f.person("boss", superuser=True), thread.account, [twin], "Hello")
    assert draft.recipients.get().state == "left_out"


def test_one_from_before_they_came_back_does_not(thread):
    Contact.objects.update(opted_in_at=timezone.now() + timedelta(minutes=1))
    assert not arrives(thread, "STOP").opted_out


def test_old_history_does_not(thread):
    old = timezone.now() - timedelta(days=40)
    assert not arrives(thread, "STOP", created_at=f"{old:%Y-%m-%d %H:%M:%S}").opted_out


def test_our_own_word_does_not(thread):
    assert not arrives(thread, "STOP", status="sent", user_id=5).opted_out
