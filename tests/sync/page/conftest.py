"""The people and accounts of tests/accounts, with a worker that is alive and a limit of 60 calls in 60 s."""

import pytest
from django.core.cache import cache
from django.utils import timezone

from integrations.models import Account, Heartbeat
from tests.accounts.conftest import account, agent, manager, other, root  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def minute(settings):
    cache.clear()  # rows here are counted now and then
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 60, 60.0


@pytest.fixture
def alive(db):
    return Heartbeat.objects.create(name="tick", at=timezone.now())


@pytest.fixture
def synced(account, alive):  # noqa: F811
    """An account whose first sync is done, beside a worker that lives."""
    Account.objects.filter(pk=account.pk).update(synced_at=timezone.now())
    account.refresh_from_db()
    return account
