"""Schedules texts: their send time and time zone, and the conditions that stop them.

A scheduled text is a queued message with `send_at`. Its `due_at` is the same time, so the dispatcher sends it like any
other text. Two conditions stop it: after an outage it is more than `LATE` overdue (it is then *held* until a person
decides), or the contact replied first and `stop_on_reply` is set (it is then cancelled).
"""

import uuid
from collections.abc import Collection
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
from ..durations import city, first_after_gap, moment_in_zone, zone_names
from ..failures import NO_REASON, Code, Reason
from ..mirror.conversations import refresh_latest
from ..models import Account, Contact, Conversation, Message
from ..models.message import DRAFT_RANK
from ..sync.request import schedule_refresh
from . import compose, quiet_hours
from .compose import SEND
from .safeguards import CannotSend, Safeguard, Way

State = Message.State
LATE = timedelta(hours=1)  # a text that is overdue by more than this is held
GRACE = timedelta(minutes=1)  # time to fill in the form
AHEAD = timedelta(days=366)
WOKEN = timedelta(days=1)  # texts due later than this are left to the sweep
SOON = timedelta(seconds=4)  # slightly longer than the sweep's interval
LOOK_AHEAD = timedelta(seconds=20)
SAME_MOMENT = timedelta(seconds=2)  # vendor times are whole seconds from a different clock
BATCH = 200


@dataclass(frozen=True)
class Zone:
    """A time zone option. `whose`: contact, account or viewer; empty for the fallback, UTC."""

    name: str
    whose: str = ""

    @property
    def label(self) -> str:
        return city(self.name)


def zones_of(contact: Contact, account: Account, viewer: str = "") -> list[Zone]:
    """Time zone options, likeliest first: the contact's zone if it is unambiguous, else the account's."""
    own = quiet_hours.own_zone(contact)
    phone = [Zone(name, "contact") for name in quiet_hours.phone_zones(contact.phone)]
    theirs = [Zone(own, "contact")] if own else phone if len(phone) == 1 else []
    return _distinct([*theirs, *_account_zone(account), *phone, *_viewer_zone(viewer)])


def zones_for_bulk(account: Account, viewer: str = "") -> list[Zone]:
    """Time zone options for the start of a bulk text, likeliest first."""
    return _distinct([*_account_zone(account), *_viewer_zone(viewer)])


def _account_zone(account: Account) -> list[Zone]:
    return [Zone(account.organization_timezone, "account")] if account.organization_timezone in zone_names() else []


def _viewer_zone(viewer: str) -> list[Zone]:
    return [Zone(viewer, "viewer")] if viewer in zone_names() else []


def _distinct(zones: list[Zone]) -> list[Zone]:
    unique: dict[str, Zone] = {}
    for zone in zones:
        unique.setdefault(zone.name, zone)
    return list(unique.values()) or [Zone("UTC")]


def resolve_local_time(local: datetime, zone: str) -> datetime:
    """Converts a naive local time in `zone` to UTC. An ambiguous time resolves to the earlier moment.

    Raises CannotSend if the zone is unknown or the time is skipped when clocks go forward.
    """
    tz = _zone_info(zone)
    try:
        at = local.replace(tzinfo=tz, fold=0).astimezone(UTC)
        round_trip = at.astimezone(tz).replace(tzinfo=None, fold=0)
        if round_trip != local:
            following = first_after_gap(local, tz)
            params = {
                "day": date_format(local, "MONTH_DAY"),
                "city": city(zone),
                "time": date_format(local, "CLOCK"),
                "next": date_format(following, "CLOCK"),
                "next_day": date_format(following, "MONTH_DAY"),
            }
            if following.date() == local.date():
                raise CannotSend(
                    _(
                        "Clocks in %(city)s go forward on %(day)s, so %(time)s does not exist there. The next valid "
                        "time is %(next)s."
                    )
                    % params
                )
            raise CannotSend(
                _(
                    "Clocks in %(city)s go forward on %(day)s, so %(time)s does not exist there. The next valid time "
                    "is %(next)s on %(next_day)s."
                )
                % params
            )
    except OverflowError:
        raise CannotSend(_("This date does not exist.")) from None
    return at


def is_ambiguous(local: datetime, zone: str) -> bool:
    """Whether the naive local time occurs twice in `zone` because clocks go back."""
    zone_info = _zone_info(zone)
    first, second = (local.replace(tzinfo=zone_info, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first < second


def _zone_info(zone: str) -> ZoneInfo:
    if zone not in zone_names():
        raise CannotSend(_("Unknown time zone. Choose one from the list."))
    return ZoneInfo(zone)


def schedule_message(
    user: User,
    conversation: Conversation,
    text: str,
    client_uuid: uuid.UUID,
    local: datetime,
    zone: str,
    stop_on_reply: bool = False,
    accepted: Collection[str] = (),
) -> Message:
    """Queues a text for a naive local time in `zone`. A repeated client_uuid returns the existing row.

    Raises CannotSend; PermissionDenied if the user has no access to the account.
    """
    require_member(user, conversation.account_id)
    existing = Message.objects.filter(client_uuid=client_uuid, account_id=conversation.account_id).first()
    if existing is not None:
        return existing
    at = send_time(local, zone)
    with transaction.atomic():
        message = compose.queue_reply(
            user, conversation, text, client_uuid, accepted=accepted, way=Way.SCHEDULED,
            send_at=at, zone=zone, stop_on_reply=stop_on_reply,
        )  # fmt: skip
        _wake(message.account_id, at)
    return message


def edit_scheduled(
    user: User,
    message: Message,
    text: str,
    local: datetime,
    zone: str,
    stop_on_reply: bool = False,
    accepted: Collection[str] = (),
) -> bool:
    """Changes a scheduled text and releases it if it was held. Returns False if it is too late.

    Raises CannotSend; PermissionDenied if the user has no access to the account.
    """
    require_member(user, message.account_id)
    at, now = send_time(local, zone), timezone.now()
    with transaction.atomic():
        mirror.lock_thread(message.conversation_id)
        if not _scheduled().filter(pk=message.pk).exists():
            return False
        text = compose.check_text(message, text, at, Way.SCHEDULED, accepted)
        # Leave answered texts to the sweep. An edit resets created_at: only later messages count as a reply.
        changed = _scheduled().filter(pk=message.pk).exclude(_answered(), stop_on_reply=True)
        values = {"send_at": at, "due_at": at, "at": at, "zone": zone, "stop_on_reply": stop_on_reply}
        answers = list(accepted)
        if not changed.update(text=text, created_at=now, accepted=answers, **values, **NO_REASON.columns()):
            return False
        _touch_conversation(message)
        _wake(message.account_id, at)
    return True


def send_now(user: User, message: Message) -> bool:
    """Sends a scheduled or held text now. Returns False if it is too late.

    Raises CannotSend; PermissionDenied if the user has no access to the account.
    """
    require_member(user, message.account_id)
    now = timezone.now()
    with transaction.atomic():
        mirror.lock_thread(message.conversation_id)
        compose.check_text(message, message.text, now, Way.RESENT, ())
        # Turn it into an ordinary text written now, so that no condition stops it again.
        values = {"send_at": None, "zone": "", "stop_on_reply": False, "due_at": now, "at": now, "created_at": now}
        decided = [Safeguard.DUPLICATE.value]
        rank = DRAFT_RANK + int(now.timestamp() * 1_000_000)
        if not _waiting().filter(pk=message.pk).update(rank=rank, accepted=decided, **values, **NO_REASON.columns()):
            return False
        _touch_conversation(message)
        _wake(message.account_id, now)
    return True


def check_hold(message: Message) -> str:
    """Checks the stop conditions after the claim and before any call. Returns "" to send, else "held" or "answered"."""
    if message.send_at is not None and timezone.now() - message.send_at > LATE:
        return "held"
    if message.stop_on_reply and Message.objects.filter(_answered(), pk=message.pk).exists():
        return "answered"
    return ""


def kept_back(message: Message, verdict: str) -> dict[str, Any]:
    """Column values, including the state, for a text that `check_hold` stopped."""
    now = timezone.now()
    if verdict == "answered":
        return {"state": State.CANCELLED, "due_at": None, "at": now, **Reason(Code.ANSWERED_FIRST).columns()}
    missed = Reason(Code.MISSED_ITS_TIME, {"at": (message.send_at or now).isoformat(), "zone": message.zone})
    return {"state": State.QUEUED, "due_at": None, "at": now, **missed.columns()}


def hold_late() -> int:
    """Sweep: holds scheduled texts that are overdue by more than `LATE`. Returns how many."""
    late = _scheduled().filter(send_at__lt=timezone.now() - LATE, due_at__isnull=False)
    return sum(_keep_back(late, message, "held") for message in late.order_by("send_at")[:BATCH])


def stop_answered() -> int:
    """Sweep: cancels texts with `stop_on_reply` whose contact has replied. Returns how many."""
    answered = _waiting().filter(_answered(), stop_on_reply=True)
    return sum(_keep_back(answered, message, "answered") for message in answered.order_by("pk")[:BATCH])


def wake_soon() -> int:
    """Sweep: enqueues tasks on the second for texts due before the next sweep. Returns how many tasks."""
    now = timezone.now()
    soon = _scheduled().filter(due_at__gt=now, due_at__lte=now + SOON).order_by()
    moments = set(soon.values_list("account_id", "due_at")[:BATCH])
    for account_id, at in moments:
        _wake(account_id, at)
    return len(moments)


def look_ahead() -> int:
    """Sweep: refreshes threads shortly before a text with `stop_on_reply` is due. Returns how many threads."""
    now = timezone.now()
    soon = _scheduled().filter(stop_on_reply=True, due_at__gt=now, due_at__lte=now + LOOK_AHEAD)
    unread = Q(conversation__thread_sync=None) | Q(conversation__thread_sync__read_at__lt=now - LOOK_AHEAD)
    conversations = list(soon.filter(unread).order_by().values_list("conversation", flat=True).distinct()[:BATCH])
    for conversation_id in conversations:
        schedule_refresh(conversation_id)
    return len(conversations)


def sweep_scheduled() -> int:
    """Runs all sweeps for scheduled texts. Replies first: an answered text is cancelled rather than held."""
    return stop_answered() + hold_late() + look_ahead() + wake_soon()


def _keep_back(still: QuerySet[Any], message: Message, verdict: str) -> int:
    with transaction.atomic():
        mirror.lock_thread(message.conversation_id)
        kept = still.filter(pk=message.pk).update(**kept_back(message, verdict))
        if kept:
            _touch_conversation(message)
    return kept


def _answered() -> Exists:
    """Whether the contact has sent a message since the text was written. Phone calls do not count, nor do reactions and
    automatic replies.

    Both the portal's and the vendor's time must be later: a message that was already synced could be read, and one that
    is synced late may be older than the text.
    """
    written = OuterRef("created_at")
    replies = Message.objects.filter(
        conversation=OuterRef("conversation"),
        inbound=True,
        machine="",
        created_at__gt=written,
        at__gte=written - SAME_MOMENT,
    )
    return Exists(replies.exclude(kind=Message.Kind.CALL))


def _waiting() -> QuerySet[Any]:
    return Message.objects.filter(state=State.QUEUED, client_uuid__isnull=False, vendor_id=None)


def _scheduled() -> QuerySet[Any]:
    return _waiting().filter(send_at__isnull=False)


def send_time(local: datetime, zone: str) -> datetime:
    """The send time in UTC. Raises CannotSend if it is in the past or too far ahead."""
    at, now = resolve_local_time(local, zone), timezone.now()
    if at < now - GRACE:
        params = {"time": moment_in_zone(at, zone)}
        raise CannotSend(_("%(time)s is in the past. Choose a later time, or send the text now.") % params)
    if at > now + AHEAD:
        raise CannotSend(_("A text can be scheduled up to one year ahead. Choose an earlier date."))
    return at


def _wake(account_id: int, at: datetime) -> None:
    delay = at - timezone.now()
    if delay <= WOKEN:
        jobs.enqueue(SEND, account_id, delay=max(0.0, delay.total_seconds()), urgent=True)


def _touch_conversation(message: Message) -> None:
    refresh_latest(message.conversation_id)
    mirror.touch(message.account_id, [message.conversation_id])
