"""An agent, her account and its budget, at a moment that stands still when a test wants it to."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from integrations.models import Budget, BudgetBlock, BudgetCall
from tests.inbox import factories as f
from tests.inbox.conftest import ada, browser, harbor, htmx  # noqa: F401 - fixtures

NOON = datetime(2026, 3, 10, 12, 0, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_remembered():
    """Lost texts are remembered for each version of an account."""
    cache.clear()


@pytest.fixture
def noon(monkeypatch, settings):
    """Time stands still at 12:00:03, with a limit of 6 calls in 60 s."""
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 6, 60.0
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    return NOON


class Books:
    """Writes into an account's budget what `budget.take` and `budget.block` write."""

    def __init__(self, account):
        self.budget = Budget.objects.create(account=account)

    def called(self, ago: float, lane: str = "sync", number: int = 1, period: float = 60.0) -> None:
        """Calls that began so many seconds ago and were answered at once."""
        at = timezone.now() - timedelta(seconds=ago)
        BudgetCall.objects.bulk_create(
            BudgetCall(budget=self.budget, lane=lane, started_at=at, expires_at=at + timedelta(seconds=period))
            for _ in range(number)
        )

    def under_way(self, lane: str = "interactive") -> None:
        """A call without an answer yet: its place is booked for the longest time."""
        now = timezone.now()
        BudgetCall.objects.create(
            budget=self.budget, lane=lane, started_at=now, expires_at=now + timedelta(seconds=100)
        )

    def blocked(self, ago: float, seconds: float = 60.0) -> datetime:
        at = timezone.now() - timedelta(seconds=ago)
        until = at + timedelta(seconds=seconds)
        BudgetBlock.objects.create(budget=self.budget, at=at, until=until)
        self.budget.blocked_until = until
        self.budget.save()
        return until


@pytest.fixture
def books(harbor):  # noqa: F811
    return Books(harbor)


@pytest.fixture
def queued(harbor):  # noqa: F811
    """Queues a text: ``queued(conversation=None, after=0)``; `after`: seconds from now until it is due."""

    def queue(of=None, *, after: float = 0.0, **values):
        of = of or f.conversation(harbor)
        due = timezone.now() + timedelta(seconds=after)
        values = {"due_at": due, "text": "See you on Friday", **values}
        return f.message(of, inbound=False, state="queued", **values)

    return queue
