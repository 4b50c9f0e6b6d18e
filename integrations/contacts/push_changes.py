"""Pushes pending changes to Salesmsg: claims the change, makes the calls, and stores the outcome and Salesmsg's copy.

A change that sets an absolute value is repeated if its outcome is unclear; for a note, the contact is checked first
(`change_handlers`). An edit of a contact reads the contact first: a field that was also changed in Salesmsg is not
overwritten but becomes a conflict (see `conflicts`).
"""

import random
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .. import gateway, jobs, mirror
from ..crypto import Unsealable
from ..failures import NO_REASON, Code, Reason
from ..gateway import ApiSession, BudgetWait, NotConnected
from ..mirror import consent
from ..models import BudgetCall, Change, Conversation
from ..salesmsg.errors import Invalid, NotFound, SalesmsgError
from . import change_handlers, three_way

PUSH = "integrations.tasks.push_change"
MOST_ATTEMPTS = 30
READ_TTL = 90  # seconds; after a budget wait, the contact is not read again within this time
Kind, State = Change.Kind, Change.State


def push_change(change_id: int) -> str:
    """Task: claims a change and pushes it. Returns its new state, or "" if it cannot be claimed."""
    now = timezone.now()
    claimed = Change.objects.filter(pk=change_id, state=State.PENDING, due_at__lte=now).update(
        state=State.PUSHING, due_at=now + change_handlers.CLAIM, attempts=F("attempts") + 1
    )
    if not claimed:
        return ""
    change = Change.objects.select_related("account", "contact", "conversation").get(pk=change_id)
    if not _is_first(change):
        return _postpone(change, now + timedelta(seconds=1), counted=False)
    session = gateway.open_session(change.account_id, BudgetCall.Lane.EDIT)
    try:
        _push(change, session)
    except change_handlers.ClaimLost:
        return ""
    except BudgetWait as wait:
        return _postpone(change, wait.until, counted=False)
    except (NotConnected, Unsealable) as error:
        return _finish(change, State.REFUSED, Reason.from_error(error))
    except Invalid as error:
        details = " ".join(message for messages in error.fields.values() for message in messages)
        reason = Reason.from_error(error)
        return _finish(change, State.REFUSED, Reason(reason.code, reason.params, details or reason.quote))
    except SalesmsgError as error:
        if error.again == "never" or change.attempts >= MOST_ATTEMPTS:
            return _finish(change, State.REFUSED, _refusal(change, error))
        pause = min(300.0, 2.0 ** min(change.attempts, 9))
        return _postpone(change, timezone.now() + timedelta(seconds=pause), Reason.from_error(error))
    return change.state


def wake_due() -> int:
    """Sweep: enqueues due changes, and those whose claim has expired. Returns how many."""
    now = timezone.now()
    Change.objects.filter(state=State.PUSHING, due_at__lt=now).update(state=State.PENDING, due_at=now)
    due = Change.objects.filter(state=State.PENDING, due_at__lt=now - timedelta(seconds=2))
    ids = list(due.order_by("due_at").values_list("pk", flat=True)[:50])
    for pk in ids:
        jobs.enqueue(PUSH, pk)
    return len(ids)


def _push(change: Change, session: ApiSession) -> None:
    """Makes the calls and stores Salesmsg's copy together with the outcome."""
    client = session.client
    if change.kind == Kind.CONTACT:
        _push_contact(change, client)
        return
    if change.kind in change_handlers.HANDLERS:
        result = change_handlers.HANDLERS[change.kind](change, session)
        with transaction.atomic():
            mirror.upsert_contacts(change.account_id, [result.contact])
            _finish(change, result.state, result.reason)
            if change.kind == Kind.OPT_IN and result.state == State.DONE:
                consent.record_decision(change.requested_by, change.contact, change.kind, change.values.get("why", ""))
        return
    conversation_id = change.conversation.vendor_id
    if conversation_id is None:
        raise NotFound(Code.CONVERSATION_NOT_AT_VENDOR)
    if change.kind == Kind.CLOSE:
        record = client.close_conversation(conversation_id)
    elif change.kind == Kind.REOPEN:
        record = client.reopen_conversation(conversation_id)
    else:
        record = client.reassign(conversation_id, change.values.get("member"))
    with transaction.atomic():
        _finish(change, State.DONE)
        if not _later_changes(change).exists():
            mirror.upsert_conversations(change.account_id, [record])


def _push_contact(change: Change, client) -> None:
    """Reads the contact, then updates the fields without a conflict. Two calls, or three if the answer is partial."""
    contact = change.contact
    if contact.vendor_id is None:
        raise NotFound(Code.CONTACT_NOT_AT_VENDOR)
    # After a budget wait the contact is not read again: a second read would use the call that the update waits for.
    names = cache.get(_read_key(change))
    if not names or three_way.clashing_fields(change):
        names = _fields_to_push(change, client.contact(contact.vendor_id))
    cache.delete(_read_key(change))
    values = {name: change.values[name] for name in names if name in change.values}
    if not values:
        return
    try:
        record = client.update_contact(contact.vendor_id, **values)
    except BudgetWait:
        cache.set(_read_key(change), list(values), READ_TTL)
        raise
    if not set(values) <= record.present:
        record = client.contact(contact.vendor_id)  # the answer was partial: read the stored values
    with transaction.atomic():
        mirror.upsert_contacts(change.account_id, [record])
        _finish(change, *_outcome(values, record, contact.country))


def _read_key(change: Change) -> str:
    return f"change-read-{change.pk}"


@transaction.atomic
def _fields_to_push(change: Change, record) -> list[str]:
    """Stores Salesmsg's copy, moves fields in conflict to a conflict, and returns the names of the fields to push.

    With no field left, the change is done or has itself become the conflict.
    """
    mirror.upsert_contacts(change.account_id, [record])
    current = Change.objects.select_for_update(no_key=True).get(pk=change.pk)
    change.state, change.values, change.base = current.state, current.values, current.base
    if current.state != State.PUSHING:
        return []  # a later edit superseded this change during the read
    theirs = {name: getattr(record, name) for name in three_way.EDITABLE if name in record.present}
    comparison = three_way.compare(change, theirs)
    if comparison.conflict:
        three_way.split_conflict(change, comparison, theirs)
        touch_threads(change)
    elif not comparison.push:
        _finish(change, State.DONE)
    return comparison.push


def _outcome(values: dict[str, str], record, country: str) -> tuple[str, Reason]:
    """(state, reason). Salesmsg returns 200 even if it ignores a field, so its copy is compared."""
    ignored = [
        name for name, value in values.items() if not three_way.same(name, getattr(record, name), value, country)
    ]
    if not ignored:
        return State.DONE, NO_REASON
    return State.REFUSED, Reason(Code.FIELDS_IGNORED, {"fields": ignored})


def _same_target(change: Change):
    if change.contact_id:
        return Change.objects.filter(contact_id=change.contact_id)
    return Change.objects.filter(conversation_id=change.conversation_id)


def _is_first(change: Change) -> bool:
    """Whether no earlier change of the same contact or conversation is open. Changes are pushed in order."""
    return not _same_target(change).filter(pk__lt=change.pk, state__in=[State.PENDING, State.PUSHING]).exists()


def _later_changes(change: Change):
    return _same_target(change).filter(pk__gt=change.pk, state__in=[State.PENDING, State.PUSHING])


def _refusal(change: Change, error: SalesmsgError) -> Reason:
    if isinstance(error, NotFound) and change.contact and change.contact.vendor_id:
        return Reason(Code.CONTACT_GONE)
    return Reason.from_error(error)


def _postpone(change: Change, until: datetime, reason: Reason = NO_REASON, *, counted: bool = True) -> str:
    """Returns the change to the queue. counted: whether the attempt counts towards `MOST_ATTEMPTS`."""
    attempts = F("attempts") if counted else F("attempts") - 1
    if Change.objects.filter(pk=change.pk, state=State.PUSHING).update(
        state=State.PENDING, due_at=until, attempts=attempts, **reason.columns()
    ):
        delay = max(0.05, (until - timezone.now()).total_seconds())
        jobs.enqueue(PUSH, change.pk, delay=delay + random.random())  # spread changes that wait for the same call
    return State.PENDING


def _finish(change: Change, state: str, reason: Reason = NO_REASON) -> str:
    Change.objects.filter(pk=change.pk, state=State.PUSHING).update(
        state=state, finished_at=timezone.now(), **reason.columns()
    )
    change.state = state
    touch_threads(change)
    return state


def touch_threads(change: Change) -> None:
    """Marks the threads that show this change as changed."""
    if change.conversation_id:
        ids = [change.conversation_id]
    else:
        ids = list(Conversation.objects.filter(contact_id=change.contact_id).values_list("pk", flat=True))
    mirror.touch(change.account_id, ids)
