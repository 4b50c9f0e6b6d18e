"""The room's fixtures."""

import pytest

from integrations import jobs


@pytest.fixture(autouse=True)
def no_wake_before():
    """A process remembers when it last enqueued the task; every test is a new process."""
    jobs.WOKEN.clear()
