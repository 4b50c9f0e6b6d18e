"""Lists and resolves conflicts: edits of fields that were also changed in Salesmsg.

`push_changes` detects a conflict when it reads the contact before an update. Nothing is overwritten; a user chooses
between the values of each field.
"""

import json
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..access import record_audit
from ..digests import digest
from ..failures import Code
from ..models import AuditEntry, Change, Contact
from ..models.contact import FIELD_LABELS
from . import three_way
from .profile_changes import create_change
from .push_changes import touch_threads

OURS, THEIRS = "ours", "theirs"
MOVED_ON = gettext_lazy(
    "This contact was changed in Salesmsg again while you were choosing, so nothing was saved. "
    "Your choice is kept below. Check the current values in Salesmsg, then save again."
)
SETTLED = gettext_lazy("This conflict has already been resolved.")


@dataclass(frozen=True)
class Row:
    """One field of a conflict.

    theirs: current value in Salesmsg. agreed: last value on both sides. same: Salesmsg now has our value.
    fresh: the value in Salesmsg changed again after the conflict was detected.
    """

    field: str
    label: str
    ours: str
    theirs: str
    agreed: str
    same: bool
    fresh: bool


class NotChosen(Exception):
    """The choice was rejected and nothing was saved. The message is for staff. `settled`: no longer in conflict."""

    def __init__(self, message: str, *, settled: bool = False):
        super().__init__(message)
        self.settled = settled


def waiting_conflicts(user) -> QuerySet[Change]:
    """Open conflicts that the user can resolve, newest first, with their contacts."""
    changes = Change.objects.for_user(user).filter(kind=Change.Kind.CONTACT, state=Change.State.CONFLICT)
    heavy = ("account__webhook_secret", "contact__raw", "contact__custom_fields", "contact__notes")
    return changes.select_related("contact", "account", "requested_by").defer(*heavy).order_by("-pk")


def conflict_rows(change: Change) -> list[Row]:
    """The fields of a conflict with their current values from the cache, in form order."""
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
    """Digest of the values shown, so that a user cannot overwrite values they have not seen."""
    shown = json.dumps([(row.field, row.ours, row.theirs) for row in rows])
    return digest(shown)


def clashing_labels(change: Change) -> list[str]:
    """Labels of fields of a pending change that were also changed in Salesmsg. A hint; decides nothing."""
    return [str(FIELD_LABELS[name]) for name in three_way.clashing_fields(change)]


def resolve_conflict(user, change: Change, picks: dict[str, str], seen: str) -> Change | None:
    """Resolves a conflict. Returns the pending change with our values, or None if all of theirs are kept.

    picks: every field -> "ours" or "theirs". seen: the `seal_rows` of the rows that the user saw.
    Raises NotChosen, PermissionDenied.
    """
    if not Change.objects.for_user(user).filter(pk=change.pk).exists():
        raise PermissionDenied(_("You are not a member of this account."))
    with transaction.atomic():
        contact = Contact.objects.select_for_update(no_key=True).get(pk=change.contact_id)
        conflict = Change.objects.filter(pk=change.pk, state=Change.State.CONFLICT).first()
        if conflict is None:
            raise NotChosen(SETTLED, settled=True)
        conflict.contact = contact
        rows = conflict_rows(conflict)
        if seal_rows(rows) != seen:
            raise NotChosen(MOVED_ON)
        if missing := [row.label for row in rows if picks.get(row.field) not in (OURS, THEIRS)]:
            raise NotChosen(_("Nothing was saved. Choose a value for: %(fields)s.") % {"fields": ", ".join(missing)})
        ours = {row.field: row.ours for row in rows if picks[row.field] == OURS}
        theirs = [row.field for row in rows if picks[row.field] == THEIRS]
        three_way.end(conflict, Code.DECIDED_OURS if ours else Code.DECIDED_THEIRS)
        touch_threads(conflict)
        record_audit(
            user, AuditEntry.Action.CONFLICT_DECIDED, conflict.account, contact, ours=list(ours), theirs=theirs
        )
        if not ours:
            return None
        return create_change(user, contact, ours, three_way.columns(contact))
