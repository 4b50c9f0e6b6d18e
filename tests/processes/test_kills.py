"""kill -9 at every step of sending: nothing is sent twice, nothing is lost, and every text ends in a true state.

Time is scaled (SALESMSG_TIMEOUT, SALESMSG_RATE_PERIOD); the path is the one that users go. `make bench` kills more.
"""

import os
import re
import signal
import threading
import uuid
from contextlib import contextmanager

import pytest
import requests

from tests.conftest import ON_POSTGRES, ON_SQLITE
from tests.harness.crash import POINTS, UNDER_WAY, Killer, verdict
from tests.harness.portal import PASSWORD
from tests.harness.sandbox import PATIENCE, wait_for

pytestmark = [pytest.mark.processes]
SCALED = {"SALESMSG_TIMEOUT": "0.5,1.0", "SALESMSG_RATE_PERIOD": 1, "SALESMSG_RATE_LIMIT": 60}
THREADS = """
from integrations.models import Conversation
found = Conversation.objects.filter(contact__opted_out=False, contact__blocked=False, closed_at=None)
print(json.dumps(list(found.values_list("pk", flat=True))))
"""
WRITE = """
import uuid
from integrations.models import Conversation
from integrations.outbox import compose
for pk, text in TEXTS:
    conversation = Conversation.objects.select_related("account", "contact").get(pk=pk)
    compose.queue_reply(None, conversation, text, uuid.uuid4())
print(0)
"""
# While texts are on their way: cuts every connection but its own, ten times.
CUTS = """
import time
from django.db import connection
cut = 0
with connection.cursor() as cursor:
    for _ in range(10):
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        cut += cursor.fetchone()[0]
        time.sleep(0.3)
print(cut)
"""


@pytest.fixture
def connected(sandbox, portal, each_database):
    """(vendor, portal, conversations) with everything that a sync brings, no worker running."""
    vendor = sandbox(contacts=40, messages=1, rate=60, period=1, no_auto_replies=True, no_failures=True)
    ours = portal(vendor, each_database, **SCALED)
    ours.fill(vendor, 1)
    return vendor, ours, ours.query(THREADS)


def written(ours, threads: list[int], count: int, what: str) -> list[str]:
    """Queues so many texts, as the inbox does."""
    texts = [(threads[number % len(threads)], f"{what} {number} {uuid.uuid4()}") for number in range(count)]
    ours.query(WRITE.replace("TEXTS", repr(texts)))
    return [text for _, text in texts]


def settled(ours) -> None:
    wait_for("every text is settled", lambda: ours.alive() and ours.query(UNDER_WAY) == 0, 300, 0.3)


def taken(vendor, more: int) -> None:
    """Waits until the vendor has taken so many texts more."""
    known = len(vendor.state()["messages"])
    wait_for("texts leave", lambda: len(vendor.state()["messages"]) >= known + more)


def nothing_wrong(found: dict) -> None:
    for fault in ("doubled", "lost", "untrue", "open"):
        assert found[fault] == [], (fault, found)


def test_a_kill_at_every_point(connected):
    vendor, ours, threads = connected
    killer = Killer(ours)
    texts = []
    vendor.post("/sandbox/faults", {"kind": "slow", "match": "POST /messages", "seconds": 0.25})
    for place, point in enumerate(POINTS * 2):
        text = f"{point} {uuid.uuid4()}"
        killer.kill(point, threads[place % len(threads)], text)
        texts.append(text)
    killer.close()
    vendor.post("/sandbox/faults", {"kind": "none"})
    ours.start_worker(2)
    settled(ours)
    found = verdict(ours, vendor, texts)
    nothing_wrong(found)
    assert len(found["unknown"]) == 0
    assert vendor.state()["too_many"] == 0


@ON_SQLITE
def test_the_whole_worker_is_killed_again_and_again(connected):
    vendor, ours, threads = connected
    texts = written(ours, threads, 40, "through kills")
    vendor.post("/sandbox/faults", {"kind": "slow", "match": "POST /messages", "seconds": 0.1})
    for more in (2, 7, 4, 5):
        worker = ours.start_worker(2)
        taken(vendor, more)
        os.killpg(worker.popen.pid, signal.SIGKILL)
        worker.popen.wait()
        ours.processes.remove(worker)
    vendor.post("/sandbox/faults", {"kind": "none"})
    ours.start_worker(2)
    settled(ours)
    found = verdict(ours, vendor, texts)
    nothing_wrong(found)
    assert found["unknown"] == []
    assert vendor.state()["too_many"] == 0


@ON_POSTGRES
def test_answers_that_are_lost_after_the_text_was_taken(connected):
    """Accepted, then dropped: such texts are found in the thread, and none is sent again."""
    vendor, ours, threads = connected
    texts = written(ours, threads, 40, "dropped")
    vendor.post("/sandbox/faults", {"kind": "drop-after", "match": "POST /messages", "share": 0.4})
    ours.start_worker(2)
    settled(ours)
    found = verdict(ours, vendor, texts)
    nothing_wrong(found)
    assert found["states"].get("failed", 0) == 0, found
    assert sum(found["states"].values()) == 40
    assert found["unknown"] == []


@ON_POSTGRES
def test_the_databases_connections_are_cut_again_and_again(connected):
    vendor, ours, threads = connected
    texts = written(ours, threads, 30, "through cuts")
    vendor.post("/sandbox/faults", {"kind": "slow", "match": "POST /messages", "seconds": 0.1})
    ours.start_worker(2)
    taken(vendor, 1)
    assert ours.query(CUTS) > 0
    settled(ours)
    found = verdict(ours, vendor, texts)
    nothing_wrong(found)
    assert vendor.state()["too_many"] == 0


@ON_SQLITE
def test_the_web_server_is_killed_while_forms_are_posted(connected):
    """A user who got no response posts the same form again: one row and one text for each form."""
    vendor, ours, threads = connected
    ours.superuser()
    forms = [(threads[number], {"client_uuid": str(uuid.uuid4()), "text": f"form {number}"}) for number in range(20)]
    ours.start_worker(2)
    waiting = list(forms)
    for round_number in range(4):
        web = ours.start_web()
        if round_number < 3:
            killing = threading.Timer(0.15 + 0.1 * round_number, os.killpg, (web.popen.pid, signal.SIGKILL))
        with signed_in(ours) as session:
            if round_number < 3:
                killing.start()
            waiting = [form for form in waiting if not posted(ours, session, *form)]
        if round_number < 3:
            killing.join()
            web.popen.wait()
            ours.processes.remove(web)
    assert waiting == []
    settled(ours)
    found = verdict(ours, vendor, [form["text"] for _, form in forms])
    nothing_wrong(found)
    assert sum(found["states"].values()) == 20


@contextmanager
def signed_in(ours):
    """A browser's session, without a browser."""
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(f"{ours.address}/admin/login/", timeout=PATIENCE).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        form = {"csrfmiddlewaretoken": token, "username": "demo", "password": PASSWORD, "next": "/inbox/"}
        answer = session.post(f"{ours.address}/admin/login/", form, headers={"Referer": ours.address}, timeout=PATIENCE)
        assert answer.url.endswith("/inbox/"), answer.url
        yield session


def posted(ours, session, thread: int, form: dict) -> bool:
    """Whether the server answered that it has taken the reply."""
    form = form | {"csrfmiddlewaretoken": session.cookies["csrftoken"]}
    try:
        answer = session.post(f"{ours.address}/inbox/{thread}/send/", form, timeout=PATIENCE, allow_redirects=False)
    except requests.RequestException:
        return False
    assert answer.status_code == 302, answer.text[:300]
    return True
