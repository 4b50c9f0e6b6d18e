"""Texts for later: when they leave, in whose time zone, and what keeps one back.

A scheduled text is a queued one with `send_at`; `due_at` is that moment, so the pump finds it by itself. Two things
keep it back: it is more than `LATE` behind its hour (an outage: then it is *held* until a person says a word), or the
contact answered first and the text was to stop then.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from .. import jobs, mirror
from ..access import require_member
from ..durations import city, moment_in_zone, zone_names
from ..failures import NO_REASON, Code, Reason
from ..mirror.conversations import refresh_latest
from ..models import Account, Contact, Conversation, Message
from ..models.message import DRAFT_RANK
from ..salesmsg.text import time_zones
from ..sync.request import schedule_refresh
from . import compose
from .compose import SEND, CannotSend

State = Message.State
LATE = timedelta(hours=1)  # behind its hour by more than this, a text asks before it leaves
GRACE = timedelta(minutes=1)  # a form takes a moment to be filled in
AHEAD = timedelta(days=366)
WOKEN = timedelta(days=1)  # what leaves later than this is the sweep's alone
SOON = timedelta(seconds=4)  # a little more than the sweep's pace
LOOK_AHEAD = timedelta(seconds=20)
PRECISE = 8  # a phone that may live in more zones than these (a toll-free one) tells nothing
SAME_MOMENT = timedelta(seconds=2)  # the vendor's times are whole seconds, and its clock is another one
BATCH = 200


@dataclass(frozen=True)
class Zone:
    """A zone to choose from. `whose`: contact, account or viewer; empty for UTC in want of anything better."""

    name: str
    whose: str = ""

    @property
    def label(self) -> str:
        return city(self.name)


def zones_of(contact: Contact, account: Account, viewer: str = "") -> list[Zone]:
    """The zones that make sense, the most likely first: the contact's if there is one only, else the account's."""
    theirs = [Zone(name, "contact") for name in time_zones(contact.phone) if name in zone_names()]
    if len(theirs) > PRECISE:
        theirs = []
    ours = [Zone(account.organization_timezone, "account")] if account.organization_timezone in zone_names() else []
    found = [*theirs, *ours] if len(theirs) == 1 else [*ours, *theirs]
    found += [Zone(viewer, "viewer")] if viewer in zone_names() else []
    unique: dict[str, Zone] = {}
    for zone in found:
        unique.setdefault(zone.name, zone)
    return list(unique.values()) or [Zone("UTC")]


def resolve_local_time(local: datetime, zone: str) -> datetime:
    """The moment (UTC) at which clocks in `zone` show `local` (naive); of two such moments the first one.

    Raises CannotSend for an unknown zone, and for a time that clocks leap over.
    """
    place = _place(zone)
    try:
        found = local.replace(tzinfo=place, fold=0).astimezone(UTC)
        shown = found.astimezone(place).replace(tzinfo=None, fold=0)
        if shown != local:
            following = _after_the_leap(local, place)
            words = {
                "day": date_format(local, "MONTH_DAY"),
                "city": city(zone),
                "time": date_format(local, "CLOCK"),
                "next": date_format(following, "CLOCK"),
                "next_day": date_format(following, "MONTH_DAY"),
            }
            if following.date() == local.date():
                raise CannotSend(
                    _(
                        "On %(day)s clocks in %(city)s go forward, and %(time)s does not exist there. The next time "
                        "that does is %(next)s."
                    )
                    % words
                )
            raise CannotSend(
                _(
                    "On %(day)s clocks in %(city)s go forward, and %(time)s does not exist there. The next time that "
                    "does is %(next)s on %(next_day)s."
                )
                % words
            )
    except OverflowError:
        raise CannotSend(_("There is no such date.")) from None
    return found


def is_ambiguous(local: datetime, zone: str) -> bool:
    """Whether clocks in `zone` show this time (naive) twice, because they are put back."""
    place = _place(zone)
    first, second = (local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first < second


def _place(zone: str) -> ZoneInfo:
    if zone not in zone_names():
        raise CannotSend(_("The portal does not know this time zone. Choose one from the list."))
    return ZoneInfo(zone)


def _after_the_leap(local: datetime, place: ZoneInfo) -> datetime:
    """The first time (naive) that clocks show after the leap over `local`."""
    later, earlier = (local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    offset = earlier.astimezone(place).utcoffset()
    while later - earlier > timedelta(seconds=1):
        middle = earlier + (later - earlier) // 2
        if middle.astimezone(place).utcoffset() == offset:
            earlier = middle
        else:
            later = middle
    return later.replace(microsecond=0).astimezone(place).replace(tzinfo=None, fold=0)


def schedule_message(
    user: User,
    conversation: Conversation,
    text: str,
    client_uuid: uuid.UUID,
    local: datetime,
    zone: str,
    stop_on_reply: bool = False,
) -> Message:
    """Queues a text that leaves when clocks in `zone` show `local` (naive). The same client_uuid again: the same row.

    Raises CannotSend; PermissionDenied when the person may not see the account.
    """
    require_member(user, conversation.account_id)
    known = Message.objects.filter(client_uuid=client_uuid, account_id=conversation.account_id).first()
    if known is not None:
        return known
    at = _ahead(local, zone)
    with transaction.atomic():
        message = compose.queue_reply(
            user, conversation, text, client_uuid, send_at=at, zone=zone, stop_on_reply=stop_on_reply
        )
        _wake(message.account_id, at)
    return message


def edit_scheduled(
    user: User, message: Message, text: str, local: datetime, zone: str, stop_on_reply: bool = False
) -> bool:
    """Changes a scheduled text in place; one that was held is on its way again. False when it is too late.

    Raises CannotSend.
    """
    require_member(user, message.account_id)
    text = compose.validate_text(message.conversation, text)
    at, now = _ahead(local, zone), timezone.now()
    with transaction.atomic():
        # What was answered is the sweep's to stop. And it is written anew now: earlier messages are no answer to it.
        changed = _scheduled().filter(pk=message.pk).exclude(_answered(), stop_on_reply=True)
        values = {"send_at": at, "due_at": at, "at": at, "zone": zone, "stop_on_reply": stop_on_reply}
        if not changed.update(text=text, created_at=now, **values, **NO_REASON.columns()):
            return False
        _shown_changed(message)
        _wake(message.account_id, at)
    return True


def send_now(user: User, message: Message) -> bool:
    """A person's word: a scheduled or held text leaves now, whatever kept it back. False when it is too late.

    Raises CannotSend.
    """
    require_member(user, message.account_id)
    compose.validate_text(message.conversation, message.text)
    now = timezone.now()
    with transaction.atomic():
        # From here on it is a text like any other, written now: nothing holds it back again.
        values = {"send_at": None, "zone": "", "stop_on_reply": False, "due_at": now, "at": now, "created_at": now}
        rank = DRAFT_RANK + int(now.timestamp() * 1_000_000)
        if not _waiting().filter(pk=message.pk).update(rank=rank, **values, **NO_REASON.columns()):
            return False
        _shown_changed(message)
        _wake(message.account_id, now)
    return True


def check_hold(message: Message) -> str:
    """Asked right after the claim and before any call: "" when it may leave, else "held" or "answered"."""
    if message.send_at is not None and timezone.now() - message.send_at > LATE:
        return "held"
    if message.stop_on_reply and Message.objects.filter(_answered(), pk=message.pk).exists():
        return "answered"
    return ""


def kept_back(message: Message, verdict: str) -> dict[str, Any]:
    """The columns, state among them, of a text that the gate does not let through."""
    now = timezone.now()
    if verdict == "answered":
        return {"state": State.CANCELLED, "due_at": None, "at": now, **Reason(Code.ANSWERED_FIRST).columns()}
    missed = Reason(Code.MISSED_ITS_TIME, {"at": (message.send_at or now).isoformat(), "zone": message.zone})
    return {"state": State.QUEUED, "due_at": None, "at": now, **missed.columns()}


def hold_late() -> int:
    """Scheduled texts that are more than `LATE` behind their hour wait for a person's word. Returns how many."""
    late = _scheduled().filter(send_at__lt=timezone.now() - LATE, due_at__isnull=False)
    return sum(_keep_back(late, message, "held") for message in late.order_by("send_at")[:BATCH])


def stop_answered() -> int:
    """Texts that were to stop when the contact answers first, and the contact did. Returns how many."""
    answered = _waiting().filter(_answered(), stop_on_reply=True)
    return sum(_keep_back(answered, message, "answered") for message in answered.order_by("pk")[:BATCH])


def wake_soon() -> int:
    """Wakes the outbox on the second for what leaves before the next tick. Returns how many nudges."""
    now = timezone.now()
    soon = _scheduled().filter(due_at__gt=now, due_at__lte=now + SOON).order_by()
    moments = set(soon.values_list("account_id", "due_at")[:BATCH])
    for account_id, at in moments:
        _wake(account_id, at)
    return len(moments)


def look_ahead() -> int:
    """Has threads read shortly before a text leaves that is to stop when they answered. Returns how many."""
    now = timezone.now()
    soon = _scheduled().filter(stop_on_reply=True, due_at__gt=now, due_at__lte=now + LOOK_AHEAD)
    unread = Q(conversation__thread_sync=None) | Q(conversation__thread_sync__read_at__lt=now - LOOK_AHEAD)
    conversations = list(soon.filter(unread).order_by().values_list("conversation", flat=True).distinct()[:BATCH])
    for conversation_id in conversations:
        schedule_refresh(conversation_id)
    return len(conversations)


def sweep_scheduled() -> int:
    """Everything that a tick does here. An answer tells more than an hour that has passed, so it comes first."""
    return stop_answered() + hold_late() + look_ahead() + wake_soon()


def _keep_back(still: QuerySet[Any], message: Message, verdict: str) -> int:
    with transaction.atomic():
        kept = still.filter(pk=message.pk).update(**kept_back(message, verdict))
        if kept:
            _shown_changed(message)
    return kept


def _answered() -> Exists:
    """Whether the contact said something after the text was written; a call is no answer.

    Both clocks must say so: what reached the portal earlier was there to be read, and what a sync brings late may
    be older than the text.
    """
    written = OuterRef("created_at")
    said_since = Message.objects.filter(
        conversation=OuterRef("conversation"), inbound=True, created_at__gt=written, at__gte=written - SAME_MOMENT
    )
    return Exists(said_since.exclude(kind=Message.Kind.CALL))


def _waiting() -> QuerySet[Any]:
    return Message.objects.filter(state=State.QUEUED, client_uuid__isnull=False, vendor_id=None)


def _scheduled() -> QuerySet[Any]:
    return _waiting().filter(send_at__isnull=False)


def _ahead(local: datetime, zone: str) -> datetime:
    """The moment, if a text can be scheduled for it. Raises CannotSend."""
    at, now = resolve_local_time(local, zone), timezone.now()
    if at < now - GRACE:
        words = {"time": moment_in_zone(at, zone)}
        raise CannotSend(_("%(time)s is in the past. Choose a later time, or send the text now.") % words)
    if at > now + AHEAD:
        raise CannotSend(_("A text can wait for a year at most. Choose an earlier date."))
    return at


def _wake(account_id: int, at: datetime) -> None:
    delay = at - timezone.now()
    if delay <= WOKEN:
        jobs.enqueue(SEND, account_id, delay=max(0.0, delay.total_seconds()), urgent=True)


def _shown_changed(message: Message) -> None:
    refresh_latest(message.conversation_id)
    mirror.touch(message.account_id, [message.conversation_id])
