"""Enqueue tasks by dotted name and ids. The database row is the job; the task only wakes a worker, and a sweep finds
rows that were missed.
"""

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
NEW_CHAIN = -1  # the tick sequence that starts a new chain and ends a running one
FIRST = ":first:"  # added with a name to the queue key of urgent tasks
PAUSE = 0.25  # minimum seconds between two wake-ups of the same kind
TICK_SCHEDULE = "salesmsg: keep the tick alive"


class Queue(ORM):
    """The database broker, extended with due times and priorities: a delayed task holds no worker, and urgent tasks run
    before all others.
    """

    due_in = timedelta()
    urgent_as = ""

    @classmethod
    def for_task(cls, due_in: timedelta, urgent_as: str = "") -> "Queue":
        """Return a queue whose new rows become due after `due_in`.

        Rows with a name run first, and only one row per name waits at a time. With one row per text, one account's
        texts would delay those of all other accounts.
        """
        broker = cls()
        broker.due_in, broker.urgent_as = due_in, urgent_as
        return broker

    def enqueue(self, task) -> int:
        now, name = timezone.now(), self.list_key or Conf.CLUSTER_NAME
        if self.urgent_as:
            name += FIRST + self.urgent_as
            # This row has not started, so it will also cover the new work. Started rows have a later lock.
            waiting = self.get_connection().filter(key=name, lock__lte=now).values_list("pk", flat=True).first()
            if waiting is not None and not self.due_in:
                return waiting
        return self.get_connection().create(key=name, payload=task, lock=now + self.due_in).pk

    def _rows(self):
        return self.get_connection().filter(Q(key=self.list_key) | Q(key__startswith=self.list_key + FIRST))

    def queue_size(self) -> int:
        """Return how many rows are due, including urgent ones."""
        return self._rows().filter(lock__lte=timezone.now()).count()

    def lock_size(self) -> int:
        """Return how many rows are running or become due later."""
        return self._rows().filter(lock__gt=timezone.now()).count()

    def purge_queue(self):
        """Delete all rows."""
        return self._rows().delete()

    def dequeue(self) -> list[tuple[int, str]] | None:
        """Return the first due row, locked for django-q2's `retry` seconds, or None after a short sleep."""
        first = Case(When(key=self.list_key, then=1), default=0)
        row = self._rows().filter(lock__lt=timezone.now()).order_by(first, "lock").first()
        if row is None:
            time.sleep(Conf.POLL)
            return None
        taken = self.get_connection().filter(pk=row.pk, lock=row.lock).update(lock=self.timeout(row))
        return [(row.pk, row.payload)] if taken else None


def enqueue(task: str, *args: int, delay: float = 0.0, keep: bool = True, urgent: bool = False) -> None:
    """Queue `task` (a dotted name) with ids as arguments when the current transaction commits.

    delay: seconds before it may run. keep: whether django-q2 stores the result of a success. urgent: a person is
    waiting; the task is not queued again while the same one waits to start.
    """
    if any(not isinstance(arg, int) for arg in args):
        raise TypeError("Tasks take ids: the queue keeps its arguments in clear.")
    transaction.on_commit(lambda: _push(task, args, delay, keep, urgent), robust=True)


def enqueue_each(task: str, ids: Iterable[int]) -> None:
    """Call `enqueue` for each id in one transaction, without stored results."""
    ids = [int(row_id) for row_id in ids]

    def push() -> None:
        with transaction.atomic():
            for row_id in ids:
                _push(task, (row_id,), 0.0, False, False)

    transaction.on_commit(push, robust=True)


WOKEN: dict[tuple[str, int], float] = {}  # when this process's last wake-up is or was due


def wake(task: str, row_id: int) -> None:
    """Enqueue urgent work that arrives in bursts: wake at once, then once more after a pause for all later arrivals."""

    def push() -> None:
        now, last = time.monotonic(), WOKEN.get((task, row_id), -PAUSE)
        if last > now:
            return
        # Redis has no due times that are short enough, so each call enqueues a task.
        delay = 0.0 if settings.Q_CLUSTER.get("redis") else max(0.0, last + PAUSE - now)
        with immediate_transaction():
            _push(task, (row_id,), delay, False, True)
        WOKEN[task, row_id] = now + delay

    transaction.on_commit(push, robust=True)


def _push(task: str, args: tuple[int, ...], delay: float, keep: bool, urgent: bool) -> None:
    options = {"save": keep, "task_name": task.rsplit(".", 1)[-1]}
    if settings.Q_CLUSTER.get("redis"):
        if delay > 0:
            # Redis has no due times. A schedule is precise to half a minute, and a sweep may find the row earlier.
            due = timezone.now() + timedelta(seconds=delay)
            Schedule.objects.create(func=task, args=f"{args!r}", schedule_type=Schedule.ONCE, next_run=due, repeats=-1)
            return
    else:
        options["broker"] = Queue.for_task(
            timedelta(seconds=max(0.0, delay)), _queue_name(task, args) if urgent else ""
        )
    async_task(task, *args, **options)


def _queue_name(task: str, args: tuple[int, ...]) -> str:
    return ":".join([task.rsplit(".", 1)[-1], *map(str, args)])


def ensure_tick(**_) -> None:
    """Create the schedule that restarts the tick if its chain breaks, and run a tick now. Called when a worker starts.

    The task for the next tick may be locked by a worker that was killed.
    """
    # Schedule names are not unique and workers start in parallel. A second row is harmless: only one tick chain
    # survives.
    if not Schedule.objects.filter(name=TICK_SCHEDULE).exists():
        Schedule.objects.create(name=TICK_SCHEDULE, func=TICK, schedule_type=Schedule.MINUTES, minutes=1, repeats=-1)
    enqueue(TICK, NEW_CHAIN, keep=False)
