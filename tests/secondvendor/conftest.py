"""Portals against second vendors."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .cache import Portal
from .server import Vendor, running


@pytest.fixture
def meet(tmp_path) -> Iterator[Callable[..., tuple[Vendor, Portal]]]:
    """``meet(seed, size="small")``: a vendor of that seed, with these choices fixed, and a connected portal."""
    with ExitStack() as stack:

        def start(seed: int, **settings) -> tuple[Vendor, Portal]:
            vendor = stack.enter_context(running(seed, **{"limit": 60, "period": 2.0, **settings}))
            print(f"seed {seed}:", vendor.choices.unusual())
            portal = Portal(tmp_path, vendor)
            portal.connect()
            return vendor, portal

        yield start
