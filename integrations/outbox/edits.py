"""Changes that staff make to contacts and conversations: a pending row first, then a task that tells Salesmsg.

All of them set absolute values, so an attempt whose outcome is unclear is simply repeated.
"""

import random
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .. import gateway, jobs, mirror
from ..access import audit
from ..crypto import Unsealable
from ..gateway import BudgetWait, Door, NotConnected
from ..models import Account, BudgetCall, Change, Contact, Conversation, Member
from ..salesmsg.errors import Invalid, NotFound, SalesmsgError
from ..salesmsg.text import phone as normal_phone

PUSH = "integrations.tasks.push_change"
EDITABLE = ("first_name", "last_name", "email", "phone")
LIMITS = {"first_name": 255, "last_name": 255, "email": 320, "phone": 32}
MOST_ATTEMPTS = 30
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
            _shown_changed(change)
    change.refresh_from_db()
    return change


def push(change_id: int) -> str:
    """The task: claims the change and tells Salesmsg. Returns the state it left it in, "" if not ours to claim."""
    now = timezone.now()
    claimed = Change.objects.filter(pk=change_id, state=State.PENDING, due_at__lte=now).update(
        state=State.PUSHING, due_at=now + timedelta(seconds=90), attempts=F("attempts") + 1
    )
    if not claimed:
        return ""
    change = Change.objects.select_related("contact", "conversation").get(pk=change_id)
    if not _turn(change):
        return _put_off(change, now + timedelta(seconds=1), "")
    door = gateway.door(change.account_id, BudgetCall.Lane.EDIT)
    try:
        _tell(change, door)
    except BudgetWait as wait:
        return _put_off(change, wait.until, "", counted=False)
    except (NotConnected, Unsealable) as problem:
        return _end(change, State.REFUSED, str(problem))
    except Invalid as invalid:
        words = " ".join(message for messages in invalid.fields.values() for message in messages)
        return _end(change, State.REFUSED, words or invalid.text)
    except SalesmsgError as error:
        if error.again == "never" or change.attempts >= MOST_ATTEMPTS:
            return _end(change, State.REFUSED, _refusal(change, error))
        pause = min(300.0, 2.0 ** min(change.attempts, 9))
        return _put_off(change, timezone.now() + timedelta(seconds=pause), f"{error.text} Trying again.")
    return State.DONE


def nudge_due() -> int:
    """The sweep's part: changes that are due, and those whose worker is gone."""
    now = timezone.now()
    Change.objects.filter(state=State.PUSHING, due_at__lt=now).update(state=State.PENDING, due_at=now)
    due = Change.objects.filter(state=State.PENDING, due_at__lt=now - timedelta(seconds=2))
    ids = list(due.order_by("due_at").values_list("pk", flat=True)[:50])
    for pk in ids:
        jobs.enqueue(PUSH, pk)
    return len(ids)


def _tell(change: Change, door: Door) -> None:
    """Makes the call and stores Salesmsg's word on it together with the change's end."""
    client = door.client
    if change.kind == Kind.CONTACT:
        contact = change.contact
        if contact.vendor_id is None:
            raise NotFound("Salesmsg does not know this contact yet. Send a text first, then save again.")
        record = client.update_contact(contact.vendor_id, **change.values)
        if not set(change.values) <= record.present:
            record = client.contact(contact.vendor_id)  # a partial answer: what does Salesmsg have now?
        with transaction.atomic():
            mirror.upsert_contacts(change.account_id, [record])
            _end(change, *_verdict(change, record))
        return
    conversation_id = change.conversation.vendor_id
    if conversation_id is None:
        raise NotFound("Salesmsg does not know this conversation yet.")
    if change.kind == Kind.CLOSE:
        record = client.close_conversation(conversation_id)
    elif change.kind == Kind.REOPEN:
        record = client.reopen_conversation(conversation_id)
    else:
        record = client.reassign(conversation_id, change.values.get("member"))
    with transaction.atomic():
        _end(change, State.DONE, "")
        if not _later(change).exists():
            mirror.upsert_conversations(change.account_id, [record])


def _verdict(change: Change, record) -> tuple[str, str]:
    """Whether Salesmsg's copy now says what was asked; it answers 200 also where it ignores a field."""
    ignored = [name for name, value in change.values.items() if (getattr(record, name) or "") != (value or "")]
    if not ignored:
        return State.DONE, ""
    words = ", ".join(name.replace("_", " ") for name in ignored)
    return State.REFUSED, f"Salesmsg accepted the edit but did not take over: {words}."


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
    _shown_changed(change)
    return change


def _supersede(change: Change) -> None:
    Change.objects.filter(pk=change.pk).update(state=State.SUPERSEDED, finished_at=timezone.now())


def _pending(contact: Contact):
    return contact.changes.filter(kind=Kind.CONTACT, state__in=[State.PENDING, State.PUSHING]).order_by("-pk")


def _same_target(change: Change):
    if change.contact_id:
        return Change.objects.filter(contact_id=change.contact_id)
    return Change.objects.filter(conversation_id=change.conversation_id)


def _turn(change: Change) -> bool:
    """Changes of one contact or conversation are told in the order they were made."""
    return not _same_target(change).filter(pk__lt=change.pk, state__in=[State.PENDING, State.PUSHING]).exists()


def _later(change: Change):
    return _same_target(change).filter(pk__gt=change.pk, state__in=[State.PENDING, State.PUSHING])


def _refusal(change: Change, error: SalesmsgError) -> str:
    if isinstance(error, NotFound) and change.kind == Kind.CONTACT and change.contact.vendor_id:
        return "Salesmsg does not have this contact any more."
    return error.text


def _put_off(change: Change, until: datetime, why: str, *, counted: bool = True) -> str:
    attempts = F("attempts") if counted else F("attempts") - 1
    if Change.objects.filter(pk=change.pk, state=State.PUSHING).update(
        state=State.PENDING, due_at=until, reason=why, attempts=attempts
    ):
        delay = max(0.05, (until - timezone.now()).total_seconds())
        jobs.enqueue(PUSH, change.pk, delay=delay + random.random())  # many may wait for the same place
    return State.PENDING


def _end(change: Change, state: str, reason: str) -> str:
    Change.objects.filter(pk=change.pk, state=State.PUSHING).update(
        state=state, reason=reason, finished_at=timezone.now()
    )
    _shown_changed(change)
    return state


def _shown_changed(change: Change) -> None:
    """The threads in which this change is shown."""
    if change.conversation_id:
        ids = [change.conversation_id]
    else:
        ids = list(Conversation.objects.filter(contact_id=change.contact_id).values_list("pk", flat=True))
    mirror.touch(change.account_id, ids)


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
