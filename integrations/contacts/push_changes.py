"""Tells Salesmsg what staff changed: claim the pending row, call, store Salesmsg's word on it with the change's end.

What sets an absolute value is simply repeated when its outcome is unclear; a note is looked for first (`telling`). An
edit of a contact reads the contact first: what was changed at Salesmsg, too, is not overwritten but waits for a person
(see `conflicts`).
"""

import random
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .. import gateway, jobs, mirror
from ..crypto import Unsealable
from ..gateway import ApiSession, BudgetWait, NotConnected
from ..models import BudgetCall, Change, Conversation
from ..salesmsg.errors import Invalid, NotFound, SalesmsgError
from . import change_handlers, three_way

PUSH = "integrations.tasks.push_change"
MOST_ATTEMPTS = 30
READ_HOLDS = 90  # seconds: a worker that read the contact and then had to wait for budget need not read it again
Kind, State = Change.Kind, Change.State


def push_change(change_id: int) -> str:
    """The task: claims the change and tells Salesmsg. Returns the state it left it in, "" if not ours to claim."""
    now = timezone.now()
    claimed = Change.objects.filter(pk=change_id, state=State.PENDING, due_at__lte=now).update(
        state=State.PUSHING, due_at=now + change_handlers.CLAIM, attempts=F("attempts") + 1
    )
    if not claimed:
        return ""
    change = Change.objects.select_related("account", "contact", "conversation").get(pk=change_id)
    if not _turn(change):
        return _put_off(change, now + timedelta(seconds=1), "", counted=False)
    session = gateway.open_session(change.account_id, BudgetCall.Lane.EDIT)
    try:
        _tell(change, session)
    except change_handlers.TakenAway:
        return ""
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
    return change.state


def wake_due() -> int:
    """The sweep's part: changes that are due, and those whose worker is gone."""
    now = timezone.now()
    Change.objects.filter(state=State.PUSHING, due_at__lt=now).update(state=State.PENDING, due_at=now)
    due = Change.objects.filter(state=State.PENDING, due_at__lt=now - timedelta(seconds=2))
    ids = list(due.order_by("due_at").values_list("pk", flat=True)[:50])
    for pk in ids:
        jobs.enqueue(PUSH, pk)
    return len(ids)


def _tell(change: Change, session: ApiSession) -> None:
    """Makes the call and stores Salesmsg's word on it together with the change's end."""
    client = session.client
    if change.kind == Kind.CONTACT:
        _tell_contact(change, client)
        return
    if change.kind in change_handlers.TELLERS:
        told = change_handlers.TELLERS[change.kind](change, session)
        with transaction.atomic():
            mirror.upsert_contacts(change.account_id, [told.contact])
            _end(change, told.state, told.reason)
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


def _tell_contact(change: Change, client) -> None:
    """Two calls: reads the contact, then tells what is still to be told. The change keeps what was in no conflict."""
    contact = change.contact
    if contact.vendor_id is None:
        raise NotFound("Salesmsg does not know this contact yet. Send a text first, then save again.")
    # Not when it was read a moment ago: with little budget, reading anew would take the very place the edit waits for.
    names = cache.get(_just_read(change))
    if not names or three_way.moved(change):
        names = _still_to_tell(change, client.contact(contact.vendor_id))
    cache.delete(_just_read(change))
    told = {name: change.values[name] for name in names if name in change.values}
    if not told:
        return
    try:
        record = client.update_contact(contact.vendor_id, **told)
    except BudgetWait:
        cache.set(_just_read(change), list(told), READ_HOLDS)
        raise
    if not set(told) <= record.present:
        record = client.contact(contact.vendor_id)  # a partial answer: what does Salesmsg have now?
    with transaction.atomic():
        mirror.upsert_contacts(change.account_id, [record])
        _end(change, *_verdict(told, record, contact.country))


def _just_read(change: Change) -> str:
    return f"change-read-{change.pk}"


@transaction.atomic
def _still_to_tell(change: Change, record) -> list[str]:
    """Mirrors what Salesmsg has now and sorts the fields: those in conflict are set aside for a person. With nothing
    left to tell the change has ended, or is the conflict itself."""
    mirror.upsert_contacts(change.account_id, [record])
    held = Change.objects.select_for_update(no_key=True).get(pk=change.pk)
    change.state, change.values, change.base = held.state, held.values, held.base
    if held.state != State.PUSHING:
        return []  # a later edit took its place while we read
    theirs = {name: getattr(record, name) for name in three_way.EDITABLE if name in record.present}
    parts = three_way.sort(change, theirs)
    if parts.conflict:
        three_way.set_aside(change, parts, theirs)
        shown_changed(change)
    elif not parts.told:
        _end(change, State.DONE, "")
    return parts.told


def _verdict(told: dict[str, str], record, country: str) -> tuple[str, str]:
    """Whether Salesmsg's copy now says what was asked; it answers 200 also where it ignores a field."""
    ignored = [name for name, value in told.items() if not three_way.same(name, getattr(record, name), value, country)]
    if not ignored:
        return State.DONE, ""
    words = ", ".join(name.replace("_", " ") for name in ignored)
    return State.REFUSED, f"Salesmsg accepted the edit but did not take over: {words}."


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
    if isinstance(error, NotFound) and change.contact and change.contact.vendor_id:
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
    change.state = state
    shown_changed(change)
    return state


def shown_changed(change: Change) -> None:
    """The threads in which this change is shown."""
    if change.conversation_id:
        ids = [change.conversation_id]
    else:
        ids = list(Conversation.objects.filter(contact_id=change.contact_id).values_list("pk", flat=True))
    mirror.touch(change.account_id, ids)
