"""Every safeguard on every way a text can leave, when it is written and when it is dispatched.

A new way or safeguard without a row fails: `WAYS` and `SCENES` must name them all, and the rules must be complete.
"""

import threading
import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from integrations.bulk import lifecycle, recipients
from integrations.models import Account, BulkRecipient, Conversation, Message
from integrations.outbox import bulk_queue, compose, deliver, safeguards, scheduled
from integrations.outbox.safeguards import RULES, Answer, CannotSend, NeedsConfirmation, Safeguard, Way
from tests import factories as f

pytestmark = pytest.mark.django_db
PHONE, TEXT = "+13055550142", "See you tomorrow"


@pytest.fixture
def ada():
    return f.person("ada")


@pytest.fixture
def quiet(settings):
    """Quiet hours that a scene may set; without one there are none, at whatever hour the test runs."""
    settings.QUIET_HOURS = ""


@pytest.fixture
def account(ada) -> Account:
    return f.account("Harbor Dental", ada)


@pytest.fixture
def conversation(account) -> Conversation:
    return f.conversation(account, f.contact(account, phone=PHONE, vendor_id=1), vendor_id=50)


# --- The ways: each lets a text leave, as its page or command does ----------------------------------------------------


def reply(user, thread, text, accepted):
    return compose.queue_reply(user, thread, text, uuid.uuid4(), accepted=accepted)


def new(user, thread, text, accepted):
    return compose.queue_to_phone(user, thread.account, PHONE, text, uuid.uuid4(), accepted=accepted)


def by_command(user, thread, text, accepted):
    flags = [part for name in accepted for part in ("--accept", name)]
    try:
        call_command("send", "--account", str(thread.account_id), "--to", PHONE, text, *flags)
    except CommandError as problem:
        raise problem.__context__ from None
    return Message.objects.filter(inbound=False).latest("pk")


def later(user, thread, text, accepted):
    local = (timezone.now() + timedelta(seconds=30)).replace(tzinfo=None)
    return scheduled.schedule_message(user, thread, text, uuid.uuid4(), local, "UTC", accepted=accepted)


def again(user, thread, text, accepted):
    failed = f.message(thread, text, inbound=False, state="failed", client_uuid=uuid.uuid4(), sender=user)
    Message.objects.filter(pk=failed.pk).update(at=timezone.now() - timedelta(hours=1))
    return compose.resend_message(user, failed)


def bulk(user, thread, text, accepted):
    draft = recipients.create_draft(user, thread.account, [thread.contact])
    recipients.write_text(user, draft, text)
    left_out = draft.recipients.get()
    if left_out.state == "left_out":
        raise CannotSend(left_out.reason.text)
    lifecycle.start_bulk(user, draft)
    pk = bulk_queue.next_message(thread.account_id)
    if pk is None and (reason := draft.recipients.get().reason):
        raise CannotSend(reason.text)
    return Message.objects.filter(pk=pk).first()


WAYS = {
    Way.REPLY: reply,
    Way.NEW: new,
    Way.SCHEDULED: later,
    Way.RESENT: again,
    Way.BULK: bulk,
    Way.COMMAND: by_command,
}

# --- What each safeguard finds: (the text, what happens before it) ----------------------------------------------------


def said_stop(thread):
    f.consent(thread.contact)


def may_have_said_stop(thread):
    f.consent(thread.contact, "doubt", text="please stop texting me")


def got_the_same(thread):
    f.message(thread, TEXT, inbound=False, state="sent", at=timezone.now())


def night_falls(thread):
    hour = datetime.now(ZoneInfo("America/New_York")).hour
    settings.QUIET_HOURS = f"{(hour - 2) % 24}-{(hour + 3) % 24}"


SCENES = {
    Safeguard.CONSENT: (TEXT, said_stop),
    Safeguard.DOUBT: (TEXT, may_have_said_stop),
    Safeguard.PLACEHOLDER: ("Hi {last_name}", lambda thread: thread.contact.__class__.objects.update(last_name="")),
    Safeguard.DUPLICATE: (TEXT, got_the_same),
    Safeguard.QUIET_HOURS: (TEXT, night_falls),
}


def test_the_tables_are_complete():
    assert set(WAYS) == set(Way)
    assert set(SCENES) == set(Safeguard) == set(RULES) == set(safeguards.CHECKS)
    assert all(set(ways) == set(Way) for ways in RULES.values())


@pytest.mark.parametrize("way", Way)
def test_an_ordinary_text_leaves(ada, conversation, way):
    message = WAYS[way](ada, conversation, TEXT, [])
    assert safeguards.check_dispatch(message) is None


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("safeguard", Safeguard)
def test_when_it_is_written(quiet, ada, conversation, safeguard, way):
    text, happen = SCENES[safeguard]
    happen(conversation)
    conversation.contact.refresh_from_db()
    before = Message.objects.filter(state="queued").count()
    answer = RULES[safeguard][way][0]
    if answer == Answer.IGNORE:
        assert WAYS[way](ada, conversation, text, []).state == "queued"
        return
    if answer == Answer.WAIT:
        assert WAYS[way](ada, conversation, text, []) is None
        waiting = BulkRecipient.objects.get()
        assert (waiting.state, waiting.due_at > timezone.now()) == ("waiting", True)
        return
    with pytest.raises(NeedsConfirmation if answer == Answer.ASK else CannotSend) as refused:
        WAYS[way](ada, conversation, text, [])
    assert Message.objects.filter(state="queued").count() == before
    assert isinstance(refused.value, NeedsConfirmation) == (answer == Answer.ASK)
    if answer == Answer.ASK:
        assert refused.value.questions == [safeguard]
        message = WAYS[way](ada, conversation, text, [safeguard.value])
        assert safeguards.check_dispatch(message) is None, "confirmed once is enough"


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("safeguard", [one for one in Safeguard if one != Safeguard.PLACEHOLDER])
def test_when_it_is_dispatched(quiet, ada, conversation, safeguard, way):
    """What happens between the two counts, however long that is."""
    text, happen = SCENES[safeguard]
    message = WAYS[way](ada, conversation, text, [])
    happen(conversation)
    Message.objects.filter(pk=message.pk).update(due_at=timezone.now(), claimed_at=None)
    ended = deliver.send_message(message.pk, None)  # without a session: nothing may be called
    message.refresh_from_db()
    answer = RULES[safeguard][way][1]
    if answer == Answer.REFUSE:
        assert ended == message.state == "failed"
    elif answer == Answer.WAIT:
        assert (ended, message.held) == ("queued", False)
        assert timezone.now() < message.due_at < timezone.now() + timedelta(hours=4)
    elif answer == Answer.HOLD:
        assert (ended, message.held) == ("queued", True)
        assert scheduled.send_now(ada, message), "a person decides"
        message.refresh_from_db()
        assert safeguards.check_dispatch(message) is None


@pytest.fixture(autouse=True)
def no_calls(monkeypatch, request):
    """A text that passes all checks would be sent: the first call ends it here."""
    monkeypatch.setattr(deliver, "_open_conversation", lambda message, session: message.conversation.vendor_id)
    monkeypatch.setattr(deliver, "_send", lambda message, conversation_id, session: "sent")


# --- The same text twice ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({}, True),
        ({"text": "  See  you\ntomorrow "}, True),
        ({"text": "See you tomorrow!"}, False),
        ({"state": "failed"}, False),
        ({"state": "cancelled"}, False),
        ({"inbound": True, "state": "received"}, False),
        ({"at": timedelta(seconds=-50)}, True),
        ({"at": timedelta(seconds=-70)}, False),
        ({"at": timedelta(minutes=-9), "state": "queued", "due_at": timedelta(minutes=-9)}, True),  # still waits
        ({"at": timedelta(minutes=-9), "state": "unknown"}, False),
    ],
)
def test_what_counts_as_the_same(ada, conversation, other, same):
    now = timezone.now()
    values = {"text": TEXT, "inbound": False, "state": "sent", "at": timedelta(), **other}
    values |= {name: now + value for name, value in values.items() if isinstance(value, timedelta)}
    f.message(conversation, values.pop("text"), **values)
    if same:
        with pytest.raises(NeedsConfirmation, match="The same text"):
            reply(ada, conversation, TEXT, [])
    else:
        assert reply(ada, conversation, TEXT, [])


def test_the_same_words_to_another_contact_are_fine(ada, account, conversation):
    reply(ada, conversation, TEXT, [])
    assert reply(ada, f.conversation(account, f.contact(account)), TEXT, [])


def test_the_same_words_with_another_picture_are_fine(ada, conversation):
    def send(size: int):
        pictures = [{"file": "a", "content_type": "image/png", "size": size, "width": 1, "height": 1}]
        return compose.queue_reply(ada, conversation, TEXT, uuid.uuid4(), pictures=pictures)

    assert send(10)
    assert send(11)
    with pytest.raises(NeedsConfirmation):
        send(10)


@pytest.mark.django_db(transaction=True)
def test_of_two_tabs_at_the_same_moment_one_asks():
    ada = f.person("ada")
    conversation = f.conversation(f.account("Harbor Dental", ada))
    for rounds in range(1, 6):
        ready, ended = threading.Barrier(2), []

        def write(words=f"Text {rounds}", ready=ready, ended=ended):
            try:
                ready.wait(10)
                reply(ada, conversation, words, [])
                ended.append("sent")
            except NeedsConfirmation:
                ended.append("asked")
            finally:
                connection.close()

        threads = [threading.Thread(target=write) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(ended) == ["asked", "sent"]
    assert Message.objects.filter(inbound=False).count() == rounds


def test_the_same_form_twice_is_one_text_and_asks_nothing(ada, conversation):
    key = uuid.uuid4()
    first = compose.queue_reply(ada, conversation, TEXT, key)
    assert compose.queue_reply(ada, conversation, TEXT, key) == first


# --- The pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(client, ada):
    client.force_login(ada)
    return client


@pytest.mark.parametrize("htmx", [True, False])
def test_the_composer_asks_and_sends_anyway(browser, conversation, htmx):
    got_the_same(conversation)
    headers = {"HX-Request": "true"} if htmx else {}
    address, data = f"/inbox/{conversation.pk}/send/", {"client_uuid": uuid.uuid4(), "text": TEXT}
    response = browser.post(address, data, headers=headers)
    page = response.content.decode()
    assert response.status_code == 422
    assert "The same text" in page
    assert 'name="accept" value="duplicate"' in page
    assert not Message.objects.filter(state="queued").exists()
    browser.post(address, {**data, "accept": "duplicate"}, headers=headers)
    assert Message.objects.get(state="queued").accepted == ["duplicate"]


def test_only_questions_can_be_answered(browser, conversation):
    said_stop(conversation)
    data = {"client_uuid": uuid.uuid4(), "text": TEXT, "accept": "consent,duplicate,placeholder"}
    assert browser.post(f"/inbox/{conversation.pk}/send/", data).status_code == 422
    assert not Message.objects.filter(state="queued").exists()


def test_the_form_of_a_new_conversation_asks(browser, account, conversation):
    got_the_same(conversation)
    data = {"client_uuid": uuid.uuid4(), "line": f"{account.pk}-", "phone": PHONE, "text": TEXT}
    page = browser.post("/inbox/new/", data).content.decode()
    assert 'name="accept" value="duplicate"' in page
    assert browser.post("/inbox/new/", {**data, "accept": "duplicate"}).status_code == 302
