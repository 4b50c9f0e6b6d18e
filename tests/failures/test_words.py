"""Every code has words, parameters that fill them, and something to do; the vendor's words stay a quotation."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from integrations import failures
from integrations.crypto import Unsealable
from integrations.failures import NO_REASON, Code, Reason
from integrations.models import Message
from integrations.salesmsg import errors
from integrations.tokens import NotConnected

OWN = Path(failures.__file__).parent
SOURCES = OWN.parent
# One value for each parameter that words name; a new parameter without a row here fails below.
PARAMS = {
    "at": "2026-11-28T14:00:00+00:00",
    "zone": "America/New_York",
    "bytes": 5 << 20,
    "count": 70,
    "custom_fields": ["renewal_date"],
    "choices": ["+13055550142", "+442079460000"],
    "country": "US",
    "fields": ["first_name", "email"],
    "id": 7,
    "list": "contacts",
    "merge_field": "first_name",
    "placeholder": "{{name}}",
    "most": 1600,
    "restarts": 2,
    "seen": 20,
    "total": 25,
    "vendor_status": "queued",
    "why": "unreachable",
}


def every_error() -> list[type[errors.SalesmsgError]]:
    def below(kind):
        return [kind, *(deeper for child in kind.__subclasses__() for deeper in below(child))]

    return below(errors.SalesmsgError)


@pytest.mark.parametrize("code", Code.values)
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_code_has_words_and_advice(code, language):
    with translation.override(language):
        needed = re.findall(r"%\((\w+)\)s", str(Code(code).label))
        reason = Reason(code, {name: PARAMS[name] for name in [*needed, "zone"]})
        assert reason.what and "?" not in reason.what and "%" not in reason.what
        assert str(reason) == reason.text
        assert reason.todo(7) and "%" not in reason.todo(7)
        # A row that lacks a parameter still shows.
        assert Reason(code).what


@pytest.mark.parametrize("code", Code.values)
def test_every_code_is_stored_by_somebody(code):
    """A code that is never stored is a leftover."""
    named = rf"Code\.{Code(code).name}\b|[\"']{code}[\"']"
    if code.startswith("carrier_") or code == Code.VENDOR_FAILED:
        return  # made of the vendor's words, by Reason.from_vendor
    writers = [path for path in SOURCES.rglob("*.py") if OWN not in path.parents and "migrations" not in path.parts]
    assert any(re.search(named, path.read_text("utf-8")) for path in writers)


@pytest.mark.parametrize("kind", every_error())
def test_every_error_of_a_call_is_a_reason(kind):
    reason = Reason.from_error(kind(status=418, endpoint="GET /user", quote="Teapot"))
    assert reason.known
    assert (reason.where, reason.quote) == ("418, GET /user", "Teapot")
    assert reason.text.endswith("(418, GET /user). Salesmsg says: “Teapot”")


def test_other_exceptions_that_stand_for_a_reason():
    assert Reason.from_error(NotConnected()).code == Code.NOT_CONNECTED
    assert Reason.from_error(Unsealable("undecryptable")).code == Code.UNDECRYPTABLE
    assert Reason.from_error(errors.TimedOut(), gave_up=True).explained("failed").endswith("Nothing was sent.")
    with pytest.raises(TypeError):
        Reason.from_error(ValueError("x"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("21610 Attempt to send to unsubscribed recipient", Code.CARRIER_21610),
        ("Error 30007: filtered", Code.CARRIER_30007),
        ("30003", Code.CARRIER_30003),
        ("39999 something new", Code.VENDOR_FAILED),
        ("130007", Code.VENDOR_FAILED),
        ("No credits", Code.VENDOR_FAILED),
        # Words of ours in the vendor's mouth: nothing reads them.
        ("The recipient has unsubscribed.", Code.VENDOR_FAILED),
        ("Campaign registration expired after the start", Code.VENDOR_FAILED),
        ("scope twice does not allow", Code.VENDOR_FAILED),
    ],
)
def test_of_the_vendors_words_only_a_carriers_code_is_read(words, code):
    reason = Reason.from_vendor(words)
    assert (reason.code, reason.quote) == (code, words)
    with translation.override("de"):
        assert words in reason.text


def test_a_quotation_alone_is_shown_as_it_is():
    for language in ("en", "de"):
        with translation.override(language):
            assert "Opted out of texts after the start" in Reason("", {}, "Opted out of texts after the start").text
    assert (NO_REASON.text, bool(NO_REASON)) == ("", False)


def test_what_follows_depends_on_the_row(db):
    reason = Reason(Code.UNREACHABLE)
    assert reason.explained("queued").endswith("The portal will try again.")
    assert "may have been sent" in reason.explained("unknown")
    assert reason.explained("failed") == reason.text
    assert Message(state="queued", reason_code=Code.MISSED_ITS_TIME).explanation.endswith("or cancel it.")


def test_a_missed_hour_is_told_with_the_readers_date():
    reason = Reason(Code.MISSED_ITS_TIME, {"at": "2026-11-28T14:00:00+00:00", "zone": "America/New_York"})
    assert "Nov 28, 9:00 AM (New York)" in reason.text
    with translation.override("de"):
        assert "28.11." in reason.text and "09:00 (New York)" in reason.text and "Nov" not in reason.text


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason(Code.NOT_ALLOWED, {"list": "open"}), "lacks the scope `conversations:read`"),
        (Reason(Code.NOT_ALLOWED), "lacks the scope of this list"),
        (Reason(Code.TOKEN_REFUSED), "Connect the account again on its page"),
        (Reason(Code.NO_BUDGET), "the limit resets by itself"),
        (Reason(Code.ANSWER_FORM_UNKNOWN), "manage.py probe --account 7"),
        (Reason(Code.LIST_REPEATS_PAGE, {"list": "contacts"}), "Start a full sync"),
        (Reason(Code.UNREACHABLE), "SALESMSG_BASE_URL"),
        (Reason(Code.SERVER_ERROR), "tries again by itself"),
        (Reason(Code.UNDECRYPTABLE), "Put the old key back"),
        (Reason(Code.STEP_INTERRUPTED), "worker's log"),
        # The vendor's words choose no advice.
        (Reason("", {}, "scope twice does not allow"), "Check for changes once more"),
    ],
)
def test_advice_belongs_to_the_code(reason, words):
    assert words in reason.todo(7)
