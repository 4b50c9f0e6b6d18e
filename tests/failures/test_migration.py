"""Rows from before: a sentence of ours becomes its code, everything else a quotation."""

from importlib import import_module

import pytest
from django.utils import translation

from integrations.failures import Code, Reason

migration = import_module("integrations.migrations.0008_carry_over_reasons")

CASES = [
    (
        "Sync failed: Salesmsg does not allow this to the connected user (403, GET /contacts): missing scope",
        ("not_allowed", {"status": 403, "endpoint": "GET /contacts"}, "missing scope"),
    ),
    ("Salesmsg could not be reached (GET /user). Trying again.", ("unreachable", {"endpoint": "GET /user"}, "")),
    (
        "Salesmsg did not answer in time. It may have been sent: Salesmsg is being asked.",
        ("timed_out", {}, ""),
    ),
    (
        "Salesmsg has trouble of its own (500, POST /messages/{c}): Oops Nothing was sent.",
        ("server_error", {"status": 500, "endpoint": "POST /messages/{c}", "gave_up": True}, "Oops"),
    ),
    (
        "Salesmsg has trouble of its own (502, GET /conversations). (open)",
        ("server_error", {"status": 502, "endpoint": "GET /conversations", "list": "open"}, ""),
    ),
    ("The recipient has unsubscribed (21610).", ("carrier_21610", {}, "")),
    ("Opted out of texts after the start", ("skip_opted_out", {"after_start": True}, "")),
    ("Longer than 1600 characters with their details filled in", ("skip_too_long", {"most": 1600}, "")),
    (
        "No first name, and the text has nothing to put in its place",
        ("skip_empty_field", {"merge_field": "first_name"}, ""),
    ),
    (
        "Salesmsg accepted the edit but did not take over: first name, email.",
        ("fields_ignored", {"fields": ["first_name", "email"]}, ""),
    ),
    (
        "Salesmsg accepted the edit but did not take over: renewal date.",
        ("custom_fields_ignored", {"custom_fields": ["renewal date"]}, ""),
    ),
    (
        "Members could not be read: Salesmsg does not allow this to the connected user (403, GET /members): No.",
        ("list_skipped", {"list": "members", "why": "not_allowed"}, "No."),
    ),
    (
        "The token could not be renewed: Salesmsg did not answer in time.",
        ("token_renewal_failed", {"why": "timed_out"}, ""),
    ),
    (
        "Salesmsg refused to renew the token: Revoked. Connect the account again.",
        ("token_renewal_refused", {}, "Revoked"),
    ),
    ("Conversation 7 names no contact; it was left out.", ("conversation_without_contact", {"id": 7}, "")),
    (
        "Even after 2 new beginnings, 20 of 25 contacts were listed.",
        ("list_incomplete", {"restarts": 2, "seen": 20, "total": 25}, ""),
    ),
    ("It is larger than 5 MB. Salesmsg still has it.", ("file_too_large", {"bytes": 5 << 20}, "")),
    # What we never wrote stays as it is, also where it sounds like ours.
    ("Campaign registration expired after the start", ("", {}, "Campaign registration expired after the start")),
    ("No credits", ("", {}, "No credits")),
    ("Carrier says no. Trying again.", ("", {}, "Carrier says no. Trying again.")),
    ("The recipient has unsubscribed, sort of", ("", {}, "The recipient has unsubscribed, sort of")),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_stored_sentence_finds_its_code(text, expected):
    assert migration.reason_of(text) == expected
    for language in ("en", "de"):
        with translation.override(language):
            assert Reason(*expected).text


@pytest.mark.parametrize(("text", "code"), migration.SENTENCES)
def test_every_code_of_the_table_exists(text, code):
    assert code in Code.values, text
