"""Events in a storm: 300 a second for half a minute at one web process on SQLite, with the workers at their work.

The generator posts on schedule, each event on a new connection, and an answer's time counts from the scheduled moment.
Under the vendor's limit of 60 calls a minute, and without one, where every event could be followed up at once; beside
it the same load with processing inline. BENCH_SCALE shortens the storm; the published numbers are those of 1.
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from salesmsg_portal.demo import BASE_DIR
from tests.harness.environment import around
from tests.harness.sandbox import wait_for

from .support import percentile, read_in, scaled, show

RATE, SECONDS = 300, scaled(30, 3)
CONTACTS = 300
GENERATORS = 2
LIMITED, FREE = (60, 60.0), (100_000, 1.0)
WAYS = {
    "limit 60": (LIMITED, {}, True),
    "no limit": (FREE, {}, True),
    "inline, no limit": (FREE, {"DJANGO_SETTINGS_MODULE": "tests.bench.inline_settings"}, False),
}
HEAD = ("way", "sent", "200", "kept", "repeats", "lost", "p50 ms", "p95", "p99", "slowest", "web CPU ms")
HEAD = (*HEAD, "calls", "done after", "load before")
DONE: dict[str, tuple] = {}
COUNTS = """
from django.db.models import Count, Sum
from integrations.models import ThreadSync, WebhookEvent
from django.utils import timezone
events = WebhookEvent.objects.aggregate(kept=Count("pk"), repeats=Sum("repeats", default=0))
events["waiting"] = WebhookEvent.objects.filter(state="new").count()
events["unread"] = ThreadSync.objects.filter(due_at__lte=timezone.now(), following=False).count()
print(json.dumps(events))
"""
SECRET = """
from integrations.crypto import unseal
from integrations.models import Account
print(json.dumps(unseal(Account.objects.get().webhook_secret)))
"""


@pytest.mark.parametrize("way", WAYS)
def test_a_storm_of_events(way, sandbox, portal):
    (limit, period), settings, with_worker = WAYS[way]
    vendor, ours = read_in(sandbox, portal, "", CONTACTS, limit, period, **settings)
    address = f"{ours.address}/webhooks/salesmsg/{ours.query(SECRET)}/"
    web = ours.start_web().popen.pid
    if with_worker:
        ours.start_worker(3)
    bodies = events(vendor.data()["conversations"], RATE * SECONDS)
    time.sleep(3)
    before, cpu, load = vendor.state()["requests"], cpu_seconds(web), os.getloadavg()[0]
    answers = storm(address, bodies)
    cpu = 1000 * (cpu_seconds(web) - cpu) / len(bodies)
    ended = time.time()
    ours.alive()
    counts = ours.query(COUNTS)
    if with_worker and way != "limit 60":
        idle = {"waiting": 0, "unread": 0}
        counts = wait_for("all is processed", lambda: settled(ours, idle), 240, 1.0)
    took = "-" if counts["waiting"] or not with_worker else f"{time.time() - ended:.0f} s"
    good = sum(status == 200 for _, status in answers)
    lost = len(bodies) - counts["kept"] - counts["repeats"]
    times = [seconds * 1000 for seconds, _ in answers]
    figures = (*(percentile(times, share) for share in (0.5, 0.95, 0.99)), max(times))
    calls = vendor.state()["requests"] - before
    DONE[way] = (len(bodies), good, counts["kept"], counts["repeats"], lost, *figures, cpu, calls, took, load)
    show(f"Webhooks, {RATE} events a second for {SECONDS} s", HEAD, *((name, *row) for name, row in DONE.items()))
    if {"no limit", "inline, no limit"} <= DONE.keys():
        print(f"p99 inline / p99: {DONE['inline, no limit'][7] / DONE['no limit'][7]:.0f}", flush=True)
    if with_worker:
        assert (good, lost) == (len(bodies), 0)


def cpu_seconds(pid: int) -> float:
    """What a process and its children have used so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_seconds(int(child)) for child in children)


def settled(ours, idle: dict) -> dict | None:
    counts = ours.query(COUNTS)
    return counts if all(counts[name] == value for name, value in idle.items()) else None


def storm(address: str, bodies: list[str]) -> list[tuple[float, int]]:
    """Posts all, on schedule; (seconds, status) of each."""
    start = time.time() + 2
    lines = "".join(json.dumps(body) + "\n" for body in bodies)
    command = [sys.executable, "-m", "tests.bench.events", address, str(RATE), str(SECONDS), str(start)]
    running = [
        subprocess.Popen(
            [*command, str(turn), str(GENERATORS)],
            cwd=BASE_DIR, env=around(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for turn in range(GENERATORS)
    ]  # fmt: skip
    for each in running:
        each.stdin.write(lines)
        each.stdin.close()
    return [tuple(answer) for each in running for answer in json.loads(each.stdout.read())]


def events(conversations: list[dict], count: int) -> list[str]:
    """Texts in many conversations, every tenth a copy of one before, contacts, and events that cannot be parsed."""
    chance, made = random.Random(1), []
    for number in range(count):
        about = chance.choice(conversations)
        contact = {"id": about["contact_id"], "full_name": "Somebody", "number": "+13055550142"}
        kind = chance.random()
        if made and kind < 0.1:
            made.append(chance.choice(made[-300:]))
        elif kind < 0.13:
            made.append(chance.choice(["no json", "[]", "{", "null", '{"event": "odd"}']) + " " * number)
        elif kind < 0.18:
            made.append(json.dumps({"event": "contact.updated", "data": {"contact": contact | {"n": number}}}))
        else:
            message = {
                "id": 700_000_000 + number, "body": f"Text {number} " + "x" * 60, "type": "sms", "status": "received",
                "conversation_id": about["id"], "contact_id": about["contact_id"], "user_id": 0, "sent_at": "",
                "created_at": "2026-04-10 09:15:27", "received_at": "2026-04-10 09:15:27", "mms_status": "",
            }  # fmt: skip
            made.append(json.dumps({"event": "message.received", "data": {"message": message, "contact": contact}}))
    return made
