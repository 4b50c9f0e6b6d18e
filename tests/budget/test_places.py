"""The books: who may take a place, how long it is held, and when to ask again."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from integrations import budget
from integrations.budget import MARGIN, BudgetWait
from integrations.models import Budget, BudgetCall
from tests.factories import connected_account
from tests.tokens.vendor import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Lane = BudgetCall.Lane


def same(one, other) -> bool:
    """On PostgreSQL its clock is read, and compared with ours."""
    return abs(one - other) < timedelta(seconds=5 if connection.vendor == "postgresql" else 0.001)


def unhurried(account) -> None:
    """As if no call had been urgent: the even distance between calls has passed."""
    Budget.objects.filter(account=account).update(pace_at=None)


def take(account, lane) -> bool:
    unhurried(account)
    try:
        budget.settle(budget.take(account.pk, lane))
    except BudgetWait:
        return False
    return True


def fill(account, lane, most=1000) -> int:
    """Takes until there is no more; returns how many it got. Nothing waits for it afterwards."""
    got = next((got for got in range(most) if not take(account, lane)), most)
    Budget.objects.filter(account=account).update(waiting={})
    return got


def one_returns(account) -> None:
    """The place that was taken first comes back."""
    first = BudgetCall.objects.filter(budget__account=account, expires_at__gt=timezone.now()).order_by("expires_at")
    BudgetCall.objects.filter(pk=first[0].pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def contest(account, lanes, rounds: int) -> list[str]:
    """All these lanes wait and ask again and again, the last ones first; who got each of the places that returned."""
    assert {lane: take(account, lane) for lane in lanes} == dict.fromkeys(lanes, False), "the window is full"
    winners = []
    for _ in range(rounds):
        one_returns(account)
        for lane in [*reversed(lanes), *reversed(lanes)]:
            if take(account, lane):
                winners.append(lane)
    return winners


@pytest.mark.parametrize(
    ("lane", "limit", "got"),
    [
        *((lane, 60, 59) for lane in (Lane.SYNC, Lane.EVENT, Lane.EDIT, Lane.BULK)),
        *((Lane.INTERACTIVE, 60, 60), (Lane.TOKEN, 60, 60), (Lane.DELIVERY_STATUS, 60, 6), (Lane.SYNC, 600, 590)),
        *((Lane.SYNC, 6, 5), (Lane.SYNC, 5, 4), (Lane.SYNC, 2, 1), (Lane.SYNC, 1, 1), (Lane.INTERACTIVE, 1, 1)),
        *((Lane.DELIVERY_STATUS, 5, 1), (Lane.BULK, 1, 1)),
    ],
)
def test_how_much_a_lane_may_fill(account, limits, lane, limit, got):
    limits(limit)
    assert fill(account, lane) == got == budget.allowance(lane)


@pytest.mark.parametrize("greedy", [Lane.SYNC, Lane.EVENT, Lane.EDIT, Lane.BULK])
def test_people_find_room_when_others_took_all_they_could(account, limits, greedy):
    limits(60)
    taken = fill(account, greedy)
    assert fill(account, Lane.INTERACTIVE) == 60 - taken == 1
    with pytest.raises(BudgetWait):
        budget.take(account.pk, greedy)


def test_a_place_that_returns_goes_to_the_first_lane_that_waits(account, limits):
    limits(60)
    assert fill(account, Lane.SYNC) == 59
    assert fill(account, Lane.INTERACTIVE) == 1
    # Those who have had less than their floor are even, and then the order of the lanes counts.
    lanes = [Lane.INTERACTIVE, Lane.EDIT, Lane.EVENT, Lane.SYNC]
    assert contest(account, lanes, 6)[:3] == [Lane.INTERACTIVE] * 3


def test_edits_go_before_events_and_events_before_sync(account, limits):
    limits(60)
    fill(account, Lane.SYNC)
    fill(account, Lane.INTERACTIVE)
    winners = contest(account, [Lane.EDIT, Lane.EVENT, Lane.SYNC], 7)  # the first one is left for people
    assert winners[:6] == [Lane.EDIT] * 3 + [Lane.EVENT] * 3


@pytest.mark.parametrize("greedy", [Lane.INTERACTIVE, Lane.EDIT])
def test_nobody_starves_behind_the_greedy(account, limits, greedy):
    """Every lane gets its floor of a window, however much the lanes before it want."""
    limits(60)
    fill(account, greedy)
    lanes = [greedy, Lane.EVENT, Lane.DELIVERY_STATUS, Lane.SYNC, Lane.BULK]
    winners = contest(account, lanes, 60)
    floors = {lane: int(60 * budget.FLOORS[lane]) for lane in lanes[1:]}
    assert {lane: min(winners.count(lane), floor) for lane, floor in floors.items()} == floors
    assert winners.count(greedy) >= 20


def test_who_waits_no_more_keeps_no_place(account, limits):
    limits(60)
    fill(account, Lane.SYNC)
    assert take(account, Lane.INTERACTIVE)
    with pytest.raises(BudgetWait):
        budget.take(account.pk, Lane.EDIT)
    one_returns(account)
    one_returns(account)
    assert not take(account, Lane.BULK), "kept for the edit"
    past = (timezone.now() - timedelta(seconds=1)).timestamp()
    Budget.objects.update(waiting={Lane.EDIT: past})
    assert take(account, Lane.BULK)


def test_work_in_no_hurry_is_spread_over_the_period(account, limits):
    """A burst would leave nothing but the spare place to people until it has grown old."""
    limits(60, 6000)  # a place returns every 90 s, so that none does while a slow machine takes what there is
    got = 0
    with pytest.raises(BudgetWait) as wait:
        while True:
            budget.settle(budget.take(account.pk, Lane.SYNC))
            got += 1
    assert got == 21, "a third of a fresh window at once, for a quick beginning"
    assert 60 <= wait.value.seconds <= 170
    with pytest.raises(BudgetWait):
        budget.take(account.pk, Lane.BULK)
    for lane in (Lane.INTERACTIVE, Lane.EDIT, Lane.EVENT):
        budget.take(account.pk, lane)


def test_a_place_that_was_not_needed_is_free_at_once(account, limits):
    limits(1)
    ticket = budget.take(account.pk, Lane.INTERACTIVE)
    budget.give_back(ticket)
    budget.take(account.pk, Lane.INTERACTIVE)


def test_no_place_is_taken_where_it_could_be_rolled_back(account, limits):
    limits(6)
    for book in (lambda: budget.take(account.pk, Lane.INTERACTIVE), lambda: budget.block(account.pk)):
        with transaction.atomic(), pytest.raises(RuntimeError):
            book()


def test_accounts_do_not_share(account, limits):
    limits(6)
    other = connected_account("Northside Clinic")
    assert fill(account, Lane.INTERACTIVE) == 6
    assert fill(other, Lane.INTERACTIVE) == 6


def test_a_place_is_held_from_before_the_call_to_a_period_after_its_answer(account, limits, settings):
    limits(6, 30)
    ticket = budget.take(account.pk, Lane.INTERACTIVE)
    call = BudgetCall.objects.get()
    assert call.expires_at - call.started_at == timedelta(seconds=sum(settings.SALESMSG_TIMEOUT) + 30)
    before = timezone.now()
    budget.settle(ticket)
    call.refresh_from_db()
    assert call.expires_at >= before + timedelta(seconds=30)
    assert call.expires_at <= timezone.now() + timedelta(seconds=30) + MARGIN


def test_when_to_ask_again(account, limits):
    """As soon as enough places are free for this lane, not before."""
    limits(6, 30)
    for _ in range(6):
        budget.settle(budget.take(account.pk, Lane.INTERACTIVE))
    ends = sorted(BudgetCall.objects.values_list("expires_at", flat=True))
    for lane, needed in ((Lane.INTERACTIVE, ends[0]), (Lane.EDIT, ends[1])):
        Budget.objects.update(waiting={})
        with pytest.raises(BudgetWait) as wait:
            budget.take(account.pk, lane)
        assert same(wait.value.until, needed)
        assert 0 < wait.value.seconds <= 31


def test_calls_under_way_do_not_send_others_away_for_long(account, limits):
    """Their places are booked for the worst, but mostly free soon."""
    limits(2, 3)
    for _ in range(2):
        budget.take(account.pk, Lane.INTERACTIVE)
    with pytest.raises(BudgetWait) as wait:
        budget.take(account.pk, Lane.INTERACTIVE)
    assert wait.value.until <= timezone.now() + timedelta(seconds=3) + 2 * MARGIN


def test_places_come_back_and_old_ones_are_forgotten(account, limits):
    limits(3)
    assert fill(account, Lane.INTERACTIVE) == 3
    BudgetCall.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert fill(account, Lane.INTERACTIVE) == 3
    assert account.budget.taken == 6
    BudgetCall.objects.update(expires_at=timezone.now() - budget.HISTORY)
    Budget.objects.update(taken=budget.RESERVED_ONE_IN - 1)
    budget.take(account.pk, Lane.INTERACTIVE)
    assert BudgetCall.objects.count() == 1, "the picture shows some minutes, the rest is forgotten"


def test_sixteen_threads_never_get_more_than_there_is(account, limits):
    limits(10)
    outcomes = at_once(16, lambda _: budget.take(account.pk, Lane.INTERACTIVE))
    assert sum(isinstance(outcome, budget.Ticket) for outcome in outcomes) == 10, outcomes
    assert sum(isinstance(outcome, BudgetWait) for outcome in outcomes) == 6
    assert BudgetCall.objects.count() == account.budget.taken == 10


def test_the_first_calls_of_an_account_at_once_make_one_budget(account, limits):
    limits(100)
    outcomes = at_once(8, lambda _: budget.take(account.pk, Lane.SYNC))
    assert all(isinstance(outcome, budget.Ticket) for outcome in outcomes), outcomes
    assert Budget.objects.count() == 1


@pytest.mark.parametrize(("asked", "length"), [(None, 60), (5, 60), (90, 90)])
def test_a_block_lasts_a_period_or_as_long_as_the_vendor_says(account, limits, asked, length):
    limits(60)
    before = timezone.now()
    until = budget.block(account.pk, asked)
    assert (until - before).total_seconds() == pytest.approx(length, abs=20)
    assert until > before + timedelta(seconds=length)
    for lane in Lane:
        with pytest.raises(BudgetWait) as wait:
            budget.take(account.pk, lane)
        assert same(wait.value.until, until)
    used, limit, blocked = Budget.for_account(account).used_now()
    assert (used, limit) == (0, 60)
    assert same(blocked, until)


def test_a_second_429_never_shortens_a_block(account, limits):
    limits(60)
    long = budget.block(account.pk, 300)
    assert same(budget.block(account.pk), long)
    assert same(account.budget.blocked_until, long)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one host, and its clock")
@pytest.mark.parametrize("skew", [-30, 30])
def test_a_host_whose_clock_is_wrong_waits_as_long_as_the_others(account, limits, monkeypatch, skew):
    limits(60)
    theirs = timezone.now
    budget.block(account.pk)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(timezone, "now", lambda: theirs() + timedelta(seconds=skew))
        with pytest.raises(BudgetWait) as wait:
            budget.take(account.pk, Lane.INTERACTIVE)
        assert 40 < wait.value.seconds < 61


def test_calls_of_connecting_are_booked(account, limits):
    limits(6)
    budget.charge(account.pk, 3)
    assert fill(account, Lane.INTERACTIVE) == 3
    assert Budget.for_account(account).used_now() == (6, 6, None)
