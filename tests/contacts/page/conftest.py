"""A contact of Ada's account whose email and last name were changed on both sides."""

import pytest
from django.core.cache import cache

from integrations.models import Change
from tests.inbox import factories as f
from tests.inbox.conftest import ada, browser, harbor  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def nothing_remembered():
    """Lost texts and countries are cached."""
    cache.clear()


@pytest.fixture
def contact(harbor):  # noqa: F811
    return f.contact(harbor, "Dana", "There", email="there@example.com")


@pytest.fixture
def conflict(harbor, ada, contact):  # noqa: F811
    return Change.objects.create(
        account=harbor, kind=Change.Kind.CONTACT, contact=contact, state=Change.State.CONFLICT, requested_by=ada,
        values={"last_name": "Here", "email": "here@example.com"},
        base={"last_name": "Reyes", "email": ""},
        theirs={"last_name": "There", "email": "there@example.com"},
    )  # fmt: skip
