"""Edits that met another change at Salesmsg: nothing was overwritten, and a person chooses field by field.

`tell` finds them when it reads a contact before it tells an edit; here they are listed, shown and decided.
"""

import json
from dataclasses import dataclass
from hashlib import blake2s

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..access import record_audit
from ..failures import Code
from ..models import AuditEntry, Change, Contact
from ..models.contact import FIELD_LABELS
from . import three_way
from .profile_changes import create_change
from .push_changes import shown_changed

OURS, THEIRS = "ours", "theirs"
MOVED_ON = gettext_lazy(
    "This contact was changed in Salesmsg again while you were choosing, so nothing was saved. "
    "Your choice is kept below: look at what Salesmsg has now, then save once more."
)
SETTLED = gettext_lazy("Nothing is left to choose here: somebody decided it meanwhile.")


@dataclass(frozen=True)
class Row:
    """One field of a conflict. `theirs`: what Salesmsg has now; `agreed`: what both had before. `same`: Salesmsg has
    come to our value by itself. `fresh`: it changed again since the conflict was found."""

    field: str
    label: str
    ours: str
    theirs: str
    agreed: str
    same: bool
    fresh: bool


class NotChosen(Exception):
    """Nothing was saved; the words say why and what to do. `settled`: there is nothing to choose any more."""

    def __init__(self, words: str, *, settled: bool = False):
        super().__init__(words)
        self.settled = settled


def waiting_conflicts(user) -> QuerySet[Change]:
    """The conflicts that this person may decide, the newest first, with their contacts."""
    found = Change.objects.for_user(user).filter(kind=Change.Kind.CONTACT, state=Change.State.CONFLICT)
    heavy = ("account__webhook_secret", "contact__raw", "contact__custom_fields", "contact__notes")
    return found.select_related("contact", "account", "requested_by").defer(*heavy).order_by("-pk")


def conflict_rows(change: Change) -> list[Row]:
    """The fields to choose, as Salesmsg has them now as far as the cache knows; in the order of the form."""
    contact, rows = change.contact, []
    for name in three_way.EDITABLE:
        if name not in change.values:
            continue
        ours, theirs = change.values[name] or "", getattr(contact, name)
        rows.append(
            Row(
                field=name,
                label=str(FIELD_LABELS[name]),
                ours=ours,
                theirs=theirs,
                agreed=change.base.get(name) or "",
                same=three_way.same(name, ours, theirs, contact.country),
                fresh=not three_way.same(name, theirs, change.theirs.get(name), contact.country),
            )
        )
    return rows


def seal_rows(rows: list[Row]) -> str:
    """Says what was shown, so that nobody decides over values that they have not seen."""
    shown = json.dumps([(row.field, row.ours, row.theirs) for row in rows])
    return blake2s(shown.encode(), digest_size=8).hexdigest()


def clashing_labels(change: Change) -> list[str]:
    """Labels of the fields that were changed at Salesmsg, too, while the change still waits; a hint, no decision."""
    return [str(FIELD_LABELS[name]) for name in three_way.moved(change)]


def resolve_conflict(user, change: Change, picks: dict[str, str], seen: str) -> Change | None:
    """Decides a conflict. picks: every field -> "ours" or "theirs"; seen: the `seal` of the rows that the person saw.

    Ours becomes a pending change on top of what Salesmsg has now, theirs is let go. The pending change, None when there
    is nothing to tell. Raises NotChosen, PermissionDenied.
    """
    if not Change.objects.for_user(user).filter(pk=change.pk).exists():
        raise PermissionDenied(_("You are not a member of this account."))
    with transaction.atomic():
        contact = Contact.objects.select_for_update(no_key=True).get(pk=change.contact_id)
        held = Change.objects.filter(pk=change.pk, state=Change.State.CONFLICT).first()
        if held is None:
            raise NotChosen(SETTLED, settled=True)
        held.contact = contact
        rows = conflict_rows(held)
        if seal_rows(rows) != seen:
            raise NotChosen(MOVED_ON)
        if missing := [row.label for row in rows if picks.get(row.field) not in (OURS, THEIRS)]:
            raise NotChosen(
                _("Nothing was saved yet. Choose one of the two for: %(fields)s.") % {"fields": ", ".join(missing)}
            )
        ours = {row.field: row.ours for row in rows if picks[row.field] == OURS}
        theirs = [row.field for row in rows if picks[row.field] == THEIRS]
        three_way.end(held, Code.DECIDED_OURS if ours else Code.DECIDED_THEIRS)
        shown_changed(held)
        record_audit(user, AuditEntry.Action.CONFLICT_DECIDED, held.account, contact, ours=list(ours), theirs=theirs)
        if not ours:
            return None
        return create_change(user, contact, ours, three_way.columns(contact))
