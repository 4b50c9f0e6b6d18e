"""The command: one line when ready, a quick start, a clean end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests

from tests.harness.sandbox import PATIENCE

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "module": [sys.executable, "-m", "integrations.sandbox"],
    "django": [sys.executable, "manage.py", "sandbox"],
}


def _run(command: list[str], *arguments: str) -> subprocess.Popen:
    env = os.environ | {"SECRET_KEY": "x" * 50, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*command, *arguments], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.processes
@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_start_and_end(kind, number):
    process = _run(COMMANDS[kind], "--port", "0", "--contacts", "3", "--quiet", "--pat", "known")
    try:
        line = process.stdout.readline()
        assert line.startswith("Sandbox listening on http://127.0.0.1:")
        url = line.split()[-1]
        session = requests.Session()  # its connection is kept open over the end
        answer = session.get(f"{url}/pub/v2.2/user", headers={"Authorization": "Bearer known"}, timeout=PATIENCE)
        assert answer.status_code == 200 and answer.raw.version == 11
        assert session.get(f"{url}/sandbox/settings", timeout=PATIENCE).json()["auto_replies"] is False
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
        rest, errors = process.stdout.read(), process.stderr.read()
        assert "/sandbox/phone/" in rest and "Sandbox listening" not in rest and errors == ""
    finally:
        process.kill()
        process.communicate()


@pytest.mark.processes
def test_a_large_set_starts_within_a_second():
    """Of the processor's time: other programs take as much as they like."""
    process = _run(COMMANDS["module"], "--port", "0", "--contacts", "300", "--messages", "20")
    try:
        assert process.stdout.readline()
        spent = psutil.Process(process.pid).cpu_times()
        assert spent.user + spent.system < 4  # 1 s on a fast machine
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.processes
@pytest.mark.parametrize(
    "wrong", [["--fault", "earthquake"], ["--webhook", "ftp://x"], ["--period", "0"], ["--port", "-1"]]
)
def test_wrong_arguments_are_refused(wrong):
    process = _run(COMMANDS["module"], *wrong)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2 and wrong[0] in errors


@pytest.mark.processes
def test_a_taken_port_is_said_plainly():
    first = _run(COMMANDS["module"], "--port", "0", "--contacts", "1")
    try:
        port = first.stdout.readline().strip().rpartition(":")[2]
        second = _run(COMMANDS["module"], "--port", port, "--contacts", "1")
        _, errors = second.communicate(timeout=PATIENCE)
        assert second.returncode == 1 and "cannot listen" in errors and "Traceback" not in errors
    finally:
        first.terminate()
        first.communicate()
