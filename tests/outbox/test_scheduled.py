"""Texts for later: the moment in a given time zone, the changes until the claim, and what keeps one back."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from integrations.durations import in_zone, moment_in_zone
from integrations.models import Account, Contact, Message
from integrations.outbox import compose, reconcile, scheduled
from integrations.outbox.compose import CannotSend
from tests import factories as f

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


# --- Moments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        (NEW_YORK, datetime(2027, 3, 13, 9), datetime(2027, 3, 13, 14)),
        (NEW_YORK, datetime(2027, 3, 14, 1, 59), datetime(2027, 3, 14, 6, 59)),
        (NEW_YORK, datetime(2027, 3, 14, 3), datetime(2027, 3, 14, 7)),
        (NEW_YORK, datetime(2027, 11, 7, 0, 59), datetime(2027, 11, 7, 4, 59)),
        (NEW_YORK, datetime(2027, 11, 7, 1, 30), datetime(2027, 11, 7, 5, 30)),
        (NEW_YORK, datetime(2027, 11, 7, 2), datetime(2027, 11, 7, 7)),
        (BERLIN, datetime(2027, 3, 28, 1, 59), datetime(2027, 3, 28, 0, 59)),
        (BERLIN, datetime(2027, 3, 28, 3), datetime(2027, 3, 28, 1)),
        (BERLIN, datetime(2027, 10, 31, 1, 59), datetime(2027, 10, 30, 23, 59)),
        (BERLIN, datetime(2027, 10, 31, 2, 30), datetime(2027, 10, 31, 0, 30)),
        (BERLIN, datetime(2027, 10, 31, 3), datetime(2027, 10, 31, 2)),
        ("Australia/Lord_Howe", datetime(2027, 4, 4, 1, 45), datetime(2027, 4, 3, 14, 45)),
        ("UTC", datetime(2027, 3, 14, 2, 30), datetime(2027, 3, 14, 2, 30)),
    ],
)
def test_a_moment_on_both_sides_of_a_change(zone, local, expected):
    assert scheduled.resolve_local_time(local, zone) == expected.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "local", "words"),
    [
        (NEW_YORK, datetime(2027, 3, 14, 2), "The next valid time is 3:00 AM."),
        (NEW_YORK, datetime(2027, 3, 14, 2, 59), "so 2:59 AM does not exist there. The next valid time is 3:00 AM."),
        (BERLIN, datetime(2027, 3, 28, 2, 30), "Clocks in Berlin go forward on March 28"),
        ("Australia/Lord_Howe", datetime(2026, 10, 4, 2, 15), "The next valid time is 2:30 AM."),
        ("Africa/Cairo", datetime(2026, 4, 24, 0, 30), "The next valid time is 1:00 AM."),
        ("Pacific/Apia", datetime(2011, 12, 30, 12), "The next valid time is 12:00 AM on December 31."),
    ],
)
def test_a_time_that_clocks_leap_over_is_refused_and_the_next_one_named(zone, local, words):
    with pytest.raises(CannotSend) as refused:
        scheduled.resolve_local_time(local, zone)
    assert words in refused.value.reason


def test_a_time_that_exists_twice_is_the_first_one_and_known_as_such():
    local = datetime(2027, 11, 7, 1, 30)
    assert scheduled.is_ambiguous(local, NEW_YORK)
    assert scheduled.is_ambiguous(datetime(2027, 10, 31, 2), BERLIN)
    for other in (datetime(2027, 11, 7, 2), datetime(2027, 11, 7, 0, 59), datetime(2027, 3, 14, 2, 30)):
        assert not scheduled.is_ambiguous(other, NEW_YORK)
    first = scheduled.resolve_local_time(local, NEW_YORK)
    assert in_zone(first + timedelta(hours=1), NEW_YORK).replace(tzinfo=None, fold=0) == local
    # Whatever the form says about the fold.
    assert scheduled.resolve_local_time(local.replace(fold=1), NEW_YORK) == first


@pytest.mark.parametrize("zone", ["", "New York", "EST5EDT4", "../etc/passwd", "america/new_york", "right/UTC"])
def test_an_unknown_zone_is_refused_in_words(zone):
    with pytest.raises(CannotSend, match="Unknown time zone"):
        scheduled.resolve_local_time(datetime(2027, 1, 1), zone)


@pytest.mark.parametrize(("local", "zone"), [(datetime.min, "Asia/Tokyo"), (datetime.max, NEW_YORK)])
def test_the_ends_of_time_are_no_date(local, zone):
    with pytest.raises(CannotSend, match="date does not exist"):
        scheduled.resolve_local_time(local, zone)


@pytest.mark.parametrize(
    ("phone", "account", "viewer", "expected"),
    [
        ("+13055550142", "Europe/Berlin", "", [(NEW_YORK, "contact"), (BERLIN, "account")]),
        ("+13055550142", NEW_YORK, NEW_YORK, [(NEW_YORK, "contact")]),
        ("+18005550142", BERLIN, NEW_YORK, [(BERLIN, "account"), (NEW_YORK, "viewer")]),
        ("+18005550142", "Eastern Time (US & Canada)", "", [("UTC", "")]),
        ("40404", "", "Nowhere/Land", [("UTC", "")]),
        ("", "", BERLIN, [(BERLIN, "viewer")]),
    ],
)
def test_the_likeliest_zone_comes_first(phone, account, viewer, expected):
    found = scheduled.zones_of(Contact(phone=phone), Account(organization_timezone=account), viewer)
    assert [(zone.name, zone.whose) for zone in found] == expected


def test_a_phone_of_several_zones_yields_to_the_accounts():
    found = scheduled.zones_of(Contact(phone="+61412345678"), Account(organization_timezone="Australia/Perth"))
    assert found[0] == scheduled.Zone("Australia/Perth", "account")
    assert scheduled.Zone("Australia/Sydney", "contact") in found


# --- Scheduling ------------------------------------------------------------------------------------------------------


@pytest.fixture
def ada(db):
    return f.person("ada", first_name="Ada")


@pytest.fixture
def harbor(ada):
    return f.account("Harbor Dental", ada)


@pytest.fixture
def conversation(harbor):
    made = f.conversation(harbor)
    f.message(made, "See you soon", at=timezone.now() - timedelta(hours=5))
    return made


@pytest.fixture
def wakes(monkeypatch):
    """(task, ids, delay) of all that is enqueued."""
    made = []

    def note(task, *ids, delay=0.0, **options):
        made.append((task, ids, delay))

    monkeypatch.setattr("integrations.jobs.enqueue", note)
    return made


def clock(at: datetime, zone: str = "UTC") -> datetime:
    """What clocks show there, naive and in whole minutes."""
    return in_zone(at, zone).replace(tzinfo=None, second=0, microsecond=0)


def write(user, conversation, *, minutes=60.0, zone="UTC", stop=False, key=None, text="See you tomorrow") -> Message:
    local = clock(timezone.now() + timedelta(minutes=minutes), zone)
    return scheduled.schedule_message(user, conversation, text, key or uuid.uuid4(), local, zone, stop)


def overdue(message: Message, behind: timedelta) -> Message:
    """As if its hour were so long ago."""
    then = timezone.now() - behind
    Message.objects.filter(pk=message.pk).update(send_at=then, due_at=then, at=then, created_at=then - behind)
    message.refresh_from_db()
    return message


def claim(message: Message) -> int:
    """What the outbox does before it calls."""
    waiting = Message.objects.filter(pk=message.pk, state="queued", due_at__lte=timezone.now())
    return waiting.update(state="sending", claimed_at=timezone.now())


def test_a_scheduled_text_waits_for_its_hour(ada, conversation, wakes):
    message = write(ada, conversation, minutes=120, zone=NEW_YORK, stop=True)
    expected = scheduled.resolve_local_time(clock(timezone.now() + timedelta(minutes=120), NEW_YORK), NEW_YORK)
    message.refresh_from_db()
    assert (message.state, message.zone, message.stop_on_reply) == ("queued", NEW_YORK, True)
    assert abs(message.send_at - expected) <= timedelta(minutes=1)
    assert message.send_at == message.due_at == message.at
    [(task, ids, delay)] = wakes
    assert (task, ids) == (compose.SEND, (conversation.account_id,))
    assert 118 * 60 < delay <= 120 * 60


def test_far_ahead_only_the_sweep_finds_it(ada, conversation, wakes):
    write(ada, conversation, minutes=60 * 24 * 3)
    assert wakes == []


def test_the_sweep_wakes_the_outbox_on_the_second(ada, harbor, conversation, wakes):
    texts = [write(ada, conversation, text=f"Text {n}", minutes=60 * 24 * 3) for n in range(3)]
    soon, other = timezone.now() + timedelta(seconds=3), timezone.now() + timedelta(seconds=9)
    for message, at in zip(texts, (soon, soon, other), strict=True):
        Message.objects.filter(pk=message.pk).update(send_at=at, due_at=at)
    assert scheduled.sweep_scheduled() == 1
    [(task, ids, delay)] = wakes
    assert (task, ids) == (compose.SEND, (harbor.pk,))
    assert 2 < delay <= 3


def test_the_same_form_twice_is_one_row(ada, conversation):
    key = uuid.uuid4()
    first = write(ada, conversation, key=key)
    assert write(ada, conversation, key=key, text="Other words") == first
    # The hour may have passed when the form comes again.
    assert write(ada, conversation, key=key, minutes=-90) == first
    assert Message.objects.filter(inbound=False).count() == 1


def test_the_list_goes_on_showing_what_was_said(ada, conversation):
    before = conversation.latest_at
    message = write(ada, conversation)
    conversation.refresh_from_db()
    assert (conversation.latest_text, conversation.latest_at) == ("See you soon", before)
    assert conversation.version == 1, "open pages learn of it"
    compose.cancel_message(ada, message)
    conversation.refresh_from_db()
    assert conversation.latest_text == "See you soon"
    message.refresh_from_db()
    assert message.at <= timezone.now(), "a text taken back does not stand in the future"


def test_neither_past_nor_far_future(ada, conversation):
    with pytest.raises(CannotSend, match="in the past"):
        write(ada, conversation, minutes=-3)
    with pytest.raises(CannotSend, match="up to one year ahead"):
        write(ada, conversation, minutes=60 * 24 * 368)
    assert write(ada, conversation, minutes=0).pk, "the present minute is no past"


def test_the_checks_of_a_reply_hold(ada, conversation):
    with pytest.raises(CannotSend, match="Write a text first"):
        write(ada, conversation, text="  ")
    with pytest.raises(PermissionDenied):
        write(f.person("eve"), conversation)
    Contact.objects.update(opted_out=True)
    conversation.contact.refresh_from_db()
    with pytest.raises(CannotSend, match="opted out"):
        write(ada, conversation)
    assert not Message.objects.filter(inbound=False).exists()


# --- Until the claim -------------------------------------------------------------------------------------------------


def test_edit_in_place(ada, conversation, wakes):
    message = write(ada, conversation)
    local = clock(timezone.now() + timedelta(days=2), BERLIN)
    assert scheduled.edit_scheduled(ada, message, "Other words", local, BERLIN, True)
    key, pk = message.client_uuid, message.pk
    message.refresh_from_db()
    assert (message.pk, message.client_uuid, message.text, message.zone) == (pk, key, "Other words", BERLIN)
    assert message.send_at == message.due_at == message.at == scheduled.resolve_local_time(local, BERLIN)
    assert message.stop_on_reply
    assert len(wakes) == 1, "two days ahead is the sweep's"


def test_once_claimed_nobody_changes_it(ada, conversation):
    message = overdue(write(ada, conversation), timedelta(seconds=1))
    assert claim(message) == 1
    local = clock(timezone.now() + timedelta(hours=1))
    assert not scheduled.edit_scheduled(ada, message, "Other words", local, "UTC")
    assert not scheduled.send_now(ada, message)
    assert not compose.cancel_message(ada, message)
    message.refresh_from_db()
    assert (message.state, message.text) == ("sending", "See you tomorrow")


def test_once_changed_or_taken_back_nobody_claims_it(ada, conversation):
    edited, cancelled = (overdue(write(ada, conversation, text=f"Text {n}"), timedelta(seconds=1)) for n in "12")
    assert scheduled.edit_scheduled(ada, edited, "Later", clock(timezone.now() + timedelta(hours=1)), "UTC")
    assert compose.cancel_message(ada, cancelled)
    assert claim(edited) == claim(cancelled) == 0
    assert not scheduled.edit_scheduled(ada, cancelled, "Later", clock(timezone.now() + timedelta(hours=1)), "UTC")


def test_others_may_not_change_it(ada, conversation):
    message, eve = write(ada, conversation), f.person("eve")
    with pytest.raises(PermissionDenied):
        scheduled.edit_scheduled(eve, message, "Mine", clock(timezone.now() + timedelta(hours=1)), "UTC")
    with pytest.raises(PermissionDenied):
        scheduled.send_now(eve, message)


@pytest.mark.django_db(transaction=True)
def test_claim_edit_and_cancel_at_the_same_moment_have_one_winner():
    ada = f.person("ada")
    conversation = f.conversation(f.account("Harbor Dental", ada))
    for _ in range(8):
        message = overdue(write(ada, conversation), timedelta(seconds=1))
        start, won = threading.Barrier(3), {}
        local = clock(timezone.now() + timedelta(hours=1))
        acts = {
            "claim": lambda message=message: claim(message),
            "edit": lambda message=message, local=local: scheduled.edit_scheduled(
                ada, message, "Edited", local, "UTC", accepted=["duplicate"]
            ),
            "cancel": lambda message=message: compose.cancel_message(ada, message),
        }

        def run(name, act, start=start, won=won):
            start.wait()
            won[name] = bool(act())
            connection.close()

        threads = [threading.Thread(target=run, args=item) for item in acts.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        message.refresh_from_db()
        # An edit can come before a cancel; nothing comes after a claim or a cancel.
        assert won["claim"] + won["cancel"] <= 1
        assert not (won["claim"] and won["edit"])
        expected = "sending" if won["claim"] else "cancelled" if won["cancel"] else "queued"
        assert (message.state, message.text == "Edited") == (expected, won["edit"])


# --- Late ------------------------------------------------------------------------------------------------------------


def test_more_than_an_hour_late_it_asks_first(ada, conversation, wakes):
    message = overdue(write(ada, conversation, zone=NEW_YORK), timedelta(minutes=61))
    on_time = overdue(write(ada, conversation, text="Just now"), timedelta(minutes=59))
    version = type(conversation).objects.get(pk=conversation.pk).version
    assert scheduled.check_hold(message) == "held"
    assert scheduled.check_hold(on_time) == ""
    assert scheduled.sweep_scheduled() == 1
    assert scheduled.sweep_scheduled() == 0, "it is reported once"
    message.refresh_from_db()
    assert message.held
    assert moment_in_zone(message.send_at, NEW_YORK) in message.reason.text
    assert message.reason.text.endswith("It was not sent. Send it now or cancel it.")
    conversation.refresh_from_db()
    assert conversation.version == version + 1
    assert conversation.latest_text == "See you tomorrow", "it is where users see it"
    assert claim(message) == 0

    wakes.clear()
    assert scheduled.send_now(ada, message)
    message.refresh_from_db()
    assert (message.state, message.reason.text, message.send_at) == ("queued", "", None)
    assert abs(message.due_at - timezone.now()) < timedelta(seconds=60)
    assert wakes == [(compose.SEND, (conversation.account_id,), 0.0)]
    assert scheduled.sweep_scheduled() == 0, "a person's word is not taken back"
    assert claim(message) == 1
    assert scheduled.check_hold(message) == ""


def test_a_held_text_can_get_another_time_or_be_cancelled(ada, conversation):
    later, gone = (overdue(write(ada, conversation), timedelta(hours=2)) for _ in range(2))
    assert scheduled.hold_late() == 2
    assert scheduled.edit_scheduled(ada, later, "Anew", clock(timezone.now() + timedelta(hours=1)), "UTC")
    later.refresh_from_db()
    assert not later.held
    assert not later.reason
    assert compose.cancel_message(ada, gone)
    gone.refresh_from_db()
    assert (gone.state, gone.reason.text) == ("cancelled", "")


def test_what_was_never_scheduled_is_never_held(ada, conversation):
    message = compose.queue_reply(ada, conversation, "Now", uuid.uuid4())
    then = timezone.now() - timedelta(hours=9)
    Message.objects.filter(pk=message.pk).update(due_at=then, at=then, created_at=then)
    message.refresh_from_db()
    assert scheduled.check_hold(message) == ""
    assert scheduled.sweep_scheduled() == 0


def test_an_opted_out_contact_gets_nothing_by_send_now(ada, conversation):
    message = write(ada, conversation)
    Contact.objects.update(opted_out=True)
    with pytest.raises(CannotSend, match="opted out"):
        scheduled.send_now(ada, Message.objects.get(pk=message.pk))


# --- Answered first --------------------------------------------------------------------------------------------------


def test_an_answer_stops_it(ada, conversation):
    message, other = write(ada, conversation, stop=True), write(ada, conversation, text="Other", stop=False)
    assert scheduled.sweep_scheduled() == 0
    f.message(conversation, "I am on my way", at=timezone.now() + timedelta(seconds=1))
    assert scheduled.check_hold(message) == "answered"
    assert scheduled.check_hold(other) == ""
    assert scheduled.sweep_scheduled() == 1
    assert scheduled.sweep_scheduled() == 0
    message.refresh_from_db()
    assert (message.state, message.reason_code) == ("cancelled", "answered_first")
    assert message.at <= timezone.now()
    conversation.refresh_from_db()
    assert conversation.latest_text == "I am on my way"
    other.refresh_from_db()
    assert other.state == "queued"


@pytest.mark.parametrize(
    "values",
    [
        {"at": timedelta(hours=-2), "created_at": timedelta(hours=-2)},
        {"at": timedelta(hours=-2), "created_at": timedelta(seconds=5)},  # a sync brought it late
        {"at": timedelta(seconds=30), "created_at": timedelta(seconds=-5)},  # the vendor's clock is ahead
        {"at": timedelta(seconds=5), "created_at": timedelta(seconds=5), "kind": "call"},
        {"at": timedelta(seconds=5), "created_at": timedelta(seconds=5), "inbound": False},
    ],
)
def test_what_is_no_answer_to_it(ada, conversation, values):
    message = write(ada, conversation, stop=True)
    values = {n: message.created_at + v if isinstance(v, timedelta) else v for n, v in values.items()}
    f.message(conversation, "Hello", **values)
    assert scheduled.check_hold(message) == ""
    assert scheduled.sweep_scheduled() == 0


def test_an_answer_in_the_same_second_counts(ada, conversation):
    """The vendor's times are cut to whole seconds."""
    message = write(ada, conversation, stop=True)
    f.message(conversation, "Wait", at=message.created_at.replace(microsecond=0), created_at=timezone.now())
    assert scheduled.sweep_scheduled() == 1


def test_an_answer_in_another_conversation_is_none(ada, harbor, conversation):
    write(ada, conversation, stop=True)
    f.message(f.conversation(harbor), "Hello", at=timezone.now() + timedelta(seconds=1))
    assert scheduled.sweep_scheduled() == 0


def test_what_is_written_anew_waits_for_a_new_answer(ada, conversation):
    message = write(ada, conversation)
    f.message(conversation, "Thanks", at=timezone.now() + timedelta(seconds=1))
    local = clock(timezone.now() + timedelta(hours=1))
    later = timezone.now() + timedelta(seconds=10)
    assert scheduled.edit_scheduled(ada, message, "Then on Monday", local, "UTC", True)
    Message.objects.filter(pk=message.pk).update(created_at=later)
    assert scheduled.sweep_scheduled() == 0
    f.message(conversation, "Fine", at=later + timedelta(seconds=1), created_at=later + timedelta(seconds=1))
    # What was answered is not revived by an edit, even before the sweep has seen it.
    assert not scheduled.edit_scheduled(ada, message, "Then on Tuesday", local, "UTC", True)
    assert not scheduled.edit_scheduled(ada, message, "Then on Tuesday", local, "UTC", False)
    assert scheduled.sweep_scheduled() == 1


def test_send_now_goes_before_an_answer(ada, conversation):
    message = write(ada, conversation, stop=True)
    f.message(conversation, "Thanks", at=timezone.now() + timedelta(seconds=1))
    assert scheduled.send_now(ada, message)
    assert scheduled.sweep_scheduled() == 0
    message.refresh_from_db()
    assert scheduled.check_hold(message) == ""


def test_late_and_answered_is_answered(ada, conversation):
    message = overdue(write(ada, conversation, stop=True), timedelta(hours=2))
    f.message(conversation, "Never mind", at=timezone.now() - timedelta(hours=1))
    scheduled.sweep_scheduled()
    message.refresh_from_db()
    assert message.state == "cancelled"


def test_the_gate_writes_nothing_and_says_what_to_write(ada, conversation):
    message = overdue(write(ada, conversation), timedelta(hours=2))
    Message.objects.filter(pk=message.pk).update(state="sending")
    message.refresh_from_db()
    assert scheduled.check_hold(message) == "held"
    values = scheduled.kept_back(message, "held")
    message.refresh_from_db()
    assert message.state == "sending"
    assert (values["state"], values["due_at"]) == ("queued", None)
    assert scheduled.kept_back(message, "answered")["state"] == "cancelled"


# --- It was sent -----------------------------------------------------------------------------------------------------


@pytest.fixture
def unknown(conversation):
    return f.message(
        conversation, "On my way", inbound=False, state="unknown", vendor_id=None, client_uuid=uuid.uuid4(),
        claimed_at=timezone.now() - timedelta(minutes=20), vendor_reason="Salesmsg did not answer.",
    )  # fmt: skip


def copy_of(message, conversation, *, seconds=5.0, text=None, **values):
    at = message.claimed_at + timedelta(seconds=seconds)
    return f.message(conversation, text or message.text, inbound=False, at=at, **values)


def test_a_person_says_that_it_was_sent(ada, conversation, unknown):
    later = copy_of(unknown, conversation, seconds=90)
    copy = copy_of(unknown, conversation, text="On  my\nway. Reply STOP to opt out", state="delivered")
    reconcile.accept_as_sent(ada, unknown)
    unknown.refresh_from_db()
    assert (unknown.vendor_id, unknown.rank, unknown.at) == (copy.vendor_id, copy.rank, copy.at)
    assert (unknown.state, unknown.reason.text, unknown.text) == ("delivered", "", "On my way")
    assert not Message.objects.filter(pk=copy.pk).exists()
    assert Message.objects.filter(pk=later.pk).exists(), "another text with the same words stays one"
    with pytest.raises(CannotSend, match="already known"):
        reconcile.accept_as_sent(ada, unknown)


@pytest.mark.parametrize(
    "values",
    [
        {"text": "Almost there"},
        {"seconds": -40, "created_at": timezone.now() - timedelta(minutes=30)},
        {"client_uuid": uuid.UUID(int=7)},
    ],
)
def test_what_is_no_copy_of_it_is_left_alone(ada, conversation, unknown, values):
    other = copy_of(unknown, conversation, **values)
    with pytest.raises(CannotSend, match="No matching text"):
        reconcile.accept_as_sent(ada, unknown)
    unknown.refresh_from_db()
    assert unknown.state == "unknown"
    assert Message.objects.filter(pk=other.pk).exists()


def test_nobody_settles_for_another_account(unknown):
    with pytest.raises(PermissionDenied):
        reconcile.accept_as_sent(f.person("eve"), unknown)
