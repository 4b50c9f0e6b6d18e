"""``make demo``: runs the whole portal on this machine, with the sandbox instead of Salesmsg.

Starts the sandbox, the web server and the worker as three processes, waits until they answer, prints their addresses,
and stops them on Ctrl-C. All data is in one directory (DEMO_DIR): delete it to start from scratch. Uses only the
standard library: Django runs in the processes.
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
# Only these environment variables reach the portal, so that other settings of yours do not affect the demo.
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
    if not person.check_password(password):  # setting it again would end all sessions
        person.set_password(password)
    person.save()
"""


class Problem(Exception):
    """The demo cannot start or continue; the message is shown in the terminal."""


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


class Process:
    """A child process in its own session, with its output in a file.

    It is stopped by SIGTERM to its main process only, because django-q2 hangs if its whole group receives the signal;
    then the rest of the group is killed. If this process is killed, Linux stops the child.
    """

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.name, self.log = name, log
        libc = _libc()

        def die_with_parent() -> None:
            # Signals ignored here, as in a shell's background job, would also be ignored in the child.
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
        """Return the last lines of its output."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def terminate(self) -> None:
        """Ask the process to stop."""
        if self.alive:
            self.popen.terminate()

    def finish(self, seconds: float) -> None:
        """Wait for it to end, then kill what is left."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(max(0.0, seconds))
        self.kill()

    def kill(self) -> None:
        """Kill the whole process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


def stop_all(processes: list[Process], seconds: float = STOP_SECONDS) -> None:
    """Ask all processes to stop, wait for them, and kill the rest."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + seconds
    for process in processes:
        process.finish(deadline - time.monotonic())


def answers(url: str) -> bool:
    """Return whether a GET request returns 200, without using a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def is_free(port: int) -> bool:
    """Return whether a server can listen on this port."""
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
        file.write("# Settings and secrets of the demo, written at each start. Point ENV_FILE here to use them.\n")
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
        """Handle a stop signal."""
        self.stopping = True

    def run(self) -> None:
        """Start the processes, wait, and stop them."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        self._claim()
        try:
            environment = self._environment()
            self._prepare(environment)
            self._start(environment)
            if not self.stopping:
                self._greet()
            while not self._should_stop():
                time.sleep(0.2)
        finally:
            if self.processes:
                print("\nStopping ...", flush=True)
                stop_all(self.processes)
        print("Stopped. Run `make demo` again to continue.", flush=True)

    def _claim(self) -> None:
        """Check the ports and lock the directory before anything starts."""
        for name, port in (("PORT", self.port), ("SANDBOX_PORT", self.sandbox_port)):
            if not is_free(port):
                raise Problem(
                    f"Port {port} is in use on this machine. Stop the program that uses it (another demo?), "
                    f"or choose another one: make demo {name}={port + 1}"
                )
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.directory / "logs").mkdir(exist_ok=True)
        self._lock = (self.directory / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Problem(f"Another demo is running in {self.directory}. Stop it, or set DEMO_DIR.") from None

    def _environment(self) -> dict[str, str]:
        """Return the environment of the processes; also written to DEMO_DIR/env, for use with `manage.py`."""
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
            # The default scopes plus custom fields: the sandbox's application may use all of them.
            "SALESMSG_SCOPES": SCOPES,
            "SALESMSG_CLIENT_SECRET": kept.get("SALESMSG_CLIENT_SECRET") or secrets.token_urlsafe(30),
            "DEMO_USER": USER,
            "DEMO_PASSWORD": self.password,
        }
        _write(path, values)
        inherited = {name: os.environ[name] for name in KEPT if name in os.environ}
        return (
            inherited
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
                # As one argument, because some random secrets begin with a dash.
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
        while wanted and not self._should_stop():
            wanted = {name: url for name, url in wanted.items() if not answers(url)}
            if time.monotonic() > deadline:
                tails = "\n".join(process.tail() for process in self.processes if process.name in wanted)
                raise Problem(f"No answer after {READY_SECONDS} seconds from: {', '.join(wanted)}.\n{tails}")
            time.sleep(0.1)

    def _should_stop(self) -> bool:
        """Return whether to stop. Raises Problem if a process has ended unexpectedly."""
        if self._parent is not None and os.getppid() != self._parent:
            self.stopping = True  # make was killed
        if self.stopping:
            return True
        for process in self.processes:
            if not process.alive:
                raise Problem(
                    f"The {process.name} stopped unexpectedly (exit {process.popen.returncode}). "
                    f"Last lines of {process.log}:\n{process.tail()}"
                )
        return False

    def _greet(self) -> None:
        print(
            f"""
Salesmsg Portal is running on this machine, with the sandbox instead of Salesmsg.

  Portal             {self.portal}/
  Admin              {self.portal}/admin/
  Login              {USER}   Password  {self.password}

  Sandbox settings   {self.sandbox}/sandbox/
  Phone simulator    {self.sandbox}/sandbox/phone/

Next steps
  1. Sign in at {self.portal}/accounts/, click “Connect with Salesmsg” and approve the authorization.
  2. Watch contacts, conversations and messages arrive on the account page, at 60 calls a minute as with Salesmsg.
  3. Open a conversation in the inbox and send “My text message”.
  4. In the phone simulator, reply as that contact: the reply appears in the open thread.
  5. In the admin, change the contact to Newname and newemail@example.com: the change is saved in Salesmsg.

Commands also work with the demo:  ENV_FILE={self._shown(self.directory / "env")} .venv/bin/python manage.py status
Logs: {self._shown(self.directory / "logs")}/   Ctrl-C stops all processes and keeps the data.
""",
            flush=True,
        )

    @staticmethod
    def _shown(path: Path) -> str:
        with contextlib.suppress(ValueError):
            return str(path.relative_to(Path.cwd()))
        return str(path)


def main() -> int:
    """Run the demo. Returns 0 after Ctrl-C, or 1 with a message on stderr after an error."""
    try:
        Demo().run()
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
