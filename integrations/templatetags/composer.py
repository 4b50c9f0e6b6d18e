"""What the composer says of a text: what it costs and why, and which merge fields the contact has nothing for."""

import json
import unicodedata
from dataclasses import dataclass

from django import template
from django.utils.translation import gettext as _

from ..models import Contact
from ..models.contact import FIELD_LABELS
from ..outbox import merge_fields
from ..salesmsg import text as salesmsg_text

register = template.Library()
NAMED = 3  # characters
MUCH = 3  # segments; more is worth a word
_UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"}


@dataclass(frozen=True)
class Cost:
    """`words` is empty where there is nothing to explain; `much` asks to be seen."""

    words: str
    much: bool


@register.filter
def cost(text: str | None) -> Cost:
    """Why a text takes as many segments as it does. static/inbox/cost.js says the same."""
    text = (text or "").replace("\r\n", "\n").replace("\r", "\n").strip()
    size = salesmsg_text.segments(text)
    words = []
    if size.segments > MUCH:
        words.append(_("This text costs %(segments)s segments.") % {"segments": size.segments})
    if size.encoding == "UCS-2":
        found = salesmsg_text.causes(text)
        named = " ".join(map(_named, found[:NAMED]))
        plain = 160 if size.segments == 1 else 153
        values = {"number": size.per_segment, "plain": plain, "characters": named}
        said = _("Unicode: %(number)s characters a segment, not %(plain)s, because of: %(characters)s")
        if len(found) > NAMED:
            said = _(
                "Unicode: %(number)s characters a segment, not %(plain)s, because of these and others: %(characters)s"
            )
        words.append(said % values)
    return Cost(" ".join(words), size.segments > MUCH)


def _named(char: str) -> str:
    """The character itself, without quotes, as it may be one; what cannot be seen by its number."""
    return f"U+{ord(char):04X}" if unicodedata.category(char) in _UNSEEN else char


@register.filter
def field_labels(contact: Contact | None) -> str:
    """JSON: merge field -> what it is called."""
    return json.dumps({name: str(words) for name, words in FIELD_LABELS.items()}, ensure_ascii=False)


@register.filter
def empty_fields(contact: Contact | None) -> str:
    """The merge fields for which the contact has nothing, by blanks."""
    return " ".join(merge_fields.empty_fields(contact)) if contact else ""
