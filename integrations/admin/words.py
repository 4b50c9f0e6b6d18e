"""Labels of changes, shared by the admin's lists."""

from django.utils.translation import gettext_lazy as _

from ..contacts.custom_fields import humanize_key
from ..contacts.three_way import EDITABLE
from ..models import Change, Contact
from ..salesmsg.phones import national

FIELDS = {
    **{name: Contact._meta.get_field(name).verbose_name for name in EDITABLE},
    "label": _("tag"),
    "text": _("note"),
}
State = Change.State
STATE_WORDS = {
    State.PENDING: _("Saving"),
    State.PUSHING: _("Saving"),
    State.DONE: _("Saved in Salesmsg"),
    State.CONFLICT: _("Conflict"),
    State.REFUSED: _("Refused"),
    State.SUPERSEDED: _("Replaced"),
}
STATE_TONES = {
    State.PENDING: "wait",
    State.PUSHING: "wait",
    State.DONE: "ok",
    State.CONFLICT: "wait",
    State.REFUSED: "bad",
}


def values_in_words(values: dict, kind: str = Change.Kind.CONTACT) -> str:
    """Format values as "first name Newname, email newemail@example.com". Empty values show "(empty)".

    kind: the change's kind. Salesmsg's users name custom fields, so one called "text" is not the note.
    """
    custom = kind == Change.Kind.FIELDS
    parts = []
    for name, value in values.items():
        label = humanize_key(name) if custom else FIELDS.get(name, name.replace("_", " "))
        shown = national(value) if name == "phone" and value and not custom else value
        parts.append(f"{label} {shown if shown not in ('', None) else _('(empty)')}")
    return ", ".join(parts) or "–"


def before_in_words(change: Change) -> str:
    """Format the previous values. A note has none, because its base only tracks existing notes."""
    return "–" if change.kind == Change.Kind.NOTE else values_in_words(change.base, change.kind)
