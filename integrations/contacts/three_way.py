"""A contact's fields in three versions: ours, theirs and the last agreed. Compares them, and keeps the one open
conflict of a contact. No calls; the writers want the contact's row locked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from ..models import Change, Contact
from ..salesmsg.text import phone_of_record

EDITABLE = ("first_name", "last_name", "email", "phone")
LIMITS = {"first_name": 255, "last_name": 255, "email": 320, "phone": 32}
ECHO = timedelta(hours=1)  # so long what we told and then replaced may still arrive
Kind, State = Change.Kind, Change.State


@dataclass
class Sorted:
    """Field names: to be told, agreed already, in conflict."""

    told: list[str] = field(default_factory=list)
    agreed: list[str] = field(default_factory=list)
    conflict: list[str] = field(default_factory=list)


def same(name: str, one: str | None, other: str | None, country: str = "") -> bool:
    """Whether two values of a field mean the same: nothing is nothing, phones compare as E.164, case counts."""
    return _plain(name, one, country) == _plain(name, other, country)


def _plain(name: str, value: str | None, country: str) -> str:
    text = value or ""
    if name == "phone" and text:
        text = phone_of_record(text, country if len(country) == 2 else "US")
    return text[: LIMITS[name]] if name in LIMITS else text


def sort(change: Change, theirs: dict[str, str]) -> Sorted:
    """What becomes of each field when Salesmsg has `theirs` now. A field that Salesmsg did not tell is told."""
    country, found = change.contact.country, Sorted()
    for name, ours in change.values.items():
        base, now = change.base.get(name), theirs.get(name)
        if name not in theirs:
            found.told.append(name)
        elif same(name, ours, now, country):
            found.agreed.append(name)
        elif name not in change.base or same(name, base, now, country) or _echoed(change, name, now):
            found.told.append(name)
        elif same(name, ours, base, country):
            found.agreed.append(name)  # taken back here: what was changed there stays
        else:
            found.conflict.append(name)
    return found


def moved(change: Change) -> list[str]:
    """Fields of a change that waits which, as far as the cache knows, were changed at Salesmsg, too."""
    return sort(change, columns(change.contact)).conflict


def columns(contact: Contact) -> dict[str, str]:
    """What Salesmsg has, as the cache knows it."""
    return {name: getattr(contact, name) for name in EDITABLE}


def _echoed(change: Change, name: str, now: str) -> bool:
    """Whether we told this value ourselves, a short while before this change took its place: no doing of theirs."""
    earlier = Change.objects.filter(
        contact=change.contact_id, kind=Kind.CONTACT, state=State.SUPERSEDED, attempts__gt=0,
        pk__lt=change.pk, finished_at__gt=change.created_at - ECHO,
    )  # fmt: skip
    told = [values[name] for values in earlier.values_list("values", flat=True) if name in values]
    return any(same(name, value, now, change.contact.country) for value in told)


# --- The open conflict -----------------------------------------------------------------------------------------------


def open_conflict(contact: Contact | int) -> Change | None:
    """The contact's one change that waits for a person's choice."""
    found = Change.objects.filter(contact=contact, kind=Kind.CONTACT, state=State.CONFLICT)
    return found.order_by("-pk").first()


def set_aside(change: Change, parts: Sorted, theirs: dict[str, str]) -> None:
    """Moves the fields in conflict out of a change that is being told; the change keeps what is to be told. Without
    such, it becomes the conflict itself. An older conflict of the contact goes into the new one."""
    names = parts.conflict
    older = open_conflict(change.contact_id)
    kept = [name for name in older.values if name not in change.values] if older else []
    values = {name: older.values[name] for name in kept} | {name: change.values[name] for name in names}
    base = {name: older.base.get(name, "") for name in kept} | {name: change.base[name] for name in names}
    there = {name: older.theirs.get(name, "") for name in kept} | {name: theirs[name] for name in names}
    if older:
        end(older, "A later edit of this contact met a change in Salesmsg, too: both wait together.")
    fields = {"values": values, "base": base, "theirs": there, "state": State.CONFLICT, "reason": ""}
    if not parts.told:
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


def take_out(conflict: Change, names: Iterable[str], why: str) -> None:
    """These fields are decided. The conflict ends when none is left."""
    gone = set(names)
    left = {name: value for name, value in conflict.values.items() if name not in gone}
    if not left:
        end(conflict, why)
        return
    conflict.values = left
    conflict.base = {name: value for name, value in conflict.base.items() if name in left}
    conflict.theirs = {name: value for name, value in conflict.theirs.items() if name in left}
    conflict.save(update_fields=["values", "base", "theirs"])


def end(change: Change, why: str) -> None:
    change.state, change.reason, change.finished_at = State.SUPERSEDED, why, timezone.now()
    change.save(update_fields=["state", "reason", "finished_at"])
