"""The data set: the same for the same seed, and as varied as people are."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest

from integrations.sandbox import data, phones
from integrations.sandbox.records import Records

START = datetime(2026, 4, 10, 9, 0, tzinfo=UTC)


def _wire(seed=1, contacts=200, messages=20, start=START) -> dict:
    world = data.build(seed, contacts, messages, start, "http://sandbox/media")
    records = Records(world, lambda: False)
    return {
        "contacts": [records.contact(c) for c in world.contacts.values()],
        "conversations": [records.conversation(c) for c in world.conversations.values()],
        "messages": [records.message(m) for c in world.conversations.values() for m in c.messages],
    }


@pytest.fixture(scope="module")
def wire() -> dict:
    return _wire()


def test_the_same_seed_is_the_same_data(wire):
    assert _wire() == wire
    later = _wire(start=START + timedelta(hours=3))
    assert [(m["id"], m["body"]) for m in later["messages"]] == [(m["id"], m["body"]) for m in wire["messages"]]
    assert _wire(seed=2)["contacts"] != wire["contacts"]


def test_ids_and_numbers_are_unique_and_ids_grow_with_time(wire):
    for kind, moment in (("contacts", "created_at"), ("conversations", "started_at"), ("messages", "created_at")):
        ids = [row["id"] for row in wire[kind]]
        assert len(set(ids)) == len(ids)
        by_id = [row[moment] for row in sorted(wire[kind], key=lambda row: row["id"])]
        assert by_id == sorted(by_id)
    numbers = [row["number"] for row in wire["contacts"]]
    assert len(set(numbers)) == len(numbers) == 200


def test_numbers_could_be_real_and_come_from_several_countries(wire):
    for number in (row["number"] for row in wire["contacts"]):
        assert phonenumbers.is_possible_number(phonenumbers.parse(number)), number
    countries = Counter(row["country"] for row in wire["contacts"])
    assert {"US", "CA", "GB", "AU"} <= set(countries) and len(countries) >= 5


@pytest.mark.parametrize("country", ["US", "CA", "GB", "AU", "FR", "DE", "SE"])
def test_no_number_is_given_twice(country):
    many = [phones.nth(country, n) for n in range(2500)]
    assert len(set(many)) == 2500


def test_dates(wire):
    newest = max(row["last_message_at"] for row in wire["conversations"])
    assert newest == "2026-04-10 08:56:00"
    oldest = min(row["last_message_at"] for row in wire["conversations"])
    assert "2025-11-15" < oldest < "2026-01-25"
    assert all(row["created_at"] <= row["updated_at"] <= "2026-04-10 09:00:00" for row in wire["contacts"])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["created_at"]) for row in wire["messages"])
    shared = Counter(row["last_message_at"] for row in wire["conversations"])
    assert max(shared.values()) > 1
    within = Counter((row["conversation_id"], row["created_at"]) for row in wire["messages"])
    assert max(within.values()) > 1


def test_people_are_of_every_kind(wire):
    contacts = wire["contacts"]
    assert 2 <= sum(row["opt_out"] for row in contacts) <= 20
    assert sum(row["is_blocked"] for row in contacts)
    nameless = [row for row in contacts if not row["first_name"] and not row["last_name"]]
    assert {row["first_name"] for row in nameless} == {None, ""}
    assert any(row["tags"] for row in contacts) and any(row["notes"] for row in contacts)
    assert any(row["custom_fields"] for row in contacts) and any(not row["email"] for row in contacts)
    per_contact = Counter(row["contact_id"] for row in wire["conversations"])
    assert set(per_contact.values()) == {1, 2} and len(per_contact) < len(contacts)
    assert len({row["inbox_id"] for row in wire["conversations"]}) == 3
    assert any(row["closed_at"] for row in wire["conversations"]) and any(
        row["unread"] for row in wire["conversations"]
    )


def test_texts_are_of_every_kind(wire):
    texts = wire["messages"]
    bodies = [row["body_raw"] for row in texts]
    assert any(len(body) > 600 for body in bodies) and any("https://" in body for body in bodies)
    assert any("\n" in body for body in bodies) and any(re.search("[\u0590-\u06ff]", body) for body in bodies)
    assert any(re.search("[\U0001f300-\U0001faff]", body) for body in bodies)
    assert any("&#039;" in row["body"] and "'" in row["body_raw"] for row in texts)
    assert any("<br>" in row["body"] for row in texts) and any(row["body"] == row["body_raw"] for row in texts)
    assert {row["status"] for row in texts} == {"received", "delivered", "sent", "failed", "record"}
    assert {row["type"] for row in texts} == {"sms", "mms", "call"}
    assert all(row["failed_reason"] for row in texts if row["status"] == "failed")
    assert any(row["source"] == "broadcast" and row["user_id"] is None for row in texts)
    assert not any("{" in body or "}" in body for body in bodies)
    assert not any("direction" in row for row in texts)


def test_two_way_threads_have_the_asked_length_and_unanswered_ones_are_short(wire):
    lengths = Counter(row["conversation_id"] for row in wire["messages"])
    inbound = {row["conversation_id"] for row in wire["messages"] if row["received_at"]}
    assert {lengths[thread] for thread in inbound} == {20}
    silent = {row["id"] for row in wire["conversations"]} - inbound
    assert silent and all(1 <= lengths[thread] <= 3 for thread in silent)


@pytest.mark.parametrize(("contacts", "messages"), [(0, 20), (1, 0), (12, 1), (3, 200)])
def test_odd_counts(contacts, messages):
    assert len(_wire(contacts=contacts, messages=messages)["contacts"]) == contacts


def test_received_texts_are_counted(wire):
    counted = Counter(row["contact_id"] for row in wire["messages"] if row["status"] == "received")
    assert {row["id"]: row["total_received_sms"] for row in wire["contacts"] if row["total_received_sms"]} == counted
