"""What each kind of change of a contact says to Salesmsg. Calls only; `tell` stores what comes of it.

All but a note set an absolute value, so `tell` repeats them when their outcome is unclear. Where an answer holds no
contact it is read back, so that a change is only done when Salesmsg's copy shows it.
"""

import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.utils import timezone

from .. import mirror
from ..crypto import Unsealable
from ..gateway import ApiSession, BudgetWait, NotConnected
from ..models import Change, Tag
from ..salesmsg import records
from ..salesmsg.errors import Invalid, NotAllowed, NotFound, SalesmsgError

Kind, State = Change.Kind, Change.State
CLAIM = timedelta(seconds=90)  # how long a worker may be silent before its change is taken from it

NOT_SHOWN = "Salesmsg accepted this but does not show it. Look at the contact there before you try again."
NOBODY_KNOWS = (
    "The connection was lost while the note was being saved, and Salesmsg does not show a contact's notes to the "
    "portal. Look there whether it arrived; if not, try again."
)


@dataclass(frozen=True)
class Told:
    """Salesmsg's copy of the contact after the call, and how the change ends."""

    contact: records.Contact
    state: str = State.DONE
    reason: str = ""


class TakenAway(Exception):
    """The claim ran out and somebody else has the change by now: do nothing more."""


def contact_id(change: Change) -> int:
    """Salesmsg's id of the contact. Raises NotFound for a draft of ours."""
    if change.contact.vendor_id is None:
        raise NotFound("Salesmsg does not know this contact yet. Send a text first, then try again.")
    return change.contact.vendor_id


# --- Tags ------------------------------------------------------------------------------------------------------------


def same_label(one: str, other: str) -> bool:
    """Salesmsg has no two tags that differ in case alone."""
    return one.strip().casefold() == other.strip().casefold()


def _label(tag: records.Tag) -> str:
    return tag.label or tag.name


def _tag(change: Change, session: ApiSession) -> Told:
    contact, label = contact_id(change), change.values["label"]
    known = _known_tag(change, label)
    try:
        session.client.tag_contact(contact, known or _found_or_made(change, session, label))
    except NotFound:
        if known is None:
            raise
        # The tag that we knew was deleted at Salesmsg, or the contact was: then this fails with the same words.
        session.client.tag_contact(contact, _found_or_made(change, session, label))
    record = session.client.contact(contact)
    taken = "tags" not in record.present or _carries(record, label)
    return Told(record) if taken else Told(record, State.REFUSED, NOT_SHOWN)


def _untag(change: Change, session: ApiSession) -> Told:
    contact, label = contact_id(change), change.values["label"]
    for tag in _worn(change, label) or _ids(session.client.contact(contact), label):
        try:
            session.client.untag_contact(contact, tag)
        except NotFound:
            continue  # somebody else was faster, or the contact is gone: reading it back tells
    record = session.client.contact(contact)
    return Told(record, State.REFUSED, NOT_SHOWN) if _carries(record, label) else Told(record)


def _worn(change: Change, label: str) -> list[int]:
    """The ids under which the contact has this tag, as far as the cache knows: one call less."""
    if change.contact.raw and (found := _ids(records.Contact.parse(change.contact.raw), label)):
        return found
    known = _known_tag(change, label)
    return [known] if known else []


def _ids(record: records.Contact, label: str) -> list[int]:
    return [tag.id for tag in record.tags if same_label(_label(tag), label)]


def _carries(record: records.Contact, label: str) -> bool:
    return bool(_ids(record, label))


def _known_tag(change: Change, label: str) -> int | None:
    known = Tag.objects.filter(account_id=change.account_id, label__iexact=label).order_by("-vendor_id")
    return known.values_list("vendor_id", flat=True).first()


def _found_or_made(change: Change, session: ApiSession, label: str) -> int:
    """Asked first, so that an unclear answer to an earlier try makes no second tag."""
    if (tag := _search(session, label)) is None:
        try:
            tag = session.client.create_tag(label)
        except Invalid:
            tag = _search(session, label)  # "taken": somebody made it a moment ago
            if tag is None:
                raise
    mirror.upsert_tags(change.account, [tag])
    return tag.id


def _search(session: ApiSession, label: str) -> records.Tag | None:
    found = session.client.tags(search=label).items
    return next((tag for tag in found if same_label(_label(tag), label)), None)


# --- Opt-out and opt-in ----------------------------------------------------------------------------------------------


def _opt(change: Change, session: ApiSession, *, out: bool) -> Told:
    contact = contact_id(change)
    record = session.client.opt_out(contact) if out else session.client.opt_in(contact)
    if "opted_out" not in record.present:
        record = session.client.contact(contact)
    if "opted_out" in record.present and record.opted_out != out:
        return Told(record, State.REFUSED, NOT_SHOWN)
    return Told(record)


# --- Custom fields ---------------------------------------------------------------------------------------------------


def field_value(field: dict) -> str:
    """The value of a custom field of a record, whichever of its slots holds it."""
    slots = (field.get(slot) for slot in ("value", "text", "number", "date"))
    return str(next((value for value in slots if value not in (None, "")), ""))


def _fields(change: Change, session: ApiSession) -> Told:
    contact = contact_id(change)
    try:
        session.client.set_custom_fields(contact, change.values)
    except NotAllowed as refused:
        words = f"{refused.text} Custom fields need the scope custom-fields:write when the account is connected."
        raise NotAllowed(words, status=refused.status, endpoint=refused.endpoint) from None
    record = session.client.contact(contact)
    theirs = {str(field.get("field_key")): field_value(field) for field in record.custom_fields}
    ignored = [key for key, value in change.values.items() if not _same_value(theirs.get(key, ""), value)]
    if "custom_fields" in record.present and ignored:
        words = ", ".join(key.replace("_", " ") for key in ignored)
        return Told(record, State.REFUSED, f"Salesmsg accepted the edit but did not take over: {words}.")
    return Told(record)


def _same_value(theirs: str, ours: str) -> bool:
    if theirs.strip() == ours.strip():
        return True
    try:
        return float(theirs) == float(ours)
    except ValueError:
        return bool(ours) and theirs.startswith(f"{ours} 00:00")  # a date that comes back with its midnight


# --- Notes: the one change that must not be repeated ------------------------------------------------------------------


def note_key(note: dict) -> str:
    """What tells two notes with the same words apart."""
    return str(note.get("id") or f"{note.get('created_at')} {_words(note.get('text'))}")


def _words(text) -> str:
    return " ".join(html.unescape(str(text or "")).split())


def _note(change: Change, session: ApiSession) -> Told:
    """Written down before the call: which notes there were, and that it may have been made (`told` in the base)."""
    contact, doubt = contact_id(change), bool(change.base.get("told"))
    if doubt:
        record = session.client.contact(contact)
        shows = "notes" in record.present
        if _arrived(change, record.notes) or (change.base.get("accepted") and not shows):
            return Told(record)
        if change.base.get("accepted"):
            return _not_shown(change, record)
        if not shows and not change.base.get("blind"):
            _keep(change, blind=True)  # once more only when a person says so
            return Told(record, State.REFUSED, NOBODY_KNOWS)
        _keep(change)
    else:
        known = [note_key(note) for note in change.contact.notes if isinstance(note, dict)]
        _keep(change, told=True, known=known)
    session.may_repeat = partial(_still_ours, change)
    try:
        session.client.add_note(contact, change.values["text"])
    except (BudgetWait, NotConnected, Unsealable):
        _keep(change, told=doubt)
        raise
    except SalesmsgError as error:
        if error.done is False:
            _keep(change, told=doubt)
        raise
    _keep(change, accepted=True)
    record = session.client.contact(contact)
    if "notes" in record.present and not _arrived(change, record.notes):
        return _not_shown(change, record)
    return Told(record)


def _not_shown(change: Change, record: records.Contact) -> Told:
    """For a person to look at; when they try again, it is said again."""
    _keep(change, accepted=False)
    return Told(record, State.REFUSED, NOT_SHOWN)


def _arrived(change: Change, notes: Iterable[dict]) -> bool:
    """Whether a note with these words is there that was not there before."""
    known = set(change.base.get("known", ()))
    wanted = _words(change.values["text"])
    return any(_words(note.get("text")) == wanted and note_key(note) not in known for note in notes)


def _keep(change: Change, **values) -> None:
    """Writes into the change's base, as long as its claim is ours, and renews the claim. Raises TakenAway."""
    if not _still_ours(change, {**change.base, **values}):
        raise TakenAway


def _still_ours(change: Change, base: dict | None = None) -> bool:
    base = change.base if base is None else base
    until = timezone.now() + CLAIM
    ours = Change.objects.filter(pk=change.pk, state=State.PUSHING, due_at=change.due_at)
    if not ours.update(base=base, due_at=until):
        return False
    change.base, change.due_at = base, until
    return True


TELLERS: dict[str, Callable[[Change, ApiSession], Told]] = {
    Kind.TAG: _tag,
    Kind.UNTAG: _untag,
    Kind.OPT_OUT: partial(_opt, out=True),
    Kind.OPT_IN: partial(_opt, out=False),
    Kind.FIELDS: _fields,
    Kind.NOTE: _note,
}
