"""Accounts to take calls for."""

import pytest

from tests.factories import connected_account


@pytest.fixture
def account(transactional_db):
    return connected_account()


@pytest.fixture
def limits(settings):
    """Sets limit and period."""

    def set_to(limit: int, period: float = 60.0) -> None:
        settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = limit, period

    return set_to
