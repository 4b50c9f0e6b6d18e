"""What becomes of events. Anyone who learns the address can forge one, so an event is a hint: what it surely names is
fetched from Salesmsg under our own token, and its body is never believed (salesmsg-api.md, section 7).

The rows are the jobs. A pump takes some hundred of an account's at once and sorts them by what they name: twenty texts
of one conversation are one look at its thread, five changes of a contact are one fetch, and what needs no call is
settled in one transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from .. import gateway, jobs
from ..crypto import Unsealable
from ..failures import NO_REASON, Code, Reason
from ..gateway import BudgetWait, NotConnected
from ..models import BudgetCall, WebhookEvent
from ..salesmsg.errors import SalesmsgError
from ..sync.request import schedule_refreshes
from . import fetch
from .payload import EventSubject, read_subject

if TYPE_CHECKING:
    from ..salesmsg.client import Client

PROCESS = "integrations.tasks.process_event"
PUMP = "integrations.tasks.process_events"
KNOWN = {
    "message.received",
    "message.sent",
    "message.delivered",
    "message.failed",
    "message.async.error",
    "contact.created",
    "contact.updated",
    "contact.opted_out",
    "contact.tag_added",
    "call.inbound_started",
    "call.outbound_started",
    "call.inbound_ended",
    "call.outbound_ended",
    "call.recording_available",
}
MOST_ATTEMPTS = 8
LEASE = timedelta(seconds=100)
# An event may overtake its own message: what was read this long before it came does not count as read after it.
HEAD_START = timedelta(seconds=0.5)
AT_ONCE, BODIES = 500, 50  # events that a pump takes; of which so many bodies are in memory
SLICE = 1.0  # seconds of calls in one task, before others have their turn
EARLY, EARLY_TRIES = 2.0, 3  # seconds, times
GRACE = timedelta(seconds=2)  # the nudge's own time to arrive
State = WebhookEvent.State


def process_due(account_id: int) -> int:
    """The task: works on what is due. Returns how many events it took."""
    claimed = _claim(WebhookEvent.objects.filter(account_id=account_id))
    if not claimed:
        return 0
    batch = Batch(account_id, claimed)
    batch.work()
    if len(claimed) == AT_ONCE:
        jobs.enqueue(PUMP, account_id, urgent=True)
    elif batch.comes_back is not None:
        jobs.enqueue(PUMP, account_id, delay=batch.comes_back, urgent=True)
    return len(claimed)


def process_event(event_id: int) -> str:
    """One event alone, when a person asks for it. Returns the state it left it in; "" if it is not due."""
    claimed = _claim(WebhookEvent.objects.filter(pk=event_id))
    if not claimed:
        return ""
    account_id = WebhookEvent.objects.values_list("account_id", flat=True).get(pk=event_id)
    batch = Batch(account_id, claimed)
    batch.work()
    if batch.comes_back is not None:
        jobs.enqueue(PUMP, account_id, delay=batch.comes_back, urgent=True)
    return WebhookEvent.objects.values_list("state", flat=True).get(pk=event_id)


def process_again(event: WebhookEvent) -> None:
    """Processes an event once more."""
    WebhookEvent.objects.filter(pk=event.pk).update(
        state=State.NEW, attempts=0, due_at=timezone.now(), **NO_REASON.columns()
    )
    jobs.enqueue(PROCESS, event.pk)


def wake_due() -> int:
    """The sweep's part: accounts with events that are due and were not nudged, or whose worker is gone."""
    due = WebhookEvent.objects.filter(state=State.NEW, due_at__lt=timezone.now() - GRACE)
    account_ids = list(due.order_by().values_list("account_id", flat=True).distinct())
    for account_id in account_ids:
        jobs.enqueue(PUMP, account_id, urgent=True)
    return len(account_ids)


@dataclass(frozen=True, eq=False)
class Job:
    """An event that is claimed."""

    pk: int
    name: str
    attempts: int
    received_at: datetime
    named: EventSubject


def _claim(events: QuerySet) -> list[Job]:
    """Takes what is due, the longest due first, for the time of a lease."""
    now = timezone.now()
    with transaction.atomic():
        due = events.filter(state=State.NEW, due_at__lte=now).order_by("due_at", "pk")
        taken = list(due.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)[:AT_ONCE])
        if taken:
            claimed = WebhookEvent.objects.filter(pk__in=taken)
            claimed.update(due_at=now + LEASE, attempts=F("attempts") + 1)
    found = []
    for start in range(0, len(taken), BODIES):
        rows = WebhookEvent.objects.in_bulk(taken[start : start + BODIES])
        found += [Job(e.pk, e.name, e.attempts, e.received_at, read_subject(e.body)) for e in rows.values()]
    return sorted(found, key=lambda job: job.pk)


@dataclass
class Batch:
    """Claimed events of one account, sorted by what must be fetched for them; each event is in one place at a time."""

    account_id: int
    claimed: list[Job]
    conversations: dict[int, list[Job]] = field(default_factory=dict)
    people: dict[tuple[int | None, str], list[Job]] = field(default_factory=dict)
    contacts: dict[int, list[Job]] = field(default_factory=dict)
    looks: list[int] = field(default_factory=list)  # conversations whose threads are to be read, not yet asked for
    outcomes: list[tuple[list[Job], dict]] = field(default_factory=list)  # what to write on which rows, not yet written
    comes_back: float | None = None  # seconds until the first of those that were put off is due

    def work(self) -> None:
        """Settles what needs no call, then makes the calls that the others need, for a moment."""
        self._settle_without_calls()
        self._write()
        self._calls()

    def _write(self) -> None:
        """All that was found out so far, in one short transaction: events are done once their looks are asked for."""
        with transaction.atomic():
            schedule_refreshes(self.account_id, self.looks)
            for ended, values in self.outcomes:
                WebhookEvent.objects.filter(pk__in=[job.pk for job in ended], state=State.NEW).update(**values)
        self.looks, self.outcomes = [], []

    # -- without calls ------------------------------------------------------------------------------------------------

    def _settle_without_calls(self) -> None:
        self._end(
            [job for job in self.claimed if job.attempts > MOST_ATTEMPTS], State.FAILED, Reason(Code.EVENT_NEVER_ENDED)
        )
        alive = [job for job in self.claimed if job.attempts <= MOST_ATTEMPTS]
        self._end([job for job in alive if not job.named], State.UNKNOWN, Reason(Code.EVENT_NAMES_NOTHING))
        texts = []
        for job in alive:
            named = job.named
            if named.contact_id and (job.name.startswith("contact.") or not (named.conversation_id or named.phone)):
                self.contacts.setdefault(named.contact_id, []).append(job)
            elif named:
                texts.append(job)
        threads: dict[int, list[Job]] = {}
        for job in self._without_ours(texts):
            if job.named.conversation_id:
                threads.setdefault(job.named.conversation_id, []).append(job)
            else:
                person = job.named.contact_id
                self.people.setdefault((person, "" if person else job.named.phone), []).append(job)
        self._read_known(threads)

    def _without_ours(self, texts: list[Job]) -> list[Job]:
        """Leaves out texts of ours whose answers told all of them: a bulk text would cost twice its calls otherwise.
        While one of ours is under way in that conversation, this may be it: it is looked at again in a moment."""
        sent = [job for job in texts if job.name == "message.sent"]
        if not sent:
            return texts
        ours = fetch.our_texts(self.account_id, {job.named.message_id for job in sent} - {None})
        young = {job.named.conversation_id for job in sent if job.attempts <= EARLY_TRIES}
        under_way = fetch.under_way(self.account_id, young - {None})
        told = [job for job in sent if job.named.message_id in ours]
        early = [
            job
            for job in sent
            if job.named.message_id not in ours
            and job.attempts <= EARLY_TRIES
            and job.named.conversation_id in under_way
        ]
        self._done(told)
        self._put_off(early, EARLY)
        left_out = {*told, *early}
        return [job for job in texts if job not in left_out]

    def _read_known(self, threads: dict[int, list[Job]]) -> None:
        """Asks for a look at the threads that are here and were not read since; the others must be fetched first."""
        known = fetch.known(self.account_id, threads)
        done = []
        for vendor_id, named in threads.items():
            thread = known.get(vendor_id)
            if thread is None or thread.closed:
                self.conversations[vendor_id] = named
                continue
            self._look(thread, named)
            if not self._wants_contact(thread, named):
                done += named
        self._done(done)

    def _look(self, thread: fetch.Thread, named: list[Job]) -> None:
        """Unless it was read since the last of them came."""
        newest = max(job.received_at for job in named)
        if thread.read_at is None or thread.read_at < newest + HEAD_START:
            self.looks.append(thread.pk)

    def _wants_contact(self, thread: fetch.Thread, named: list[Job]) -> bool:
        """Whether these events must wait for their contact, too."""
        if not thread.contact_id or not (thread.bare or any(job.named.stops for job in named)):
            return False
        self.contacts.setdefault(thread.contact_id, []).extend(named)
        return True

    # -- with calls ---------------------------------------------------------------------------------------------------

    def _calls(self) -> None:
        client = gateway.open_session(self.account_id, BudgetCall.Lane.EVENT).client
        until = time.monotonic() + SLICE
        kinds: tuple[tuple[dict, Callable], ...] = (
            (self.conversations, self._conversation),
            (self.people, self._person),
            (self.contacts, self._contact),
        )
        for groups, call in kinds:
            while groups:
                if time.monotonic() > until:
                    self._leave(0.0)
                    return
                key = next(iter(groups))
                try:
                    call(client, key, groups[key])
                except BudgetWait as wait:
                    self._leave(wait.seconds)
                    return
                except (NotConnected, Unsealable) as problem:
                    self._end(groups[key], State.FAILED, Reason.from_error(problem))
                except SalesmsgError as error:
                    self._failed(groups[key], error)
                del groups[key]
                self._write()

    def _conversation(self, client: Client, vendor_id: int, named: list[Job]) -> None:
        thread = fetch.conversation(self.account_id, client, vendor_id)
        if thread is not None:
            self._look(thread, named)
        if thread is None or not self._wants_contact(thread, named):
            self._done(named)

    def _person(self, client: Client, person: tuple[int | None, str], named: list[Job]) -> None:
        self.looks += fetch.conversations_of(self.account_id, client, *person)
        self._done(named)

    def _contact(self, client: Client, contact_id: int, named: list[Job]) -> None:
        fetch.contact(self.account_id, client, contact_id)
        self._done(named)

    # -- how they end -------------------------------------------------------------------------------------------------

    def _done(self, ended: list[Job]) -> None:
        self._end([job for job in ended if job.name in KNOWN], State.DONE)
        unknown = [job for job in ended if job.name not in KNOWN]
        self._end(unknown, State.UNKNOWN, Reason(Code.EVENT_KIND_UNKNOWN))

    def _end(self, ended: list[Job], state: str, reason: Reason = NO_REASON) -> None:
        if ended:
            self.outcomes.append((ended, {"state": state, "processed_at": timezone.now(), **reason.columns()}))

    def _failed(self, named: list[Job], error: SalesmsgError) -> None:
        over = [job for job in named if error.again == "never" or job.attempts >= MOST_ATTEMPTS]
        self._end(over, State.FAILED, Reason.from_error(error))
        for job in named:
            if job not in over:
                self._put_off([job], min(120.0, 2.0**job.attempts))

    def _leave(self, seconds: float) -> None:
        """No more calls for now: what is left comes back uncounted, one group after another as places return."""
        apart = settings.SALESMSG_RATE_PERIOD / max(1, settings.SALESMSG_RATE_LIMIT) if seconds else 0.0
        left = [*self.conversations.values(), *self.people.values(), *self.contacts.values()]
        for place, group in enumerate(left):
            later = min(place * apart, settings.SALESMSG_RATE_PERIOD)
            self._put_off(group, seconds + later, counted=False)
        self._write()

    def _put_off(self, named: list[Job], seconds: float, *, counted: bool = True) -> None:
        if named:
            attempts = F("attempts") if counted else F("attempts") - 1
            due_at = timezone.now() + timedelta(seconds=seconds)
            self.outcomes.append((named, {"due_at": due_at, "attempts": attempts}))
            self.comes_back = seconds if self.comes_back is None else min(self.comes_back, seconds)
