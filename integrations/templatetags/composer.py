"""Template filters of the composer: the cost of a text, and merge fields the contact has no value for."""

import json
import unicodedata
from dataclasses import dataclass

from django import template
from django.utils.translation import gettext as _

from ..contacts.custom_fields import custom_field_values
from ..models import Contact
from ..models.contact import FIELD_LABELS
from ..outbox import merge_fields
from ..outbox.placeholders import CUSTOM
from ..salesmsg import text as salesmsg_text

register = template.Library()
NAMED = 3  # characters listed as the cause of Unicode
MUCH = 3  # segments; more show a notice
_UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"}


@dataclass(frozen=True)
class Cost:
    """`text` explains the cost, or is empty. `much` highlights it."""

    text: str
    much: bool


@register.filter
def cost(text: str | None) -> Cost:
    """Explain the number of segments of a text. static/inbox/cost.js does the same in the browser."""
    text = (text or "").replace("\r\n", "\n").replace("\r", "\n").strip()
    size = salesmsg_text.segments(text)
    sentences = []
    if size.segments > MUCH:
        sentences.append(_("This text uses %(segments)s segments.") % {"segments": size.segments})
    if size.encoding == "UCS-2":
        causes = salesmsg_text.causes(text)
        named = " ".join(map(_displayed, causes[:NAMED]))
        plain = 160 if size.segments == 1 else 153
        values = {"number": size.per_segment, "plain": plain, "characters": named}
        message = _("Unicode: %(number)s characters per segment instead of %(plain)s, because of %(characters)s")
        if len(causes) > NAMED:
            message = _(
                "Unicode: %(number)s characters per segment instead of %(plain)s, because of %(characters)s and others"
            )
        sentences.append(message % values)
    return Cost(" ".join(sentences), size.segments > MUCH)


def _displayed(char: str) -> str:
    """Return the character, or its code point when it is invisible. Unquoted, because it may be a quote."""
    return f"U+{ord(char):04X}" if unicodedata.category(char) in _UNSEEN else char


@register.filter
def field_labels(contact: Contact | None) -> str:
    """The labels of the merge fields as JSON: {field: label}. Custom fields: those the contact has."""
    custom = [f"{CUSTOM}{key}" for key in custom_field_values(contact)] if contact else []
    return json.dumps({name: merge_fields.field_label(name) for name in [*FIELD_LABELS, *custom]}, ensure_ascii=False)


@register.filter
def field_values(contact: Contact | None) -> str:
    """The contact's values of the merge fields as JSON: {field: value}, without empty ones."""
    return json.dumps(merge_fields.field_values(contact) if contact else {}, ensure_ascii=False)
