"""A sandbox in its own process, on a free port."""

import json
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from salesmsg_portal.demo import Process

from .environment import around

# Seconds for a state to come about, on a machine that is ten times slower; only a failure takes so long.
PATIENCE = 90

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """A free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(url: str, *, payload: Any = None, headers: dict[str, str] | None = None, seconds: float = PATIENCE) -> Any:
    """GET, or POST of `payload` as JSON; the answer's JSON. Raises AssertionError with the answer on an error state."""
    data = None if payload is None else json.dumps(payload).encode()
    request = urllib.request.Request(
        url, data, {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
    )
    try:
        with _direct.open(request, timeout=seconds) as response:
            return json.loads(response.read() or b"null")
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.code} {error.read()[:1000]!r}") from error


def wait_for(what: str, condition, seconds: float = PATIENCE, pause: float = 0.1) -> Any:
    """The first true value of `condition()`; AssertionError when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"Not within {seconds} s: {what}. Last: {value!r}")
        time.sleep(pause)


class Sandbox:
    """One running sandbox. Flags as on its command line: ``Sandbox(log, contacts=50, no_auto_replies=True)``."""

    client_id, client_secret, pat = "1001", "sandbox-secret-for-the-tests-0123456789", "1|sandbox-pat-of-the-tests"

    def __init__(self, log: Path, **flags: Any) -> None:
        self.port = int(flags.pop("port", 0)) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        wanted = {"client_id": self.client_id, "client_secret": self.client_secret, "pat": self.pat} | flags
        command = [sys.executable, "-m", "integrations.sandbox", "--port", str(self.port)]
        for name, value in wanted.items():
            flag = "--" + name.replace("_", "-")
            if value is True:
                command.append(flag)
            elif value is not False and value is not None:
                command += [flag, str(value)]
        self.process = Process("sandbox", command, around(), log)
        try:
            wait_for("the sandbox answers", self._ready, pause=0.03)
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{self.process.tail(40)}") from error

    def _ready(self) -> bool:
        if not self.process.alive:
            raise AssertionError(f"The sandbox ended: {self.process.popen.returncode}")
        try:
            return bool(self.state())
        except (OSError, urllib.error.URLError):
            return False

    def state(self) -> dict:
        """What it has received: ``GET /sandbox/state``."""
        return fetch(f"{self.url}/sandbox/state")

    def data(self) -> dict:
        """All that it holds: ``GET /sandbox/data``."""
        return fetch(f"{self.url}/sandbox/data")

    def get(self, path: str) -> Any:
        """JSON of a path."""
        return fetch(self.url + path)

    def post(self, path: str, payload: Any) -> Any:
        """Posts JSON to one of its own pages, such as /sandbox/settings or /sandbox/faults."""
        return fetch(self.url + path, payload=payload)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.finish(3)
