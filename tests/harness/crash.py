"""Processes that are killed with -9 at a chosen point of sending, and the count of what became of the texts.

As a program (`python -m tests.harness.crash`, with a portal's environment) it reads lines `POINT CONVERSATION TEXT`,
forks a child for each, which writes and sends the text by the real path and dies at the point, and prints what it
died of. Django is loaded once, so that hundreds of kills take seconds.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from salesmsg_portal.demo import BASE_DIR

POINTS = (
    "before the nudge is queued",
    "before a place is taken",
    "after a place is taken",
    "in the claim, before its commit",
    "after the claim",
    "after the attempt is noted, before the call",
    "during the call",
    "after the answer",
    "in the recording, before its commit",
    "after the recording",
)


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(module: Any, name: str) -> None:
    setattr(module, name, _die)


def _after(module: Any, name: str, only: Callable[..., bool] = lambda *_: True) -> None:
    real = getattr(module, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value = real(*args, **kwargs)
        if only(*args):
            _die()
        return value

    setattr(module, name, wrapped)


def _during(module: Any, name: str, only: Callable[..., bool], seconds: float) -> None:
    real = getattr(module, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if only(*args):
            threading.Timer(seconds, _die).start()
        return real(*args, **kwargs)

    setattr(module, name, wrapped)


def _arm(point: str) -> None:
    from integrations import budget, gateway, jobs, mirror
    from integrations.outbox import deliver

    def a_text(request: Any, *_: Any) -> bool:
        return request.endpoint.startswith("POST /messages")

    {
        POINTS[0]: lambda: _before(jobs, "_push"),
        POINTS[1]: lambda: _before(budget, "take"),
        POINTS[2]: lambda: _after(budget, "take"),
        POINTS[3]: lambda: _after(mirror, "touch"),
        POINTS[4]: lambda: _before(deliver, "_open_conversation"),
        POINTS[5]: lambda: _after(deliver, "_confirm"),
        POINTS[6]: lambda: _during(gateway, "_sent", a_text, 0.1),
        POINTS[7]: lambda: _after(gateway, "_sent", a_text),
        POINTS[8]: lambda: _after(mirror, "adopt"),
        POINTS[9]: lambda: _before(deliver, "schedule_refresh"),
    }[point]()


def _child(point: str, conversation_pk: int, text: str) -> None:
    """Writes and sends a text; the armed point kills this process on the way."""
    from integrations.models import Conversation
    from integrations.outbox import compose, dispatcher

    if point == POINTS[0]:
        _arm(point)
    conversation = Conversation.objects.select_related("account", "contact").get(pk=conversation_pk)
    message = compose.queue_reply(None, conversation, text, uuid.uuid4())
    _arm(point)
    replace(dispatcher.INTERACTIVE, has_work=lambda _: True, following=lambda _: message.pk).run(
        conversation.account_id
    )


def main() -> None:
    """The program."""
    import django

    django.setup()
    for line in sys.stdin:
        point, conversation_pk, text = json.loads(line)
        child = os.fork()
        if child == 0:
            with contextlib.suppress(Exception):
                _child(point, conversation_pk, text)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        print(json.dumps(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0), flush=True)


class Killer:
    """The program, started beside a portal."""

    def __init__(self, portal: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.crash"],
            cwd=BASE_DIR,
            env=portal.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kill(self, point: str, conversation_pk: int, text: str) -> None:
        """One text, whose process dies at the point."""
        self._process.stdin.write(json.dumps([point, conversation_pk, text]) + "\n")
        self._process.stdin.flush()
        died_of = json.loads(self._process.stdout.readline() or "null")
        assert died_of == signal.SIGKILL, f"{point}: the process lived on ({died_of})"

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)


STATES = """
from django.db.models import Count
from integrations.models import Message
own = Message.objects.filter(client_uuid__isnull=False)
rows = own.annotate(tries=Count("attempts")).values_list("text", "state", "reason_code", "tries")
print(json.dumps([list(row) for row in rows]))
"""
UNDER_WAY = """
from integrations.models import Message
print(json.dumps(Message.objects.filter(client_uuid__isnull=False, state__in=["queued", "sending", "unknown"]).count()))
"""


def verdict(portal: Any, sandbox: Any, texts: list[str]) -> dict[str, Any]:
    """What became of the texts: how many are doubled, lost, wrongly reported, and open, with examples."""
    received = Counter(message["body"] for message in sandbox.state()["messages"])
    rows = {text: (state, reason, attempts) for text, state, reason, attempts in portal.query(STATES)}
    found: dict[str, Any] = {"texts": len(texts), "doubled": [], "lost": [], "untrue": [], "open": [], "unknown": []}
    for text in texts:
        state = rows.get(text, ("missing", "", 0))[0]
        arrived = received[text]
        if arrived > 1:
            found["doubled"].append((text, arrived))
        if state == "missing":
            found["lost"].append(text)
        elif state in {"queued", "sending"}:
            found["open"].append((text, *rows[text]))
        elif state == "unknown":
            found["unknown"].append((text, *rows[text]))
        elif (state in {"sent", "delivered"}) != bool(arrived):
            found["untrue"].append((text, arrived, *rows[text]))
    found["states"] = dict(Counter(state for state, *_ in rows.values()))
    return found


if __name__ == "__main__":
    main()
