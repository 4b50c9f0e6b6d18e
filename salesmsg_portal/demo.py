"""``make demo``: the whole portal on this machine, with the sandbox in the place of Salesmsg.

Starts the sandbox, the web server and the worker as three processes, waits until they answer, tells where they are,
and stops them all on Ctrl-C. Everything it keeps lies in one directory (DEMO_DIR): delete that to begin anew.
Standard library only: Django runs in the processes, not in here.
"""

import base64
import contextlib
import ctypes
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

BASE_DIR = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
USER = "demo"
SCOPES = (
    "contacts:read contacts:write conversations:read conversations:write messages:read messages:write tags:read "
    "tags:write custom-fields:write teams:read numbers:read users:read organizations:read attachments:read"
)
READY_SECONDS = 60
STOP_SECONDS = 10
# Of the surrounding environment only this reaches the portal: a setting of yours must not leak into the demo.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LOG_LEVEL", "QUEUE_WORKERS")
PREPARE = """
import os
import django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", verbosity=0, interactive=False)
call_command("collectstatic", verbosity=0, interactive=False)
people = get_user_model().objects
person = people.filter(username=os.environ["DEMO_USER"]).first()
password = os.environ["DEMO_PASSWORD"]
if person is None:
    people.create_superuser(os.environ["DEMO_USER"], "demo@example.com", password)
else:
    person.is_active = person.is_staff = person.is_superuser = True
    if not person.check_password(password):  # setting the same one again would end every session
        person.set_password(password)
    person.save()
"""


class Problem(Exception):
    """The demo cannot start or go on; the words are for the person at the terminal."""


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


class Process:
    """A child in its own session, its output in a file.

    It is stopped by SIGTERM to its main process alone (django-q2 hangs when its whole group is told), and what is left
    of its group after that is killed. Should this process be killed itself, Linux tells the child to stop.
    """

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.name, self.log = name, log
        libc = _libc()

        def die_with_parent() -> None:
            # Signals that are ignored here, as in a shell's background job, would be ignored there as well.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if libc is not None:
                libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG

        with log.open("wb") as output:
            self.popen = subprocess.Popen(  # noqa: S603 (commands of this file)
                command,
                cwd=BASE_DIR,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def tail(self, lines: int = 15) -> str:
        """The last lines of its output."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def terminate(self) -> None:
        """Ask it to stop."""
        if self.alive:
            self.popen.terminate()

    def finish(self, seconds: float) -> None:
        """Wait for its end, then kill what is left of it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(max(0.0, seconds))
        self.kill()

    def kill(self) -> None:
        """End its whole group at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


def stop_all(processes: list[Process], seconds: float = STOP_SECONDS) -> None:
    """Ask all at once, wait for each, kill what stays."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + seconds
    for process in processes:
        process.finish(deadline - time.monotonic())


def answers(url: str) -> bool:
    """Whether a GET is answered with 200, without any proxy in between."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Problem(f"{name} must be a port number, not {text!r}.")
    return int(text)


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = (line.partition("=") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {name: value for name, equals, value in lines if equals}


def _write(path: Path, values: dict[str, str]) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("# The demo's own settings and secrets, written at each start. ENV_FILE may point here.\n")
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    fresh.replace(path)


class Demo:
    """One run of the demo in one directory."""

    def __init__(self) -> None:
        self.port, self.sandbox_port = _port("PORT", 8000), _port("SANDBOX_PORT", 8900)
        if self.port == self.sandbox_port:
            raise Problem("PORT and SANDBOX_PORT must differ.")
        self.directory = Path(os.environ.get("DEMO_DIR") or ".demo").absolute()
        self.portal = f"http://localhost:{self.port}"
        self.sandbox = f"http://{HOST}:{self.sandbox_port}"
        self.processes: list[Process] = []
        self.stopping = False
        self.password = ""
        self._parent = os.getppid() if os.environ.get("MAKELEVEL") else None
        self._lock = None

    def stop(self, *_: object) -> None:
        """The signal handler."""
        self.stopping = True

    def run(self) -> None:
        """Start, wait for the end, stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        self._claim()
        try:
            environment = self._environment()
            self._prepare(environment)
            self._start(environment)
            if not self.stopping:
                self._greet()
            while not self._over():
                time.sleep(0.2)
        finally:
            if self.processes:
                print("\nStopping ...", flush=True)
                stop_all(self.processes)
        print("Stopped. `make demo` goes on where you left.", flush=True)

    def _claim(self) -> None:
        """Nothing may begin when it could not end well."""
        for name, port in (("PORT", self.port), ("SANDBOX_PORT", self.sandbox_port)):
            if not is_free(port):
                raise Problem(
                    f"Port {port} is in use on this machine. Stop what listens there (another demo?), "
                    f"or choose another one: make demo {name}={port + 1}"
                )
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.directory / "logs").mkdir(exist_ok=True)
        self._lock = (self.directory / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Problem(f"Another demo runs in {self.directory}. Stop it, or set DEMO_DIR.") from None

    def _environment(self) -> dict[str, str]:
        """What the processes get; the same stands in DEMO_DIR/env, for `manage.py` by hand."""
        path = self.directory / "env"
        kept = _read(path)
        self.password = os.environ.get("DEMO_PASSWORD") or kept.get("DEMO_PASSWORD") or secrets.token_urlsafe(9)
        if "\n" in self.password:
            raise Problem("DEMO_PASSWORD must be one line.")
        values = {
            "SECRET_KEY": kept.get("SECRET_KEY") or secrets.token_urlsafe(48),
            "FIELD_ENCRYPTION_KEYS": kept.get("FIELD_ENCRYPTION_KEYS")
            or base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "PORTAL_URL": self.portal,
            "ALLOWED_HOSTS": f"localhost,{HOST}",
            "CSRF_TRUSTED_ORIGINS": f"{self.portal},http://{HOST}:{self.port}",
            "DATABASE_URL": f"sqlite:///{quote(str(self.directory / 'portal.sqlite3'))}",
            "STATIC_ROOT": str(self.directory / "static"),
            "PICTURES_ROOT": str(self.directory / "pictures"),
            "SALESMSG_BASE_URL": self.sandbox,
            "SALESMSG_AUTHORIZE_URL": f"{self.sandbox}/auth/oauth",
            "SALESMSG_CLIENT_ID": "1001",
            # What the portal asks for by itself, and custom fields: the sandbox's application may do all.
            "SALESMSG_SCOPES": SCOPES,
            "SALESMSG_CLIENT_SECRET": kept.get("SALESMSG_CLIENT_SECRET") or secrets.token_urlsafe(30),
            "DEMO_USER": USER,
            "DEMO_PASSWORD": self.password,
        }
        _write(path, values)
        around = {name: os.environ[name] for name in KEPT if name in os.environ}
        return (
            around
            | values
            | {
                "ENV_FILE": str(path),
                "DJANGO_SETTINGS_MODULE": "salesmsg_portal.settings",
                "PYTHONUNBUFFERED": "1",
                "NO_PROXY": f"localhost,{HOST}",
            }
        )

    def _prepare(self, environment: dict[str, str]) -> None:
        print(f"Preparing the database in {self.directory} ...", flush=True)
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", PREPARE], cwd=BASE_DIR, env=environment, capture_output=True, text=True
        )
        if done.returncode and not self.stopping:
            raise Problem(f"The database could not be prepared:\n{done.stderr.strip()[-2000:]}")

    def _start(self, environment: dict[str, str]) -> None:
        if self.stopping:
            return
        print("Starting the sandbox, the web server and the worker ...", flush=True)
        manage = [sys.executable, "manage.py"]
        commands = {
            "sandbox": [
                *manage, "sandbox", "--port", str(self.sandbox_port), "--keep", str(self.directory / "sandbox.state"),
                "--client-id", environment["SALESMSG_CLIENT_ID"],
                # One word: one random secret in 64 begins with a dash.
                f"--client-secret={environment['SALESMSG_CLIENT_SECRET']}",
            ],
            "web": [
                sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{self.port}", "--workers", "1", "--threads", "8",
                "--graceful-timeout", "3", "--no-control-socket", "salesmsg_portal.wsgi",
            ],
            "worker": [*manage, "qcluster"],
        }  # fmt: skip
        for name, command in commands.items():
            self.processes.append(Process(name, command, environment, self.directory / "logs" / f"{name}.log"))
        wanted = {"sandbox": f"{self.sandbox}/sandbox/state", "web": f"http://{HOST}:{self.port}/readyz"}
        deadline = time.monotonic() + READY_SECONDS
        while wanted and not self._over():
            wanted = {name: url for name, url in wanted.items() if not answers(url)}
            if time.monotonic() > deadline:
                tails = "\n".join(process.tail() for process in self.processes if process.name in wanted)
                raise Problem(f"No answer after {READY_SECONDS} seconds from: {', '.join(wanted)}.\n{tails}")
            time.sleep(0.1)

    def _over(self) -> bool:
        """Whether to stop; a process that ended by itself is a Problem."""
        if self._parent is not None and os.getppid() != self._parent:
            self.stopping = True  # make was killed
        if self.stopping:
            return True
        for process in self.processes:
            if not process.alive:
                raise Problem(
                    f"The {process.name} ended by itself (exit {process.popen.returncode}). "
                    f"Its last lines, from {process.log}:\n{process.tail()}"
                )
        return False

    def _greet(self) -> None:
        print(
            f"""
Salesmsg Portal runs on this machine, with the sandbox in the place of Salesmsg.

  Portal             {self.portal}/
  Admin              {self.portal}/admin/
  Login              {USER}   Password  {self.password}

  Sandbox settings   {self.sandbox}/sandbox/
  Phone simulator    {self.sandbox}/sandbox/phone/

What to do next
  1. Sign in at {self.portal}/accounts/, press “Connect with Salesmsg”; approve on the consent screen.
  2. The account page shows contacts, conversations and messages arrive, within 60 calls a minute as at Salesmsg.
  3. Open a conversation in the inbox and send “My text message”.
  4. In the phone simulator, be that contact and answer: the answer appears in the open thread by itself.
  5. In the admin, change the contact to Newname and newemail@example.com: Salesmsg gets the change.

Commands work on the demo too:  ENV_FILE={self._shown(self.directory / "env")} .venv/bin/python manage.py status
Logs: {self._shown(self.directory / "logs")}/   Ctrl-C stops everything and keeps the data.
""",
            flush=True,
        )

    @staticmethod
    def _shown(path: Path) -> str:
        with contextlib.suppress(ValueError):
            return str(path.relative_to(Path.cwd()))
        return str(path)


def main() -> int:
    """Exit 0 after Ctrl-C, 1 with a sentence on stderr when something is wrong."""
    try:
        Demo().run()
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
