"""Removes what must not be shown or logged from a text, and silences libraries that would log it."""

import logging
import re

LONGEST = 300  # maximum characters of a vendor's text

_HIDDEN = (
    (re.compile(r"\bbearer\b.*", re.IGNORECASE | re.DOTALL), "Bearer …"),
    (re.compile(r"eyJ[\w-]+(?:\.[\w-]*)*"), "…"),  # JWT
    (re.compile(r"(https?://[^\s?#]*)[?#]\S*"), r"\1?…"),
    (re.compile(r"\b(\w*(?:token|secret|password)\s*[:=]\s*|code=)\S+", re.IGNORECASE), r"\1…"),
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), "…"),
    (re.compile(r"(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{24,}"), "…"),  # opaque secrets
    (re.compile(r"\+?\(?\d(?:[\s().-]{0,2}\d){6,}"), "…"),  # phone numbers in any format
)

# These log URLs, headers, bodies and tokens, mostly at DEBUG, one at WARNING.
_NOISY_LOGGERS = (
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
    """Return one line of at most 300 characters without phone numbers, email addresses, tokens and query strings."""
    line = " ".join(text[: 4 * LONGEST].split()) if isinstance(text, str) else ""
    for pattern, replacement in _HIDDEN:
        line = pattern.sub(replacement, line)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _only_errors(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


def silence_libraries() -> None:
    """Add filters instead of levels, because filters survive a later logging configuration."""
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).addFilter(_only_errors)
