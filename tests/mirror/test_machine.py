"""Reactions and automatic replies are no news: they end no snooze, reopen nothing and lead no list."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import mirror
from integrations.inbox.conversation_list import queries
from integrations.mirror.conversation_summary import refresh_latest
from integrations.models import ConsentEntry, Contact, Conversation, Message
from integrations.outbox import collision, scheduled
from tests import factories as f

from . import vendor_records

pytestmark = pytest.mark.django_db
LIKED = "Liked “See you at ten.”"
DRIVING = "I'm driving with Focus turned on. I'll see your message when I get where I'm going."
MACHINES = pytest.mark.parametrize(("text", "machine"), [(LIKED, "reaction"), (DRIVING, "auto_reply")])


@pytest.fixture
def ada():
    return f.person("ada")


@pytest.fixture
def thread(ada) -> Conversation:
    """A conversation in which our text was the last one; it was connected before that."""
    account = f.account("Harbor", ada, created_at=timezone.now() - timedelta(days=1))
    made = f.conversation(account)
    f.message(made, "See you at ten.", inbound=False, at=timezone.now() - timedelta(minutes=5))
    return made


def arrives(thread: Conversation, text: str, key: int = 900_001, **wire) -> Message:
    """A text of the contact, as a sync reads it."""
    wire = {"body": text, "created_at": f"{timezone.now():%FT%T}Z"} | wire
    mirror.upsert_messages(thread, [vendor_records.message(key, **wire)])
    thread.refresh_from_db()
    return Message.objects.get(vendor_id=key)


def unread(user, thread: Conversation) -> int:
    return queries.read_by_key(user, [thread.pk])[thread.pk].unread


@MACHINES
def test_it_is_no_news(ada, thread, text, machine):
    version = thread.version
    message = arrives(thread, text)
    assert (message.machine, message.is_news, message.text) == (machine, False, text)
    assert unread(ada, thread) == 0
    assert thread.news_pk is None
    assert thread.version > version  # open pages draw it
    person = arrives(thread, "Thanks!", 900_002)
    assert (person.machine, person.is_news, thread.news_pk) == ("", True, person.pk)
    assert unread(ada, thread) == 1


@MACHINES
def test_the_list_stays_as_it_is(thread, text, machine):
    before = {name: getattr(thread, name) for name in ("latest_at", "latest_text", "latest_inbound", "latest_state")}
    arrives(thread, text)
    assert {name: getattr(thread, name) for name in before} == before
    refresh_latest(thread.pk)
    thread.refresh_from_db()
    assert {name: getattr(thread, name) for name in before} == before
    arrives(thread, "Thanks!", 900_002)
    assert (thread.latest_text, thread.latest_inbound) == ("Thanks!", True)


def test_a_conversation_with_nothing_else_shows_it(ada):
    thread = f.conversation(f.account("Harbor", ada))
    arrives(thread, DRIVING)
    assert (thread.latest_text, thread.latest_inbound) == (DRIVING, True)


@MACHINES
def test_the_list_of_salesmsg_moves_it_neither(thread, text, machine):
    last = {"id": 900_001, "status": "received", "type": "sms", "body": text}
    wire = {"contact_id": thread.contact.vendor_id, "unread": 1, "last_message_at": f"{timezone.now():%FT%T}Z"}
    mirror.upsert_conversations(
        thread.account_id, [vendor_records.conversation(thread.vendor_id, **wire, last_message=last)]
    )
    before = thread.latest_at
    thread.refresh_from_db()
    assert (thread.latest_at, thread.latest_text) == (before, "See you at ten.")
    last["body"] = "Thanks!"
    mirror.upsert_conversations(
        thread.account_id, [vendor_records.conversation(thread.vendor_id, **wire, last_message=last)]
    )
    thread.refresh_from_db()
    assert thread.latest_text == "Thanks!"


@MACHINES
def test_a_snooze_goes_on(ada, thread, text, machine):
    until = timezone.now() + timedelta(hours=2)
    Conversation.objects.filter(pk=thread.pk).update(snoozed_until=until, snoozed_by=ada)
    arrives(thread, text)
    assert thread.snoozed_until == until
    arrives(thread, "Thanks!", 900_002)
    assert thread.snoozed_until is None


@MACHINES
def test_closed_stays_closed(thread, text, machine):
    Conversation.objects.filter(pk=thread.pk).update(closed_at=timezone.now())
    arrives(thread, text)
    assert thread.closed_at is not None


@MACHINES
def test_a_text_that_stops_on_a_reply_waits_on(ada, thread, text, machine):
    planned = f.message(
        thread, "Still coming?", inbound=False, state="queued", send_at=timezone.now() + timedelta(hours=1),
        zone="UTC", stop_on_reply=True, at=timezone.now() - timedelta(minutes=1),
        created_at=timezone.now() - timedelta(minutes=1),
    )  # fmt: skip
    arrives(thread, text)
    scheduled.sweep_scheduled()
    planned.refresh_from_db()
    assert planned.state == "queued"
    assert scheduled.check_hold(planned) == ""
    arrives(thread, "Yes, at ten", 900_002)
    assert scheduled.check_hold(planned) == "answered"
    scheduled.sweep_scheduled()
    planned.refresh_from_db()
    assert planned.state == "cancelled"


@MACHINES
def test_a_reply_is_not_held_back_for_it(ada, thread, text, machine):
    seen = thread.messages.get().pk
    arrives(thread, text)
    assert collision.newer_message(ada, thread, seen) is None
    person = arrives(thread, "Wait", 900_002)
    assert collision.newer_message(ada, thread, seen) == person


def test_files_and_calls_are_peoples(thread):
    picture = [{"id": 1, "url": "https://x.example/a.jpg", "content_type": "image/jpeg"}]
    assert arrives(thread, LIKED, media=picture).machine == ""
    assert arrives(thread, LIKED, 900_002, type="call").machine == ""


def test_our_own_texts_are_peoples(thread):
    mirror.upsert_messages(thread, [vendor_records.ours(900_001, "sent", body=LIKED)])
    assert Message.objects.get(vendor_id=900_001).machine == ""


def test_a_text_that_arrives_later_is_read(ada, thread):
    assert arrives(thread, "").is_news
    message = arrives(thread, LIKED)
    assert (message.machine, message.is_news) == ("reaction", False)
    assert unread(ada, thread) == 0


def test_what_was_stored_before_stays_as_it_is(thread):
    message = arrives(thread, LIKED)
    Message.objects.filter(pk=message.pk).update(machine="", is_news=True)
    message = arrives(thread, LIKED, source="app")
    assert (message.machine, message.is_news, message.source) == ("", True, "app")


@pytest.mark.parametrize("text", ["Liked “Sale! Reply STOP to opt out.”", "Disliked “STOP”", "👎 to “Reply STOP”"])
def test_a_reaction_to_our_instruction_opts_nobody_out(thread, text):
    arrives(thread, text)
    assert not Contact.objects.get(pk=thread.contact_id).opted_out
    assert not ConsentEntry.objects.exists()


@pytest.mark.parametrize("text", ["STOP", "Automatic reply: stop texting me"])
def test_consent_comes_first(ada, thread, text):
    Contact.objects.filter(pk=thread.contact_id).update(phone="+13055550001")
    assert arrives(thread, text).machine == ""
    assert unread(ada, thread) == 1
    assert ConsentEntry.objects.count() == 1
