"""Why something failed, waits or was left out: a code with parameters in the row, words only where they are shown.

Workers store a `Reason`: a `Code`, its parameters (ids, counts, names of fields and lists), and apart from both what
Salesmsg itself said. Pages, the admin, commands and JSON turn it into words here, in the reader's language. The
vendor's own words are shown as a quotation; nothing reads them, but for the five-digit codes of carriers
(`Reason.from_vendor`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Field, TextChoices
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .crypto import Unsealable
from .durations import moment_in_zone
from .salesmsg.errors import SalesmsgError
from .salesmsg.phones import international, region_of


class Code(TextChoices):
    """Every stored reason: value, words. What stands in the words as %(name)s is a parameter of that name."""

    # Calls to Salesmsg: the codes of `salesmsg.errors`
    SALESMSG_ERROR = "salesmsg_error", _("Something went wrong at Salesmsg.")
    UNREACHABLE = "unreachable", _("Salesmsg could not be reached.")
    TLS_FAILED = "tls_failed", _("No secure connection to Salesmsg could be made.")
    BAD_ADDRESS = "bad_address", _("The address of Salesmsg is not valid.")
    RATE_LIMITED = "rate_limited", _("Salesmsg's request limit was reached.")
    CREDENTIAL_REFUSED = "credential_refused", _("Salesmsg does not accept the access token.")
    NO_AUTHORIZATION_CODE = "no_authorization_code", _("Salesmsg sent no authorization code.")
    TOKEN_MALFORMED = "token_malformed", _("The token is empty or contains characters that no token has.")
    NO_REFRESH_TOKEN = "no_refresh_token", _("There is no refresh token.")
    NOT_ALLOWED = "not_allowed", _("Salesmsg does not allow the connected user to do this.")
    NOT_FOUND = "not_found", _("Salesmsg does not have this record.")
    INVALID = "invalid", _("Salesmsg did not accept the data.")
    UNSENDABLE_CHARACTERS = "unsendable_characters", _("The text contains characters that cannot be sent.")
    REFUSED = "refused", _("Salesmsg refused the request.")
    REDIRECTED = "redirected", _("Salesmsg answered with a redirect, which the portal does not follow.")
    TOKEN_ADDRESS_INVALID = "token_address_invalid", _("The token address is not valid.")
    TOKEN_ADDRESS_INSECURE = "token_address_insecure", _("The token address must begin with https://.")
    TIMED_OUT = "timed_out", _("Salesmsg did not answer in time.")
    SERVER_ERROR = "server_error", _("Salesmsg returned a server error.")
    CONNECTION_LOST = "connection_lost", _("The connection to Salesmsg was lost.")
    UNREADABLE = "unreadable", _("Salesmsg's answer could not be read.")
    ANSWER_TOO_LARGE = "answer_too_large", _("Salesmsg's answer is too large.")
    ANSWER_IS_HTML = "answer_is_html", _("Salesmsg answered with a web page instead of data.")
    ANSWER_INCOMPLETE = "answer_incomplete", _("Salesmsg's answer is incomplete.")
    ANSWER_WITHOUT_TOKEN = "answer_without_token", _("Salesmsg's answer contains no token.")
    ANSWER_WITHOUT_ID = "answer_without_id", _("Salesmsg sent a record without an id.")
    ANSWER_FORM_UNKNOWN = "answer_form_unknown", _("Salesmsg's answer has an unknown form.")

    # Tokens and the budget
    NOT_CONNECTED = "not_connected", _("This account is not connected to Salesmsg.")
    TOKEN_REFUSED = "token_refused", _("Salesmsg no longer accepts the access token.")
    TOKEN_CHECK_FAILED = "token_check_failed", _("The token could not be checked: %(why)s")
    TOKEN_RENEWAL_FAILED = "token_renewal_failed", _("The token could not be renewed: %(why)s")
    TOKEN_RENEWAL_REFUSED = "token_renewal_refused", _("Salesmsg refused to renew the token.")
    UNDECRYPTABLE = (
        "undecryptable",
        _("A stored secret cannot be decrypted: FIELD_ENCRYPTION_KEYS lacks the key that encrypted it."),
    )
    NO_ENCRYPTION_KEY = (
        "no_encryption_key",
        _("FIELD_ENCRYPTION_KEYS contains no valid Fernet key. Create one with `manage.py generate_key`."),
    )
    NO_BUDGET = "no_budget", _("The request limit left no room for the call.")

    # Texts
    OPTED_OUT = "opted_out", _("This contact has opted out. They can opt in again by texting START.")
    OPT_OUT_PENDING = "opt_out_pending", _("This contact is being opted out, so no text may be sent to them.")
    BLOCKED = "blocked", _("This contact is blocked in Salesmsg.")
    DELETED = "deleted", _("This contact was deleted in Salesmsg.")
    WORKER_STOPPED = "worker_stopped", _("The worker stopped before Salesmsg answered.")
    ACCEPTED = "accepted", _("Salesmsg's message %(id)s, %(vendor_status)s.")
    NOT_AT_VENDOR = "not_at_vendor", _("Salesmsg does not have this text, so it was not sent.")
    AMBIGUOUS_COPY = (
        "ambiguous_copy",
        _(
            "Salesmsg has a text with these words from about that time, but the portal cannot tell whether it is "
            "this one. Look at the conversation and decide."
        ),
    )
    ANSWERED_FIRST = "answered_first", _("The contact replied first, so this text was not sent.")
    MISSED_ITS_TIME = (
        "missed_its_time",
        _(
            "This text was scheduled for %(at)s, but the portal could not send it then. It was not sent. Send it now "
            "or cancel it."
        ),
    )
    VENDOR_FAILED = "vendor_failed", _("Salesmsg could not send this text.")

    # What carriers say, by the codes that Salesmsg passes on (salesmsg-api.md, section 8)
    CARRIER_21211 = "carrier_21211", _("The recipient's number is invalid.")
    CARRIER_21266 = "carrier_21266", _("The recipient's number is the same as the sender's.")
    CARRIER_21408 = "carrier_21408", _("Texts to this region are not enabled.")
    CARRIER_21606 = "carrier_21606", _("The sender's number cannot send texts.")
    CARRIER_21610 = "carrier_21610", _("The recipient has unsubscribed.")
    CARRIER_21612 = "carrier_21612", _("This sender cannot text this recipient.")
    CARRIER_30003 = "carrier_30003", _("The recipient's phone cannot be reached.")
    CARRIER_30004 = "carrier_30004", _("The message was blocked.")
    CARRIER_30005 = "carrier_30005", _("The recipient's phone is unknown.")
    CARRIER_30006 = "carrier_30006", _("The recipient has a landline or an unreachable carrier.")
    CARRIER_30007 = "carrier_30007", _("The carrier filtered the message.")
    CARRIER_30008 = "carrier_30008", _("The message expired before it was delivered.")
    CARRIER_30009 = "carrier_30009", _("The carrier rejected the message.")

    # Bulk texts: why a recipient is left out; labels of a list, so no full stop
    SKIP_OPTED_OUT = "skip_opted_out", _("Opted out of texts")
    SKIP_BLOCKED = "skip_blocked", _("Blocked in Salesmsg")
    SKIP_DELETED = "skip_deleted", _("Deleted in Salesmsg")
    SKIP_NO_PHONE = "skip_no_phone", _("No phone number")
    SKIP_SAME_PHONE = "skip_same_phone", _("Same phone as another recipient")
    SKIP_TWIN_REFUSES = "skip_twin_refuses", _("A contact with this phone has opted out or is blocked")
    SKIP_EMPTY_TEXT = "skip_empty_text", _("Nothing would be left of the text")
    SKIP_TOO_LONG = "skip_too_long", _("Longer than %(most)s characters once its merge fields are filled in")
    SKIP_EMPTY_FIELD = "skip_empty_field", _("%(merge_field)s is empty, and the text names no replacement for it")

    # Phone numbers as people type them
    PHONE_MISSING = "phone_missing", _("Enter a phone number.")
    PHONE_EXTENSION = "phone_extension", _("Texts cannot reach an extension. Leave it out.")
    PHONE_INVALID = "phone_invalid", _("This is not a phone number.")
    PHONE_TOO_LONG = "phone_too_long", _("This phone number is too long.")
    PHONE_TOO_SHORT = "phone_too_short", _("This phone number is too short.")
    PHONE_WITHOUT_AREA = "phone_without_area", _("The area code is missing.")
    PHONE_IMPOSSIBLE = "phone_impossible", _("This phone number cannot exist.")
    PHONE_SHORT_CODE = "phone_short_code", _("Short codes cannot receive texts.")
    PHONE_INVALID_AREA = (
        "phone_invalid_area",
        _(
            "This is not a US or Canadian number: there, the area code and the three digits after it start with 2 to "
            "9 and do not end in 11."
        ),
    )
    PHONE_NOT_ASSIGNED = "phone_not_assigned", _("This phone number does not exist (%(country)s). Check the digits.")
    PHONE_PREMIUM = "phone_premium", _("Premium-rate numbers cannot receive texts.")
    PHONE_AMBIGUOUS = (
        "phone_ambiguous",
        _("This number exists in several countries: %(choices)s. Choose one, or write it with the country code."),
    )
    PHONE_SEVERAL = "phone_several", _("There are several phone numbers here: %(choices)s. Choose one.")
    PHONE_WITHOUT_PREFIX = (
        "phone_without_prefix",
        _("The first digit may be missing. If you mean %(choices)s, choose it. Otherwise, add the country code."),
    )

    # Changes to contacts and conversations
    CONVERSATION_NOT_AT_VENDOR = (
        "conversation_not_at_vendor",
        _("Salesmsg does not have this conversation yet. Send a text first, then try again."),
    )
    CONTACT_NOT_AT_VENDOR = (
        "contact_not_at_vendor",
        _("Salesmsg does not have this contact yet. Send a text first, then try again."),
    )
    CONTACT_GONE = "contact_gone", _("Salesmsg no longer has this contact.")
    FIELDS_IGNORED = "fields_ignored", _("Salesmsg accepted the edit but did not save: %(fields)s.")
    CUSTOM_FIELDS_IGNORED = (
        "custom_fields_ignored",
        _("Salesmsg accepted the edit but did not save: %(custom_fields)s."),
    )
    CUSTOM_FIELDS_SCOPE = (
        "custom_fields_scope",
        _("The connection lacks the scope custom-fields:write, which editing custom fields needs."),
    )
    NOT_SHOWN = (
        "not_shown",
        _("Salesmsg accepted this but does not show it. Look at the contact there before you try again."),
    )
    NOTE_UNCERTAIN = (
        "note_uncertain",
        _(
            "The connection was lost while the note was being saved, and Salesmsg does not show a contact's notes to "
            "the portal. Check there whether it arrived. If not, try again."
        ),
    )
    DECIDED_BY_LATER_EDIT = "decided_by_later_edit", _("A later edit decided this.")
    JOINED_LATER_CONFLICT = (
        "joined_later_conflict",
        _("A later edit of this contact also conflicts with a change in Salesmsg. Both wait together."),
    )
    DECIDED_OURS = "decided_ours", _("Decided: the portal's values were sent to Salesmsg again.")
    DECIDED_THEIRS = "decided_theirs", _("Decided: Salesmsg's values stay.")

    # Attachments
    FILE_REFUSED = "file_refused", _("The file is not accepted.")
    FILE_TOO_LARGE = "file_too_large", _("The file is larger than %(bytes)s. Salesmsg still has it.")
    FILE_UNSAFE_ADDRESS = "file_unsafe_address", _("The file's address is not safe to open.")
    FILE_GONE = "file_gone", _("The file is no longer where Salesmsg said it is.")
    FILE_SERVER_REFUSED = "file_server_refused", _("The file's server refused to deliver it.")
    FILE_SERVER_FAILED = "file_server_failed", _("The file's server did not answer as expected.")
    FILE_INTERRUPTED = "file_interrupted", _("Fetching the file was interrupted again and again.")
    FILE_NOT_WRITTEN = "file_not_written", _("The file could not be written to the portal's disk.")
    FILE_KIND_NOT_KEPT = (
        "file_kind_not_kept",
        _("The portal keeps pictures, sound, video, PDF files and contact cards; this is none of them."),
    )

    # Syncs
    LIST_ENDLESS = "list_endless", _("The list “%(list)s” does not end.")
    LIST_REPEATS_PAGE = "list_repeats_page", _("Salesmsg sent the same page of “%(list)s” twice.")
    LIST_CIRCLES = "list_circles", _("The list “%(list)s” keeps repeating the same rows.")
    LIST_SHRANK = (
        "list_shrank",
        _("The list “%(list)s” kept shrinking while it was read, even after %(restarts)s restarts."),
    )
    LIST_INCOMPLETE = (
        "list_incomplete",
        _("The list “%(list)s” showed %(seen)s of %(total)s rows, even after %(restarts)s restarts."),
    )
    LIST_SKIPPED = "list_skipped", _("“%(list)s” could not be read: %(why)s")
    THREAD_REPEATS_PAGE = "thread_repeats_page", _("Salesmsg sent the same page of messages twice.")
    THREAD_ENDLESS = "thread_endless", _("The thread does not end.")
    COUNT_DIFFERS = (
        "count_differs",
        _("Salesmsg counts %(total)s contacts but lists %(seen)s, twice in a row."),
    )
    CONVERSATION_WITHOUT_CONTACT = (
        "conversation_without_contact",
        _("Conversation %(id)s names no contact, so it was skipped."),
    )
    CONVERSATION_GONE = "conversation_gone", _("Conversation %(id)s no longer exists in Salesmsg.")
    CONVERSATION_NOT_ALLOWED = (
        "conversation_not_allowed",
        _("The connected user may not read conversation %(id)s."),
    )
    MANY_CONTACTS_MISSING = (
        "many_contacts_missing",
        _("%(count)s contacts were no longer listed: too many to treat as deleted, so all were kept."),
    )
    MANY_CONVERSATIONS_MISSING = (
        "many_conversations_missing",
        _("%(count)s conversations were no longer listed: too many to treat as gone, so all were kept."),
    )
    MORE_NOTES = "more_notes", _("There are more notes like these.")
    STEP_INTERRUPTED = "step_interrupted", _("The step was interrupted.")
    STEP_NEVER_ENDED = "step_never_ended", _("The same step was started again and again and never finished.")

    # Webhook events
    EVENT_NEVER_ENDED = "event_never_ended", _("Processing was started again and again and never finished.")
    EVENT_NAMES_NOTHING = "event_names_nothing", _("The event names no contact and no conversation.")
    EVENT_KIND_UNKNOWN = "event_kind_unknown", _("The kind of event is unknown. What it names was read.")


def code_choices() -> list[tuple[str, str | Promise]]:
    """For model fields; a callable, so that a new code or better words need no migration."""
    return list(Code.choices)


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
        words = str(Code(self.code).label)
        if "%(" in words:
            words %= _Filled(self.params)
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
        return str(_KEPT.get(self.code, ""))

    def todo(self, account_id: int, list_name: str = "") -> str:
        """What a person does about it. `list_name`: the list of a sync that it happened to; code in `backticks`."""
        scopes = {"scopes": _SCOPES.get(list_name or str(self.params.get("list", "")))}
        scope = gettext("the scope `%(scopes)s`") % scopes if scopes["scopes"] else gettext("the scope of this list")
        advice = _ADVICE.get(self.code, _ADVICE_ELSE)
        return str(advice) % {"scope": scope, "account": account_id}


NO_REASON = Reason()
_SETTLED = {Code.AMBIGUOUS_COPY, Code.MISSED_ITS_TIME}  # their words say already how it goes on
_FOLLOWS = {
    "queued": _("The portal will try again."),
    "pending": _("The portal will try again."),
    "unknown": _("It may have been sent. The portal is checking with Salesmsg."),
}

# --- Phone numbers in words ------------------------------------------------------------------------------------------

# Only countries that accounts are likely to text: the lists of names in libraries need a hundred megabytes.
_COUNTRIES = {
    "AT": _("Austria"), "AU": _("Australia"), "BE": _("Belgium"), "BR": _("Brazil"), "CA": _("Canada"),
    "CH": _("Switzerland"), "CN": _("China"), "CZ": _("Czechia"), "DE": _("Germany"), "DK": _("Denmark"),
    "ES": _("Spain"), "FI": _("Finland"), "FR": _("France"), "GB": _("United Kingdom"), "IE": _("Ireland"),
    "IL": _("Israel"), "IN": _("India"), "IT": _("Italy"), "JP": _("Japan"), "LU": _("Luxembourg"),
    "MX": _("Mexico"), "NL": _("Netherlands"), "NO": _("Norway"), "NZ": _("New Zealand"), "PL": _("Poland"),
    "PR": _("Puerto Rico"), "PT": _("Portugal"), "SE": _("Sweden"), "US": _("United States"),
    "ZA": _("South Africa"),
}  # fmt: skip


def country_name(code: str) -> str:
    """The country in the reader's language; its code if the portal has no name for it."""
    return str(_COUNTRIES.get(code, code)) or gettext("country unknown")


def described_phone(e164: str) -> str:
    """A phone number with its country: "+1 305 555 0142, United States"."""
    country = region_of(e164)
    return f"{international(e164)}, {country_name(country)}" if country else international(e164)


# --- Parameters in words ---------------------------------------------------------------------------------------------


def _contact_field(name: str) -> str:
    field = apps.get_model("integrations", "Contact")._meta.get_field(name)
    return str(field.verbose_name) if isinstance(field, Field) else name


def _list_label(name: str) -> str:
    labels = dict(apps.get_model("integrations", "ListSync").Name.choices)
    return str(labels.get(name, name))


def _moment(params: Mapping[str, Any]) -> str:
    return moment_in_zone(datetime.fromisoformat(params["at"]), params.get("zone", ""))


def _number(value: Any) -> str:
    return number_format(value, force_grouping=True)


_NUMBERS = ("count", "most", "seen", "total", "restarts")
_SHOWN: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(_NUMBERS, _number),
    "country": country_name,
    "choices": lambda numbers: "; ".join(map(described_phone, numbers)),
    "bytes": lambda size: filesizeformat(size).replace(".0", ""),
    "fields": lambda names: ", ".join(map(_contact_field, names)),
    "custom_fields": lambda keys: ", ".join(key.replace("_", " ") for key in keys),
    "list": _list_label,
    "merge_field": lambda name: capfirst(_contact_field(name)),
    "why": lambda code: str(Code(code).label) if code in Code.values else "",
    "vendor_status": lambda status: status or gettext("no status"),
}


class _Filled(dict[str, Any]):
    """The parameters as they stand in words; one that the row lacks shows as "?", never as an error."""

    def __missing__(self, name: str) -> str:
        return "?"

    def __init__(self, params: Mapping[str, Any]):
        super().__init__({name: self._shown(name, value, params) for name, value in params.items()})

    @staticmethod
    def _shown(name: str, value: Any, params: Mapping[str, Any]) -> str:
        if name == "at":
            return _moment(params)
        return _SHOWN.get(name, str)(value)


# --- What to do ------------------------------------------------------------------------------------------------------

# The scope of Salesmsg that a list needs (salesmsg-api.md, sections 2.4 and 5).
_SCOPES = {
    "organization": "organizations:read",
    "members": "organizations:read",
    "inboxes": "teams:read",
    "numbers": "numbers:read",
    "tags": "tags:read",
    "contacts": "contacts:read",
    "deleted": "contacts:read",
    "open": "conversations:read",
    "closed": "conversations:read",
    "outbound": "conversations:read",
    "messages": "messages:read",
}

_ALL_KEPT = _("Everything already read is kept.")
_KEPT: dict[str, str | Promise] = dict.fromkeys(
    (
        Code.NOT_ALLOWED,
        Code.UNDECRYPTABLE,
        Code.NOT_CONNECTED,
        Code.TOKEN_REFUSED,
        Code.TOKEN_RENEWAL_REFUSED,
        Code.CREDENTIAL_REFUSED,
        Code.STEP_NEVER_ENDED,
        Code.STEP_INTERRUPTED,
    ),
    _ALL_KEPT,
)


def _advice(words: str | Promise, *codes: str) -> dict[str, str | Promise]:
    return dict.fromkeys(codes, words)


_ADVICE: dict[str, str | Promise] = {
    **_advice(
        _(
            "The access token lacks %(scope)s. Add it to the token in Salesmsg and to `SALESMSG_SCOPES`, then connect "
            "the account again."
        ),
        Code.NOT_ALLOWED,
        Code.CONVERSATION_NOT_ALLOWED,
    ),
    **_advice(
        _("Put the old key back into `FIELD_ENCRYPTION_KEYS` and restart the portal, or connect the account again."),
        Code.UNDECRYPTABLE,
    ),
    **_advice(
        _("Connect the account again on its page."),
        Code.NOT_CONNECTED,
        Code.TOKEN_REFUSED,
        Code.TOKEN_RENEWAL_REFUSED,
        Code.CREDENTIAL_REFUSED,
        Code.NO_REFRESH_TOKEN,
        Code.TOKEN_MALFORMED,
    ),
    **_advice(
        _(
            "You don't need to do anything: the limit resets by itself and reading continues. If this happens often, "
            "another program uses the same access."
        ),
        Code.RATE_LIMITED,
        Code.NO_BUDGET,
    ),
    **_advice(
        _(
            "The portal does not know this form of answer. Run `manage.py probe --account %(account)s` and share what "
            "it prints. Until then, a full sync may help."
        ),
        Code.UNREADABLE,
        Code.ANSWER_TOO_LARGE,
        Code.ANSWER_IS_HTML,
        Code.ANSWER_INCOMPLETE,
        Code.ANSWER_WITHOUT_ID,
        Code.ANSWER_WITHOUT_TOKEN,
        Code.ANSWER_FORM_UNKNOWN,
    ),
    **_advice(
        _(
            "The list changed while it was read. Start a full sync at a quiet time. If the problem stays, run "
            "`manage.py probe --account %(account)s`."
        ),
        Code.LIST_ENDLESS,
        Code.LIST_REPEATS_PAGE,
        Code.LIST_CIRCLES,
        Code.LIST_SHRANK,
        Code.LIST_INCOMPLETE,
        Code.THREAD_REPEATS_PAGE,
        Code.THREAD_ENDLESS,
    ),
    **_advice(
        _("Check `SALESMSG_BASE_URL` in the environment, then restart the portal."),
        Code.BAD_ADDRESS,
        Code.REDIRECTED,
    ),
    **_advice(
        _("Check `SALESMSG_TOKEN_URL` and `SALESMSG_REFRESH_URL` in the environment, then restart the portal."),
        Code.TOKEN_ADDRESS_INVALID,
        Code.TOKEN_ADDRESS_INSECURE,
    ),
    **_advice(
        _(
            "Check that this server can reach the internet, and check `SALESMSG_BASE_URL`. The portal tries again by "
            "itself."
        ),
        Code.TLS_FAILED,
        Code.UNREACHABLE,
        Code.TOKEN_CHECK_FAILED,
        Code.TOKEN_RENEWAL_FAILED,
    ),
    **_advice(
        _(
            "You don't need to do anything: the portal tries again by itself. If the problem lasts for an hour, check "
            "Salesmsg's status page."
        ),
        Code.TIMED_OUT,
        Code.SERVER_ERROR,
        Code.CONNECTION_LOST,
    ),
    **_advice(
        _("Salesmsg no longer has this record, or the address is wrong: check `SALESMSG_API_VERSION`."),
        Code.NOT_FOUND,
    ),
    **_advice(
        _("The fault is in the portal: check the worker's log, then start a full sync."),
        Code.STEP_INTERRUPTED,
        Code.STEP_NEVER_ENDED,
    ),
}
_ADVICE_ELSE = _(
    "Check for changes once more. If the problem comes back, check the worker's log or run `manage.py probe --account "
    "%(account)s`."
)
