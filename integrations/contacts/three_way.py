"""Three-way comparison of a contact's fields (ours, theirs, and the last agreed base), and its one open conflict.

Makes no calls. Functions that write require a lock on the contact's row.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from ..failures import NO_REASON, Code, Reason
from ..models import Change, Contact
from ..models.reason import REASON_COLUMNS
from ..salesmsg.phones import phone_of_record

EDITABLE = ("first_name", "last_name", "email", "phone")
LIMITS = {"first_name": 255, "last_name": 255, "email": 320, "phone": 32}
ECHO = timedelta(hours=1)  # how long a superseded push may still take effect
Kind, State = Change.Kind, Change.State


@dataclass
class Comparison:
    """Field names to push, already agreed, and in conflict."""

    push: list[str] = field(default_factory=list)
    agreed: list[str] = field(default_factory=list)
    conflict: list[str] = field(default_factory=list)


def same(name: str, one: str | None, other: str | None, country: str = "") -> bool:
    """Whether two values of a field are equal. None equals "", phones compare as E.164, and case matters."""
    return _normalize(name, one, country) == _normalize(name, other, country)


def _normalize(name: str, value: str | None, country: str) -> str:
    text = value or ""
    if name == "phone" and text:
        text = phone_of_record(text, country if len(country) == 2 else "US")
    return text[: LIMITS[name]] if name in LIMITS else text


def compare(change: Change, theirs: dict[str, str]) -> Comparison:
    """Compares a change with the current values in Salesmsg. A field missing from `theirs` is pushed."""
    country, result = change.contact.country, Comparison()
    for name, ours in change.values.items():
        base, now = change.base.get(name), theirs.get(name)
        if name not in theirs:
            result.push.append(name)
        elif same(name, ours, now, country):
            result.agreed.append(name)
        elif name not in change.base or same(name, base, now, country) or _is_echo(change, name, now):
            result.push.append(name)
        elif same(name, ours, base, country):
            result.agreed.append(name)  # reverted in the portal: keep the value from Salesmsg
        else:
            result.conflict.append(name)
    return result


def clashing_fields(change: Change) -> list[str]:
    """Fields of a pending change that were also changed in Salesmsg, according to the cache."""
    return compare(change, columns(change.contact)).conflict


def columns(contact: Contact) -> dict[str, str]:
    """The editable values in Salesmsg, according to the cache."""
    return {name: getattr(contact, name) for name in EDITABLE}


def _is_echo(change: Change, name: str, now: str) -> bool:
    """Whether the portal itself pushed this value shortly before this change replaced it."""
    earlier = Change.objects.filter(
        contact=change.contact_id, kind=Kind.CONTACT, state=State.SUPERSEDED, attempts__gt=0,
        pk__lt=change.pk, finished_at__gt=change.created_at - ECHO,
    )  # fmt: skip
    pushed = [values[name] for values in earlier.values_list("values", flat=True) if name in values]
    return any(same(name, value, now, change.contact.country) for value in pushed)


# --- The open conflict -----------------------------------------------------------------------------------------------


def open_conflict(contact: Contact | int) -> Change | None:
    """The contact's open conflict, if any."""
    conflicts = Change.objects.filter(contact=contact, kind=Kind.CONTACT, state=State.CONFLICT)
    return conflicts.order_by("-pk").first()


def split_conflict(change: Change, comparison: Comparison, theirs: dict[str, str]) -> None:
    """Moves the fields in conflict from a change to a new conflict. The change keeps the fields to push.

    Without such fields, the change itself becomes the conflict. An older conflict of the contact is merged into it.
    """
    names = comparison.conflict
    older = open_conflict(change.contact_id)
    kept = [name for name in older.values if name not in change.values] if older else []
    values = {name: older.values[name] for name in kept} | {name: change.values[name] for name in names}
    base = {name: older.base.get(name, "") for name in kept} | {name: change.base[name] for name in names}
    their_values = {name: older.theirs.get(name, "") for name in kept} | {name: theirs[name] for name in names}
    if older:
        end(older, Code.JOINED_LATER_CONFLICT)
    fields = {"values": values, "base": base, "theirs": their_values, "state": State.CONFLICT, **NO_REASON.columns()}
    if not comparison.push:
        Change.objects.filter(pk=change.pk).update(**fields)
        for name, value in fields.items():
            setattr(change, name, value)
        return
    Change.objects.create(
        account_id=change.account_id, kind=Kind.CONTACT, contact_id=change.contact_id,
        requested_by_id=change.requested_by_id, created_at=change.created_at, **fields,
    )  # fmt: skip
    change.values = {name: value for name, value in change.values.items() if name not in names}
    change.base = {name: value for name, value in change.base.items() if name not in names}
    change.save(update_fields=["values", "base"])


def remove_fields(conflict: Change, names: Iterable[str], code: Code) -> None:
    """Removes resolved fields from a conflict, and ends it if none is left."""
    resolved = set(names)
    left = {name: value for name, value in conflict.values.items() if name not in resolved}
    if not left:
        end(conflict, code)
        return
    conflict.values = left
    conflict.base = {name: value for name, value in conflict.base.items() if name in left}
    conflict.theirs = {name: value for name, value in conflict.theirs.items() if name in left}
    conflict.save(update_fields=["values", "base", "theirs"])


def end(change: Change, code: Code) -> None:
    """Marks the change as superseded, with a reason."""
    change.state, change.finished_at = State.SUPERSEDED, timezone.now()
    change.set_reason(Reason(code))
    change.save(update_fields=["state", "finished_at", *REASON_COLUMNS])
