"""An account, short ways to say what the vendor tells, and what was written."""

import re
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import Account
from tests import factories


@pytest.fixture
def account(db) -> Account:
    return factories.connected_account("Mirror")


@pytest.fixture
def written() -> Callable[[Callable[[], object]], Counter]:
    """Runs something; the statements that it wrote with: {"INSERT contact": 1, …}."""

    def counted(work: Callable[[], object]) -> Counter:
        with CaptureQueriesContext(connection) as captured:
            work()
        found = (
            re.match(r'(INSERT|UPDATE|DELETE)\D*?"integrations_(\w+)"', q["sql"]) for q in captured.captured_queries
        )
        return Counter(" ".join(match.groups()) for match in found if match)

    return counted
