"""The same form twenty times at once, and tasks that are delivered twice: one row and one request for each text."""

import json
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.harness.sandbox import wait_for

from .support import Browser, Hand, read_in, scaled, show

TIMES = 20  # the same form at once
FORMS = scaled(25, 2)
TEXTS = scaled(1_000, 50)
RATE, PERIOD = 60, 1.0
CONTACTS = 120
ROWS = """
from collections import Counter
from integrations.models import Message
texts = Message.objects.filter(client_uuid__isnull=False).values_list("text", flat=True)
print(json.dumps(Counter(texts)))
"""
HEAD = ("database", "what", "texts", "rows", "requests", "most of one text", "all had left after")


def test_the_same_form_many_times_at_once(sandbox, portal, each_database):
    vendor, ours = read_in(sandbox, portal, each_database, CONTACTS, RATE, PERIOD)
    ours.superuser()
    ours.start_web()
    ours.start_worker(2)
    person = Browser(ours)
    statuses: Counter[int] = Counter()
    begun = time.monotonic()
    with Hand(ours) as hand, ThreadPoolExecutor(TIMES) as pool:
        threads, texts = hand("threads"), []
        for number in range(FORMS):
            texts.append(f"form {number} {uuid.uuid4()}")
            together, token = threading.Barrier(TIMES), str(uuid.uuid4())

            def once(conversation=threads[number], text=texts[-1], token=token, together=together) -> int:
                together.wait()
                return person.send(conversation, text, token)

            statuses.update(each.result() for each in [pool.submit(once) for _ in range(TIMES)])
        wait_for("every text has left", lambda: ours.alive() and not hand("under_way"), 60, 0.5)
        left_after = time.monotonic() - begun
    table(each_database, f"the same form, {TIMES} times at once", vendor, ours, texts, left_after)
    assert statuses == {200: FORMS * TIMES}


def test_tasks_that_are_delivered_again(sandbox, portal, each_database):
    vendor, ours = read_in(sandbox, portal, each_database, CONTACTS, RATE, PERIOD)
    texts = [f"redelivered {number} {uuid.uuid4()}" for number in range(TEXTS)]
    begun = time.monotonic()
    again = 0
    with Hand(ours) as hand:
        threads = hand("threads")
        hand("write", [(threads[number % len(threads)], text) for number, text in enumerate(texts)])
        again += hand("redeliver")
        ours.start_worker(2)
        ours.start_worker(2)

        def left() -> bool:
            nonlocal again
            again += hand("redeliver")
            return ours.alive() and not hand("under_way")

        again += hand("wake", TEXTS // 2)
        wait_for("every text has left", left, 60 + TEXTS, 0.2)
        left_after = time.monotonic() - begun
        again += hand("wake", TEXTS // 2) + hand("redeliver_all")
        wait_for("the queue is done", lambda: ours.alive() and not hand("waiting"), 60 + TEXTS, 0.5)
        assert hand("under_way") == 0
    assert again >= TEXTS
    table(each_database, f"{again} tasks besides their own", vendor, ours, texts, left_after)


def table(database: str, what: str, vendor, ours, texts: list[str], seconds: float) -> None:
    """Prints one row; a text with two rows or two requests fails."""
    rows, requests = ours.query(ROWS), Counter(message["body"] for message in vendor.state()["messages"])
    name = "PostgreSQL" if database else "SQLite"
    most = max(max(rows.values()), max(requests.values()))
    show("Once", HEAD, (name, what, len(texts), sum(rows.values()), sum(requests.values()), most, f"{seconds:.1f} s"))
    assert rows == requests == dict.fromkeys(texts, 1), json.dumps([len(rows), len(requests)])
