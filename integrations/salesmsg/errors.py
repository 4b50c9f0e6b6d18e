"""The errors of a call. Each class answers two questions: did the vendor act (`done`), and when may the call be retried
(`again`)?

SalesmsgError
├─ NotDone                 done = False: the vendor certainly did not act
│  ├─ Unreachable          later          no connection: refused, DNS, connect timeout, TLS
│  ├─ RateLimited          after_block    429
│  ├─ CredentialRefused    after_renewal  401, or 403 about the token; refused grants
│  ├─ NotAllowed           never          403 for a missing scope or another organisation's record
│  ├─ NotFound             never          404, and the API gateway's 403 for an unknown path
│  ├─ Invalid              never          400, 422, and "contact exists" with any 4xx
│  ├─ Refused              never          every other 4xx, and 3xx
│  └─ Unfit                never          a message's file that is not accepted
│     ├─ TooLarge                         larger than the size limit
│     └─ Unsafe                           not https, or an address outside the public internet
└─ Unclear                 done = None, later: the vendor may have acted; check before repeating
   ├─ TimedOut             no answer in time, 408, 504
   ├─ VendorTrouble        5xx
   ├─ ConnectionBroken     connection lost after the request may have been sent
   └─ Unreadable           2xx that cannot be read: HTML, incomplete JSON, an unknown envelope, no id

Source: salesmsg-api.md, sections 2.5, 3 and 9.
"""

from typing import Any, ClassVar

from .redact import redact


class SalesmsgError(Exception):
    """Base class of all errors.

    `code` says what happened, by default the class's own code. `quote` is the vendor's text, redacted. `status` is the
    HTTP status or None. `endpoint` is like "GET /contacts/{contact}", without ids. `params` are parameters for the
    code's message. The messages are in the portal's `failures`.
    """

    done: ClassVar[bool | None] = None
    again: ClassVar[str] = "never"
    default: ClassVar[str] = "salesmsg_error"

    def __init__(
        self, code: str = "", *, quote: str = "", status: int | None = None, endpoint: str = "", **params: Any
    ) -> None:
        self.code = code or self.default
        self.quote = redact(quote)
        self.status = status
        self.endpoint = endpoint
        self.params = params
        where = ", ".join(str(part) for part in (status, endpoint) if part)
        super().__init__(": ".join(filter(None, (f"{self.code} ({where})" if where else self.code, self.quote))))


class NotDone(SalesmsgError):
    """The vendor certainly did not act."""

    done = False


class Unreachable(NotDone):
    """No connection was made, so nothing was sent."""

    again = "later"
    default = "unreachable"


class RateLimited(NotDone):
    """429. `retry_after` is in seconds, or None if the vendor did not send it."""

    again = "after_block"
    default = "rate_limited"

    def __init__(
        self, code: str = "", *, status: int | None = 429, retry_after: float | None = None, **known: Any
    ) -> None:
        super().__init__(code, status=status, **known)
        self.retry_after = retry_after


class CredentialRefused(NotDone):
    """The token or grant is not accepted (section 2.5)."""

    again = "after_renewal"
    default = "credential_refused"


class NotAllowed(NotDone):
    """The token is valid but lacks a scope, or the record belongs to another organisation."""

    default = "not_allowed"


class NotFound(NotDone):
    """The record or the path does not exist."""

    default = "not_found"


class Invalid(NotDone):
    """The vendor rejected the input.

    `fields`: wire name -> error texts, redacted; `quote` includes them. `contact_id`: the contact that already has the
    number, or None.
    """

    default = "invalid"

    def __init__(
        self,
        code: str = "",
        *,
        fields: dict[str, list[str]] | None = None,
        contact_id: int | None = None,
        quote: str = "",
        **known: Any,
    ) -> None:
        self.fields = {redact(name): [redact(word) for word in words] for name, words in (fields or {}).items()}
        super().__init__(code, quote=self._all_words(quote), **known)
        self.contact_id = contact_id

    def _all_words(self, quote: str) -> str:
        """The message and the texts of the fields, each once: the message alone often names no field."""
        parts = [quote] if quote else []
        for text in (text for texts in self.fields.values() for text in texts):
            if text and all(text not in part for part in parts):
                parts.append(text)
        return " ".join(parts)


class Refused(NotDone):
    """Any other refusal, including redirects, which are never followed."""

    default = "refused"


class Unfit(NotDone):
    """A message's file that is not accepted."""

    default = "file_refused"


class TooLarge(Unfit):
    """The file is larger than the size limit."""

    default = "file_too_large"


class Unsafe(Unfit):
    """The address is not allowed, because a stranger chose it and it may be internal."""

    default = "file_unsafe_address"


class Unclear(SalesmsgError):
    """It is not known whether the vendor acted: check the thread before repeating a write."""

    done = None
    again = "later"


class TimedOut(Unclear):
    """The request was sent, but no answer arrived in time (also 408 and 504)."""

    default = "timed_out"


class VendorTrouble(Unclear):
    """5xx. `maybe_credential`: True for 500 {"message": null}, which a bad token can cause; check with `GET /user`."""

    default = "server_error"

    def __init__(self, code: str = "", *, maybe_credential: bool = False, **known: Any) -> None:
        super().__init__(code, **known)
        self.maybe_credential = maybe_credential


class ConnectionBroken(Unclear):
    """The connection was lost after the request may have been sent."""

    default = "connection_lost"


class Unreadable(Unclear):
    """A 2xx answer that cannot be read."""

    default = "unreadable"
