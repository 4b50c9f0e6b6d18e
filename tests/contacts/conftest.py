"""The account, staff and sandbox of tests/outbox: changes of contacts leave by the same way as texts."""

from tests.outbox.conftest import account, conversation, salesmsg, staff  # noqa: F401 - fixtures
