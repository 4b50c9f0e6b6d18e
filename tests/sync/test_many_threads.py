"""Many threads that wait for a place in the budget: the queue holds a few of them, and no thread is forgotten."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from integrations import budget, tokens
from integrations.models import BudgetCall, Conversation, ThreadSync
from integrations.salesmsg.oauth import Tokens
from integrations.sync import request, sweep, thread_refresh
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def credential(account) -> None:
    """A token, which no call will use."""
    tokens.store(account, "pat", Tokens(access_token="any", refresh_token=None, expires_at=None, scopes=()))


@pytest.fixture
def accounts(transactional_db):
    """Two accounts, one of them with forty conversations."""
    return factories.account("Busy"), factories.account("Quiet")


def threads(account, count: int, **values) -> list[Conversation]:
    made = [factories.conversation(account) for _ in range(count)]
    ThreadSync.objects.filter(conversation__in=made).update(**values)
    return made


def woken() -> set[int]:
    """The conversations whose refresh is queued."""
    tasks = [row.task for row in OrmQ.objects.all()]
    return {task["args"][0] for task in tasks if task["func"] == request.THREAD}


def test_texts_that_are_followed_wait_for_the_sweep_a_few_of_each_account(accounts):
    busy, quiet = accounts
    past = timezone.now() - timedelta(minutes=1)
    many, one = threads(busy, 40, due_at=past, following=True), threads(quiet, 1, due_at=past, following=True)
    sweep.wake_due_work()
    asked = woken()
    assert len(asked & {row.pk for row in many}) == sweep.FOLLOWED_AT_ONCE
    assert one[0].pk in asked


def test_following_asks_by_itself_only_through_the_sweep(accounts):
    (conversation,) = threads(accounts[0], 1)
    request.schedule_refresh(conversation.pk, delay=3.0, following=True)
    assert woken() == set()
    request.schedule_refresh(conversation.pk)
    assert woken() == {conversation.pk}
    assert not ThreadSync.objects.get().following


def test_news_that_are_refused_come_back_by_themselves_while_they_are_few(accounts):
    """During a first sync every place is taken: a text must not wait for two sweeps on top."""
    few = threads(accounts[0], thread_refresh.FEW, due_at=timezone.now())
    credential(accounts[0])
    budget.block(accounts[0].pk)
    for conversation in few:
        thread_refresh.refresh_thread(conversation.pk)
    assert woken() == {conversation.pk for conversation in few}


def test_of_many_who_are_refused_only_those_come_back_at_whom_somebody_looks(accounts):
    looked_at, other, *_ = threads(accounts[0], thread_refresh.FEW + 2, due_at=timezone.now())
    ThreadSync.objects.filter(conversation=looked_at).update(wanted_at=timezone.now())
    credential(accounts[0])
    budget.block(accounts[0].pk)
    for conversation in (looked_at, other):
        assert thread_refresh.refresh_thread(conversation.pk) == 0
    assert woken() == {looked_at.pk}
    assert ThreadSync.objects.filter(due_at__gt=timezone.now(), lease_until=None).count() == 2


def test_following_never_takes_more_than_a_tenth(accounts, settings):
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 60, 60.0
    for _ in range(6):
        budget.settle(budget.take(accounts[0].pk, BudgetCall.Lane.DELIVERY_STATUS))
    with pytest.raises(budget.BudgetWait):
        budget.take(accounts[0].pk, BudgetCall.Lane.DELIVERY_STATUS)
    budget.take(accounts[0].pk, BudgetCall.Lane.SYNC)
