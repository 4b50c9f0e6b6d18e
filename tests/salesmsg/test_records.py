"""The vendor's sample records, and all the ways in which they are less tidy."""

from datetime import UTC, datetime

import pytest

from integrations.salesmsg.errors import Unreadable
from integrations.salesmsg.records import (
    Contact,
    Conversation,
    Media,
    Message,
    Number,
    Organization,
    Tag,
    Team,
    User,
)

KINDS = [Contact, Conversation, Message, Team, Number, User, Organization, Tag]
NOON = datetime(2026, 4, 10, 9, 15, 27, tzinfo=UTC)

CONTACT = {
    "id": 187700101, "owner_id": 60031, "color": "#8e6cef", "first_name": "Dana", "last_name": "Reyes",
    "full_name": "Dana Reyes", "email": "dana@example.com", "photo_url": None, "number": "+13055550142",
    "formatted_number": "(305) 555-0142", "national_number": "3055550142", "country": "US",
    "country_calling_code": "1", "is_blocked": False, "opt_out": False, "opt_out_at": None, "opt_in_at": None,
    "created_at": "2026-03-02 15:04:05", "updated_at": "2026-04-10 09:15:27", "integration": [],
    "custom_fields": [{"id": 1, "field_key": "size", "value": "L"}],
    "tags": [{"id": 70021, "name": "vip", "label": "VIP", "created_at": "2026-01-05 10:00:00"}],
    "notes": [{"id": 3, "text": "x"}], "total_received_sms": 3,
}  # fmt: skip
MESSAGE = {
    "id": 623100210, "conversation_id": 100380001, "contact_id": 187700101, "automated": False, "status": "queued",
    "type": "sms", "mms_status": "", "body": "Does 10 work?", "body_raw": "Does 10 work?", "icon": "",
    "received_at": None, "send_at": None, "queued_at": "2026-04-10 09:10:00", "sent_at": None, "delivered_at": None,
    "failed_at": None, "failed_reason": None, "created_at": "2026-04-10 09:10:00", "record": None,
    "user_id": 60031, "source": "conversation", "source_id": None, "media": [], "pending_mentions": [],
}  # fmt: skip
INBOUND = {
    "id": 623100212, "status": "received", "type": "mms", "mms_status": "done", "body": "Yes<br>I&#039;ll bring this",
    "body_raw": "Yes\nI'll bring this", "received_at": "2026-04-10 09:15:27", "user_id": None,
    "media": [{"id": 5100771, "content_type": "image/jpeg", "source": "https://media.example.com/f/5100771.jpg"}],
}  # fmt: skip
CALL = {
    "id": 623100300, "body": "", "icon": "icon_inbound_call", "type": "call", "source": "call", "status": "record",
    "user_id": 0, "created_at": "2026-04-10 09:15:27", "received_at": "2026-04-10 09:15:27",
    "record": {"id": 4, "duration": "214", "status": "completed", "url": "https://x.test/r.mp3", "is_voicemail": 1},
}  # fmt: skip


def message(**changes) -> Message:
    return Message.parse(MESSAGE | changes)


def test_a_contact():
    contact = Contact.parse(CONTACT)
    assert (contact.id, contact.owner_id, contact.full_name) == (187700101, 60031, "Dana Reyes")
    assert (contact.phone, contact.formatted_phone, contact.country) == ("+13055550142", "(305) 555-0142", "US")
    assert (contact.opted_out, contact.blocked, contact.opted_out_at) == (False, False, None)
    assert contact.updated_at == NOON
    assert contact.tags[0].label == "VIP"
    assert contact.custom_fields[0]["value"] == "L"
    assert contact.notes[0]["text"] == "x"
    assert contact.photo_url == ""
    assert contact.raw is CONTACT
    assert "photo_url" in contact.present


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "raw", [{}, {"id": None}, {"id": ""}, {"id": 0}, {"id": "x"}, {"id": -1}, {"id": True}, {"id": []}]
)
def test_no_id_no_record(kind, raw):
    with pytest.raises(Unreadable):
        kind.parse(raw)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", [None, [], "x", 5])
def test_no_object_no_record(kind, raw):
    with pytest.raises(Unreadable):
        kind.parse(raw)


@pytest.mark.parametrize("kind", KINDS)
def test_only_an_id_carries_nothing_else(kind):
    record = kind.parse({"id": "7", "some_new_key": {"a": 1}})
    assert record.id == 7
    assert record.present == frozenset()
    assert record == kind(id=7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "rubbish", [None, "", 0, [], {}, False, "x", 5, -1.5, [[]], [None], {"id": None}, 10**400, "\N{SNOWMAN}"]
)
def test_rubbish_in_every_known_key_never_fails(kind, rubbish):
    keys = {path.split(".")[0] for _, *paths in kind.FIELDS.values() for path in paths}
    extra = {"body", "body_raw", "type", "mms_status", "record", "icon"} if kind is Message else set()
    kind.parse({"id": 1} | dict.fromkeys(keys | extra, rubbish))


def test_empty_values_are_alike():
    for empty in (None, "", 0):
        read = message(received_at=empty, user_id=empty, failed_reason=empty if empty != 0 else None)
        assert (read.received_at, read.user_id, read.failed_reason) == (None, None, "")
        assert {"received_at", "user_id", "failed_reason"} <= read.present


def test_a_partial_contact_says_what_it_carries():
    contact = Contact.parse({"id": 1, "full_name": "Dana Reyes", "number": "+13055550142", "opt_out": True})
    assert contact.present == {"full_name", "phone", "opted_out"}
    assert contact.opted_out is True


@pytest.mark.parametrize(
    ("raw", "opted_out"),
    [
        ({"opt_out": True}, True), ({"opt_out": 1}, True), ({"opt_out": "1"}, True), ({"opt_out": "true"}, True),
        ({"opt_out": False}, False), ({"opt_out": "0"}, False), ({"opt_out": "false"}, False), ({"opt_out": ""}, False),
        ({"opted_out": True}, True), ({"is_opted_out": True}, True), ({"unsubscribed": True}, True),
        ({"opt_out": False, "unsubscribed": True}, True), ({"is_blocked": True}, False),
    ],
)  # fmt: skip
def test_opted_out(raw, opted_out):
    assert Contact.parse({"id": 1} | raw).opted_out is opted_out


def test_the_odd_spelling_of_one_file():
    assert Contact.parse({"id": 1, "typeted_number": "(305) 555-0142"}).formatted_phone == "(305) 555-0142"


def test_phones_become_e164():
    assert Contact.parse({"id": 1, "number": "020 7946 0000", "country": "GB"}).phone == "+442079460000"
    assert Contact.parse({"id": 1, "number": "24365", "country": "US"}).phone == "24365"


def test_addresses_are_only_of_the_web():
    assert Contact.parse({"id": 1, "photo_url": "javascript:alert(1)"}).photo_url == ""
    assert Media.parse({"source": "data:text/html,x"}).url == ""


@pytest.mark.parametrize(
    "written",
    [
        "2026-04-10 09:15:27", "2026-04-10T09:15:27", "2026-04-10T09:15:27Z", "2026-04-10T09:15:27.000000Z",
        "2026-04-10T11:15:27+02:00", "2026-04-10 05:15:27-0400", " 2026-04-10 09:15:27 ", "2026-04-10 09:15:27 UTC",
    ],
)  # fmt: skip
def test_times(written):
    read = message(created_at=written).created_at
    assert read == NOON
    assert read.tzinfo is UTC


@pytest.mark.parametrize("fraction", ["5", "500", "500000", "500000000"])
def test_fractions(fraction):
    assert message(created_at=f"2026-04-10T09:15:27.{fraction}Z").created_at == NOON.replace(microsecond=500_000)


@pytest.mark.parametrize(
    "nothing",
    [
        "",
        None,
        0,
        "0000-00-00 00:00:00",
        "soon",
        "2026-13-45 00:00:00",
        1712740527,
        "20260410",
        {},
        "0001-01-01 00:00:00+05:00",
    ],
)
def test_no_times(nothing):
    assert message(created_at=nothing).created_at is None


def test_an_outbound_message():
    read = message()
    assert (read.inbound, read.kind, read.state, read.vendor_status) == (False, "sms", "queued", "queued")
    assert (read.text, read.user_id, read.call, read.media, read.media_pending) == (
        "Does 10 work?",
        60031,
        {},
        (),
        False,
    )
    assert read.at == datetime(2026, 4, 10, 9, 10, tzinfo=UTC)
    assert {"text", "state", "inbound", "kind", "media", "media_pending", "at"} <= read.present


def test_an_inbound_message():
    read = Message.parse(INBOUND)
    assert (read.inbound, read.kind, read.state) == (True, "mms", "received")
    assert read.text == "Yes\nI'll bring this"
    assert read.media == (Media(5100771, "https://media.example.com/f/5100771.jpg", "image/jpeg"),)
    assert read.at == NOON
    assert read.conversation_id is None
    assert "conversation_id" not in read.present


def test_text_prefers_the_raw_body_and_falls_back():
    assert message(body="<p>Hi</p>", body_raw="Hi there").text == "Hi there"
    assert message(body="Hi<br>you", body_raw="").text == "Hi\nyou"
    assert message(body="Hi<br>you", body_raw=None).text == "Hi\nyou"
    assert message(body="x", body_raw="I&#039;m here &amp;amp; there").text == "I'm here &amp; there"
    assert message(body="x", body_raw="a < b").text == "a < b"
    assert message(body="x", body_raw="use <b>bold</b> &lt;i&gt;").text == "use <b>bold</b> <i>"
    assert message(body="x", body_raw="one<br>two").text == "one\ntwo"
    assert Message.parse({"id": 1, "status": "sent"}).present == {"vendor_status", "state", "inbound"}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("created", "queued"), ("queued", "queued"), ("sending", "queued"), ("Sent", "sent"),
        ("DELIVERED", "delivered"), ("pondering", "queued"), ("", "queued"),
        ("failed", "failed"), ("undelivered", "failed"), ("scheduled", "scheduled"),
    ],
)  # fmt: skip
def test_states(status, state):
    read = message(status=status)
    assert (read.state, read.inbound, read.vendor_status) == (state, False, status)


@pytest.mark.parametrize(
    ("changes", "inbound"),
    [
        ({"status": "received"}, True),
        ({"status": "Received", "user_id": 5, "sent_at": "2026-04-10 09:15:27"}, True),
        ({"status": "sent", "received_at": "2026-04-10 09:15:27", "user_id": 0}, False),
        ({"status": "failed", "user_id": None}, False),  # an automation's
        ({"status": "odd", "received_at": "2026-04-10 09:15:27", "user_id": 0, "queued_at": ""}, True),
        ({"status": "odd", "received_at": "2026-04-10 09:15:27", "user_id": 5, "queued_at": ""}, False),
        ({"status": "odd", "received_at": "", "user_id": 0, "queued_at": ""}, False),
        (
            {"status": "odd", "received_at": "2026-04-10 09:15:27", "user_id": 0, "sent_at": "2026-04-10 09:15:27"},
            False,
        ),
        ({"status": None, "received_at": "2026-04-10 09:15:27", "user_id": None, "queued_at": None}, True),
    ],
)
def test_direction(changes, inbound):
    read = message(**changes)
    assert read.inbound is inbound
    assert (read.state == "received") is inbound


@pytest.mark.parametrize(
    ("changes", "inbound"),
    [
        ({}, True),
        ({"icon": "icon_outbound_call", "received_at": "2026-04-10 09:15:27"}, False),
        ({"icon": "icon_missed_call", "received_at": ""}, True),
        ({"icon": "", "user_id": 0}, True),
        ({"icon": "", "user_id": 60031}, False),
        ({"icon": "", "received_at": "", "status": "completed"}, False),
    ],
)
def test_direction_of_calls(changes, inbound):
    read = Message.parse(CALL | changes)
    assert (read.kind, read.inbound, read.state) == ("call", inbound, "received" if inbound else "sent")


def test_a_call():
    read = Message.parse(CALL)
    assert read.call == {"duration": 214, "status": "completed", "url": "https://x.test/r.mp3", "voicemail": True}
    assert read.text == ""
    assert Message.parse(CALL | {"record": None}).call == {
        "duration": None,
        "status": "",
        "url": "",
        "voicemail": False,
    }


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"type": "SMS"}, "sms"), ({"type": "mms"}, "mms"), ({"type": "call"}, "call"), ({"type": "fax"}, "other"),
        ({"type": ""}, "sms"), ({"type": None}, "sms"), ({"type": "", "media": [{"id": 1}]}, "mms"),
        ({"type": "", "source": "call"}, "call"),
    ],
)  # fmt: skip
def test_kinds(changes, kind):
    assert message(**changes).kind == kind


def test_media_to_come():
    read = message(mms_status="Busy", type="mms", media=[{"id": 4, "source": "", "url": "https://x.test/4.png"}])
    assert read.media_pending is True
    assert read.media == (Media(4, "https://x.test/4.png", ""),)
    assert message(mms_status="done").media_pending is False


def test_author():
    read = message(user_id=0, user={"id": 60031, "full_name": "Sam Ortiz"})
    assert (read.user_id, read.author_name) == (60031, "Sam Ortiz")
    nobody = message(user=None)
    assert (nobody.author_name, nobody.user_id) == ("", 60031)


CONVERSATION = {
    "id": 100380001, "contact_id": 187700101, "name": "Dana Reyes", "inbox_id": 239001,
    "contact": {"id": 187700101, "full_name": "Dana Reyes", "number": "+13055550142", "opt_out": False},
    "participants": [{"id": 99}], "owner": {"id": 60031, "full_name": "Sam Ortiz"},
    "number": {"id": 258001, "number": "+13055550100", "formatted_number": "(305) 555-0100"}, "unread": 1,
    "started_at": "2026-03-02 15:05:00", "closed_at": None, "last_message_at": "2026-04-10 09:15:27",
    "last_message": {"id": 623100212, "body": "Yes, 10 works", "status": "received"},
}  # fmt: skip


def test_a_conversation():
    read = Conversation.parse(CONVERSATION)
    assert (read.contact_id, read.contact.full_name, read.name) == (187700101, "Dana Reyes", "Dana Reyes")
    assert read.contact.present == {"full_name", "phone", "opted_out"}
    assert (read.inbox_id, read.owner_id, read.number_id, read.number) == (239001, 60031, 258001, "+13055550100")
    assert (read.unread, read.closed_at, read.last_message_at) == (1, None, NOON)
    assert (read.last_message.text, read.last_message.inbound) == ("Yes, 10 works", True)
    assert read.present == set(Conversation.FIELDS)


@pytest.mark.parametrize(
    ("raw", "name", "value"),
    [
        ({"contact": {"id": 5}}, "contact_id", 5),
        ({"participants": [{"id": 5}]}, "contact_id", 5),
        ({"contact": None, "participants": [{"id": 5}]}, "contact_id", 5),
        ({"contact_id": "5"}, "contact_id", 5),
        ({"team_id": 7}, "inbox_id", 7),
        ({"inbox_id": None, "team_id": 7}, "inbox_id", 7),
        ({"inbox": {"id": 7}}, "inbox_id", 7),
        ({"team": {"id": 7}}, "inbox_id", 7),
        ({"owner_id": 8}, "owner_id", 8),
        ({"owner": None, "owner_id": 8}, "owner_id", 8),
        ({"owner": None}, "owner_id", None),
        ({"owner": {}}, "owner_id", None),
        ({"owner": []}, "owner_id", None),
        ({"number": "+13055550100"}, "number", "+13055550100"),
        ({"number_id": 9}, "number_id", 9),
        ({"unread": 0}, "unread", 0),
        ({"unread_count": 3}, "unread", 3),
        ({"unread": 0, "unread_count": 3}, "unread", 0),
        ({"closed_at": None}, "closed_at", None),
        ({"closed_at": "2026-04-10 09:15:27"}, "closed_at", NOON),
    ],
)
def test_where_a_conversation_keeps_things(raw, name, value):
    read = Conversation.parse({"id": 1} | raw)
    assert getattr(read, name) == value
    assert name in read.present


def test_what_a_conversation_does_not_say_is_not_present():
    read = Conversation.parse({"id": 1, "participants": [], "name": "x"})
    assert read.present == {"name"}
    assert Conversation.parse({"id": 1, "number": "+13055550100"}).present == {"number"}
    assert Conversation.parse({"id": 1, "contact": {"full_name": "No id"}}).contact is None


def test_the_small_records():
    team = Team.parse(
        {
            "id": 239001,
            "name": "Front desk",
            "inbox_identifier": "front-desk",
            "number": {"id": 258001, "number": "+13055550100"},
        }
    )
    assert (team.name, team.identifier, team.number_id, team.phone) == (
        "Front desk",
        "front-desk",
        258001,
        "+13055550100",
    )
    number = Number.parse(
        {"id": 258001, "number": "+13055550100", "mms": "1", "country": "US", "numberable": {"id": 239001}}
    )
    assert (number.phone, number.mms, number.team_id, number.country) == ("+13055550100", True, 239001, "US")
    user = User.parse(
        {"id": 60031, "email": "sam@example.com", "full_name": "Sam Ortiz", "role": "admin", "organization_id": 45001}
    )
    assert (user.email, user.full_name, user.role, user.organization_id) == (
        "sam@example.com",
        "Sam Ortiz",
        "admin",
        45001,
    )
    organization = Organization.parse({"id": 45001, "name": "Example Dental", "timezone": "America/New_York"})
    assert (organization.name, organization.timezone) == ("Example Dental", "America/New_York")
    assert Tag.parse({"tag_id": 4, "label": "VIP"}).id == 4


def test_records_are_frozen():
    with pytest.raises(AttributeError):
        Contact(id=1).full_name = "x"
