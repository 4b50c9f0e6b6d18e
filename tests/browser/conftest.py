"""One portal with every state in it, for all tests that only look or press keys."""

from collections.abc import Iterator

import pytest

from tests.harness.portal import Portal

from . import states


@pytest.fixture(scope="session")
def scene(tmp_path_factory) -> Iterator[tuple[Portal, dict]]:
    """A running portal with the scene of states.py, and what the scene printed; nothing talks to Salesmsg."""
    ours = Portal(tmp_path_factory.mktemp("scene"), "http://127.0.0.1:9")
    try:
        told = ours.query(states.SCENE)
        ours.start_web()
        yield ours, told
    finally:
        ours.stop()
        print(ours.logs())
