"""Stores webhook events; events that arrive at the same moment are written in one transaction.

SQLite has one writer at a time, and waiting for it means sleeping. Instead, the threads of a process wait for each
other, and one of them writes all events that have arrived.
"""

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from .. import jobs
from ..crypto import digest
from ..db.immediate_transaction import immediate_transaction
from ..mirror import consent
from ..models import Account, WebhookEvent
from .payload import EventSubject, read_subject
from .process import PUMP

REPEATED_WITHIN = timedelta(minutes=10)
RECEIVED = "message.received"
NOTED_EVERY = timedelta(seconds=1)  # precision of “last event”


@dataclass(eq=False)
class Arrival:
    """A received event. `done` is set after the commit, or `error` if it failed."""

    account_id: int
    text: str
    at: datetime = field(default_factory=timezone.now)
    done: bool = False
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.digest = digest(self.text)
        self.name = name_of(self.text)


class EventWriter:
    """Stores events; one per process. `write` returns after the commit."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._arrived = threading.Lock()
        self._waiting: list[Arrival] = []

    def write(self, account_id: int, body: bytes) -> None:
        """Store an event. Raises the database's error if that fails."""
        arrival = Arrival(account_id, body.decode("utf-8", errors="replace").replace("\x00", ""))
        with self._arrived:
            self._waiting.append(arrival)
        with self._turn:
            if not arrival.done and arrival.error is None:
                with self._arrived:
                    batch, self._waiting = self._waiting, []
                write_all(batch)
        if not arrival.done:  # also if the thread that was writing it was stopped
            raise arrival.error or RuntimeError("The event was not stored.")


def write_all(batch: list[Arrival]) -> None:
    """Write events, one transaction per account. Errors are recorded on each event."""
    by_account: dict[int, list[Arrival]] = {}
    for arrival in batch:
        by_account.setdefault(arrival.account_id, []).append(arrival)
    for account_id, arrivals in by_account.items():
        try:
            _write(account_id, arrivals)
        except Exception as error:  # noqa: BLE001 - each thread raises it for its own event
            for arrival in arrivals:
                arrival.error = error
        else:
            for arrival in arrivals:
                arrival.done = True


def _write(account_id: int, arrivals: list[Arrival]) -> None:
    now = timezone.now()
    with immediate_transaction():
        # First, because it locks the account: of two simultaneous copies, the second sees the first.
        account = Account.objects.select_for_update(no_key=True).filter(pk=account_id)
        last_at, missed = account.values_list("last_event_at", "events_missed").get()
        reopened = False
        seen = WebhookEvent.objects.filter(
            account_id=account_id,
            digest__in={arrival.digest for arrival in arrivals},
            received_at__gt=now - REPEATED_WITHIN,
        )
        known = dict(seen.order_by().values_list("digest", "pk"))
        fresh: dict[str, WebhookEvent] = {}
        for arrival in arrivals:
            if arrival.digest in known:
                again = WebhookEvent.objects.filter(pk=known[arrival.digest])
                again.update(repeats=F("repeats") + 1)
                reopened |= _says_more(arrival) and _reopen(again, arrival)
            elif arrival.digest in fresh:
                fresh[arrival.digest].repeats += 1
            else:
                fresh[arrival.digest] = WebhookEvent(
                    account_id=account_id,
                    name=arrival.name,
                    body=arrival.text,
                    digest=arrival.digest,
                    received_at=arrival.at,
                    due_at=arrival.at,
                )
        WebhookEvent.objects.bulk_create(fresh.values())
        for event in fresh.values():
            if event.name == RECEIVED:
                _opt_out(account_id, read_subject(event.body))
        if missed or last_at is None or not timedelta() <= now - last_at < NOTED_EVERY:
            Account.objects.filter(pk=account_id).update(last_event_at=now, events_missed=0)
        if fresh or reopened:
            jobs.wake(PUMP, account_id)


def _opt_out(account_id: int, subject: EventSubject) -> None:
    """An opt-out counts before anything else: from the event's own words, however many events and calls wait."""
    vendor_ids = (subject.contact_id, subject.conversation_id, subject.message_id)
    consent.read_event(account_id, subject.text, subject.phone, *vendor_ids)


def _says_more(arrival: Arrival) -> bool:
    """Return whether an identical event may be new: contact events do not say what changed, message events are
    complete.
    """
    return not arrival.name.startswith(("message.", "call."))


def _reopen(event: QuerySet[WebhookEvent], arrival: Arrival) -> bool:
    """Process an already processed event again. Returns whether it was."""
    processed = event.filter(state__in=(WebhookEvent.State.DONE, WebhookEvent.State.UNKNOWN))
    values = {"state": WebhookEvent.State.NEW, "attempts": 0, "due_at": arrival.at, "received_at": arrival.at}
    return bool(processed.update(**values))


def name_of(text: str) -> str:
    """Return the event's name, or "" if there is none that can be stored."""
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    name = payload.get("event") if isinstance(payload, dict) else None
    # JSON can contain NUL and lone surrogates, which databases cannot store.
    return name.encode(errors="replace").decode().replace("\x00", "")[:120] if isinstance(name, str) else ""
