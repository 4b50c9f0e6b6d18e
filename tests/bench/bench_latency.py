"""A person's text during a backfill: from the form's post to its request's arrival at the vendor.

A real web server, workers, a backfill that never ends, and at random moments a signed-in person who sends. Beside it,
at the same time and under the same limit, a FIFO queue: calls leave in the order in which they came, evenly spread,
with sixty of a backfill always in front. BENCH_PERIOD scales the limit's period; the published numbers are those of 60.
"""

import os
import random
import threading
import time
import urllib.request
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from tests.harness.sandbox import Sandbox, wait_for

from .support import Browser, Hand, percentile, read_in, scaled, show

LIMIT, PERIOD = 60, float(os.environ.get("BENCH_PERIOD", "60"))
SENDS = scaled(200, 10)
PER_PERIOD = 12  # a person's texts, on the average
CONTACTS = 1_000  # a backfill of so many takes about as long as the measuring
DEPTH = 60  # calls of the backfill that wait in the FIFO queue
MARGIN = 0.025  # seconds, as in the portal's budget
HEAD = ("queue", "texts", "p50", "p95", "p99", "slowest")
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def test_a_persons_text_during_a_backfill(sandbox, portal):
    vendor, ours = read_in(sandbox, portal, "", CONTACTS, LIMIT, PERIOD)
    beside = sandbox(contacts=CONTACTS, messages=1, rate=LIMIT, period=PERIOD, no_auto_replies=True)
    ours.superuser()
    ours.start_web()
    posted: dict[str, float] = {}
    queued: dict[str, float] = {}
    with Hand(ours) as hand, ThreadPoolExecutor(16) as pool:
        threads, person, rng = hand("threads"), Browser(ours), random.Random(1)
        hand("backfill")
        ours.start_worker(3)
        fifo = Fifo(beside)
        time.sleep(PERIOD * 1.2)
        posts = []
        for number in range(SENDS):
            time.sleep(rng.expovariate(PER_PERIOD / PERIOD))
            text = f"text {number} {uuid.uuid4()}"
            queued[text] = fifo.person(text)
            posts.append(pool.submit(post, person, rng.choice(threads), text, posted))
            hand("backfill")  # the one that runs, or another one
            ours.alive()
        answers = [each.result() for each in posts]
        wait_for("both queues are empty", lambda: arrived(vendor, posted) and arrived(beside, queued), 4 * PERIOD, 1.0)
        fifo.stop()
    here, there = waits(vendor, posted), waits(beside, queued)
    rows = [
        ("Salesmsg Portal", len(here), *figures(here)),
        ("FIFO", len(there), *figures(there)),
        ("ratio", "-", *(f"{slow / fast:.0f}" for slow, fast in zip(figures(there), figures(here), strict=True))),
        ("the post's own answer", len(answers), *figures(answers)),
    ]
    show(f"Seconds from the post to the vendor during a backfill, {LIMIT} requests in {PERIOD:g} s", HEAD, *rows)
    assert len(here) == len(there) == SENDS
    assert vendor.state()["too_many"] == beside.state()["too_many"] == 0


def post(person: Browser, conversation: int, text: str, posted: dict[str, float]) -> float:
    """Sends one form; how long its answer took."""
    posted[text] = time.time()
    assert person.send(conversation, text, str(uuid.uuid4())) == 200
    return time.time() - posted[text]


def waits(vendor: Sandbox, since: dict[str, float]) -> list[float]:
    """Of each text that arrived."""
    return [each["received"] - since[each["body"]] for each in vendor.state()["messages"] if each["body"] in since]


def arrived(vendor: Sandbox, since: dict[str, float]) -> bool:
    """Whether all texts are there."""
    return len(waits(vendor, since)) == len(since)


def figures(values: list[float]) -> tuple[float, ...]:
    return *(percentile(values, share) for share in (0.5, 0.95, 0.99)), max(values)


class Fifo:
    """One queue: calls leave in the order in which they came, as fast as the limit lets them."""

    def __init__(self, vendor: Sandbox) -> None:
        self._vendor = vendor
        self._thread_id = vendor.data()["conversations"][0]["id"]
        self._queue: deque[str] = deque([""] * DEPTH)  # a person's text, or empty: the next page of the backfill
        self._ended = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def person(self, text: str) -> float:
        """A person's call goes to the end. When."""
        self._queue.append(text)
        return time.time()

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        free: deque[float] = deque()  # when each of the last calls' places is free: a period after its answer
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            text = self._queue.popleft()
            if not text:
                self._queue.append("")
            self._call(text)
            free.append(time.monotonic() + PERIOD + MARGIN)
            even = due + PERIOD / LIMIT
            due = max(even, free.popleft()) if len(free) == LIMIT else even

    def _call(self, text: str) -> None:
        path = f"messages/{self._thread_id}?{urlencode({'message': text})}" if text else "contacts"
        request = urllib.request.Request(
            f"{self._vendor.url}/pub/v2.2/{path}",
            b"" if text else None,
            {"Authorization": f"Bearer {self._vendor.pat}"},
        )
        with _direct.open(request, timeout=40) as response:
            response.read()
