"""Edits of a contact's name, phone and email, stored as pending changes that `push_changes` sends to Salesmsg."""

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
from ..failures import NO_REASON, Code, Reason
from ..models import AuditEntry, Change, Contact, Conversation
from ..salesmsg import phones
from . import three_way
from .push_changes import PUSH, touch_threads
from .three_way import EDITABLE, LIMITS

Kind, State, Action = Change.Kind, Change.State, AuditEntry.Action
OPEN_STATES = (State.PENDING, State.PUSHING, State.CONFLICT)
AUDITED = {
    Kind.CLOSE: Action.CONVERSATION_CLOSED,
    Kind.REOPEN: Action.CONVERSATION_REOPENED,
    Kind.ASSIGN: Action.CONVERSATION_ASSIGNED,
}


class InvalidEdit(Exception):
    """The edit was rejected and nothing was saved. `fields`: field name -> error messages."""

    def __init__(self, fields: dict[str, list[str]]):
        super().__init__("; ".join(message for messages in fields.values() for message in messages))
        self.fields = fields


def shown_values(contact: Contact) -> dict[str, str]:
    """The editable fields as shown to users, including changes that are pending or in conflict."""
    changes = contact.changes.filter(kind=Kind.CONTACT, state__in=OPEN_STATES)
    values = three_way.columns(contact)
    for change_values in changes.order_by("state", "pk").values_list("values", flat=True):  # conflict, pending, pushing
        values |= change_values
    return values


def annotate_names() -> dict[str, Subquery]:
    """Annotations for a conversation query: the names in open changes, as in `shown_values`.

    `apply_names` copies them to the contacts.
    """
    changes = Change.objects.filter(contact=OuterRef("contact"), kind=Kind.CONTACT, state__in=OPEN_STATES)
    newest = changes.order_by("-state", "-pk")  # reverse of `shown_values`: the value that wins comes first
    return {
        f"wanted_{name}": Subquery(newest.filter(values__has_key=name).values(word=KT(f"values__{name}"))[:1])
        for name in ("first_name", "last_name")
    }


def apply_names(rows: Iterable[Conversation]) -> None:
    """Sets the names from `annotate_names` on the contacts of these conversations. No query."""
    for row in rows:
        row.contact.asked_first_name, row.contact.asked_last_name = row.wanted_first_name, row.wanted_last_name


def edit_contact(user, contact: Contact, values: dict[str, str]) -> Change | None:
    """Saves the fields that differ as a pending change, merged with one that is still pending. None if none differ.

    Editing a field that is in conflict resolves its conflict. Raises InvalidEdit, PermissionDenied.
    """
    require_member(user, contact.account_id)
    wanted = _clean(contact, {name: values[name] for name in EDITABLE if name in values})
    with transaction.atomic():
        contact = Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
        shown = shown_values(contact)
        edited = {name: value for name, value in wanted.items() if value != shown[name]}
        if not edited:
            return None
        base = three_way.columns(contact)
        if (conflict := three_way.open_conflict(contact)) is not None:
            resolved = [name for name in edited if name in conflict.values]
            base |= {name: conflict.theirs[name] for name in resolved}
            three_way.remove_fields(conflict, resolved, Code.DECIDED_BY_LATER_EDIT)
            touch_threads(conflict)
        return create_change(user, contact, edited, base)


def create_change(user, contact: Contact, wanted: dict[str, str], base: dict[str, str]) -> Change | None:
    """Creates a pending change, merged with one that is still pending. None if Salesmsg already has all values.

    base: the values in Salesmsg when the user decided; for fields of the pending change, its own base applies.
    Call inside a transaction that locks the contact.
    """
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
            differing = merged  # an earlier attempt may still take effect: push all values again
        touch_threads(waiting)
    if not differing:
        return None
    change = Change.objects.create(
        account_id=contact.account_id, kind=Kind.CONTACT, contact=contact, requested_by=user, values=differing,
        base={name: base[name] for name in differing},
    )  # fmt: skip
    jobs.enqueue(PUSH, change.pk)
    touch_threads(change)
    record_audit(user, Action.CONTACT_EDITED, contact.account, contact, fields=sorted(differing))
    return change


def retry_change(user, change: Change) -> Change:
    """Queues a refused change again. Raises PermissionDenied."""
    require_member(user, change.account_id)
    with transaction.atomic():
        if Change.objects.filter(pk=change.pk, state=State.REFUSED).update(
            state=State.PENDING, attempts=0, due_at=timezone.now(), finished_at=None, **NO_REASON.columns()
        ):
            jobs.enqueue(PUSH, change.pk)
            touch_threads(change)
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
        except phones.PhoneError as error:
            errors[name] = [Reason(error.code, error.params).text]
        except ValidationError as error:
            errors[name] = error.messages
    if errors:
        raise InvalidEdit(errors)
    return cleaned


def _clean_field(contact: Contact, name: str, value: str) -> str:
    if len(value) > (phones.LONGEST if name == "phone" else LIMITS[name]):
        raise ValidationError(_("At most %(most)s characters.") % {"most": LIMITS[name]})
    if name == "email" and value:
        validate_email(value)
    if name == "phone" and value != contact.phone:
        if not value:
            raise ValidationError(_("A contact needs a phone number to receive texts."))
        own = [contact.country] if phones.is_region(contact.country) else []
        value = phones.read(value, [*own, *contact.account.regions()])
        twins = Contact.objects.present().filter(account_id=contact.account_id, phone=value).exclude(pk=contact.pk)
        if twins.exists():
            raise ValidationError(_("Another contact already has this phone number."))
    return value
