"""A request leaves its language in the thread; no test passes it on to the next one."""

import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def nobodys_language():
    translation.deactivate()
    yield
    translation.deactivate()
