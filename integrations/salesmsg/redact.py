"""Takes out of a text what must not be shown or logged, and silences the libraries that would log it."""

import logging
import re

LONGEST = 300  # characters of a vendor's words that are worth showing

_HIDDEN = (
    (re.compile(r"\bbearer\b.*", re.IGNORECASE | re.DOTALL), "Bearer …"),
    (re.compile(r"eyJ[\w-]+(?:\.[\w-]*)*"), "…"),  # JWT
    (re.compile(r"(https?://[^\s?#]*)[?#]\S*"), r"\1?…"),
    (re.compile(r"\b(\w*(?:token|secret|password)\s*[:=]\s*|code=)\S+", re.IGNORECASE), r"\1…"),
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), "…"),
    (re.compile(r"(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{24,}"), "…"),  # opaque secrets
    (re.compile(r"\+?\(?\d(?:[\s().-]{0,2}\d){6,}"), "…"),  # phones however they are punctuated
)

# These write addresses, headers, bodies and tokens into their records, most at DEBUG, one at WARNING.
_TALKATIVE = (
    "urllib3",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
    "requests_oauthlib.oauth2_session",
    "oauthlib",
)


def redact(text: object) -> str:
    """One line of at most 300 characters without phones, e-mail addresses, tokens and queries."""
    line = " ".join(text[: 4 * LONGEST].split()) if isinstance(text, str) else ""
    for pattern, instead in _HIDDEN:
        line = pattern.sub(instead, line)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _only_errors(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


def silence_libraries() -> None:
    """Filters, not levels: a filter outlives whatever logging configuration comes later."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_only_errors)
