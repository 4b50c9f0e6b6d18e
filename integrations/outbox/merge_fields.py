"""Merge fields: what “Hello {first_name|there}” says to one contact.

`fill` is for a text that a person sends to one contact: what stays a placeholder keeps the text from being sent.
`Template` is for bulk texts, whose recipients without a value are left out.
"""

import re
from collections.abc import Callable

from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Contact
from ..models.contact import FIELD_LABELS
from ..salesmsg.text import national


class BulkProblem(Exception):
    """Nothing was changed or sent; `reason` tells staff why and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class EmptyField(Exception):
    """The contact has nothing for a field, and the text says nothing to put in its place."""

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
    """A text with merge fields. Raises BulkProblem when a field is unknown or a brace stands alone."""

    def __init__(self, text: str):
        self._parts: list[str | tuple[str, str | None]] = []
        end = 0
        for found in _FIELD.finditer(text):
            self._parts += [_plain(text[end : found.start()]), _field(found.group(1))]
            end = found.end()
        self._parts.append(_plain(text[end:]))

    def fill(self, contact: Contact) -> str:
        """The text for this contact. Raises EmptyField."""
        said = []
        for part in self._parts:
            if isinstance(part, str):
                said.append(part)
                continue
            name, fallback = part
            value = " ".join(FIELDS[name](contact).split())
            if not value and fallback is None:
                raise EmptyField(name)
            said.append(value or fallback or "")
        return "".join(said).strip()


def _plain(text: str) -> str:
    for brace in "{}":
        if (place := text.find(brace)) >= 0:
            near = text[max(0, place - 12) : place + 13].strip()
            raise BulkProblem(
                _(
                    "There is a single “%(brace)s” near “%(near)s”. Braces are for merge fields only, such "
                    "as {first_name}: close the field, or take the brace out."
                )
                % {"brace": brace, "near": near}
            )
    return text


def _field(inside: str) -> tuple[str, str | None]:
    name, bar, fallback = inside.partition("|")
    name = name.strip().lower()
    if name not in FIELDS:
        known = ", ".join(f"{{{field}}}" for field in FIELDS)
        raise BulkProblem(
            _("There is no merge field “{%(name)s}”. These can be used: %(known)s.")
            % {"name": inside[:40], "known": known}
        )
    return name, fallback.strip() if bar else None


# What a button puts into a saved reply; a first name is often missing, so it comes with a word in its place.
INSERTS = [
    (format_lazy("{{first_name|{word}}}", word=gettext_lazy("there")) if name == "first_name" else f"{{{name}}}", words)
    for name, words in FIELD_LABELS.items()
]
_PLACEHOLDER = re.compile(r"\{\s*(" + "|".join(FIELDS) + r")\s*(?:\|([^{}]*))?\}", re.IGNORECASE)


def fill_fields(text: str, contact: Contact) -> str:
    """The text for this contact. A field that is empty for them, with no word in its place, stays as {field}."""

    def said(found: re.Match[str]) -> str:
        name, fallback = found.group(1).lower(), (found.group(2) or "").strip()
        return " ".join(FIELDS[name](contact).split()) or fallback or f"{{{name}}}"

    return _PLACEHOLDER.sub(said, text)


def find_fields(text: str) -> list[str]:
    """The fields that stand in the text as placeholders, in order, each once."""
    return list(dict.fromkeys(found.group(1).lower() for found in _PLACEHOLDER.finditer(text)))


def empty_fields(contact: Contact) -> list[str]:
    """The fields for which this contact has nothing."""
    return [name for name, value in FIELDS.items() if not value(contact).strip()]


def fields_problem(text: str, contact: Contact) -> str:
    """Why the text cannot be sent to this contact as it stands, in words for staff; empty when it can."""
    names = find_fields(text)
    if not names:
        return ""
    words = {"field": FIELD_LABELS[names[0]], "code": f"{{{names[0]}}}"}
    if names[0] in empty_fields(contact):
        return _("%(field)s is empty for this contact: write it in place of %(code)s.") % words
    return _("%(code)s would be sent as it stands: write something in its place.") % words
