"""Enqueue a task by dotted name and ids. The row is the job; this is the nudge, and a sweep finds what it misses."""

import time
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Q, When
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import Schedule
from django_q.tasks import async_task

from .db.immediate_transaction import immediate_transaction

TICK = "integrations.tasks.tick"
ANEW = -1  # the tick's beat that begins a new chain, also beside one that lives: that one ends
FIRST = ":first:"  # added, with a name, to the queue's key for tasks that people wait for
PAUSE = 0.25  # seconds between two nudges of a shower
TICK_SCHEDULE = "salesmsg: keep the tick alive"


class Queue(ORM):
    """The database broker, with rows that become due and rows that go first: a task that waits holds no worker, and
    one that a person waits for passes all others, however many there are."""

    due_in = timedelta()
    urgent_as = ""

    @classmethod
    def for_task(cls, due_in: timedelta, urgent_as: str = "") -> "Queue":
        """A queue whose new rows are due in so long; with a name they go first, and of that name one at a time waits.

        Were each text of one account a row, another account's text would wait behind all of them.
        """
        broker = cls()
        broker.due_in, broker.urgent_as = due_in, urgent_as
        return broker

    def enqueue(self, task) -> int:
        now, name = timezone.now(), self.list_key or Conf.CLUSTER_NAME
        if self.urgent_as:
            name += FIRST + self.urgent_as
            # It was not begun yet, so it will see what this one was to tell. Whoever has begun holds a later lock.
            waiting = self.get_connection().filter(key=name, lock__lte=now).values_list("pk", flat=True).first()
            if waiting is not None and not self.due_in:
                return waiting
        return self.get_connection().create(key=name, payload=task, lock=now + self.due_in).pk

    def _rows(self):
        return self.get_connection().filter(Q(key=self.list_key) | Q(key__startswith=self.list_key + FIRST))

    def queue_size(self) -> int:
        """How many rows are due, those that go first among them."""
        return self._rows().filter(lock__lte=timezone.now()).count()

    def lock_size(self) -> int:
        """How many rows are being worked on, or due later."""
        return self._rows().filter(lock__gt=timezone.now()).count()

    def purge_queue(self):
        """Deletes all rows."""
        return self._rows().delete()

    def dequeue(self) -> list[tuple[int, str]] | None:
        """The first row that is due, locked for django-q2's `retry`; None after a short sleep."""
        first = Case(When(key=self.list_key, then=1), default=0)
        row = self._rows().filter(lock__lt=timezone.now()).order_by(first, "lock").first()
        if row is None:
            time.sleep(Conf.POLL)
            return None
        taken = self.get_connection().filter(pk=row.pk, lock=row.lock).update(lock=self.timeout(row))
        return [(row.pk, row.payload)] if taken else None


def enqueue(task: str, *args: int, delay: float = 0.0, keep: bool = True, urgent: bool = False) -> None:
    """Queues `task` (dotted name) with ids as arguments, once the present transaction is committed.

    delay: seconds until it may run. keep: whether django-q2 stores the result of a success. urgent: a person waits;
    what waits to be begun is not queued again.
    """
    if any(not isinstance(arg, int) for arg in args):
        raise TypeError("Tasks take ids: the queue keeps its arguments in clear.")
    transaction.on_commit(lambda: _push(task, args, delay, keep, urgent), robust=True)


def enqueue_each(task: str, ids: Iterable[int]) -> None:
    """As `enqueue` for each of the ids, without results: all nudges in one transaction."""
    ids = [int(one) for one in ids]

    def push() -> None:
        with transaction.atomic():
            for one in ids:
                _push(task, (one,), 0.0, False, False)

    transaction.on_commit(push, robust=True)


WOKEN: dict[tuple[str, int], float] = {}  # when the last nudge of this process is due, or was


def wake(task: str, one: int) -> None:
    """As `enqueue(urgent=True)` for work that comes in showers: this process nudges at once, and then again after a
    pause, for all that came meanwhile."""

    def push() -> None:
        now, last = time.monotonic(), WOKEN.get((task, one), -PAUSE)
        if last > now:
            return
        # Redis has no due times that are soon enough: there each one is nudged.
        delay = 0.0 if settings.Q_CLUSTER.get("redis") else max(0.0, last + PAUSE - now)
        with immediate_transaction():
            _push(task, (one,), delay, False, True)
        WOKEN[task, one] = now + delay

    transaction.on_commit(push, robust=True)


def _push(task: str, args: tuple[int, ...], delay: float, keep: bool, urgent: bool) -> None:
    options = {"save": keep, "task_name": task.rsplit(".", 1)[-1]}
    if settings.Q_CLUSTER.get("redis"):
        if delay > 0:
            # Redis knows no due time; a schedule does, to half a minute, and the sweep may find the row before.
            due = timezone.now() + timedelta(seconds=delay)
            Schedule.objects.create(func=task, args=f"{args!r}", schedule_type=Schedule.ONCE, next_run=due, repeats=-1)
            return
    else:
        options["broker"] = Queue.for_task(timedelta(seconds=max(0.0, delay)), _named(task, args) if urgent else "")
    async_task(task, *args, **options)


def _named(task: str, args: tuple[int, ...]) -> str:
    return ":".join([task.rsplit(".", 1)[-1], *map(str, args)])


def ensure_tick(**_) -> None:
    """At a worker's start: the schedule that starts the tick again should its chain break, and a sweep now: the task
    that was to be the next tick may be locked by a worker that was killed."""
    # Names are not unique and workers start side by side: a second row would do no harm, the tick lets one chain live.
    if not Schedule.objects.filter(name=TICK_SCHEDULE).exists():
        Schedule.objects.create(name=TICK_SCHEDULE, func=TICK, schedule_type=Schedule.MINUTES, minutes=1, repeats=-1)
    enqueue(TICK, ANEW, keep=False)
