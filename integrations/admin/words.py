"""Words for changes, the same in every list."""

from django.utils.translation import gettext_lazy as _

from ..contacts.three_way import EDITABLE
from ..models import Change, Contact
from ..salesmsg.text import national

FIELDS = {
    **{name: Contact._meta.get_field(name).verbose_name for name in EDITABLE},
    "label": _("tag"),
    "text": _("note"),
}
State = Change.State
STATE_WORDS = {
    State.PENDING: _("On its way"),
    State.PUSHING: _("On its way"),
    State.DONE: _("Saved in Salesmsg"),
    State.CONFLICT: _("Needs your choice"),
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


def values_in_words(values: dict) -> str:
    """ "first name Newname, email newemail@example.com"; an emptied field says so."""
    parts = []
    for name, value in values.items():
        shown = national(value) if name == "phone" and value else value
        parts.append(f"{FIELDS.get(name, name.replace('_', ' '))} {shown if shown not in ('', None) else _('(empty)')}")
    return ", ".join(parts) or "–"


def before_in_words(change: Change) -> str:
    """What it was before. A note has no before: its base is bookkeeping."""
    return "–" if change.kind == Change.Kind.NOTE else values_in_words(change.base)
