"""A request leaves its language in the thread, and field names of an account in the cache; no test passes them on."""

import pytest
from django.core.cache import cache
from django.utils import translation


@pytest.fixture(autouse=True)
def nobodys_language():
    translation.deactivate()
    cache.clear()
    yield
    translation.deactivate()
