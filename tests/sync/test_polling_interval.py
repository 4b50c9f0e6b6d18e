"""How often lists are looked at, how fresh the cache is, and when webhooks count as silent."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Account, FreshHour, ListSync, Message, SyncRun
from integrations.sync import latency, list_state, polling_interval, request, sweep

from .support import changes, connected, finish, full, looks
from .vendor import TOKEN

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def account(vendor):
    vendor.people(5, messages=1)
    account = connected(TOKEN)
    full(account)
    return account


def swept(account, *names) -> SyncRun:
    """A check for changes that the sweep started for these lists, run to its end."""
    ListSync.objects.filter(account=account).update(due_at=timezone.now() + timedelta(hours=1))
    ListSync.objects.filter(account=account, name__in=names).update(due_at=timezone.now())
    assert sweep.wake_due_work() == 1
    return finish(SyncRun.objects.get(state=SyncRun.State.RUNNING))


def text(vendor, number, *, age=0.0) -> None:
    """A text that is so many seconds old."""
    at = (timezone.now() - timedelta(seconds=age)).strftime("%Y-%m-%d %H:%M:%S")
    vendor.message(vendor.conversations[0], number, created_at=at, received_at=at)


def pause_of(account, name) -> float:
    known = ListSync.objects.get(account=account, name=name)
    assert timezone.now() < known.due_at <= timezone.now() + timedelta(seconds=known.pause)
    return known.pause


def test_every_list_is_known_after_a_full_sync(account):
    known = {each.name: each for each in ListSync.objects.filter(account=account)}
    assert set(polling_interval.PACES) | {"check", "members", "tags", "messages"} <= set(known)
    assert (known["open"].rows, known["contacts"].rows, known["messages"].calls) == (5, 5, 5)
    assert all(known[name].walked_at and known[name].looked_at for name in polling_interval.PACES)


def test_only_lists_that_are_due_are_looked_at(vendor, account):
    vendor.calls.clear()
    run = swept(account, "open")
    assert list(run.streams.values_list("name", flat=True)) == ["open", "messages"]
    assert vendor.calls == {"GET /conversations": 1}
    assert sweep.wake_due_work() == 0, "the same check twice"


def test_a_pause_grows_while_nothing_is_found_and_shrinks_when_something_is(vendor, account):
    pauses = []
    for _ in range(6):
        swept(account, "open")
        pauses.append(pause_of(account, "open"))
    assert pauses == sorted(pauses)
    assert pauses[-1] == polling_interval.PACES["open"].busy
    text(vendor, 90_000)
    swept(account, "open")
    assert pause_of(account, "open") == polling_interval.PACES["open"].fast


def test_in_hours_without_texts_it_grows_further(account):
    now = timezone.now()
    ListSync.objects.filter(name="open").update(pause=polling_interval.PACES["open"].quiet)
    assert latency.is_busy_hour(account.pk, now), "nothing is known yet"
    FreshHour.objects.create(account=account, hour=now - timedelta(weeks=2, hours=9), arrivals=3)
    assert not latency.is_busy_hour(account.pk, now)
    swept(account, "open")
    assert pause_of(account, "open") == polling_interval.PACES["open"].quiet
    this = now.replace(minute=0, second=0, microsecond=0)
    FreshHour.objects.create(account=account, hour=this - timedelta(weeks=3), arrivals=1)
    assert latency.is_busy_hour(account.pk, now)


def test_while_webhooks_come_a_look_is_the_safety_net(account):
    Account.objects.update(last_event_at=timezone.now())
    swept(account, "open", "contacts")
    assert pause_of(account, "open") == polling_interval.PACES["open"].webhooks
    assert pause_of(account, "contacts") == polling_interval.PACES["contacts"].webhooks


def test_looks_stay_within_their_share(account, settings):
    """Whatever the limit: one page of each list at its fastest is at most the share, and long checks pause longer."""
    now = timezone.now()
    for limit in (5, 20, 60, 600):
        settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = limit, 60.0
        at_fastest = sum(
            60 / polling_interval.next_pause(account, name, 1.0, found=True, calls=1, now=now)
            for name in polling_interval.PACES
        )
        assert at_fastest <= limit * polling_interval.SHARE * 1.001
        for calls in (10, 500):
            pause = polling_interval.next_pause(account, "open", 1.0, found=True, calls=calls, now=now)
            assert calls * 60 / pause <= limit * polling_interval.SHARE * 1.001
        assert 1000 * 60 / polling_interval.check_pause(1000) <= limit * polling_interval.CHECK_SHARE * 1.001


def test_freshness_is_measured(vendor, account):
    """From Salesmsg's time to ours; what was there before the account was connected is no arrival."""
    assert not FreshHour.objects.exists()
    Account.objects.update(created_at=timezone.now() - timedelta(days=1))
    text(vendor, 90_001, age=400)
    changes(account)
    text(vendor, 90_003, age=1)
    changes(account)
    hours = list(FreshHour.objects.all())
    assert sum(hour.arrivals for hour in hours) == 2
    counts = [sum(column) for column in zip(*(hour.counts for hour in hours), strict=True)]
    assert sum(counts[:4]) == 1
    assert counts[latency.BOUNDS.index(3600)] == 1
    assert max(hour.slowest for hour in hours) > 399


def test_texts_that_no_event_announced_count_against_the_webhooks(vendor, account):
    Account.objects.update(created_at=timezone.now() - timedelta(days=1))
    text(vendor, 90_001, age=300)
    changes(account)
    account.refresh_from_db()
    assert account.events_missed == 0, "no webhook was ever on"
    Account.objects.update(last_event_at=timezone.now() - timedelta(hours=1))
    for number in range(3):
        account.refresh_from_db()
        assert latency.webhooks_alive(account)
        text(vendor, 90_010 + number, age=200 - number)
        changes(account)
    account.refresh_from_db()
    assert (account.events_missed, latency.webhooks_alive(account)) == (3, False)
    assert account.events_missed_at is not None


def test_texts_that_an_event_announced_do_not(vendor, account):
    Account.objects.update(created_at=timezone.now() - timedelta(days=1), last_event_at=timezone.now())
    text(vendor, 90_001, age=300)
    request.schedule_refresh(account.conversations.get(vendor_id=vendor.conversations[0]["id"]).pk)
    looks()
    account.refresh_from_db()
    assert (Message.objects.filter(vendor_id=690_001).count(), account.events_missed) == (1, 0)


def test_a_paused_account_is_left_alone(account):
    ListSync.objects.update(due_at=timezone.now())
    Account.objects.update(sync_paused_at=timezone.now())
    assert sweep.wake_due_work() == 0


def test_a_list_that_failed_says_so_and_waits(vendor, account):
    vendor.bend["GET /conversations"] = lambda query: (403, {"message": "Forbidden by role."})
    ListSync.objects.update(due_at=timezone.now() + timedelta(hours=1))
    run = changes(account)
    known = ListSync.objects.get(name="open")
    assert (run.state, known.reason) == (SyncRun.State.FAILED, run.reason)
    assert known.due_at <= timezone.now() + list_state.RETRY_AFTER
    del vendor.bend["GET /conversations"]
    changes(account)
    known.refresh_from_db()
    assert (known.reason.text, known.error_at) == ("", None)


def test_calls_are_booked_by_list(vendor, account):
    before = dict(ListSync.objects.values_list("name", "calls"))
    text(vendor, 90_000)
    vendor.calls.clear()
    changes(account)
    spent = {name: calls - before[name] for name, calls in ListSync.objects.values_list("name", "calls")}
    assert {name: calls for name, calls in spent.items() if calls} == {
        "open": 1, "closed": 1, "outbound": 1, "contacts": 1, "messages": 1,
    }  # fmt: skip
    assert vendor.calls.total() == 5
