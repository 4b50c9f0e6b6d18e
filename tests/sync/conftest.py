"""The room's fixtures."""

import pytest

from .support import one_sandbox, vendor_settings, world  # noqa: F401
from .vendor import Vendor


@pytest.fixture
def vendor(vendor_settings):  # noqa: F811
    """A vendor whose every answer a test may bend."""
    with Vendor() as running:
        vendor_settings(running.url)
        yield running
