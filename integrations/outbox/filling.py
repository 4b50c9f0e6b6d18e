"""Merge fields of a text that a person sends to one contact: filled in where the contact has something for them.

What stays a placeholder keeps the text from being sent, until somebody has written something in its place.
"""

import re

from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Contact
from .merge import FIELDS

LABELS = {
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "full_name": gettext_lazy("Full name"),
    "phone": gettext_lazy("Phone"),
    "email": gettext_lazy("Email"),
}
# What a button puts into a saved reply; a first name is often missing, so it comes with a word in its place.
INSERTS = [
    (format_lazy("{{first_name|{word}}}", word=gettext_lazy("there")) if name == "first_name" else f"{{{name}}}", words)
    for name, words in LABELS.items()
]
_FIELD = re.compile(r"\{\s*(" + "|".join(FIELDS) + r")\s*(?:\|([^{}]*))?\}", re.IGNORECASE)


def fill(text: str, contact: Contact) -> str:
    """The text for this contact. A field that is empty for them, with no word in its place, stays as {field}."""

    def said(found: re.Match) -> str:
        name, fallback = found.group(1).lower(), (found.group(2) or "").strip()
        return " ".join(FIELDS[name](contact).split()) or fallback or f"{{{name}}}"

    return _FIELD.sub(said, text)


def left_in(text: str) -> list[str]:
    """The fields that stand in the text as placeholders, in order, each once."""
    return list(dict.fromkeys(found.group(1).lower() for found in _FIELD.finditer(text)))


def empty_for(contact: Contact) -> list[str]:
    """The fields for which this contact has nothing."""
    return [name for name, value in FIELDS.items() if not value(contact).strip()]


def problem(text: str, contact: Contact) -> str:
    """Why the text cannot be sent to this contact as it stands, in words for staff; empty when it can."""
    names = left_in(text)
    if not names:
        return ""
    words = {"field": LABELS[names[0]], "code": f"{{{names[0]}}}"}
    if names[0] in empty_for(contact):
        return _("%(field)s is empty for this contact: write it in place of %(code)s.") % words
    return _("%(code)s would be sent as it stands: write something in its place.") % words
