"""Words for changes, the same in every list."""

from django.utils.translation import gettext_lazy as _

from ..contacts.effective import humanize_key
from ..models import Change
from ..salesmsg.text import national

FIELDS = {
    "first_name": _("first name"),
    "last_name": _("last name"),
    "email": _("email"),
    "phone": _("phone"),
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


def values_in_words(values: dict, kind: str = Change.Kind.CONTACT) -> str:
    """ "first name Newname, email newemail@example.com"; an emptied field says so.

    kind: the change's. Custom fields are named by Salesmsg's users: one called "text" is not the note.
    """
    custom = kind == Change.Kind.FIELDS
    parts = []
    for name, value in values.items():
        label = humanize_key(name) if custom else FIELDS.get(name, name.replace("_", " "))
        shown = national(value) if name == "phone" and value and not custom else value
        parts.append(f"{label} {shown if shown not in ('', None) else _('(empty)')}")
    return ", ".join(parts) or "–"


def before_in_words(change: Change) -> str:
    """What it was before. A note has no before: its base is bookkeeping."""
    return "–" if change.kind == Change.Kind.NOTE else values_in_words(change.base, change.kind)
