"""A portal of its own: a database, web server and workers as real processes.

What is the same for all of them is made once in a session: the empty tables and the collected static files.
"""

import atexit
import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from salesmsg_portal.demo import BASE_DIR, Process, answers, stop_all

from . import postgres
from .environment import around
from .sandbox import Sandbox, fetch, free_port, wait_for

KEY = "u3Uc-qAi9iiCv3fkBfRUAKrM1gH8w51-nVU8M8A73Jg="
PASSWORD = "walk-through-0123"


# A session without the form, whose password takes half a second to check.
SESSION = """
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
client = Client()
client.force_login(get_user_model().objects.get(username={!r}))
print(json.dumps(client.cookies[settings.SESSION_COOKIE_NAME].value))
"""
SEED = """
from django.core.management import call_command
call_command("seed_inbox", contacts={}, messages={})
print("null")
"""


STATUS = """
import io
from django.core.management import call_command
said = io.StringIO()
call_command("status", "--json", stdout=said)
print(json.dumps(json.loads(said.getvalue())))
"""
# Accounts with what a sync would bring, without its calls; each has an organisation of its own, as far as the portal
# is concerned.
ACCOUNTS = """
from pathlib import Path
from django.utils import timezone
from integrations import tokens
from integrations.models import Account
from integrations.salesmsg.oauth import Tokens
from tests.outbox.conftest import fill
data = json.loads(Path(DATA).read_text())
for number, token in enumerate(TOKENS):
    account = Account.objects.create(
        label=f"Account {number}", organization_id=number + 1, state="connected", webhook_digest=str(number),
        synced_at=timezone.now(),
    )
    tokens.store(account, "pat", Tokens(access_token=token))
    fill(account, data)
print(json.dumps(list(Account.objects.order_by("pk").values_list("pk", flat=True))))
"""


@cache
def hashed(password: str) -> str:
    """As Django stores it."""
    return PBKDF2PasswordHasher().encode(password, "salt")


SHARED = "PORTAL_TESTS_SHARED"


@cache
def shared() -> Path:
    """A folder of this run for what is made once, gone at its end; xdist's workers have the one of their parent."""
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="portal-shared-")
        atexit.register(shutil.rmtree, os.environ[SHARED], ignore_errors=True)
    return Path(os.environ[SHARED])


def once(name: str, make: Callable[[Path], None]) -> Path:
    """A file or folder of that name in the shared folder; the first process makes it, the others wait."""
    path = shared() / name
    with (shared() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            make(path.with_name(f"{name}.new"))
            path.with_name(f"{name}.new").rename(path)
    return path


def migrated() -> Path:
    """An SQLite file with all tables and no row."""
    return once("tables.sqlite3", _migrate)


def _migrate(path: Path) -> None:
    command = [sys.executable, "manage.py", "migrate", "--no-input", "-v", "0"]
    settings = {"SECRET_KEY": KEY, "FIELD_ENCRYPTION_KEYS": KEY, "DATABASE_URL": f"sqlite:///{path}.live"}
    subprocess.run(command, cwd=BASE_DIR, env=around() | settings, check=True)
    with closing(sqlite3.connect(f"{path}.live")) as made:
        made.execute("VACUUM INTO ?", [str(path)])


class Portal:
    """Made with a migrated, empty database; nothing runs until it is started."""

    def __init__(self, directory: Path, sandbox: Sandbox | str, database_url: str = "", **settings: Any) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.address = f"http://127.0.0.1:{self.port}"
        vendor = sandbox if isinstance(sandbox, str) else sandbox.url
        self.environment = around() | {
            "DJANGO_SETTINGS_MODULE": "salesmsg_portal.settings",
            "SECRET_KEY": "secret-of-a-portal-under-test-0123456789-0123456789-0123456789",
            "FIELD_ENCRYPTION_KEYS": KEY,
            "PORTAL_URL": self.url,
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "CSRF_TRUSTED_ORIGINS": f"{self.url},{self.address}",
            "DATABASE_URL": database_url or f"sqlite:///{directory / 'portal.sqlite3'}",
            "STATIC_ROOT": str(shared() / "static"),
            "PICTURES_ROOT": str(directory / "pictures"),
            "QUIET_HOURS": "",  # no test depends on the hour at which it runs
            "SALESMSG_BASE_URL": vendor,
            "SALESMSG_AUTHORIZE_URL": f"{vendor}/auth/oauth",
            "SALESMSG_CLIENT_ID": Sandbox.client_id,
            "SALESMSG_CLIENT_SECRET": Sandbox.client_secret,
            **{name: str(value) for name, value in settings.items()},
        }
        self.processes: list[Process] = []
        self.emptied = 0
        self.shell: subprocess.Popen | None = None
        self._migrate(database_url)

    def _migrate(self, database_url: str) -> None:
        if not database_url:
            shutil.copyfile(migrated(), self.directory / "portal.sqlite3")
        elif database_url not in postgres.MIGRATED:
            self.manage("migrate", "--no-input", "-v", "0")

    def empty(self) -> None:
        """As new, for the next test, while web server and shell go on. Primary keys begin elsewhere each time: the web
        server's cache may hold things of rows that are gone. SQLite only."""
        self.emptied += 1
        own = self.directory / "portal.sqlite3"
        with closing(sqlite3.connect(migrated())) as made, closing(sqlite3.connect(own, timeout=60)) as target, target:
            made.backup(target)
            names = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'"
            for (name,) in target.execute(names).fetchall():
                if name == "auth_user" or name.startswith("integrations_"):
                    target.execute("DELETE FROM sqlite_sequence WHERE name = ?", [name])
                    target.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", [name, 10_000 * self.emptied])

    def seed(self, contacts: int, messages: int) -> None:
        """`manage.py seed_inbox` in the portal's shell."""
        self.query(SEED.format(contacts, messages))

    def manage(
        self, *arguments: str, check: bool = True, seconds: float = 300, **environment: str
    ) -> subprocess.CompletedProcess:
        """`manage.py …` in its own process; with `check`, a failure fails the test with what it said."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def status(self) -> dict:
        """What `manage.py status --json` prints, from the portal's shell."""
        return self.query(STATUS)

    def connect(self, sandbox: Sandbox, label: str = "Test") -> str:
        """Connects by PAT; the account's id."""
        return self.manage("connect", label, "--token", sandbox.pat).stdout.strip()

    def fill(self, sandbox: Sandbox, accounts: int) -> list[int]:
        """So many connected accounts that hold the sandbox's contacts and conversations; their ids."""
        data = self.directory / "data.json"
        data.write_text(json.dumps(sandbox.data()))
        tokens = [sandbox.post("/sandbox/pat", {})["token"] for _ in range(accounts)]
        return self.query(ACCOUNTS.replace("DATA", repr(str(data))).replace("TOKENS", repr(tokens)))

    def superuser(self, name: str = "demo", password: str = PASSWORD) -> None:
        """A user who can sign in everywhere."""
        if self.environment["DATABASE_URL"].startswith("sqlite:"):
            columns = "username, password, email, first_name, last_name, is_superuser, is_staff, is_active, date_joined"
            with closing(sqlite3.connect(self.directory / "portal.sqlite3")) as own, own:
                own.execute(
                    f"INSERT INTO auth_user ({columns}) VALUES (?, ?, 'demo@example.com', '', '', 1, 1, 1, ?)",  # noqa: S608
                    [name, hashed(password), "2026-01-01 00:00:00"],
                )
            return
        self.manage(
            "createsuperuser", "--no-input", "--username", name, "--email", "demo@example.com",
            DJANGO_SUPERUSER_PASSWORD=password,
        )  # fmt: skip

    def query(self, code: str) -> Any:
        """Runs Python in the portal's Django; `print(json.dumps(…))` there is what comes back. One process runs all."""
        if self.shell is None:
            self.shell = subprocess.Popen(
                [sys.executable, "-m", "tests.harness.shell"],
                cwd=BASE_DIR,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        self.shell.stdin.write(json.dumps(code) + "\n")
        self.shell.stdin.flush()
        told, said = json.loads(self.shell.stdout.readline() or '[false, "the shell ended"]')
        assert told, said
        return json.loads(said.strip().splitlines()[-1])

    def visit(self, page: Any, path: str, name: str = "demo") -> None:
        """Opens a page for a signed-in user."""
        session = {"name": "sessionid", "value": self.query(SESSION.format(name)), "url": self.url}
        page.context.add_cookies([session])
        page.goto(self.url + path)

    def start_web(self) -> Process:
        """gunicorn with threads, as the demo has it."""
        once("static", lambda path: self.manage("collectstatic", "--no-input", "-v", "0", STATIC_ROOT=str(path)))
        process = self._start(
            "web", sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--workers", "1",
            "--threads", "8", "--graceful-timeout", "3", "--no-control-socket", "salesmsg_portal.wsgi",
        )  # fmt: skip
        wait_for("the web server is ready", lambda: self.alive() and answers(f"{self.address}/readyz"), pause=0.05)
        return process

    def start_worker(self, workers: int = 3) -> Process:
        """A qcluster with so many workers; several may be started."""
        return self._start("worker", sys.executable, "manage.py", "qcluster", QUEUE_WORKERS=str(workers))

    def _start(self, name: str, *command: str, **environment: str) -> Process:
        log = self.directory / f"{name}-{len(self.processes)}.log"
        process = Process(name, list(command), self.environment | environment, log)
        self.processes.append(process)
        return process

    def alive(self) -> bool:
        for process in self.processes:
            assert process.alive, f"{process.name} ended: {process.popen.returncode}\n{process.tail(40)}"
        return True

    def logs(self) -> str:
        """All that its processes said."""
        return "\n".join(f"--- {process.log.name}\n{process.tail(200)}" for process in self.processes)

    def get(self, path: str) -> Any:
        """JSON of a path, without a session."""
        return fetch(self.address + path)

    def stop(self) -> None:
        """End all that was started."""
        stop_all(self.processes)
        if self.shell is not None:
            self.shell.communicate()
            self.shell = None


def processes_of(environment_line: str) -> list[int]:
    """The processes, other than this one, whose environment holds the line: nothing of a test may stay behind."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                lines = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if environment_line.encode() in lines:
                found.append(int(entry.name))
    return found
