"""One HTTP request to the vendor: one connection, one timeout, one result; no redirects, no retries."""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from .error_mapping import error_for, error_from
from .errors import CredentialRefused, Invalid, SalesmsgError, Unreadable
from .redact import silence_libraries
from .values import storable

__all__ = ["Request", "error_for", "send"]

LARGEST = 20 * 1024 * 1024  # maximum bytes of an answer
_ODD_CHARACTER = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")

log = logging.getLogger(__name__)
silence_libraries()


@dataclass(frozen=True, slots=True)
class Request:
    """One call; its repr hides personal data.

    `path` is the part after the host root. `endpoint` names it without ids ("GET /contacts/{contact}"). `write`: True
    if a repeated call could do harm.
    """

    method: str
    path: str = field(repr=False)
    endpoint: str
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    json: dict[str, Any] | None = field(default=None, repr=False)
    write: bool = False


class _Bearer(requests.auth.AuthBase):
    """An auth object, so that a ~/.netrc cannot replace the header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def send(
    base_url: str,
    token: str,
    request: Request,
    *,
    timeout: tuple[float, float] = (5, 30),
    headers_seen: Callable[[Mapping[str, str]], None] | None = None,
) -> Any:
    """Send a request and return the parsed JSON, or None for 204 and an empty 2xx. Raises the errors of `errors`.

    timeout: seconds to connect, to read. headers_seen: called with the headers of any answer. The connection is never
    reused: a stale one would turn a call that was never sent into a call with an unknown outcome.
    """
    started = time.monotonic()
    outcome = _attempt(base_url, token, request, timeout, headers_seen)
    failed = isinstance(outcome, SalesmsgError)
    log.info(
        "%s %s %s %d ms",
        request.endpoint,
        outcome.status or "-",
        type(outcome).__name__ if failed else "ok",
        (time.monotonic() - started) * 1000,
    )
    if isinstance(outcome, SalesmsgError):
        raise outcome from None  # outside any `except`, so that the library's error, which holds the header, is dropped
    return outcome.payload


@dataclass(frozen=True, slots=True)
class _Good:
    status: int
    payload: Any = field(repr=False)


def _attempt(
    base_url: str,
    token: str,
    request: Request,
    timeout: tuple[float, float],
    headers_seen: Callable[[Mapping[str, str]], None] | None,
) -> _Good | SalesmsgError:
    """Return the answer, or the error as a value."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        return CredentialRefused("token_malformed", endpoint=request.endpoint)
    headers = {"Accept": "application/json", "Connection": "close", "User-Agent": "salesmsg-portal"}
    try:
        with (
            requests.Session() as session,
            session.request(
                request.method,
                base_url.rstrip("/") + request.path,
                params=list(request.query),
                json=request.json,
                headers=headers,
                auth=_Bearer(token),
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            if headers_seen is not None:
                headers_seen(response.headers)
            return _read(response, request.endpoint)
    except UnicodeError:
        return Invalid("unsendable_characters", endpoint=request.endpoint)
    except (OSError, ValueError) as failure:  # the errors of `requests` are OSErrors, and some plain ones escape it
        return error_from(failure, request.endpoint)


def _read(response: requests.Response, endpoint: str) -> _Good | SalesmsgError:
    known: dict[str, Any] = {"status": response.status_code, "endpoint": endpoint}
    body = bytearray()
    broken: SalesmsgError | None = None
    try:
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > LARGEST:
                broken = Unreadable("answer_too_large", **known)
                break
    except OSError as failure:
        broken = error_from(failure, endpoint)
        broken.status = response.status_code
    # The status alone makes it a refusal, even if the body was cut off.
    return error_for(response, endpoint, bytes(body)) or broken or _parse(response, bytes(body).strip(), known)


def _parse(response: requests.Response, body: bytes, known: dict[str, Any]) -> _Good | SalesmsgError:
    status = known["status"]
    if status == 204 or not body:
        return _Good(status, None)
    if "html" in response.headers.get("Content-Type", "").lower() or body.startswith(b"<"):
        return Unreadable("answer_is_html", **known)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return Unreadable("answer_incomplete", **known)
    return _Good(status, storable(found) if _ODD_CHARACTER.search(body) else found)
