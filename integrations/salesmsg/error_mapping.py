"""Maps HTTP answers and network failures to `errors` (salesmsg-api.md, sections 2.5, 3 and 9)."""

import json
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import CodeType
from typing import Any

import requests
import urllib3

from .errors import (
    ConnectionBroken,
    CredentialRefused,
    Invalid,
    NotAllowed,
    NotFound,
    RateLimited,
    Refused,
    SalesmsgError,
    TimedOut,
    Unreachable,
    Unreadable,
    VendorTrouble,
)
from .redact import redact
from .values import ident, number

# The only place where the vendor's words choose an error's class: status codes alone do not tell a refused token from a
# missing permission or an unknown path, and section 2.5 documents these words. Everywhere else they are a quotation.

# OAuth error codes for a refused grant or application [assumed: Laravel Passport's format, section 2.2].
GRANT_REFUSED = {"invalid_grant", "invalid_client", "invalid_request", "invalid_token", "unauthorized_client"}
# Texts of a 403 about the token, not about permissions.
_ABOUT_TOKEN = re.compile(r"token|unauthori[sz]ed|unauthenticated|explicit deny", re.IGNORECASE)
# Exception from section 11: "unauthorized" in these texts means a missing scope.
_ABOUT_SCOPE = re.compile(r"action is unauthori[sz]ed|scope", re.IGNORECASE)
# The API gateway's text for an unknown path [assumed].
_UNKNOWN_PATH = "missing authentication token"


_BAD_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
_BAD_ANSWER = (
    requests.exceptions.ContentDecodingError,
    requests.exceptions.ChunkedEncodingError,  # the status arrived, but the body was cut off
    requests.exceptions.InvalidHeader,  # in the answer: request headers are checked before sending
)


def error_for(response: requests.Response, endpoint: str, content: bytes | None = None) -> SalesmsgError | None:
    """Return the error for an answer, or None for 2xx. content: the part of the body that was read, if incomplete."""
    status = response.status_code
    if 200 <= status < 300:
        return None
    body = _body(response.content if content is None else content)
    words = vendor_words(body)
    known: dict[str, Any] = {"status": status, "endpoint": endpoint, "quote": words}
    if status == 429:
        return RateLimited(retry_after=_retry_after(response.headers.get("Retry-After")), **known)
    if _credential(status, body, words, at_the_grant="/oauth/" in endpoint):
        return CredentialRefused(**known)
    if status in (408, 504):
        return TimedOut(**known)
    if status >= 500:
        silent = "message" in body and body["message"] is None
        return VendorTrouble(maybe_credential=status == 500 and silent, **known)
    if status == 404 or (status == 403 and _UNKNOWN_PATH in words.lower()):
        return NotFound(**known)
    if status == 403:
        return NotAllowed(**known)
    contact_id = _contact_id(body)
    if status in (400, 422) or (contact_id and status >= 400):
        return Invalid(fields=_fields(body), contact_id=contact_id, **known)
    return Refused(**known)


def error_from(failure: Exception, endpoint: str) -> SalesmsgError:
    """Return the error for a failure of `requests`. It never contains the failure's own text, which includes URLs."""
    where: dict[str, Any] = {"endpoint": endpoint}
    if isinstance(failure, (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)):
        return Unreachable(**where)
    if _never_left(failure):
        if any(isinstance(cause, urllib3.exceptions.SSLError) for cause in _causes(failure)):
            return Unreachable("tls_failed", **where)
        return Unreachable(**where)
    if isinstance(failure, requests.exceptions.Timeout) or any(
        isinstance(cause, (urllib3.exceptions.ReadTimeoutError, TimeoutError)) for cause in _causes(failure)
    ):
        return TimedOut(**where)
    if isinstance(failure, requests.exceptions.TooManyRedirects):
        return Refused("redirected", **where)
    if isinstance(failure, _BAD_ADDRESS):
        return Unreachable("bad_address", **where)
    if isinstance(failure, _BAD_ANSWER):
        return Unreadable(**where)
    return ConnectionBroken(**where)


def vendor_words(body: dict[str, Any]) -> str:
    """Return the vendor's error text, redacted: message, else error_description, else error; or ""."""
    for key in ("message", "error_description", "error"):
        value = body.get(key)
        if isinstance(value, list):
            value = " ".join(item for item in value if isinstance(item, str))
        if isinstance(value, str) and value.strip():
            return redact(value)
    return ""


def _body(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _credential(status: int, body: dict[str, Any], words: str, at_the_grant: bool) -> bool:
    """Return whether the credential was refused, by the rule of section 2.5. A 500 or a plain 403 never counts."""
    if status == 401 or (at_the_grant and status == 400 and body.get("error") in GRANT_REFUSED):
        return True
    if status != 403:
        return False
    if body.get("auth_required") is True:
        return True
    if _UNKNOWN_PATH in words.lower() or _ABOUT_SCOPE.search(words):
        return False
    return bool(_ABOUT_TOKEN.search(words))


def _contact_id(body: dict[str, Any]) -> int | None:
    value = body.get("contact_id")
    return ident(value[0] if isinstance(value, list) and value else value)


def _fields(body: dict[str, Any]) -> dict[str, list[str]]:
    """Return field errors from Laravel's `errors`, or from the lists at the top level."""
    errors = body.get("errors")
    found = errors if isinstance(errors, dict) else {k: v for k, v in body.items() if isinstance(v, list)}
    return {
        key: [word for word in (value if isinstance(value, list) else [value]) if isinstance(word, str)]
        for key, value in found.items()
        if key not in ("message", "contact_id", "errors")
    }


def _retry_after(header: str | None) -> float | None:
    """Return seconds from a number or a date. Optional: never required (section 3)."""
    if not header:
        return None
    seconds: float | None = number(header)
    if seconds is None:
        try:
            until = parsedate_to_datetime(header)
        except ValueError:
            return None
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        seconds = (until - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds)


def _causes(failure: BaseException) -> Iterator[BaseException]:
    """Iterate over the failure and all exceptions it wraps."""
    waiting, seen = [failure], set()
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        wrapped = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        waiting.extend(item for item in wrapped if isinstance(item, BaseException))


def _never_left(failure: Exception) -> bool:
    """Return whether the request failed before its first byte was sent: no connection, or no TLS handshake.

    urllib3 raises the same types for a failed TLS handshake and a lost answer, so the traceback frames are checked.
    """
    for cause in _causes(failure):
        if isinstance(cause, urllib3.exceptions.NewConnectionError):  # includes NameResolutionError
            return True
        if any(_connects(frame.f_code) for frame, _ in traceback.walk_tb(cause.__traceback__)):
            return True
    return False


def _connects(code: CodeType) -> bool:
    """Return whether this is urllib3's `connect` (socket, proxy, TLS) or requests' check for certificate files before
    it.
    """
    return (code.co_name == "connect" and code.co_filename == urllib3.connection.__file__) or (
        code.co_name == "cert_verify" and code.co_filename == requests.adapters.__file__
    )
