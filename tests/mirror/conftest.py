"""An account, short ways to build what the vendor sends, and to read what was written."""

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
    """Runs something; the statements that it wrote with: {"INSERT contact": 1, …}. An upsert counts as an update."""

    def counted(work: Callable[[], object]) -> Counter:
        with CaptureQueriesContext(connection) as captured:
            work()
        found = Counter()
        for query in captured.captured_queries:
            if match := re.match(r'(INSERT|UPDATE|DELETE)\D*?"integrations_(\w+)"', query["sql"]):
                found["UPDATE" if " DO UPDATE SET " in query["sql"] else match[1], match[2]] += 1
        return Counter({" ".join(key): count for key, count in found.items()})

    return counted
