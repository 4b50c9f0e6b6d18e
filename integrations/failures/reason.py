"""A reason: a code, its parameters and the vendor's words, shown as text in the reader's language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..crypto import Unsealable
from ..salesmsg.errors import SalesmsgError
from . import advice
from .codes import Code
from .parameters import fill_in

NO_REASON_GIVEN = _("Salesmsg gave no reason.")
PHONE_EXAMPLE = _(
    "Write it like “+1 305 555 0142”: with the country code, or with the area code for a number in your country."
)
_WITH_EXAMPLE = {
    Code.PHONE_INVALID, Code.PHONE_TOO_LONG, Code.PHONE_TOO_SHORT, Code.PHONE_WITHOUT_AREA, Code.PHONE_IMPOSSIBLE,
    Code.PHONE_SHORT_CODE, Code.PHONE_INVALID_AREA, Code.PHONE_NOT_ASSIGNED,
}  # fmt: skip
_CARRIER_CODE = re.compile(r"(?<!\d)\d{5}(?!\d)")


@dataclass(frozen=True)
class Reason:
    """A code, its parameters, and the vendor's own words (redacted, "" when it said nothing). Falsy when empty.

    A reason without a code is a quotation alone: what a row held before reasons had codes."""

    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    quote: str = ""

    def __bool__(self) -> bool:
        return bool(self.code or self.quote)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def from_error(cls, error: Exception, **params: Any) -> "Reason":
        """The reason that an exception stands for: a call's error, a missing connection, an unreadable secret.

        params: what the caller knows besides. Raises TypeError for an exception that is no reason.
        """
        if isinstance(error, SalesmsgError):
            where = {"status": error.status, "endpoint": error.endpoint, **error.params}
            return cls(error.code, {name: value for name, value in (where | params).items() if value}, error.quote)
        if isinstance(error, Unsealable):
            return cls(error.code, params)
        if isinstance(reason := getattr(error, "reason", None), cls):
            return cls(reason.code, {**reason.params, **params}, reason.quote)
        raise TypeError(f"{type(error).__name__} is no reason.")

    @classmethod
    def from_vendor(cls, words: str, otherwise: str = Code.VENDOR_FAILED) -> "Reason":
        """Why Salesmsg says that a text failed: the carrier's code that it names, if we know it, else `otherwise`."""
        for number in _CARRIER_CODE.findall(words):
            if (code := f"carrier_{number}") in Code.values:
                return cls(code, {}, words)
        return cls(otherwise, {}, words)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Reason":
        """What `as_json` made."""
        return cls(stored.get("code", ""), stored.get("params") or {}, stored.get("quote", ""))

    def as_json(self) -> dict[str, Any]:
        """For lists of reasons in a JSON column, and for commands."""
        return {"code": str(self.code), "params": dict(self.params), "quote": self.quote}

    def with_carrier_code(self) -> "Reason":
        """The same, under the carrier's code where the vendor's words name one that we know."""
        found = self.from_vendor(self.quote, self.code)
        return self if found.code == self.code else found

    def columns(self) -> dict[str, Any]:
        """The three columns of `models.reason.ReasonFields`."""
        return {"reason_code": str(self.code), "reason_params": dict(self.params), "vendor_reason": self.quote}

    @property
    def known(self) -> bool:
        return self.code in Code.values

    @property
    def what(self) -> str:
        """What happened, in the reader's language; "" without a code that we know."""
        if not self.known:
            return ""
        words = fill_in(str(Code(self.code).label), self.params)
        if self.code in _WITH_EXAMPLE:
            words = f"{words} {PHONE_EXAMPLE}"
        if self.params.get("after_start"):
            words = gettext("%(why)s (after the start)") % {"why": words}
        return words

    @property
    def where(self) -> str:
        """Which call it was: "404, GET /contacts/{contact}", or the carrier's code: "21610"; "" for neither."""
        if self.code.startswith("carrier_"):
            return self.code.removeprefix("carrier_")
        return ", ".join(str(self.params[name]) for name in ("status", "endpoint") if self.params.get(name))

    @property
    def text(self) -> str:
        """Everything, in one line: what happened, at which call, and the vendor's words as a quotation."""
        words = self.what
        if words and self.where:
            words = f"{words.rstrip('.')} ({self.where})."
        if words and self.quote and self.quote != self.where:
            return gettext("%(what)s Salesmsg says: “%(quote)s”") % {"what": words, "quote": self.quote}
        return words or (gettext("“%(quote)s”") % {"quote": self.quote} if self.quote else "")

    def explained(self, state: str) -> str:
        """The text, and what follows from the row's state: the portal tries again, asks Salesmsg, or gave up."""
        words = self.text
        if not words or self.code in _SETTLED:
            return words
        follows = gettext("Nothing was sent.") if self.params.get("gave_up") else _FOLLOWS.get(state, "")
        return f"{words} {follows}".strip()

    @property
    def or_none_given(self) -> str:
        """The text, or that Salesmsg gave no reason."""
        return self.text or str(NO_REASON_GIVEN)

    @property
    def kept(self) -> str:
        """What the fault did not touch; "" where nothing was at stake."""
        return advice.what_was_kept(self.code)

    def todo(self, account_id: int, list_name: str = "") -> str:
        """What a person does about it. `list_name`: the list of a sync that it happened to; code in `backticks`."""
        return advice.what_to_do(self.code, account_id, list_name or str(self.params.get("list", "")))


NO_REASON = Reason()
_SETTLED = {Code.AMBIGUOUS_COPY, Code.MISSED_ITS_TIME}  # their words say already how it goes on
_FOLLOWS = {
    "queued": _("The portal will try again."),
    "pending": _("The portal will try again."),
    "unknown": _("It may have been sent. The portal is checking with Salesmsg."),
}
