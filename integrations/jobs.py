"""Enqueue a task by dotted name and ids. The row is the job; this is the nudge, and a sweep finds what it misses."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

TICK = "integrations.tasks.tick"
TICK_SCHEDULE = "salesmsg: keep the tick alive"


class _Later(ORM):
    """The database broker, with rows that become due: a waiting task holds no worker."""

    def __init__(self, delay: timedelta):
        super().__init__()
        self._delay = delay

    def enqueue(self, task) -> int:
        key = self.list_key or Conf.CLUSTER_NAME
        return OrmQ.objects.using(Conf.ORM).create(key=key, payload=task, lock=timezone.now() + self._delay).pk


def enqueue(task: str, *args: int, delay: float = 0.0, keep: bool = True) -> None:
    """Queues `task` (dotted name) with ids as arguments, once the present transaction is committed.

    delay: seconds until it may run. keep: whether django-q2 stores the result of a success.
    """
    if any(not isinstance(arg, int) for arg in args):
        raise TypeError("Tasks take ids: the queue keeps its arguments in clear.")
    transaction.on_commit(lambda: _push(task, args, delay, keep), robust=True)


def _push(task: str, args: tuple[int, ...], delay: float, keep: bool) -> None:
    options = {"save": keep, "task_name": task.rsplit(".", 1)[-1]}
    if delay > 0:
        if settings.Q_CLUSTER.get("redis"):
            # Redis knows no due time; a schedule does, to half a minute, and the sweep may find the row before.
            due = timezone.now() + timedelta(seconds=delay)
            Schedule.objects.create(func=task, args=f"{args!r}", schedule_type=Schedule.ONCE, next_run=due, repeats=-1)
            return
        options["broker"] = _Later(timedelta(seconds=delay))
    async_task(task, *args, **options)


def ensure_tick(**_) -> None:
    """At a worker's start: the schedule that starts the tick again should its chain break, and a tick now."""
    # Names are not unique and workers start side by side: a second row would do no harm, the tick lets one chain live.
    if not Schedule.objects.filter(name=TICK_SCHEDULE).exists():
        Schedule.objects.create(name=TICK_SCHEDULE, func=TICK, schedule_type=Schedule.MINUTES, minutes=1, repeats=-1)
    enqueue(TICK, keep=False)
