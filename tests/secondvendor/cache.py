"""The portal under test as subprocesses over an SQLite file of its own, and its cache beside the vendor's truth."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.harness.portal import migrated

from .server import Vendor

ROOT = Path(__file__).resolve().parents[2]
IN_PROGRESS = {"queued", "sending", "sent", "unknown"}
STATES = {
    "received": {"received"},
    "delivered": {"delivered"},
    "failed": {"failed"},
    "undelivered": {"failed"},
    "sent": {"sent"},
}


class Portal:
    """A migrated, empty database and the commands that work on it."""

    def __init__(self, directory: Path, vendor: Vendor) -> None:
        self.vendor, self.file = vendor, directory / "portal.sqlite3"
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "DJANGO_SETTINGS_MODULE": "salesmsg_portal.settings",
            "ENV_FILE": "/nonexistent",
            "SECRET_KEY": "a-second-vendor-is-tested-with-this-secret-key-0123456789",
            "FIELD_ENCRYPTION_KEYS": "u3Uc-qAi9iiCv3fkBfRUAKrM1gH8w51-nVU8M8A73Jg=",
            "DATABASE_URL": f"sqlite:///{self.file}",
            "SALESMSG_BASE_URL": vendor.url,
            "SALESMSG_RATE_LIMIT": str(vendor.limit.limit),
            "SALESMSG_RATE_PERIOD": str(vendor.limit.period),
            "LOG_LEVEL": "WARNING",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        self.file.write_bytes(migrated().read_bytes())
        self.account = 0

    def run(self, *words: str, expect: int | None = 0, seconds: float = 300) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert "Traceback" not in done.stderr, f"{words}: {done.stderr}"
        assert expect is None or done.returncode == expect, (
            f"{words}: exit {done.returncode}: {done.stdout}{done.stderr}"
        )
        return done

    def connect(self) -> None:
        self.account = int(self.run("connect", "Second", "--token", self.vendor.token).stdout)

    def sync(self, *words: str, expect: int | None = 0) -> dict:
        return json.loads(self.run("sync", "--json", *words, expect=expect).stdout)

    def send(self, number: str, text: str, expect: int | None = 0, wait: int = 60) -> subprocess.CompletedProcess:
        words = ("send", "--account", str(self.account), "--to", number, text, "--wait", str(wait))
        return self.run(*words, expect=expect)

    def status(self) -> dict:
        return json.loads(self.run("status", "--json").stdout)["accounts"][0]

    def rows(self, sql: str) -> list[dict]:
        with sqlite3.connect(self.file) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql)]

    def write(self, sql: str) -> None:
        with sqlite3.connect(self.file) as connection:
            connection.execute(sql)


def differences(vendor: Vendor, portal: Portal) -> list[str]:
    """A line for each field that the cache holds otherwise than the vendor."""
    return [
        *_contacts(vendor, portal),
        *_conversations(vendor, portal),
        *_messages(vendor, portal),
        *_rest(vendor, portal),
    ]


def _compare(kind: str, truth: dict[int, dict], cache: dict[int, dict]) -> Iterator[str]:
    if lost := truth.keys() - cache.keys():
        yield f"{kind} not cached: {len(lost)} of {len(truth)}, such as {min(lost)}"
    if more := cache.keys() - truth.keys():
        yield f"{kind} invented: {more}"
    for key in truth.keys() & cache.keys():
        for name, value in truth[key].items():
            if cache[key][name] != value:
                yield f"{kind} {key} {name}: {value!r} is cached as {cache[key][name]!r}"


def _time(value: datetime | None) -> str | None:
    return value and value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _contacts(vendor: Vendor, portal: Portal) -> Iterator[str]:
    tagged = vendor.choices.tag_style
    truth = {
        row["id"]: {
            "phone": row["number"],
            "first_name": row["first_name"],
            "last_name": row["last_name"],
            "email": row["email"] or "",
            "owner_vendor_id": row["owner_id"],
            "opted_out": int(row["opt_out"]),
            "blocked": int(row["is_blocked"]),
            "opted_out_at": _time(row["opt_out_at"]),
            "vendor_created_at": _time(row["created_at"]),
            "vendor_updated_at": _time(row["updated_at"]),
            "deleted_at": None,
            "tags": sorted(tag["name" if tagged == "name" else "label"] for tag in row["tags"] if tagged != "absent"),
        }
        for row in vendor.account.contacts.values()
    }
    found = portal.rows("SELECT * FROM integrations_contact WHERE vendor_id IS NOT NULL")
    cache = {row["vendor_id"]: row | {"tags": sorted(json.loads(row["tags"]))} for row in found}
    yield from _compare("contact", truth, cache)


def _conversations(vendor: Vendor, portal: Portal) -> Iterator[str]:
    teams = {row["id"] for row in vendor.account.teams}
    truth = {
        row["id"]: {
            "contact": row["contact_id"],
            "owner": row["owner_id"],
            "started_at": _time(row["started_at"]),
            "closed_at": _time(row["closed_at"]),
            "last_message_at": _time(row["last_message_at"]),
            **({"unread_at_vendor": row["unread"]} if vendor.choices.unread != "none" else {}),
            **({"inbox": row["inbox_id"]} if row["inbox_id"] in teams else {}),
        }
        for row in vendor.account.conversations.values()
    }
    if vendor.choices.members == "403":
        for row in truth.values():
            del row["owner"]
    cache = portal.rows(
        "SELECT c.vendor_id, p.vendor_id contact, m.vendor_id owner, i.vendor_id inbox, c.started_at, c.closed_at, "
        "c.last_message_at, c.unread_at_vendor FROM integrations_conversation c "
        "JOIN integrations_contact p ON p.id = c.contact_id LEFT JOIN integrations_member m ON m.id = c.owner_id "
        "LEFT JOIN integrations_inbox i ON i.id = c.inbox_id WHERE c.vendor_id IS NOT NULL"
    )
    yield from _compare("conversation", truth, {row["vendor_id"]: row for row in cache})


def _messages(vendor: Vendor, portal: Portal) -> Iterator[str]:
    truth = {
        row["id"]: {
            "conversation": row["conversation_id"],
            "text": row["body"],
            "inbound": int(row["status"] in ("received", "record")),
            "kind": row["type"],
            "at": _time(row["at"]),
            "author_vendor_id": row["user_id"],
            "vendor_status": row["status"],
            "media": [one["source"] for one in row["media"]],
        }
        for row in vendor.account.messages.values()
        if row["conversation_id"] != vendor.locked
    }
    found = portal.rows(
        "SELECT m.*, c.vendor_id conversation FROM integrations_message m "
        "JOIN integrations_conversation c ON c.id = m.conversation_id WHERE m.vendor_id IS NOT NULL"
    )
    cache = {
        row["vendor_id"]: row
        | {
            "vendor_status": row["vendor_status"].lower(),
            "media": [one["url"] for one in json.loads(row["media"])],
            "at": row["at"][:19],
        }
        for row in found
    }
    if vendor.locked:
        # Its newest message may be known from the list of conversations.
        cache = {key: row for key, row in cache.items() if row["conversation"] != vendor.locked}
    yield from _compare("message", truth, cache)
    for key in truth.keys() & cache.keys():
        word, state = truth[key]["vendor_status"], cache[key]["state"]
        if word != "record" and state not in STATES.get(word, IN_PROGRESS):
            yield f"message {key}: {word!r} is taken for {state!r}"
    shown = [row["vendor_id"] for row in sorted(found, key=lambda row: (row["conversation"], row["at"], row["rank"]))]
    true = sorted(
        (row for row in vendor.account.messages.values() if row["id"] in cache),
        key=lambda row: (row["conversation_id"], row["at"], row["id"]),
    )
    if [key for key in shown if key in cache] != [row["id"] for row in true]:
        yield "messages are shown in another order"


def _rest(vendor: Vendor, portal: Portal) -> Iterator[str]:
    account = vendor.account
    truth = {row["id"]: {"name": row["name"]} for row in account.teams}
    cache = portal.rows("SELECT vendor_id, name FROM integrations_inbox")
    own = account.user["inbox_id"]
    yield from _compare(
        "inbox", truth, {row["vendor_id"]: row for row in cache if row["vendor_id"] != own or own in truth}
    )
    if vendor.choices.members != "403":
        truth = {row["id"]: {"email": row["email"]} for row in account.members}
        cache = portal.rows("SELECT vendor_id, email FROM integrations_member")
        yield from _compare("member", truth, {row["vendor_id"]: row for row in cache})
    if vendor.choices.numbers != "403":
        truth = {row["id"]: {"phone": row["number"]} for row in account.numbers}
        cache = portal.rows("SELECT vendor_id, phone FROM integrations_number")
        yield from _compare("number", truth, {row["vendor_id"]: row for row in cache})
