"""Merge fields, such as “Hello {first_name|there}”.

`fill_fields` is for a text to one contact: a field that stays a placeholder blocks sending. `Template` is for bulk
texts: recipients without a value are excluded.
"""

import re
from collections.abc import Callable

from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..failures import NO_REASON, Code, Reason
from ..models import Contact
from ..models.contact import FIELD_LABELS
from ..salesmsg.phones import national


class BulkProblem(Exception):
    """The bulk text was rejected and nothing was changed. `reason`: explanation for staff, and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class EmptyField(Exception):
    """The contact has no value for a field that has no fallback."""

    def __init__(self, field: str):
        super().__init__(field)
        self.field = field


def _full_name(contact: Contact) -> str:
    own = " ".join(part for part in (contact.first_name.strip(), contact.last_name.strip()) if part)
    return own or contact.full_name


FIELDS: dict[str, Callable[[Contact], str]] = {
    "first_name": lambda contact: contact.first_name,
    "last_name": lambda contact: contact.last_name,
    "full_name": _full_name,
    "phone": lambda contact: national(contact.phone),
    "email": lambda contact: contact.email,
}
_FIELD = re.compile(r"\{([^{}]*)\}")


class Template:
    """A text with merge fields. Raises BulkProblem if a field is unknown or a brace is unmatched."""

    def __init__(self, text: str):
        self._parts: list[str | tuple[str, str | None]] = []
        end = 0
        for match in _FIELD.finditer(text):
            self._parts += [_check_braces(text[end : match.start()]), _parse_field(match.group(1))]
            end = match.end()
        self._parts.append(_check_braces(text[end:]))

    def fill(self, contact: Contact) -> str:
        """The text for this contact. Raises EmptyField."""
        parts = []
        for part in self._parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            name, fallback = part
            value = _value(name, contact)
            if not value and fallback is None:
                raise EmptyField(name)
            parts.append(value or fallback or "")
        return "".join(parts).strip()


def _check_braces(text: str) -> str:
    for brace in "{}":
        if (place := text.find(brace)) >= 0:
            near = text[max(0, place - 12) : place + 13].strip()
            raise BulkProblem(
                _(
                    "Unmatched “%(brace)s” near “%(near)s”. Braces are reserved for merge fields such as "
                    "{first_name}. Close the field or remove the brace."
                )
                % {"brace": brace, "near": near}
            )
    return text


def _parse_field(inside: str) -> tuple[str, str | None]:
    """Like `_split_field`. Raises BulkProblem if the name is unknown."""
    name, fallback = _split_field(inside)
    if name not in FIELDS:
        known = ", ".join(f"{{{field}}}" for field in FIELDS)
        raise BulkProblem(
            _("Unknown merge field “{%(name)s}”. Available fields: %(known)s.") % {"name": inside[:40], "known": known}
        )
    return name, fallback


def _split_field(inside: str) -> tuple[str, str | None]:
    """(name, fallback) of "name|fallback"; fallback None without a bar."""
    name, bar, fallback = inside.partition("|")
    return name.strip().lower(), fallback.strip() if bar else None


def _value(name: str, contact: Contact) -> str:
    return " ".join(FIELDS[name](contact).split())


# (code, label) of the insert buttons. First names are often missing, so that code has a fallback.
INSERTS = [
    (format_lazy("{{first_name|{word}}}", word=gettext_lazy("there")) if name == "first_name" else f"{{{name}}}", label)
    for name, label in FIELD_LABELS.items()
]


def fill_fields(text: str, contact: Contact) -> str:
    """The text for this contact. An empty field without a fallback stays as {field}, other braces stay as they are."""

    def replacement(match: re.Match[str]) -> str:
        name, fallback = _split_field(match.group(1))
        return (_value(name, contact) or fallback or f"{{{name}}}") if name in FIELDS else match.group()

    return _FIELD.sub(replacement, text)


def find_fields(text: str) -> list[str]:
    """The fields used in the text, in order and without duplicates."""
    names = (_split_field(match.group(1))[0] for match in _FIELD.finditer(text))
    return [name for name in dict.fromkeys(names) if name in FIELDS]


def empty_fields(contact: Contact) -> list[str]:
    """The fields for which this contact has no value."""
    return [name for name, value in FIELDS.items() if not value(contact).strip()]


def placeholder_reason(text: str, contact: Contact) -> Reason:
    """Why placeholders block this text; empty if it contains none."""
    names = find_fields(text)
    if not names:
        return NO_REASON
    params = {"merge_field": names[0], "placeholder": f"{{{names[0]}}}"}
    return Reason(Code.PLACEHOLDER_EMPTY if names[0] in empty_fields(contact) else Code.PLACEHOLDER_LEFT, params)
