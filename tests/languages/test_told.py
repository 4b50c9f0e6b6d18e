"""Sentences that are stored in English are told in the reader's language; what is not ours stays as it is."""

from datetime import UTC, datetime

import pytest
import requests
from django.utils import translation

from integrations.models import Message
from integrations.outbox import scheduled
from integrations.salesmsg import error_mapping
from integrations.salesmsg.errors import SalesmsgError
from integrations.sentences import SENTENCES
from integrations.templatetags.portal import why
from integrations.told import english, told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Salesmsg gave no reason.", "Salesmsg hat keinen Grund genannt."),
        (
            "Salesmsg could not be reached (GET /user). Trying again.",
            "Salesmsg war nicht zu erreichen (GET /user). Ein neuer Versuch folgt.",
        ),
        ("The recipient has unsubscribed (21610).", "Der Empfänger hat sich abgemeldet (21610)."),
        (
            "Salesmsg does not know this (404, GET /contacts/{contact}): no such contact",
            "Salesmsg kennt das nicht (404, GET /contacts/{contact}): no such contact",
        ),
        ("Sync failed: The step broke off.", "Abgleich fehlgeschlagen: Der Schritt brach ab."),
        ("Opted out of texts after the start", "Von Nachrichten abgemeldet (nach dem Start)"),
        (
            "No first name, and the text has nothing to put in its place",
            "Angabe fehlt (Vorname), und der Text hat keinen Ersatz dafür",
        ),
        (
            "Salesmsg accepted the edit but did not take over: first name, email.",
            "Salesmsg hat die Bearbeitung angenommen, aber nicht übernommen: Vorname, E-Mail.",
        ),
        ("Carrier says no. Trying again.", "Carrier says no. Ein neuer Versuch folgt."),
        ("invalid grant: something", "invalid grant: something"),
        ("", ""),
    ],
)
def test_in_german(text, words):
    with translation.override("de"):
        assert told(text) == words
    assert told(text) == text


def test_a_missed_hour_is_told_with_the_readers_date():
    message = Message(state="queued", send_at=datetime(2026, 11, 28, 14, tzinfo=UTC), zone="America/New_York")
    message.failure = scheduled.missed(message)
    assert "Nov 28, 9:00 AM (New York)" in message.failure
    assert why(message) == message.failure
    with translation.override("de"):
        assert "28.11." in why(message) and "09:00 (New York)" in why(message) and "Nov" not in why(message)


def test_every_error_of_the_vendors_room_has_words():
    def all_of(kind):
        return {kind.default} | {text for child in kind.__subclasses__() for text in all_of(child)}

    assert all_of(SalesmsgError) <= set(SENTENCES)


def test_every_error_of_a_call_is_told_in_german():
    kinds = ("ConnectTimeout", "ConnectionError", "SSLError", "ReadTimeout", "TooManyRedirects", "InvalidURL")
    for name in (*kinds, "ChunkedEncodingError", "ContentDecodingError", "ProxyError"):
        error = error_mapping.error_from(getattr(requests.exceptions, name)(), "GET /user")
        with translation.override("de"):
            assert told(error.text) != error.text


def test_books_stay_english():
    with translation.override("de"):
        assert english(lambda: translation.gettext("Contact edited")) == "Contact edited"
        assert translation.get_language() == "de"
