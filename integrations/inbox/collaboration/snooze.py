"""Snooze conversations: the choices of the menu, snoozing, and ending a snooze.

A snooze ends at once when the contact texts (mirror.wake), otherwise when it is due, by the sweep.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ... import mirror
from ...access import record_audit
from ...models import AuditEntry, Conversation
from ...outbox import collision, scheduled
from ...outbox.safeguards import CannotSend

MORNING, EVENING = time(9), time(18)
EVENING_ENDS = timedelta(minutes=30)  # “This evening” is offered until this long before EVENING
SOONEST, LATEST = timedelta(minutes=1), timedelta(days=366)
AT_ONCE = 200


class CannotSnooze(Exception):
    """Raised before anything changes. `reason` is a message for staff: the cause and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Choice:
    """A choice of the snooze menu, in the viewer's time zone. `at` is None for “In an hour”: it has no fixed time."""

    name: str
    label: str
    at: datetime | None = None


def snooze_choices(now: datetime | None = None) -> list[Choice]:
    """The choices to offer now, in the viewer's time zone."""
    local = timezone.localtime(now)
    choices = [Choice("hour", _("In an hour"))]
    evening = _at(local, EVENING)
    if local < evening - EVENING_ENDS:
        choices.append(Choice("evening", _("This evening"), evening))
    tomorrow = _at(local + timedelta(days=1), MORNING)
    choices.append(Choice("tomorrow", _("Tomorrow"), tomorrow))
    monday = _at(local + timedelta(days=7 - local.weekday()), MORNING)
    if monday != tomorrow:
        choices.append(Choice("monday", _("Next Monday"), monday))
    return choices


def _at(day: datetime, clock: time) -> datetime:
    return datetime.combine(day.date(), clock, tzinfo=timezone.get_current_timezone())


def snooze_moment(name: str, local: datetime | None, now: datetime | None = None) -> datetime:
    """Return when the snooze ends. local: for the name "time", a naive datetime in the viewer's time zone.

    Raises CannotSnooze."""
    now = now or timezone.now()
    if name == "hour":
        return now + timedelta(hours=1)
    if name == "time" and local is not None:
        try:
            at = scheduled.resolve_local_time(local, timezone.get_current_timezone_name())
        except CannotSend as problem:
            raise CannotSnooze(problem.reason) from None
    else:
        at = next((choice.at for choice in snooze_choices(now) if choice.name == name), None)
    if at is None:
        raise CannotSnooze(_("Choose when the snooze ends. The conversation was not snoozed."))
    if at < now + SOONEST:
        raise CannotSnooze(_("This time has passed. The conversation was not snoozed. Choose a later time."))
    if at > now + LATEST:
        raise CannotSnooze(_("Choose a time within a year. The conversation was not snoozed."))
    return at


def snooze_conversation(user, conversation: Conversation, until: datetime, seen: int | None = None) -> None:
    """Snooze the conversation for all users. Raises CannotSnooze.

    seen: primary key of the newest message the user was shown, if known. A newer inbound message prevents the snooze,
    so that it is not missed."""
    with transaction.atomic():
        mirror.lock_thread(conversation.pk)
        message = collision.newer_message(user, conversation, seen) if seen is not None else None
        if message is not None and message.inbound:
            refusal = _("%(name)s has just texted, so the conversation was not snoozed. Read the new message first.")
            raise CannotSnooze(refusal % {"name": conversation.contact.name})
        Conversation.objects.filter(pk=conversation.pk).update(snoozed_until=until, snoozed_by=user)
        mirror.touch(conversation.account_id, [conversation.pk])
        details = {"conversation": conversation.pk, "until": f"{until:%F %R}"}
        record_audit(user, AuditEntry.Action.CONVERSATION_SNOOZED, conversation.account, **details)


def end_snooze(user, conversation: Conversation) -> bool:
    """End the snooze now. Returns False when the conversation was not snoozed."""
    with transaction.atomic():
        snoozed = Conversation.objects.filter(pk=conversation.pk, snoozed_until__isnull=False)
        ended = snoozed.update(snoozed_until=None, snoozed_by=None)
        if ended:
            mirror.touch(conversation.account_id, [conversation.pk])
            record_audit(user, AuditEntry.Action.CONVERSATION_WOKEN, conversation.account, conversation=conversation.pk)
    return bool(ended)


def end_due_snoozes() -> int:
    """End the snoozes that are due and move their conversations to the top of the list. Returns the number ended.

    The sweep calls it; one call ends AT_ONCE snoozes at most."""
    now = timezone.now()
    due = Conversation.objects.filter(snoozed_until__lte=now).order_by("pk")
    ended = 0
    for pk, account_id, until in list(due.values_list("pk", "account_id", "snoozed_until")[:AT_ONCE]):
        with transaction.atomic():
            unchanged = Conversation.objects.filter(pk=pk, snoozed_until=until)
            if unchanged.update(snoozed_until=None, snoozed_by=None, latest_at=until):
                mirror.touch(account_id, [pk])
                ended += 1
    return ended
