"""Processes webhook events. Anyone who knows the URL can forge an event, so events are hints: what they name is fetched
from Salesmsg with the account's own token, and their content is not trusted (salesmsg-api.md, section 7).

The rows are the jobs. A task claims up to 500 events of an account and groups them by what they name: twenty texts of
one conversation need one refresh of its thread, five changes of a contact need one fetch, and events that need no call
are settled in one transaction.
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
from ..mirror import consent
from ..mirror.consent import DECIDING
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
# An event may arrive before its message is readable: a read this shortly before the event does not count as newer.
HEAD_START = timedelta(seconds=0.5)
AT_ONCE, BODIES = 500, 50  # events claimed by one task; event bodies in memory at a time
SLICE = 1.0  # maximum seconds of calls in one task, so that other accounts get their turn
EARLY, EARLY_TRIES = 2.0, 3  # seconds between retries; number of retries
GRACE = timedelta(seconds=2)  # time for the regular task to start before the sweep takes over
State = WebhookEvent.State


def process_due(account_id: int) -> int:
    """Process due events; called by the task. Returns the number of events claimed."""
    claimed = _claim(WebhookEvent.objects.filter(account_id=account_id))
    if not claimed:
        return 0
    batch = Batch(account_id, claimed)
    batch.work()
    if len(claimed) == AT_ONCE:
        jobs.enqueue(PUMP, account_id, urgent=True)
    elif batch.next_due_in is not None:
        jobs.enqueue(PUMP, account_id, delay=batch.next_due_in, urgent=True)
    return len(claimed)


def process_event(event_id: int) -> str:
    """Process one event on a user's request. Returns its new state, or "" if it is not due."""
    claimed = _claim(WebhookEvent.objects.filter(pk=event_id))
    if not claimed:
        return ""
    account_id = WebhookEvent.objects.values_list("account_id", flat=True).get(pk=event_id)
    batch = Batch(account_id, claimed)
    batch.work()
    if batch.next_due_in is not None:
        jobs.enqueue(PUMP, account_id, delay=batch.next_due_in, urgent=True)
    return WebhookEvent.objects.values_list("state", flat=True).get(pk=event_id)


def process_again(event: WebhookEvent) -> None:
    """Process an event again."""
    WebhookEvent.objects.filter(pk=event.pk).update(
        state=State.NEW, attempts=0, due_at=timezone.now(), **NO_REASON.columns()
    )
    jobs.enqueue(PROCESS, event.pk)


def wake_due() -> int:
    """Wake accounts with due events that have no task, or whose worker has died. Part of the sweep."""
    due = WebhookEvent.objects.filter(state=State.NEW, due_at__lt=timezone.now() - GRACE)
    account_ids = list(due.order_by().values_list("account_id", flat=True).distinct())
    for account_id in account_ids:
        jobs.enqueue(PUMP, account_id, urgent=True)
    return len(account_ids)


@dataclass(frozen=True, eq=False)
class Job:
    """A claimed event."""

    pk: int
    name: str
    attempts: int
    received_at: datetime
    named: EventSubject


def _claim(events: QuerySet) -> list[Job]:
    """Claim due events for the time of a lease, longest due first."""
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
    """Claimed events of one account, grouped by what must be fetched. Each event is in one group at a time."""

    account_id: int
    claimed: list[Job]
    conversations: dict[int, list[Job]] = field(default_factory=dict)
    people: dict[tuple[int | None, str], list[Job]] = field(default_factory=dict)
    contacts: dict[int, list[Job]] = field(default_factory=dict)
    refreshes: list[int] = field(default_factory=list)  # conversations to refresh, not yet scheduled
    outcomes: list[tuple[list[Job], dict]] = field(default_factory=list)  # values not yet written for these events
    next_due_in: float | None = None  # seconds until the first postponed event is due

    def work(self) -> None:
        """Settle events that need no call, then make the calls for the others, within a time limit."""
        self._settle_without_calls()
        self._write()
        self._calls()

    def _write(self) -> None:
        """Write all results so far in one short transaction: events are done once their refreshes are scheduled."""
        with transaction.atomic():
            schedule_refreshes(self.account_id, self.refreshes)
            for ended, values in self.outcomes:
                WebhookEvent.objects.filter(pk__in=[job.pk for job in ended], state=State.NEW).update(**values)
        self.refreshes, self.outcomes = [], []

    # -- without calls ------------------------------------------------------------------------------------------------

    def _settle_without_calls(self) -> None:
        self._settle(
            [job for job in self.claimed if job.attempts > MOST_ATTEMPTS], State.FAILED, Reason(Code.EVENT_NEVER_ENDED)
        )
        alive = [job for job in self.claimed if job.attempts <= MOST_ATTEMPTS]
        self._settle([job for job in alive if not job.named], State.UNKNOWN, Reason(Code.EVENT_NAMES_NOTHING))
        texts = []
        for job in alive:
            named = job.named
            if named.contact_id and (job.name.startswith("contact.") or not (named.conversation_id or named.phone)):
                self.contacts.setdefault(named.contact_id, []).append(job)
            elif named:
                texts.append(job)
        threads: dict[int, list[Job]] = {}
        for job in self._without_sent_texts(texts):
            if job.named.conversation_id:
                threads.setdefault(job.named.conversation_id, []).append(job)
            else:
                person = job.named.contact_id
                self.people.setdefault((person, "" if person else job.named.phone), []).append(job)
        self._read_known(threads)

    def _without_sent_texts(self, texts: list[Job]) -> list[Job]:
        """Skip texts sent by the portal whose answers were complete: a bulk text would cost twice its calls otherwise.

        While a text is being sent in the conversation, the event may be for that text, so it is retried shortly after.
        """
        sent = [job for job in texts if job.name == "message.sent"]
        if not sent:
            return texts
        ours = fetch.our_texts(self.account_id, {job.named.message_id for job in sent} - {None})
        young = {job.named.conversation_id for job in sent if job.attempts <= EARLY_TRIES}
        under_way = fetch.under_way(self.account_id, young - {None})
        complete = [job for job in sent if job.named.message_id in ours]
        early = [
            job
            for job in sent
            if job.named.message_id not in ours
            and job.attempts <= EARLY_TRIES
            and job.named.conversation_id in under_way
        ]
        self._done(complete)
        self._postpone(early, EARLY)
        left_out = {*complete, *early}
        return [job for job in texts if job not in left_out]

    def _read_known(self, threads: dict[int, list[Job]]) -> None:
        """Schedule refreshes of cached threads that were not read since the event; the others must be fetched first."""
        known = fetch.known(self.account_id, threads)
        done = []
        for vendor_id, named in threads.items():
            thread = known.get(vendor_id)
            if thread is None or thread.closed:
                self.conversations[vendor_id] = named
                continue
            self._schedule_refresh(thread, named)
            if not self._needs_contact(thread, named):
                done += named
        self._done(done)

    def _schedule_refresh(self, thread: fetch.Thread, named: list[Job]) -> None:
        """Schedule a refresh unless the thread was read after the newest event."""
        newest = max(job.received_at for job in named)
        if thread.read_at is None or thread.read_at < newest + HEAD_START:
            self.refreshes.append(thread.pk)

    def _needs_contact(self, thread: fetch.Thread, named: list[Job]) -> bool:
        """Return whether these events must also wait for their contact, and add them to it."""
        if not thread.contact_id or not (
            thread.bare or any(consent.read_kind(job.named.text) in DECIDING for job in named)
        ):
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
                    self._postpone_rest(0.0)
                    return
                key = next(iter(groups))
                try:
                    call(client, key, groups[key])
                except BudgetWait as wait:
                    self._postpone_rest(wait.seconds)
                    return
                except (NotConnected, Unsealable) as problem:
                    self._settle(groups[key], State.FAILED, Reason.from_error(problem))
                except SalesmsgError as error:
                    self._failed(groups[key], error)
                del groups[key]
                self._write()

    def _conversation(self, client: Client, vendor_id: int, named: list[Job]) -> None:
        thread = fetch.conversation(self.account_id, client, vendor_id)
        if thread is not None:
            self._schedule_refresh(thread, named)
        if thread is None or not self._needs_contact(thread, named):
            self._done(named)

    def _person(self, client: Client, person: tuple[int | None, str], named: list[Job]) -> None:
        self.refreshes += fetch.conversations_of(self.account_id, client, *person)
        self._done(named)

    def _contact(self, client: Client, contact_id: int, named: list[Job]) -> None:
        fetch.contact(self.account_id, client, contact_id)
        self._done(named)

    # -- outcomes -----------------------------------------------------------------------------------------------------

    def _done(self, ended: list[Job]) -> None:
        self._settle([job for job in ended if job.name in KNOWN], State.DONE)
        unknown = [job for job in ended if job.name not in KNOWN]
        self._settle(unknown, State.UNKNOWN, Reason(Code.EVENT_KIND_UNKNOWN))

    def _settle(self, ended: list[Job], state: str, reason: Reason = NO_REASON) -> None:
        if ended:
            self.outcomes.append((ended, {"state": state, "processed_at": timezone.now(), **reason.columns()}))

    def _failed(self, named: list[Job], error: SalesmsgError) -> None:
        over = [job for job in named if error.again == "never" or job.attempts >= MOST_ATTEMPTS]
        self._settle(over, State.FAILED, Reason.from_error(error))
        for job in named:
            if job not in over:
                self._postpone([job], min(120.0, 2.0**job.attempts))

    def _postpone_rest(self, seconds: float) -> None:
        """Postpone the remaining groups without counting an attempt, one after another as budget becomes available."""
        apart = settings.SALESMSG_RATE_PERIOD / max(1, settings.SALESMSG_RATE_LIMIT) if seconds else 0.0
        left = [*self.conversations.values(), *self.people.values(), *self.contacts.values()]
        for place, group in enumerate(left):
            later = min(place * apart, settings.SALESMSG_RATE_PERIOD)
            self._postpone(group, seconds + later, counted=False)
        self._write()

    def _postpone(self, named: list[Job], seconds: float, *, counted: bool = True) -> None:
        if named:
            attempts = F("attempts") if counted else F("attempts") - 1
            due_at = timezone.now() + timedelta(seconds=seconds)
            self.outcomes.append((named, {"due_at": due_at, "attempts": attempts}))
            self.next_due_in = seconds if self.next_due_in is None else min(self.next_due_in, seconds)
