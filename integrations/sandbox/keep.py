"""``--keep FILE``: saves data, grants and the webhook address across restarts.

The demo keeps its database when restarted, so the sandbox must still accept its tokens.
"""

import pickle
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

EVERY = 3.0  # seconds
FORMAT = 1


def load(path: Path) -> dict | None:
    """Load the saved state. Return None without a file. Raises ValueError if the file is unusable."""
    if not path.exists():
        return None
    try:
        kept = pickle.loads(path.read_bytes())  # noqa: S301 - our own file, readable by its owner only
    except (pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, TypeError) as problem:
        raise ValueError(f"{path} cannot be read ({problem}): delete it to start over.") from None
    if not isinstance(kept, dict) or kept.get("format") != FORMAT:
        raise ValueError(f"{path} is of another version: delete it to start over.")
    return kept


class Keeper:
    """Writes the file every few seconds if the state changed, and on shutdown.

    `state` returns what to write; it is called and pickled while `lock` is held.
    """

    def __init__(self, path: Path, state: Callable[[], dict[str, Any]], lock: AbstractContextManager):
        self._path = path
        self._state = state
        self._lock = lock
        self._written = b""
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="keep", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()
        self.save()

    def save(self) -> None:
        """Replace the file atomically, so that a crash leaves the old one."""
        with self._lock:
            state = pickle.dumps({"format": FORMAT, **self._state()})
        if state == self._written:
            return
        new = self._path.with_name(self._path.name + ".new")
        new.touch(mode=0o600)
        new.write_bytes(state)
        new.replace(self._path)
        self._written = state

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
            self.save()
