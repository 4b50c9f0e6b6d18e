"""One sandbox for the room, made as new for each test."""

import pytest

from .vendor import Vendor


@pytest.fixture(scope="package")
def running(tmp_path_factory):
    one = Vendor(tmp_path_factory.mktemp("sandbox") / "sandbox.log")
    yield one
    one.stop()


@pytest.fixture
def vendor(running, settings):
    running.use(settings)
    return running.fresh()
