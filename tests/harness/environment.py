"""What of the surrounding environment reaches the processes of the tests: no setting of the portal."""

import os

from salesmsg_portal.demo import KEPT


def around() -> dict[str, str]:
    """A small, clean environment for a child."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1", "NO_PROXY": "localhost,127.0.0.1", "ENV_FILE": "/nonexistent"}
