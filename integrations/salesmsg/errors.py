"""What can go wrong with a call, sorted by the two questions a caller has:
did the vendor surely not act (`done`), and when may the call be tried again (`again`)?

SalesmsgError
├─ NotDone                 done = False: surely nothing happened at the vendor's
│  ├─ Unreachable          later          no connection was made: refused, DNS, connect time-out, TLS
│  ├─ RateLimited          after_block    429
│  ├─ CredentialRefused    after_renewal  401, or 403 that speaks of the token; refused grants
│  ├─ NotAllowed           never          403 of a missing scope or of somebody else's record
│  ├─ NotFound             never          404, and the gateway's 403 for an unknown path
│  ├─ Invalid              never          400, 422, and "contact exists" with any 4xx
│  ├─ Refused              never          every other 4xx, and 3xx
│  └─ Unfit                never          a message's file that is not taken
│     ├─ TooLarge                         more bytes than we keep
│     └─ Unsafe                           not https, or an address that is not of the public internet
└─ Unclear                 done = None, later: it may have happened; look before repeating
   ├─ TimedOut             no answer in time, 408, 504
   ├─ VendorTrouble        5xx
   ├─ ConnectionBroken     connection lost after the request may have left
   └─ Unreadable           2xx that cannot be read: HTML, half a JSON, an unknown envelope, no id

Source: salesmsg-api.md, sections 2.5, 3 and 9.
"""

from typing import Any, ClassVar

from .redact import redact


class SalesmsgError(Exception):
    """Base of all. `code` says what happened, by default the class's own; `quote` is what the vendor said, redacted;
    `status` the HTTP status or None; `endpoint` like "GET /contacts/{contact}", without ids; `params` what the words
    for the code name besides. Words are made elsewhere: `failures` in the portal."""

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
    """The vendor surely did not act."""

    done = False


class Unreachable(NotDone):
    """No connection could be made, so nothing left this machine."""

    again = "later"
    default = "unreachable"


class RateLimited(NotDone):
    """429. `retry_after` in seconds if the vendor said so, else None."""

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
    """The token is good but may not do this: a missing scope, or a record of others."""

    default = "not_allowed"


class NotFound(NotDone):
    """The record or the path does not exist."""

    default = "not_found"


class Invalid(NotDone):
    """The vendor did not like what was sent. `fields`: wire name -> its words, redacted.
    `contact_id`: the contact that has the number already, or None."""

    default = "invalid"

    def __init__(
        self,
        code: str = "",
        *,
        fields: dict[str, list[str]] | None = None,
        contact_id: int | None = None,
        **known: Any,
    ) -> None:
        super().__init__(code, **known)
        self.fields = {redact(name): [redact(word) for word in words] for name, words in (fields or {}).items()}
        self.contact_id = contact_id


class Refused(NotDone):
    """Any other refusal, among them redirects, which are never followed."""

    default = "refused"


class Unfit(NotDone):
    """A message's file that is not taken."""

    default = "file_refused"


class TooLarge(Unfit):
    """More bytes than we keep."""

    default = "file_too_large"


class Unsafe(Unfit):
    """An address that strangers must not make us ask."""

    default = "file_unsafe_address"


class Unclear(SalesmsgError):
    """Nobody knows whether the vendor acted: look in the thread before repeating a write."""

    done = None
    again = "later"


class TimedOut(Unclear):
    """The request left, no answer came in time (also 408 and 504)."""

    default = "timed_out"


class VendorTrouble(Unclear):
    """5xx. `maybe_credential`: True for 500 {"message": null}, which a bad token can cause; probe `GET /user`."""

    default = "server_error"

    def __init__(self, code: str = "", *, maybe_credential: bool = False, **known: Any) -> None:
        super().__init__(code, **known)
        self.maybe_credential = maybe_credential


class ConnectionBroken(Unclear):
    """The connection was lost after the request may have left."""

    default = "connection_lost"


class Unreadable(Unclear):
    """A 2xx answer that makes no sense."""

    default = "unreadable"
