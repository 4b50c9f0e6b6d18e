"""The tick: one chain of it, a sweep at every start of a worker, and no part that takes the others down with it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from integrations import budget, jobs, tasks, tokens
from integrations.models import BudgetCall, Heartbeat, ThreadSync
from integrations.salesmsg.oauth import Tokens
from integrations.sync import sweep, thread_refresh
from tests import factories as f

pytestmark = pytest.mark.django_db(transaction=True)


def ticks() -> list[tuple]:
    return [row.task["args"] for row in OrmQ.objects.order_by("pk") if row.task["func"] == jobs.TICK]


@pytest.mark.parametrize("broken", ["reconcile.reconcile_unknown", "deliver.expire_claims", "sync_sweep.wake_due_work"])
def test_a_part_that_fails_stops_no_other(monkeypatch, caplog, broken):
    ran = []
    for name in (
        "reconcile.reconcile_unknown",
        "deliver.expire_claims",
        "sync_sweep.wake_due_work",
        "dispatcher.wake_due",
    ):
        room, part = name.split(".")

        def run(name=name):
            ran.append(name)
            if name == broken:
                raise ValueError("the text of a customer")
            return 0

        monkeypatch.setattr(getattr(tasks, room), part, run)
    tasks.sweep()
    assert len(ran) == 4
    assert "ValueError" in caplog.text
    assert "customer" not in caplog.text


def test_a_workers_start_sweeps_also_when_the_last_tick_was_a_moment_ago(monkeypatch):
    """Of the workers that were killed one had the next tick locked: it would come back after `retry` only."""
    swept = []
    monkeypatch.setattr(tasks, "sweep", lambda sequence: swept.append(sequence) or 0)
    Heartbeat.objects.create(name="tick", sequence=7, at=timezone.now())
    assert tasks.tick() == 0
    assert swept == []
    jobs.ensure_tick()
    (args,) = ticks()
    tasks.tick(*args)
    assert swept == [8]
    assert ticks() == [args, (8,)]


def test_of_chains_that_begin_side_by_side_one_lives(monkeypatch):
    monkeypatch.setattr(tasks, "sweep", lambda sequence: 0)
    for _ in range(3):
        tasks.tick(jobs.NEW_CHAIN)
    chains = ticks()
    OrmQ.objects.all().delete()
    for args in chains:
        tasks.tick(*args)
    assert len(ticks()) == 1


def test_the_queue_counts_and_empties_what_goes_first_too():
    jobs.Queue.for_task(timedelta(), "send_due:1").enqueue("payload")
    jobs.Queue.for_task(timedelta(seconds=50), "send_due:1").enqueue("payload")
    queue = jobs.Queue()
    assert (queue.queue_size(), queue.lock_size()) == (1, 1)
    queue.purge_queue()
    assert not OrmQ.objects.exists()


def test_a_wake_that_waits_is_not_queued_again_and_one_that_was_begun_is():
    """A text that is written while the pump runs may come too late for it."""
    for account_id in (1, 1, 2, 1):
        jobs.enqueue("integrations.tasks.send_due", account_id, urgent=True)
    assert [row.task["args"] for row in OrmQ.objects.order_by("pk")] == [(1,), (2,)]
    queue = jobs.Queue()
    ((begun, _),) = queue.dequeue()
    jobs.enqueue("integrations.tasks.send_due", 1, urgent=True)
    assert [row.task["args"] for row in OrmQ.objects.exclude(pk=begun).order_by("pk")] == [(2,), (1,)]
    jobs.enqueue("integrations.tasks.send_due", 1, urgent=True, delay=5)
    assert OrmQ.objects.count() == 4, "what comes later is no stand-in, and has none"


def test_what_people_wait_for_passes_everything_else():
    jobs.enqueue("integrations.tasks.sync_step", 1, 1)
    jobs.enqueue("integrations.tasks.send_due", 1, urgent=True)
    ((first, _),) = jobs.Queue().dequeue()
    assert OrmQ.objects.get(pk=first).task["func"] == "integrations.tasks.send_due"


def test_looks_that_are_refused_come_back_a_few_at_a_time(settings):
    """After a bulk text a thousand threads are followed, and six of them a minute may be asked after."""
    account = f.account()
    tokens.store(account, "pat", Tokens(access_token="1|a-token"))
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 60, 60.0
    for number in range(60):
        thread = f.conversation(account, vendor_id=1000 + number)
        ThreadSync.objects.filter(conversation=thread).update(due_at=timezone.now(), following=True)
    for _ in range(budget.allowance(BudgetCall.Lane.DELIVERY_STATUS)):
        budget.settle(budget.take(account.pk, BudgetCall.Lane.DELIVERY_STATUS))
    for sync in ThreadSync.objects.all():
        thread_refresh.refresh_thread(sync.conversation_id)
    assert not ThreadSync.objects.filter(due_at=None).exists()
    assert not OrmQ.objects.exists(), "they would all ask again, for one place"
    ThreadSync.objects.update(due_at=timezone.now() - timedelta(seconds=10))
    sweep.wake_due_work()
    looks = [row for row in OrmQ.objects.all() if row.task["func"] == "integrations.tasks.refresh_thread"]
    assert len(looks) == sweep.FOLLOWED_AT_ONCE
