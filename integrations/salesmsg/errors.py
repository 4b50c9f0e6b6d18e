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

from typing import ClassVar

from .redact import redact


class SalesmsgError(Exception):
    """Base of all. `text` is one safe line for people (redacted here, whoever made it);
    `status` the HTTP status or None; `endpoint` like "GET /contacts/{contact}", without ids."""

    done: ClassVar[bool | None] = None
    again: ClassVar[str] = "never"
    default: ClassVar[str] = "Something went wrong with Salesmsg."

    def __init__(self, text: str = "", *, status: int | None = None, endpoint: str = "") -> None:
        self.text = redact(text) or self.default
        self.status = status
        self.endpoint = endpoint
        super().__init__(self.text)


class NotDone(SalesmsgError):
    """The vendor surely did not act."""

    done = False


class Unreachable(NotDone):
    """No connection could be made, so nothing left this machine."""

    again = "later"
    default = "Salesmsg could not be reached."


class RateLimited(NotDone):
    """429. `retry_after` in seconds if the vendor said so, else None."""

    again = "after_block"
    default = "Salesmsg's limit of requests is reached."

    def __init__(
        self, text: str = "", *, status: int | None = 429, endpoint: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(text, status=status, endpoint=endpoint)
        self.retry_after = retry_after


class CredentialRefused(NotDone):
    """The token or grant is not accepted (section 2.5). `description`: the vendor's own words, redacted, or ""."""

    again = "after_renewal"
    default = "Salesmsg does not accept the credential."

    def __init__(self, text: str = "", *, status: int | None = None, endpoint: str = "", description: str = "") -> None:
        super().__init__(text, status=status, endpoint=endpoint)
        self.description = redact(description)


class NotAllowed(NotDone):
    """The token is good but may not do this: a missing scope, or a record of others."""

    default = "Salesmsg does not allow this to the connected user."


class NotFound(NotDone):
    """The record or the path does not exist."""

    default = "Salesmsg does not know this record."


class Invalid(NotDone):
    """The vendor did not like what was sent. `fields`: wire name -> its words, redacted.
    `contact_id`: the contact that has the number already, or None."""

    default = "Salesmsg did not accept what was sent."

    def __init__(
        self,
        text: str = "",
        *,
        status: int | None = None,
        endpoint: str = "",
        fields: dict[str, list[str]] | None = None,
        contact_id: int | None = None,
    ) -> None:
        super().__init__(text, status=status, endpoint=endpoint)
        self.fields = {redact(name): [redact(word) for word in words] for name, words in (fields or {}).items()}
        self.contact_id = contact_id


class Refused(NotDone):
    """Any other refusal, among them redirects, which are never followed."""

    default = "Salesmsg refused the request."


class Unfit(NotDone):
    """A message's file that is not taken."""

    default = "This file is not taken."


class TooLarge(Unfit):
    """More bytes than we keep."""

    default = "This file is too large to be kept."


class Unsafe(Unfit):
    """An address that strangers must not make us ask."""

    default = "This file lies at an address that is not safe to ask."


class Unclear(SalesmsgError):
    """Nobody knows whether the vendor acted: look in the thread before repeating a write."""

    done = None
    again = "later"


class TimedOut(Unclear):
    """The request left, no answer came in time (also 408 and 504)."""

    default = "Salesmsg did not answer in time."


class VendorTrouble(Unclear):
    """5xx. `maybe_credential`: True for 500 {"message": null}, which a bad token can cause; probe `GET /user`."""

    default = "Salesmsg has trouble of its own."

    def __init__(
        self, text: str = "", *, status: int | None = None, endpoint: str = "", maybe_credential: bool = False
    ) -> None:
        super().__init__(text, status=status, endpoint=endpoint)
        self.maybe_credential = maybe_credential


class ConnectionBroken(Unclear):
    """The connection was lost after the request may have left."""

    default = "The connection to Salesmsg was lost."


class Unreadable(Unclear):
    """A 2xx answer that makes no sense."""

    default = "Salesmsg's answer could not be read."
