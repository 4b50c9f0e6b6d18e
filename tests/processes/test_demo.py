"""`make demo` as a newcomer meets it: it starts, prints its addresses, ends completely, and goes on where it was."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from salesmsg_portal.demo import BASE_DIR, answers
from tests.harness.environment import around
from tests.harness.portal import migrated, processes_of
from tests.harness.sandbox import PATIENCE, free_port, wait_for

pytestmark = [pytest.mark.processes]


class Demo:
    """One directory in which the demo is started again and again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port, self.sandbox_port = free_port(), free_port()
        self.said = directory.with_name("said.txt")
        self.popen: subprocess.Popen | None = None

    def migrated(self) -> "Demo":
        """With a database already, which takes the longest."""
        self.directory.mkdir()
        shutil.copyfile(migrated(), self.directory / "portal.sqlite3")
        return self

    def start(self, **environment: str) -> "Demo":
        """In a group of its own, as a shell would."""
        settings = {"PORT": self.port, "SANDBOX_PORT": self.sandbox_port, "DEMO_DIR": self.directory}
        leaking = {"DATABASE_URL": "sqlite:////nonexistent/leaked.sqlite3", "SALESMSG_BASE_URL": "http://leaked"}
        with self.said.open("wb") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "salesmsg_portal.demo"],
                cwd=BASE_DIR,
                env=around() | leaking | {name: str(value) for name, value in settings.items()} | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def ready(self) -> str:
        """What it said once it was ready."""
        wait_for("the demo is ready", lambda: "Ctrl-C stops" in self.output() or self.popen.poll() is not None)
        assert self.popen.poll() is None, self.output()
        return self.output()

    def output(self) -> str:
        return self.said.read_text()

    def interrupt(self) -> int:
        """Ctrl-C: the terminal signals the whole foreground group."""
        os.killpg(self.popen.pid, signal.SIGINT)
        return self.popen.wait(PATIENCE)

    def left(self) -> list[int]:
        """The processes that are still there."""
        return processes_of(f"ENV_FILE={self.directory / 'env'}")

    def manage(self, *arguments: str) -> str:
        """A command, as the demo's last words say it."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=around() | {"ENV_FILE": str(self.directory / "env")},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def demo(tmp_path) -> Iterator[Demo]:
    made = Demo(tmp_path / "demo dir")
    yield made
    if made.popen is not None and made.popen.poll() is None:
        made.popen.kill()
        made.popen.wait()
    for pid in made.left():
        os.kill(pid, signal.SIGKILL)


def test_it_starts_from_nothing_and_stops(demo):
    said = demo.start().ready()
    portal, sandbox = f"http://localhost:{demo.port}", f"http://127.0.0.1:{demo.sandbox_port}"
    for address in (f"{portal}/", f"{portal}/admin/", f"{sandbox}/sandbox/", f"{sandbox}/sandbox/phone/"):
        assert address in said
        assert answers(address), address
    password = re.search(r"Login +demo +Password +(\S+)", said)[1]
    assert answers(f"{portal}/readyz")
    assert stat.S_IMODE((demo.directory / "env").stat().st_mode) == 0o600
    check = (
        "import json; from django.contrib.auth import authenticate, get_user_model as m;"
        f"u = authenticate(username='demo', password={password!r});"
        "print(json.dumps([bool(u and u.is_superuser), m().objects.count()]))"
    )
    assert demo.manage("shell", "-v", "0", "-c", check).strip() == "[true, 1]"

    assert demo.interrupt() == 0, demo.output()
    assert demo.left() == []
    assert not answers(f"{portal}/healthz")


def test_it_goes_on_where_it_was(demo):
    said = demo.migrated().start().ready()
    password = re.search(r"Password +\S+", said)[0]
    secrets = (demo.directory / "env").read_text()
    demo.manage(
        "shell", "-v", "0", "-c", "from integrations.models import Account as A; A.objects.create(label='Kept')"
    )
    assert demo.interrupt() == 0, demo.output()

    assert password in demo.start().ready()
    assert (demo.directory / "env").read_text() == secrets
    assert '"Kept"' in demo.manage("status", "--json")
    demo.popen.send_signal(signal.SIGTERM)
    assert demo.popen.wait(PATIENCE) == 0
    assert demo.left() == []


def test_a_password_that_is_given_is_the_one(demo):
    assert "Password  chosen-by-me-77" in demo.migrated().start(DEMO_PASSWORD="chosen-by-me-77").ready()
    check = (
        "from django.contrib.auth import authenticate; print(authenticate(username='demo', password='chosen-by-me-77'))"
    )
    assert demo.manage("shell", "-v", "0", "-c", check).strip() == "demo"


def test_a_process_that_dies_ends_the_demo_and_says_why(demo):
    demo.migrated().start().ready()
    worker = next(pid for pid in demo.left() if b"qcluster" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(os.getpgid(worker), signal.SIGKILL)
    assert demo.popen.wait(PATIENCE) == 1
    assert "The worker stopped unexpectedly" in demo.output()
    wait_for("nothing is left", lambda: not demo.left())


def test_when_the_demo_itself_is_killed_nothing_stays(demo):
    demo.migrated()
    (demo.directory / "env").write_text("SALESMSG_CLIENT_SECRET=-one-in-64-begins-with-a-dash\n")
    demo.start().ready()
    assert demo.left()
    demo.popen.kill()
    demo.popen.wait()
    wait_for("nothing is left", lambda: not demo.left())


def test_an_interrupt_during_the_start_leaves_nothing(demo):
    demo.start()
    wait_for("it has begun", lambda: "Preparing" in demo.output())
    time.sleep(0.5)
    assert demo.interrupt() in (0, 1)
    wait_for("nothing is left", lambda: not demo.left())


def test_a_port_in_use_is_told_before_anything_starts(demo):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", demo.port))
        taken.listen()
        assert demo.start().popen.wait(PATIENCE) == 1
    assert f"Port {demo.port} is in use" in demo.output()
    assert not demo.directory.exists()


@pytest.mark.parametrize("value", ["eighty", "0", "70000"])
def test_a_port_that_is_none_is_told(demo, value):
    assert demo.start(PORT=value).popen.wait(PATIENCE) == 1
    assert "PORT must be a port number" in demo.output()
