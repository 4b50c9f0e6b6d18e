"""Changes that staff make to contacts and conversations: a pending row first; then `tell` tells Salesmsg."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from .. import jobs, mirror
from ..access import audit
from ..models import Account, Change, Contact, Conversation, Member
from ..salesmsg.text import phone as normal_phone
from .tell import PUSH, shown_changed

EDITABLE = ("first_name", "last_name", "email", "phone")
LIMITS = {"first_name": 255, "last_name": 255, "email": 320, "phone": 32}
Kind, State = Change.Kind, Change.State


class InvalidEdit(Exception):
    """Nothing was saved; `fields` says what is wrong with which field."""

    def __init__(self, fields: dict[str, list[str]]):
        super().__init__("; ".join(message for messages in fields.values() for message in messages))
        self.fields = fields


def shown(contact: Contact) -> dict[str, str]:
    """The editable fields as people should see them: what they asked for, before Salesmsg has confirmed it."""
    values = {name: getattr(contact, name) for name in EDITABLE}
    change = _pending(contact).first()
    return {**values, **(change.values if change else {})}


def edit_contact(user, contact: Contact, values: dict[str, str]) -> Change | None:
    """Saves what differs as a pending change, on top of one that still waits. None when nothing differs.

    Raises InvalidEdit, PermissionDenied.
    """
    _allowed(user, contact.account_id)
    wanted = _clean(contact, {name: values[name] for name in EDITABLE if name in values})
    with transaction.atomic():
        contact = Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
        waiting = _pending(contact).select_for_update(no_key=True).first()
        seen = {**{name: getattr(contact, name) for name in EDITABLE}, **(waiting.values if waiting else {})}
        if not {name: value for name, value in wanted.items() if value != seen[name]}:
            return None
        merged = {**(waiting.values if waiting else {}), **wanted}
        differing = {name: value for name, value in merged.items() if value != getattr(contact, name)}
        if waiting is not None:
            _supersede(waiting)
            if waiting.state == State.PUSHING:
                differing = merged  # it may arrive yet: say everything again
        if not differing:
            return None
        change = _begin(user, contact.account_id, Kind.CONTACT, differing, contact=contact)
        change.base = {name: getattr(contact, name) for name in differing}
        change.save(update_fields=["base"])
        audit(user, "contact edited", contact.account, ", ".join(sorted(differing)))
        return change


def close(user, conversation: Conversation) -> Change:
    """Closes for everybody at Salesmsg; the inbox shows it at once."""
    return _conversation_change(user, conversation, Kind.CLOSE, {}, {"closed_at": timezone.now()})


def reopen(user, conversation: Conversation) -> Change:
    return _conversation_change(user, conversation, Kind.REOPEN, {}, {"closed_at": None})


def assign(user, conversation: Conversation, member: Member | None) -> Change:
    """Assigns to a Salesmsg member, or to nobody."""
    if member is not None and member.account_id != conversation.account_id:
        raise InvalidEdit({"member": ["This person does not belong to the conversation's account."]})
    values = {"member": member.vendor_id if member else None}
    return _conversation_change(user, conversation, Kind.ASSIGN, values, {"owner_id": member.pk if member else None})


def retry(user, change: Change) -> Change:
    """Tries a refused change again."""
    _allowed(user, change.account_id)
    with transaction.atomic():
        if Change.objects.filter(pk=change.pk, state=State.REFUSED).update(
            state=State.PENDING, attempts=0, due_at=timezone.now(), reason="", finished_at=None
        ):
            jobs.enqueue(PUSH, change.pk)
            shown_changed(change)
    change.refresh_from_db()
    return change


def _conversation_change(user, conversation: Conversation, kind: str, values: dict, local: dict) -> Change:
    _allowed(user, conversation.account_id)
    with transaction.atomic():
        same = {Kind.CLOSE, Kind.REOPEN} if kind != Kind.ASSIGN else {Kind.ASSIGN}
        for waiting in Change.objects.select_for_update(no_key=True).filter(
            conversation=conversation, kind__in=same, state=State.PENDING
        ):
            _supersede(waiting)
        change = _begin(user, conversation.account_id, kind, values, conversation=conversation)
        Conversation.objects.filter(pk=conversation.pk).update(**local)
        mirror.touch(conversation.account_id, [conversation.pk])
        audit(user, change.get_kind_display().lower(), conversation.account, f"conversation {conversation.pk}")
    return change


def _begin(user, account_id: int, kind: str, values: dict, **target) -> Change:
    change = Change.objects.create(account_id=account_id, kind=kind, values=values, requested_by=user, **target)
    jobs.enqueue(PUSH, change.pk)
    shown_changed(change)
    return change


def _supersede(change: Change) -> None:
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
            errors[name] = list(getattr(error, "messages", None) or [str(error)])
    if errors:
        raise InvalidEdit(errors)
    return cleaned


def _clean_field(contact: Contact, name: str, value: str) -> str:
    if len(value) > LIMITS[name]:
        raise ValueError(f"At most {LIMITS[name]} characters.")
    if name == "email" and value:
        validate_email(value)
    if name == "phone" and value != contact.phone:
        if not value:
            raise ValueError("A contact needs a phone number: texts go there.")
        value = normal_phone(value, contact.country if len(contact.country) == 2 else "US")
        twins = Contact.objects.present().filter(account_id=contact.account_id, phone=value).exclude(pk=contact.pk)
        if twins.exists():
            raise ValueError("Another contact has this phone number already.")
    return value


def _allowed(user, account_id: int) -> None:
    if not Account.objects.for_user(user).filter(pk=account_id).exists():
        raise PermissionDenied("You are not a member of this account.")
