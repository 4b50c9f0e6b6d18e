"""One sandbox for the room, made as new for each test."""

from tests.tokens.conftest import running, vendor  # noqa: F401
