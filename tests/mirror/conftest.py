"""An account, and short ways to say what the vendor tells."""

import pytest

from integrations.models import Account
from tests.accounts import build


@pytest.fixture
def account(db) -> Account:
    return build.account("Mirror")
