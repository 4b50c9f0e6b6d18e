"""Benchmarks print what they measured; of the portals' logs only what could be a fault."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.portal import Portal
from tests.harness.sandbox import Sandbox


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Callable[..., Portal]]:
    """As everywhere: makes portals with a database of their own."""
    made: list[Portal] = []

    def make(sandbox: Sandbox | str, database_url: str = "", **settings) -> Portal:
        directory = Path(tempfile.mkdtemp(prefix="portal-", dir=tmp_path))
        made.append(Portal(directory, sandbox, database_url, **settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        faults = [line for line in one.logs().splitlines() if " ERROR " in line or "Traceback" in line]
        if faults:
            print(f"\nThe portal's logs tell of {len(faults)} faults, such as:", *faults[:3], sep="\n  ")
