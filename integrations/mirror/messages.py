"""Writes messages received from Salesmsg, and links them to texts sent from the portal."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from ..failures import NO_REASON, Reason
from ..models import Account, Conversation, Member, Message, ThreadSync
from ..salesmsg.records import Message as Record
from . import consent
from .attachments import keep_attachments
from .conversation_summary import refresh_latest
from .conversations import STATES
from .diff import by_vendor_id, collector_paused, cut, differing, insert_new, save_changed
from .machine import read_machine
from .versions import end_snooze, lock_thread, touch

# A text's state never goes back: pages may be older than the cached state.
PROGRESS: dict[str, int] = {
    Message.State.SENT: 1,
    Message.State.DELIVERED: 3,
    Message.State.FAILED: 3,
    Message.State.RECEIVED: 3,
}
OUR_MEDIA = ("media", "media_pending")
# Clocks differ and the vendor's times are whole seconds: how long before the claim the vendor's copy may be dated.
EARLY = timedelta(seconds=30)
LATE = timedelta(minutes=10)


@dataclass
class Messages:
    """The result of an upsert.

    changed: rows written. new: records that were not cached. met: records that were cached. held_back: copies of a text
    that is being sent, left for later. arrivals: the vendor's times of new inbound texts.
    """

    changed: int = 0
    new: int = 0
    met: int = 0
    held_back: int = 0
    arrivals: list[datetime] = field(default_factory=list)


@collector_paused()
@transaction.atomic
def upsert_messages(conversation: Conversation, records: Iterable[Record]) -> Messages:
    """Write one page of a thread. Locks the conversation's row, so that pages of a thread are written one at a time."""
    conversation = Conversation.objects.select_for_update(of=("self",), no_key=True).get(pk=conversation.pk)
    found = _latest_records(records)
    result = Messages()
    rows = by_vendor_id(Message, conversation.account_id, found)
    result.met = len(rows)
    result.held_back, linked = _match_outbox(conversation, {key: found[key] for key in found.keys() - rows.keys()})
    for vendor_id, message in linked.items():
        if message is not None:
            rows[vendor_id] = message
    names = _authors(conversation.account_id, found.values())
    changed: dict[Message, list[str]] = {}
    left = {row.conversation_id for row in rows.values()} - {conversation.pk}
    new: list[Message] = []
    first_reading = not ThreadSync.objects.filter(conversation=conversation, complete=True).exists()
    since = Account.objects.values_list("created_at", flat=True).get(pk=conversation.account_id)
    is_news = _news(conversation, found.values(), since, first_reading)
    for record in sorted(found.values(), key=lambda record: (record.at or timezone.now(), record.id)):
        row = rows.get(record.id)
        if row is not None:
            changed[row] = _update(row, record, conversation, names)
        elif record.id not in linked:
            values = _values(record, names)
            values.setdefault("at", conversation.last_message_at or timezone.now())
            values |= {"account_id": conversation.account_id, "conversation_id": conversation.pk}
            machine = _machine(values)
            news = is_news(record) and not machine
            new.append(Message(**values, vendor_id=record.id, rank=record.id, machine=machine, is_news=news))
    if not insert_new(new):
        # Another process inserted one of them first: start again and compare with its rows.
        return upsert_messages(conversation, found.values())
    if first_reading and new:
        _clear_old_news(conversation, since)
    result.new = len(new)
    result.arrivals = [row.at for row in new if row.inbound and row.at >= since]
    result.changed = save_changed(changed) + len(new)
    keep_attachments([*new, *(row for row, names in changed.items() if "media" in names)])
    consent.read_texts(conversation, new)
    if conversation.snoozed_until and any(row.is_news for row in new):
        end_snooze(conversation.pk)
    if result.changed:
        for other in sorted(left):
            refresh_latest(other)
        refresh_latest(conversation.pk, locked=True)
        touch(conversation.account_id, [conversation.pk, *left])
    return result


@transaction.atomic
def adopt(message: Message, record: Record) -> None:
    """Link a text to the record that Salesmsg returned for it. Deletes a copy that a sync has written in between."""
    account_id = message.account_id
    # In the same lock order as pages: conversation first.
    lock_thread(message.conversation_id)
    locked = Message.objects.select_for_update(of=("self",), no_key=True).get(pk=message.pk)
    copies = Message.objects.filter(account_id=account_id, vendor_id=record.id).exclude(pk=message.pk)
    threads = {locked.conversation_id, *copies.values_list("conversation", flat=True)}
    copies.delete()
    values = _values(record, _authors(account_id, [record]))
    values = {
        name: value
        for name, value in values.items()
        if name not in {"text", "inbound", "kind", *_fields_to_keep(locked)}
    }
    state = values.pop("state", Message.State.SENT)
    differing(locked, {**NO_REASON.columns(), **values, "vendor_id": record.id, "rank": record.id, "due_at": None})
    locked.state = state if state in PROGRESS and state != Message.State.RECEIVED else Message.State.SENT
    locked.save()
    keep_attachments([locked])
    for conversation_id in sorted(threads):
        refresh_latest(conversation_id)
    touch(account_id, threads)


def _update(row: Message, record: Record, conversation: Conversation, names: dict[int, str]) -> list[str]:
    values = _values(record, names)
    if _is_older(record, row, row.state):
        values = {}
    if row.client_uuid is not None:
        # Keep the text as it was written here, without Salesmsg's markup, and its pictures.
        values = {name: value for name, value in values.items() if name not in {"text", *_fields_to_keep(row)}}
    if row.vendor_id is None:
        values = {**NO_REASON.columns(), **values, "vendor_id": record.id, "rank": record.id, "due_at": None}
    if row.conversation_id != conversation.pk:
        values["conversation_id"] = conversation.pk
    if (
        values.get("text", row.text) != row.text
        and (machine := _machine({"inbound": row.inbound} | values)) != row.machine
    ):
        values |= {"machine": machine} | ({"is_news": False} if machine else {})
    return differing(row, values)


def _fields_to_keep(message: Message) -> tuple[str, ...]:
    """Return the fields to keep if a text has uploaded pictures: Salesmsg's copies of them are not fetched."""
    return ("kind", *OUR_MEDIA) if message.carries_our_pictures else ()


def _latest_records(records: Iterable[Record]) -> dict[int, Record]:
    found: dict[int, Record] = {}
    for record in records:
        known = found.get(record.id)
        if known is None or not _is_older(record, known, STATES[known.state]):
            found[record.id] = record
    return found


def _is_older(record: Record, known: Message | Record, state: str) -> bool:
    """Return whether the record is older than the known state: delivery only progresses, pictures do not disappear."""
    unfetched = record.media_pending and not known.media_pending and bool(known.media)
    return unfetched or _progress(STATES[record.state], record.sent_at) < _progress(state, known.sent_at)


def _progress(state: str, sent_at: datetime | None) -> int:
    """Texts accepted by Salesmsg count as sent; a `sent_at` means further progress."""
    return PROGRESS.get(state, 0) + (state == Message.State.SENT and sent_at is not None)


def _values(record: Record, names: dict[int, str]) -> dict[str, Any]:
    """Return the columns that the record contains."""
    present = record.present
    values: dict[str, Any] = {"raw": record.raw}
    if "state" in present:
        values["state"] = STATES[record.state]
        values["vendor_status"] = record.vendor_status
    if "inbound" in present or "state" in present:
        values["inbound"] = record.inbound
    if "kind" in present or record.media:
        values["kind"] = record.kind
    if "text" in present:
        values["text"] = record.text
    if "media" in present:
        values["media"] = [{"id": m.id, "url": m.url, "content_type": m.content_type} for m in record.media]
    if "media_pending" in present:
        values["media_pending"] = record.media_pending
    if "call" in present or record.call:
        values["call"] = record.call
    if "user_id" in present:
        values["author_vendor_id"] = record.user_id
        values["author_name"] = record.author_name or names.get(record.user_id or 0, "")
    if "failed_reason" in present:
        values |= (Reason.from_vendor(record.failed_reason) if record.failed_reason else NO_REASON).columns()
    for name in ("automated", "source", "received_at", "sent_at", "delivered_at", "failed_at"):
        if name in present:
            values[name] = getattr(record, name)
    if record.at is not None:
        values["at"] = record.at
    values.setdefault("state", STATES[record.state])
    return cut(values, Message)


def _machine(values: dict[str, Any]) -> str:
    """Return which machine wrote a message with these columns; empty for people's, which files and calls always are."""
    file = values.get("media") or values.get("media_pending") or values.get("kind") == Message.Kind.CALL
    return read_machine(values["text"]) if values.get("inbound") and values.get("text") and not file else ""


def _authors(account_id: int, records: Iterable[Record]) -> dict[int, str]:
    ids = {record.user_id for record in records if record.user_id and not record.author_name}
    if not ids:
        return {}
    members = Member.objects.filter(account_id=account_id, vendor_id__in=ids)
    return dict(members.values_list("vendor_id", "full_name"))


def _news(
    conversation: Conversation, records: Iterable[Record], since: datetime, first_reading: bool
) -> Callable[[Record], bool]:
    """Return a function that says whether a new inbound message counts as new for users.

    It does if it came after the account was connected, if Salesmsg counts it as unread, or if it is later than all
    messages of a completely read thread.
    """
    known = Message.objects.filter(conversation=conversation, vendor_id__isnull=False).order_by("-at", "-rank")
    places = known.values_list("at", "rank")
    if first_reading:
        inbound_keys = {(record.at, record.id) for record in records if record.inbound and record.at}
        unread = _most_unread(conversation)
        news = set(sorted({*inbound_keys, *places.filter(inbound=True)[:unread]}, reverse=True)[:unread])
    else:
        newest = places.first()

    def is_news(record: Record) -> bool:
        if not record.inbound:
            return False
        at = record.at or timezone.now()
        if at >= since:
            return True
        return (at, record.id) in news if first_reading else newest is None or (at, record.id) > newest

    return is_news


def _clear_old_news(conversation: Conversation, since: datetime) -> None:
    """Clear `is_news` of messages that turned out to be old, because the thread's pages arrived in another order."""
    inbound_messages = Message.objects.filter(conversation=conversation, inbound=True, vendor_id__isnull=False)
    unread = list(inbound_messages.order_by("-at", "-rank").values_list("pk", flat=True)[: _most_unread(conversation)])
    old = list(inbound_messages.filter(is_news=True, at__lt=since).exclude(pk__in=unread).values_list("pk", flat=True))
    if old:
        Message.objects.filter(pk__in=old).update(is_news=False)


def _most_unread(conversation: Conversation) -> int:
    return min(conversation.unread_at_vendor, 1000)


def _match_outbox(conversation: Conversation, records: dict[int, Record]) -> tuple[int, dict[int, Message | None]]:
    """Match outbound records with texts from the portal whose outcome is unknown.

    Returns (how many were held back, {vendor id: message to link, or None to leave for later}). Identical texts are
    never linked: a match needs exactly one candidate on each side.
    """
    open_states = [Message.State.SENDING, Message.State.UNKNOWN]
    ours = list(
        Message.objects.select_for_update(of=("self",), no_key=True).filter(
            conversation=conversation, vendor_id=None, state__in=open_states, claimed_at__isnull=False
        )
    )
    linked: dict[int, Message | None] = {}
    held_back = 0
    if not ours:
        return held_back, linked
    for text, pictures in {(message.text, message.carries_our_pictures) for message in ours}:
        mine = [message for message in ours if (message.text, message.carries_our_pictures) == (text, pictures)]
        theirs = [
            record
            for record in records.values()
            if not record.inbound
            and record.at is not None
            and _same(record.text, text)
            and pictures == (record.kind == Message.Kind.MMS)
            and any(m.claimed_at and m.claimed_at - EARLY <= record.at <= m.claimed_at + LATE for m in mine)
        ]
        if any(message.state == Message.State.SENDING for message in mine):
            linked |= {record.id: None for record in theirs}
            held_back += len(theirs)
        elif len(mine) == 1 and len(theirs) == 1:
            linked[theirs[0].id] = mine[0]
    return held_back, linked


def _same(theirs: str, ours: str) -> bool:
    return " ".join(theirs.split()) == " ".join(ours.split())
