"""API calls for each kind of contact change. `push_changes` stores the results.

All changes except notes set an absolute value, so they are repeated if the outcome is unclear. If a response does not
contain the contact, the contact is read: a change is done only when Salesmsg's copy shows it.
"""

import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.utils import timezone

from .. import mirror
from ..crypto import Unsealable
from ..failures import NO_REASON, Code, Reason
from ..gateway import ApiSession, BudgetWait, NotConnected
from ..models import Change, Tag
from ..salesmsg import records
from ..salesmsg.errors import Invalid, NotAllowed, NotFound, SalesmsgError

Kind, State = Change.Kind, Change.State
CLAIM = timedelta(seconds=90)  # how long a claim is valid without renewal

NOT_SHOWN = Reason(Code.NOT_SHOWN)


@dataclass(frozen=True)
class Result:
    """Salesmsg's copy of the contact after the call, and the outcome of the change."""

    contact: records.Contact
    state: str = State.DONE
    reason: Reason = NO_REASON


class ClaimLost(Exception):
    """The claim expired and another worker may have the change. Do nothing more."""


def contact_id(change: Change) -> int:
    """Salesmsg's id of the contact. Raises NotFound for a draft."""
    if change.contact.vendor_id is None:
        raise NotFound(Code.CONTACT_NOT_AT_VENDOR)
    return change.contact.vendor_id


# --- Tags ------------------------------------------------------------------------------------------------------------


def same_label(one: str, other: str) -> bool:
    """Whether two tag labels are equal. Salesmsg ignores case in labels."""
    return one.strip().casefold() == other.strip().casefold()


def _label(tag: records.Tag) -> str:
    return tag.label or tag.name


def _tag(change: Change, session: ApiSession) -> Result:
    contact, label = contact_id(change), change.values["label"]
    known = _known_tag(change, label)
    try:
        session.client.tag_contact(contact, known or _find_or_create_tag(change, session, label))
    except NotFound:
        if known is None:
            raise
        # The cached tag was deleted in Salesmsg, or the contact was; then this call raises the same error.
        session.client.tag_contact(contact, _find_or_create_tag(change, session, label))
    record = session.client.contact(contact)
    taken = "tags" not in record.present or _has_tag(record, label)
    return Result(record) if taken else Result(record, State.REFUSED, NOT_SHOWN)


def _untag(change: Change, session: ApiSession) -> Result:
    contact, label = contact_id(change), change.values["label"]
    for tag in _cached_ids(change, label) or _ids(session.client.contact(contact), label):
        try:
            session.client.untag_contact(contact, tag)
        except NotFound:
            continue  # already removed, or the contact was deleted; the read below shows which
    record = session.client.contact(contact)
    return Result(record, State.REFUSED, NOT_SHOWN) if _has_tag(record, label) else Result(record)


def _cached_ids(change: Change, label: str) -> list[int]:
    """Ids of this tag on the contact, according to the cache. Saves a call."""
    if change.contact.raw and (ids := _ids(records.Contact.parse(change.contact.raw), label)):
        return ids
    known = _known_tag(change, label)
    return [known] if known else []


def _ids(record: records.Contact, label: str) -> list[int]:
    return [tag.id for tag in record.tags if same_label(_label(tag), label)]


def _has_tag(record: records.Contact, label: str) -> bool:
    return bool(_ids(record, label))


def _known_tag(change: Change, label: str) -> int | None:
    known = Tag.objects.filter(account_id=change.account_id, label__iexact=label).order_by("-vendor_id")
    return known.values_list("vendor_id", flat=True).first()


def _find_or_create_tag(change: Change, session: ApiSession, label: str) -> int:
    """Finds the tag in Salesmsg or creates it. Searches first, so that a retry does not create a second tag."""
    if (tag := _search(session, label)) is None:
        try:
            tag = session.client.create_tag(label)
        except Invalid:
            tag = _search(session, label)  # "taken": it was created in the meantime
            if tag is None:
                raise
    mirror.upsert_tags(change.account, [tag])
    return tag.id


def _search(session: ApiSession, label: str) -> records.Tag | None:
    tags = session.client.tags(search=label).items
    return next((tag for tag in tags if same_label(_label(tag), label)), None)


# --- Opt-out and opt-in ----------------------------------------------------------------------------------------------


def _opt(change: Change, session: ApiSession, *, out: bool) -> Result:
    contact = contact_id(change)
    record = session.client.opt_out(contact) if out else session.client.opt_in(contact)
    if "opted_out" not in record.present:
        record = session.client.contact(contact)
    if "opted_out" in record.present and record.opted_out != out:
        return Result(record, State.REFUSED, NOT_SHOWN)
    return Result(record)


# --- Custom fields ---------------------------------------------------------------------------------------------------


def field_value(field: dict) -> str:
    """The value of a custom field record, from the first of its value slots that is set."""
    slots = (field.get(slot) for slot in ("value", "text", "number", "date"))
    return str(next((value for value in slots if value not in (None, "")), ""))


def _fields(change: Change, session: ApiSession) -> Result:
    contact = contact_id(change)
    try:
        session.client.set_custom_fields(contact, change.values)
    except NotAllowed as error:
        code = Code.CUSTOM_FIELDS_SCOPE
        raise NotAllowed(code, quote=error.quote, status=error.status, endpoint=error.endpoint) from None
    record = session.client.contact(contact)
    theirs = {str(field.get("field_key")): field_value(field) for field in record.custom_fields}
    ignored = [key for key, value in change.values.items() if not _same_value(theirs.get(key, ""), value)]
    if "custom_fields" in record.present and ignored:
        return Result(record, State.REFUSED, Reason(Code.CUSTOM_FIELDS_IGNORED, {"custom_fields": ignored}))
    return Result(record)


def _same_value(theirs: str, ours: str) -> bool:
    if theirs.strip() == ours.strip():
        return True
    try:
        return float(theirs) == float(ours)
    except ValueError:
        return bool(ours) and theirs.startswith(f"{ours} 00:00")  # Salesmsg returns a date with a time of midnight


# --- Notes: the one change that must not be repeated -----------------------------------------------------------------


def note_key(note: dict) -> str:
    """Key that distinguishes notes with the same text."""
    return str(note.get("id") or f"{note.get('created_at')} {_plain_text(note.get('text'))}")


def _plain_text(text) -> str:
    return " ".join(html.unescape(str(text or "")).split())


def _note(change: Change, session: ApiSession) -> Result:
    """Adds a note. Before the call, the change's base records which notes exist and that a call may follow (`told`)."""
    contact, may_exist = contact_id(change), bool(change.base.get("told"))
    if may_exist:
        record = session.client.contact(contact)
        has_notes = "notes" in record.present
        if _note_exists(change, record.notes) or (change.base.get("accepted") and not has_notes):
            return Result(record)
        if change.base.get("accepted"):
            return _not_shown(change, record)
        if not has_notes and not change.base.get("blind"):
            _store(change, blind=True)  # retry only if a user asks for it
            return Result(record, State.REFUSED, Reason(Code.NOTE_UNCERTAIN))
        _store(change)
    else:
        known = [note_key(note) for note in change.contact.notes if isinstance(note, dict)]
        _store(change, told=True, known=known)
    session.may_repeat = partial(_renew_claim, change)
    try:
        session.client.add_note(contact, change.values["text"])
    except (BudgetWait, NotConnected, Unsealable):
        _store(change, told=may_exist)
        raise
    except SalesmsgError as error:
        if error.done is False:
            _store(change, told=may_exist)
        raise
    _store(change, accepted=True)
    record = session.client.contact(contact)
    if "notes" in record.present and not _note_exists(change, record.notes):
        return _not_shown(change, record)
    return Result(record)


def _not_shown(change: Change, record: records.Contact) -> Result:
    """Refuses the change for a user to check. Their retry repeats the call."""
    _store(change, accepted=False)
    return Result(record, State.REFUSED, NOT_SHOWN)


def _note_exists(change: Change, notes: Iterable[dict]) -> bool:
    """Whether the contact has a note with this text that did not exist before the call."""
    known = set(change.base.get("known", ()))
    text = _plain_text(change.values["text"])
    return any(_plain_text(note.get("text")) == text and note_key(note) not in known for note in notes)


def _store(change: Change, **values) -> None:
    """Updates the change's base and renews the claim. Raises ClaimLost."""
    if not _renew_claim(change, {**change.base, **values}):
        raise ClaimLost


def _renew_claim(change: Change, base: dict | None = None) -> bool:
    """Renews the claim. False if it is lost."""
    base = change.base if base is None else base
    until = timezone.now() + CLAIM
    ours = Change.objects.filter(pk=change.pk, state=State.PUSHING, due_at=change.due_at)
    if not ours.update(base=base, due_at=until):
        return False
    change.base, change.due_at = base, until
    return True


HANDLERS: dict[str, Callable[[Change, ApiSession], Result]] = {
    Kind.TAG: _tag,
    Kind.UNTAG: _untag,
    Kind.OPT_OUT: partial(_opt, out=True),
    Kind.OPT_IN: partial(_opt, out=False),
    Kind.FIELDS: _fields,
    Kind.NOTE: _note,
}
