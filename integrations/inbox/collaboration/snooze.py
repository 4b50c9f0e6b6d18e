"""Conversations that are put aside until a moment: what can be chosen, putting aside, and coming back.

They come back at once when the contact texts (mirror.wake), else by the sweep.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ... import mirror
from ...access import record_audit
from ...models import Conversation
from ...outbox import collision, scheduled
from ...outbox.compose import CannotSend

MORNING, EVENING = time(9), time(18)
EVENING_ENDS = timedelta(minutes=30)  # before it begins it is no longer offered
SOONEST, LATEST = timedelta(minutes=1), timedelta(days=366)
AT_ONCE = 200


class CannotSnooze(Exception):
    """Nothing was changed; `reason` tells staff why and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Choice:
    """A moment to choose, on the viewer's clock; `at` is None where it moves on with the time."""

    name: str
    words: str
    at: datetime | None = None


def snooze_choices(now: datetime | None = None) -> list[Choice]:
    """What is offered now, in the viewer's zone."""
    here = timezone.localtime(now)
    found = [Choice("hour", _("In an hour"))]
    evening = _at(here, EVENING)
    if here < evening - EVENING_ENDS:
        found.append(Choice("evening", _("This evening"), evening))
    tomorrow = _at(here + timedelta(days=1), MORNING)
    found.append(Choice("tomorrow", _("Tomorrow"), tomorrow))
    monday = _at(here + timedelta(days=7 - here.weekday()), MORNING)
    if monday != tomorrow:
        found.append(Choice("monday", _("Next Monday"), monday))
    return found


def _at(day: datetime, clock: time) -> datetime:
    return datetime.combine(day.date(), clock, tzinfo=timezone.get_current_timezone())


def snooze_moment(name: str, local: datetime | None, now: datetime | None = None) -> datetime:
    """When the conversation shall come back. local: the chosen time (naive) on the viewer's clock, for the name "time".

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
        raise CannotSnooze(_("Choose until when. The conversation has not been snoozed."))
    if at < now + SOONEST:
        raise CannotSnooze(_("This time has passed. The conversation has not been snoozed; choose a later time."))
    if at > now + LATEST:
        raise CannotSnooze(_("Choose a time within a year. The conversation has not been snoozed."))
    return at


def snooze_conversation(user, conversation: Conversation, until: datetime, seen: int | None = None) -> None:
    """Puts the conversation aside for everybody. seen: the newest message that the person was shown, by primary key,
    where that is known: what they have not seen must not go out of sight. Raises CannotSnooze."""
    with transaction.atomic():
        mirror.lock_thread(conversation.pk)
        message = collision.newer_message(user, conversation, seen) if seen is not None else None
        if message is not None and message.inbound:
            said = _("%(name)s has just texted, so the conversation has not been snoozed. Read what is new first.")
            raise CannotSnooze(said % {"name": conversation.contact.name})
        Conversation.objects.filter(pk=conversation.pk).update(snoozed_until=until, snoozed_by=user)
        mirror.touch(conversation.account_id, [conversation.pk])
        record_audit(
            user, "conversation snoozed", conversation.account, f"conversation {conversation.pk} until {until:%F %R}"
        )


def end_snooze(user, conversation: Conversation) -> bool:
    """Takes it back at once. False when it was not snoozed any more."""
    with transaction.atomic():
        asleep = Conversation.objects.filter(pk=conversation.pk, snoozed_until__isnull=False)
        woken = asleep.update(snoozed_until=None, snoozed_by=None)
        if woken:
            mirror.touch(conversation.account_id, [conversation.pk])
            record_audit(user, "conversation woken", conversation.account, f"conversation {conversation.pk}")
    return bool(woken)


def end_due_snoozes() -> int:
    """The sweep: those whose time has come go to the top of the list. Returns how many."""
    now = timezone.now()
    due = Conversation.objects.filter(snoozed_until__lte=now).order_by("pk")
    woken = 0
    for pk, account_id, until in list(due.values_list("pk", "account_id", "snoozed_until")[:AT_ONCE]):
        with transaction.atomic():
            still = Conversation.objects.filter(pk=pk, snoozed_until=until)
            if still.update(snoozed_until=None, snoozed_by=None, latest_at=until):
                mirror.touch(account_id, [pk])
                woken += 1
    return woken
