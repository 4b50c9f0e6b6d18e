import pytest
from django.core.cache import cache

from tests import factories
from tests.inbox.conftest import ada, browser, harbor  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def nothing_remembered():
    """The labels of an account are cached."""
    cache.clear()


@pytest.fixture
def people(harbor):  # noqa: F811
    """Four contacts of Harbor Dental; Ben has opted out."""
    return [
        factories.contact(harbor, "Ana", "Silva", tags=["VIP"], phone="+13055550101"),
        factories.contact(harbor, "Ben", "Okoro", opted_out=True, tags=["VIP"]),
        factories.contact(harbor, "Cleo", "Marin", tags=["Neukunde", "Größe L"]),
        factories.contact(harbor, "Dan", "Frost"),
    ]
