"""What keeping the cache in step costs in calls: everything, a few changes among many, and after kill -9 at every page.

The least possible is counted from what the vendor holds: full pages of the largest size it gives, one call a thread
and a hundred messages, one for each small list. BENCH_SCALE shrinks the large account of 50,000 contacts.
"""

import json
import subprocess
import sys
import time
import urllib.request

import pytest

from salesmsg_portal.demo import BASE_DIR
from tests.harness import truth
from tests.harness.portal import Portal
from tests.harness.sandbox import Sandbox, fetch

from .support import FAST, scaled, show

LARGE = scaled(50_000, 300)
SMALL = min(1_000, LARGE)
MORTAL = scaled(2_000, 60)
CHANGES = (1, 10, 100)
PAGE = 100
FLAGS = {"messages": 2, "rate": 100_000, "period": 1, "no_auto_replies": True, "no_failures": True}
SMALL_LISTS = 5  # organisation, members, inboxes, numbers, tags


@pytest.mark.parametrize("contacts", [SMALL, LARGE])
def test_calls(sandbox, portal, contacts):
    """A full sync, a second one that has nothing to write, and k changes of each kind."""
    vendor, ours = begun(sandbox, portal, contacts)
    seconds = time.monotonic()
    first = synced(ours, "--full")
    seconds = time.monotonic() - seconds
    data = held(vendor)
    least = least_calls(data)
    wrong = truth.differences(vendor, ours)
    show(
        f"Full sync, {contacts:,} contacts",
        ("contacts", "threads", "messages", "calls", "least possible", "ratio", "seconds", "fields that differ"),
        (
            len(data["contacts"]), len(data["conversations"]), len(data["messages"]), first["requests"], least,
            f"{first['requests'] / least:.4f}", round(seconds), len(wrong),
        ),
    )  # fmt: skip
    assert wrong == []
    again = synced(ours, "--full")
    show("A second full sync", ("contacts", "calls", "rows written"), (contacts, again["requests"], again["changed"]))
    assert again["changed"] == 0
    synced(ours)  # the first check learns the orders
    rows = []
    for what, make in KINDS.items():
        for k in CHANGES:
            made = make(vendor, data, k)
            calls = synced(ours)["requests"]
            rows.append((contacts, what, made, calls, made + 4, least, f"{least / calls:,.0f}x fewer"))
            assert truth.differences(vendor, ours, ignore=("updated_at",)) == []
    idle = synced(ours)["requests"]
    rows.append((contacts, "nothing", 0, idle, 4, least, f"{least / idle:,.0f}x fewer"))
    show(
        f"Changes among {contacts:,} contacts",
        ("contacts", "changed", "k", "calls", "k + 4", "least for reading all", "so"),
        *rows,
    )


def test_killed_at_every_page(sandbox, portal, each_database):
    """Before, within and after storing a page; the next process goes on, and in the end all is there, once."""
    vendor, ours = begun(sandbox, portal, MORTAL, each_database)
    run = ours.query("from integrations.models import SyncRun\nprint(SyncRun.objects.get(state='running').pk)")
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.mortal", str(run)],
        cwd=BASE_DIR, env=ours.environment | FAST, capture_output=True, text=True, timeout=3600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    wrong = truth.differences(vendor, ours)
    name = "PostgreSQL" if each_database else "SQLite"
    show(
        f"kill -9 at every page, {MORTAL:,} contacts",
        ("database", "pages", "kills", "ended", "fields that differ", "seconds"),
        (name, told["steps"], told["kills"], told["state"], len(wrong), round(time.monotonic() - started)),
    )
    assert (told["state"], told["error"], wrong) == ("done", "", [])
    assert told["kills"] >= told["steps"] - 1
    assert synced(ours, "--full")["changed"] == 0


# --- What is done at the vendor ---------------------------------------------------------------------------------------


def texts(vendor: Sandbox, data: dict, k: int) -> int:
    """Inbound texts from so many people."""
    people = {row["contact_id"] for row in data["conversations"] if row["closed_at"] is None}
    for person in sorted(people)[-k:]:
        fetch(f"{vendor.url}/sandbox/phone/{person}", payload={"text": f"Hello {k}"})
    return k


def edits(vendor: Sandbox, data: dict, k: int) -> int:
    """So many contacts get another last name, anywhere among all."""
    for row in data["contacts"][:: max(1, len(data["contacts"]) // k)][:k]:
        told(vendor, "PUT", f"/api/v4/contacts/{row['id']}?last_name=Changed{k}")
    return k


def both(vendor: Sandbox, data: dict, k: int) -> int:
    """Half of each."""
    half = k // 2
    return edits(vendor, data, k - half) + (texts(vendor, data, half) if half else 0)


KINDS = {"texts": texts, "contacts edited": edits, "half texts, half edits": both}


def told(vendor: Sandbox, method: str, path: str) -> None:
    asked = urllib.request.Request(
        vendor.url + path, method=method, headers={"Authorization": f"Bearer {vendor.pat}"}, data=b""
    )
    with urllib.request.urlopen(asked, timeout=30):
        pass


# --- What is counted --------------------------------------------------------------------------------------------------


def begun(sandbox, portal, contacts: int, database: str = "") -> tuple[Sandbox, Portal]:
    vendor = sandbox(contacts=contacts, **FLAGS)
    ours = portal(vendor, database, **FAST)
    ours.connect(vendor)
    return vendor, ours


def synced(ours: Portal, *flags: str) -> dict:
    return json.loads(ours.manage("sync", "--json", *flags, seconds=7200).stdout)


def held(vendor: Sandbox) -> dict:
    return fetch(f"{vendor.url}/sandbox/data", seconds=300)


def least_calls(data: dict) -> int:
    """Full pages of a hundred, and nothing asked twice."""
    lists = {"closed": 0, "open": 0}
    for row in data["conversations"]:
        lists["closed" if row["closed_at"] else "open"] += 1
    threads: dict[int, int] = {row["id"]: 0 for row in data["conversations"]}
    for row in data["messages"]:
        threads[row["conversation_id"]] += 1
    pages = [len(data["contacts"]), *lists.values()]
    return (
        SMALL_LISTS
        + sum(-(-count // PAGE) for count in pages)
        + 1  # the list of unanswered ones, at the least
        + sum(max(1, -(-count // PAGE)) for count in threads.values())
    )
