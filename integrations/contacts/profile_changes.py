"""Name, phone and email of contacts: a pending change first; then `push_changes` tells Salesmsg."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.db.models.fields.json import KT
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import jobs
from ..access import record_audit, require_member
from ..models import Change, Contact, Conversation
from ..salesmsg.text import phone as normal_phone
from ..told import told
from . import three_way
from .push_changes import PUSH, shown_changed
from .three_way import EDITABLE, LIMITS

Kind, State = Change.Kind, Change.State
OPEN_STATES = (State.PENDING, State.PUSHING, State.CONFLICT)


class InvalidEdit(Exception):
    """Nothing was saved; `fields` says what is wrong with which field."""

    def __init__(self, fields: dict[str, list[str]]):
        super().__init__("; ".join(message for messages in fields.values() for message in messages))
        self.fields = fields


def shown_values(contact: Contact) -> dict[str, str]:
    """The editable fields as people should see them: what they asked for, before Salesmsg has confirmed it, also where
    it waits for a choice."""
    asked = contact.changes.filter(kind=Kind.CONTACT, state__in=OPEN_STATES)
    values = three_way.columns(contact)
    for own in asked.order_by("state", "pk").values_list("values", flat=True):  # conflict, pending, pushing
        values |= own
    return values


def annotate_names() -> dict[str, Subquery]:
    """Annotations for a query of conversations: the names that `shown` tells, where they differ from the contact's.
    `with_names` puts them on the contacts."""
    asked = Change.objects.filter(contact=OuterRef("contact"), kind=Kind.CONTACT, state__in=OPEN_STATES)
    newest = asked.order_by("-state", "-pk")  # the other way round than `shown`: the last word first
    return {
        f"wanted_{name}": Subquery(newest.filter(values__has_key=name).values(word=KT(f"values__{name}"))[:1])
        for name in ("first_name", "last_name")
    }


def apply_names(rows: Iterable[Conversation]) -> None:
    """Lets the contacts of these be called by the names that staff asked for. No query."""
    for row in rows:
        row.contact.asked_first_name, row.contact.asked_last_name = row.wanted_first_name, row.wanted_last_name


def edit_contact(user, contact: Contact, values: dict[str, str]) -> Change | None:
    """Saves what differs as a pending change, on top of one that still waits. None when nothing differs. A field that
    waits for a choice is decided by it: what Salesmsg has is what it was seen to be.

    Raises InvalidEdit, PermissionDenied.
    """
    require_member(user, contact.account_id)
    wanted = _clean(contact, {name: values[name] for name in EDITABLE if name in values})
    with transaction.atomic():
        contact = Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
        seen = shown_values(contact)
        touched = {name: value for name, value in wanted.items() if value != seen[name]}
        if not touched:
            return None
        base = three_way.columns(contact)
        if (conflict := three_way.open_conflict(contact)) is not None:
            decided = [name for name in touched if name in conflict.values]
            base |= {name: conflict.theirs[name] for name in decided}
            three_way.take_out(conflict, decided, "Decided by a later edit.")
            shown_changed(conflict)
        return create_change(user, contact, touched, base)


def create_change(user, contact: Contact, wanted: dict[str, str], base: dict[str, str]) -> Change | None:
    """A pending change on top of one that still waits; None when Salesmsg has it all. Inside a transaction that holds
    the contact's lock. base: what Salesmsg had when the person decided; a waiting change knows better of its fields."""
    waiting = _pending(contact).select_for_update(no_key=True).first()
    merged = {**(waiting.values if waiting else {}), **wanted}
    base = {**base, **(waiting.base if waiting else {})}
    differing = {
        name: value
        for name, value in merged.items()
        if not three_way.same(name, value, getattr(contact, name), contact.country)
        and not three_way.same(name, value, base[name], contact.country)
    }
    if waiting is not None:
        supersede(waiting)
        if waiting.attempts:
            differing = merged  # it may arrive yet: say everything again
        shown_changed(waiting)
    if not differing:
        return None
    change = Change.objects.create(
        account_id=contact.account_id, kind=Kind.CONTACT, contact=contact, requested_by=user, values=differing,
        base={name: base[name] for name in differing},
    )  # fmt: skip
    jobs.enqueue(PUSH, change.pk)
    shown_changed(change)
    record_audit(user, "contact edited", contact.account, ", ".join(sorted(differing)))
    return change


def retry_change(user, change: Change) -> Change:
    """Tries a refused change again."""
    require_member(user, change.account_id)
    with transaction.atomic():
        if Change.objects.filter(pk=change.pk, state=State.REFUSED).update(
            state=State.PENDING, attempts=0, due_at=timezone.now(), reason="", finished_at=None
        ):
            jobs.enqueue(PUSH, change.pk)
            shown_changed(change)
    change.refresh_from_db()
    return change


def supersede(change: Change) -> None:
    Change.objects.filter(pk=change.pk).update(state=State.SUPERSEDED, finished_at=timezone.now())


def _pending(contact: Contact):
    return contact.changes.filter(kind=Kind.CONTACT, state__in=[State.PENDING, State.PUSHING]).order_by("-pk")


def _clean(contact: Contact, values: dict[str, str]) -> dict[str, str]:
    errors: dict[str, list[str]] = {}
    cleaned: dict[str, str] = {}
    for name, value in values.items():
        value = (value or "").replace("\x00", "").strip()
        try:
            cleaned[name] = _clean_field(contact, name, value)
        except (ValueError, ValidationError) as error:
            errors[name] = [told(words) for words in getattr(error, "messages", None) or [str(error)]]
    if errors:
        raise InvalidEdit(errors)
    return cleaned


def _clean_field(contact: Contact, name: str, value: str) -> str:
    if len(value) > LIMITS[name]:
        raise ValueError(_("At most %(most)s characters.") % {"most": LIMITS[name]})
    if name == "email" and value:
        validate_email(value)
    if name == "phone" and value != contact.phone:
        if not value:
            raise ValueError(_("A contact needs a phone number: texts go there."))
        value = normal_phone(value, contact.country if len(contact.country) == 2 else "US")
        twins = Contact.objects.present().filter(account_id=contact.account_id, phone=value).exclude(pk=contact.pk)
        if twins.exists():
            raise ValueError(_("Another contact has this phone number already."))
    return value
