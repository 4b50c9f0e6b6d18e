"""Support people with Django's permissions for one account, and a second account that is not theirs."""

import pytest
from django.core.cache import cache

from tests import factories
from tests.accounts.conftest import account, other, root, signed_in  # noqa: F401 - fixtures

MODELS = (
    "account", "auditentry", "change", "consententry", "contact", "conversation", "inbox", "member", "message",
    "number", "syncrun", "webhookevent",
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_remembered():
    """The list of countries is cached for each person."""
    cache.clear()


@pytest.fixture
def helper(account):  # noqa: F811
    """Can view everything and change nothing."""
    user = factories.person("helper", permissions=tuple(f"view_{name}" for name in MODELS))
    factories.membership(user, account)
    return signed_in(user)


@pytest.fixture
def editor(account):  # noqa: F811
    """May edit contacts, retry changes and process events again."""
    changing = ("change_contact", "change_change", "change_webhookevent")
    user = factories.person("editor", permissions=(*(f"view_{name}" for name in MODELS), *changing))
    factories.membership(user, account)
    return signed_in(user)
