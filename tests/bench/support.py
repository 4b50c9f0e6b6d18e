"""What the benchmarks share: their scale, a table, a hand in the portal's database, a browser without a screen.

BENCH_SCALE=0.1 makes everything a tenth, for a quick look; the published numbers are those of 1.
"""

import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from typing import Any

from salesmsg_portal.demo import BASE_DIR
from tests.harness.portal import PASSWORD, Portal

SCALE = float(os.environ.get("BENCH_SCALE", "1"))
FAST = {"SALESMSG_RATE_LIMIT": "100000", "SALESMSG_RATE_PERIOD": "1"}  # to read everything before the measuring


def scaled(number: int, least: int = 1) -> int:
    """So many, at the scale of this run."""
    return max(least, round(number * SCALE))


def show(title: str, head: tuple[str, ...], *rows: tuple) -> None:
    """A table, as wide as its contents."""
    lines = [head, *[tuple(_cell(value) for value in row) for row in rows]]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    print(f"\n\n{title}" + (f" (scale {SCALE:g})" if SCALE != 1 else ""))
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(), flush=True)


def _cell(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def part(share: int, whole: int) -> str:
    """In per cent."""
    return f"{100 * share / whole:.1f} %" if whole else "-"


def percentile(values: list[float], share: float) -> float:
    """The smallest value that so large a share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def read_in(make_sandbox, make_portal, database: str, contacts: int, rate: int, period: float, **settings):
    """(sandbox, portal) with everything read once, without a limit; from then on the limit is the given one."""
    flags = {"contacts": contacts, "messages": 1, "no_auto_replies": True, "no_failures": True}
    generous = make_sandbox(rate=100_000, period=1, **flags)
    ours = make_portal(generous, database, SALESMSG_RATE_LIMIT=rate, SALESMSG_RATE_PERIOD=period, **settings)
    ours.connect(generous)
    ours.manage("sync", "--full", seconds=900, **FAST)
    generous.stop()
    return make_sandbox(rate=rate, period=period, port=generous.port, **flags), ours


class Hand:
    """`tests.bench.hand` beside a portal: Django is loaded once, so that asking costs little."""

    def __init__(self, portal: Portal) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.hand"],
            cwd=BASE_DIR,
            env=portal.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Hand":
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.stdin.close()
        self._process.wait(10)

    def __call__(self, name: str, *arguments: Any) -> Any:
        self._process.stdin.write(json.dumps([name, *arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"{name}: the helper ended"
        return json.loads(answer)


class Browser:
    """A signed-in user who posts forms over HTTP; can be used by several threads."""

    def __init__(self, portal: Portal) -> None:
        self.address = portal.address
        self._cookies = CookieJar()
        self._open = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self._cookies)
        ).open
        self._token = self._token_in("/admin/login/")
        self.post("/admin/login/", username="demo", password=PASSWORD, next="/inbox/")
        self._token = self._token_in("/inbox/new/")

    def _token_in(self, path: str) -> str:
        with self._open(self.address + path, timeout=30) as response:
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', response.read().decode())
        assert found, f"no form at {path}: not signed in?"
        return found[1]

    def post(self, path: str, **fields: str) -> int:
        """Posts a form; the status of what it led to."""
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": self._token, **fields}).encode()
        request = urllib.request.Request(self.address + path, data, {"Referer": self.address + path})
        with self._open(request, timeout=60) as response:
            response.read()
            return response.status

    def send(self, conversation: int, text: str, client_uuid: str) -> int:
        """The composer's form, as htmx posts it."""
        data = urllib.parse.urlencode(
            {"csrfmiddlewaretoken": self._token, "client_uuid": client_uuid, "text": text}
        ).encode()
        request = urllib.request.Request(
            f"{self.address}/inbox/{conversation}/send/", data, {"Referer": self.address, "HX-Request": "true"}
        )
        with self._open(request, timeout=60) as response:
            response.read()
            return response.status
