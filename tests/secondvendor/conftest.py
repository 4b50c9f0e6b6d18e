"""Portals against second vendors; the empty database is migrated once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .cache import Portal
from .server import Vendor, running


@pytest.fixture(scope="session")
def migrated(tmp_path_factory) -> Path:
    """An SQLite file with all tables and no row."""
    directory = tmp_path_factory.mktemp("secondvendor")
    with running(0) as vendor:
        return Portal(directory, vendor).file


@pytest.fixture
def meet(tmp_path, migrated) -> Iterator[Callable[..., tuple[Vendor, Portal]]]:
    """``meet(seed, size="small")``: a vendor of that seed, with these choices fixed, and a connected portal."""
    with ExitStack() as stack:

        def start(seed: int, **settings) -> tuple[Vendor, Portal]:
            vendor = stack.enter_context(running(seed, **{"limit": 60, "period": 2.0, **settings}))
            print(f"seed {seed}:", vendor.choices.unusual())
            portal = Portal(tmp_path, vendor, migrated)
            portal.connect()
            return vendor, portal

        yield start
