"""``--keep FILE``: what the sandbox holds, its grants and its webhook address outlive a restart.

The demo keeps its data over a second start, so the stand-in for Salesmsg must not forget whom it let in.
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
    """What was kept, None without a file. ValueError with words when it cannot be used."""
    if not path.exists():
        return None
    try:
        kept = pickle.loads(path.read_bytes())  # noqa: S301 - our own file, readable by its owner alone
    except (pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, TypeError) as problem:
        raise ValueError(f"{path} cannot be read ({problem}): delete it to begin anew.") from None
    if not isinstance(kept, dict) or kept.get("format") != FORMAT:
        raise ValueError(f"{path} is of another version: delete it to begin anew.")
    return kept


class Keeper:
    """Writes the file every few seconds when something changed, and at the end.

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
        """Replaces the file as a whole, so that a crash leaves the old one."""
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
