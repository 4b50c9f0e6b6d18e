"""The books: who may take a place, how long it is held, and when to ask again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import budget
from integrations.budget import MARGIN, BudgetWait
from integrations.models import Budget, BudgetCall
from tests.accounts.build import account as build_account
from tests.tokens.vendor import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Lane = BudgetCall.Lane


def fill(account, lane, most=1000) -> int:
    """Takes until there is no more; how many it got."""
    for got in range(most):
        try:
            budget.settle(budget.take(account.pk, lane))
        except BudgetWait:
            return got
    return most


@pytest.mark.parametrize(
    ("lane", "limit", "got"),
    [
        *((Lane.SYNC, 60, 50), (Lane.EVENT, 60, 55), (Lane.EDIT, 60, 57), (Lane.PEOPLE, 60, 60), (Lane.TOKEN, 60, 60)),
        *((Lane.SYNC, 6, 5), (Lane.SYNC, 5, 4), (Lane.SYNC, 2, 1), (Lane.SYNC, 1, 1), (Lane.PEOPLE, 1, 1)),
    ],
)
def test_how_much_a_lane_may_fill(account, limits, lane, limit, got):
    limits(limit)
    assert fill(account, lane) == got


@pytest.mark.parametrize("greedy", [Lane.SYNC, Lane.EVENT, Lane.EDIT])
def test_people_find_room_when_others_took_all_they_could(account, limits, greedy):
    limits(60)
    taken = fill(account, greedy)
    assert taken < 60
    assert fill(account, Lane.PEOPLE) == 60 - taken
    with pytest.raises(BudgetWait):
        budget.take(account.pk, greedy)


def test_the_order_of_the_lanes(account, limits):
    """Sync leaves room for events, events for edits, edits for people."""
    limits(60)
    assert [fill(account, lane) for lane in (Lane.SYNC, Lane.EVENT, Lane.EDIT, Lane.PEOPLE)] == [50, 5, 2, 3]


def test_people_fill_what_sync_would_have(account, limits):
    limits(60)
    assert fill(account, Lane.PEOPLE) == 60
    with pytest.raises(BudgetWait):
        budget.take(account.pk, Lane.SYNC)


def test_accounts_do_not_share(account, limits):
    limits(6)
    other = build_account("Northside Clinic")
    assert fill(account, Lane.PEOPLE) == 6
    assert fill(other, Lane.PEOPLE) == 6


def test_a_place_is_held_from_before_the_call_to_a_period_after_its_answer(account, limits, settings):
    limits(6, 30)
    ticket = budget.take(account.pk, Lane.PEOPLE)
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
        budget.settle(budget.take(account.pk, Lane.PEOPLE))
    ends = sorted(BudgetCall.objects.values_list("expires_at", flat=True))
    for lane, needed in ((Lane.PEOPLE, ends[0]), (Lane.SYNC, ends[1])):
        with pytest.raises(BudgetWait) as wait:
            budget.take(account.pk, lane)
        assert wait.value.until == needed + MARGIN
        assert 0 < wait.value.seconds <= 31


def test_calls_under_way_do_not_send_others_away_for_long(account, limits):
    """Their places are booked for the worst, but mostly free soon."""
    limits(2, 3)
    for _ in range(2):
        budget.take(account.pk, Lane.PEOPLE)
    with pytest.raises(BudgetWait) as wait:
        budget.take(account.pk, Lane.PEOPLE)
    assert wait.value.until <= timezone.now() + timedelta(seconds=3) + 2 * MARGIN


def test_places_come_back_and_old_ones_are_forgotten(account, limits):
    limits(3)
    assert fill(account, Lane.PEOPLE) == 3
    BudgetCall.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert fill(account, Lane.PEOPLE) == 3
    assert BudgetCall.objects.count() == 3
    assert account.budget.taken == 6


def test_sixteen_threads_never_get_more_than_there_is(account, limits):
    limits(10)
    outcomes = at_once(16, lambda _: budget.take(account.pk, Lane.PEOPLE))
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
    assert (until - before).total_seconds() == pytest.approx(length, abs=1)
    assert until > before + timedelta(seconds=length)
    for lane in Lane:
        with pytest.raises(BudgetWait) as wait:
            budget.take(account.pk, lane)
        assert wait.value.until == until
    assert Budget.for_account(account).used_now() == (0, 60, until)


def test_a_second_429_never_shortens_a_block(account, limits):
    limits(60)
    long = budget.block(account.pk, 300)
    assert budget.block(account.pk) == long
    assert account.budget.blocked_until == long


def test_calls_of_connecting_are_booked(account, limits):
    limits(6)
    budget.charge(account.pk, 3)
    assert fill(account, Lane.PEOPLE) == 3
    assert Budget.for_account(account).used_now() == (6, 6, None)
