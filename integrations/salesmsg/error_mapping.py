"""What an answer or a failure of the network means: HTTP to `errors` (salesmsg-api.md, sections 2.5, 3 and 9)."""

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

# OAuth's words for a refused grant or application [assumed: Laravel Passport's shape, section 2.2].
GRANT_REFUSED = {"invalid_grant", "invalid_client", "invalid_request", "invalid_token", "unauthorized_client"}
# Words of a 403 that speak of the token, not of rights.
_OF_THE_TOKEN = re.compile(r"token|unauthori[sz]ed|unauthenticated|explicit deny", re.IGNORECASE)
# The trap of section 11: speaks of "unauthorized" and means a missing scope.
_OF_A_SCOPE = re.compile(r"action is unauthori[sz]ed|scope", re.IGNORECASE)
# The gateway's word for a path it does not know [assumed].
_UNKNOWN_PATH = "missing authentication token"


_BAD_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
_BAD_ANSWER = (
    requests.exceptions.ContentDecodingError,
    requests.exceptions.ChunkedEncodingError,  # the status came, the body broke off
    requests.exceptions.InvalidHeader,  # of the answer: ours are checked before they leave
)


def error_for(response: requests.Response, endpoint: str, content: bytes | None = None) -> SalesmsgError | None:
    """The error that this answer is, or None for 2xx. `content`: the body as far as it was read, if not whole."""
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
    """The error that a failure of `requests` is. Never holds the failure's own words: they name addresses."""
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
    """The vendor's own words for an error, redacted: message, else error_description, else error; or ""."""
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
    """Section 2.5's rule. A 500 or a plain 403 never counts."""
    if status == 401 or (at_the_grant and status == 400 and body.get("error") in GRANT_REFUSED):
        return True
    if status != 403:
        return False
    if body.get("auth_required") is True:
        return True
    if _UNKNOWN_PATH in words.lower() or _OF_A_SCOPE.search(words):
        return False
    return bool(_OF_THE_TOKEN.search(words))


def _contact_id(body: dict[str, Any]) -> int | None:
    value = body.get("contact_id")
    return ident(value[0] if isinstance(value, list) and value else value)


def _fields(body: dict[str, Any]) -> dict[str, list[str]]:
    """Laravel's `errors`, or the lists at the top level."""
    errors = body.get("errors")
    found = errors if isinstance(errors, dict) else {k: v for k, v in body.items() if isinstance(v, list)}
    return {
        key: [word for word in (value if isinstance(value, list) else [value]) if isinstance(word, str)]
        for key, value in found.items()
        if key not in ("message", "contact_id", "errors")
    }


def _retry_after(header: str | None) -> float | None:
    """Seconds, from a number or a date; read if it comes, never needed (section 3)."""
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
    """The failure and everything it wraps."""
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
    """Whether it failed before the first byte of the request: no connection, or still while making it secure.

    urllib3 gives a broken or slow TLS handshake the same types as a lost answer, hence the look at the frames."""
    for cause in _causes(failure):
        if isinstance(cause, urllib3.exceptions.NewConnectionError):  # also NameResolutionError
            return True
        if any(_connects(frame.f_code) for frame, _ in traceback.walk_tb(cause.__traceback__)):
            return True
    return False


def _connects(code: CodeType) -> bool:
    """urllib3's `connect` (socket, proxy, TLS), or requests' look for the certificates before it."""
    return (code.co_name == "connect" and code.co_filename == urllib3.connection.__file__) or (
        code.co_name == "cert_verify" and code.co_filename == requests.adapters.__file__
    )
