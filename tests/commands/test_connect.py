"""`manage.py connect` in a process of its own: the id alone on stdout, problems on stderr with an exit code."""

import subprocess
import sys

import pytest

from salesmsg_portal.demo import BASE_DIR
from tests.harness.portal import Portal
from tests.tokens.vendor import Vendor

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def vendor(tmp_path_factory):
    one = Vendor(tmp_path_factory.mktemp("sandbox") / "sandbox.log")
    yield one
    one.stop()


@pytest.fixture(scope="module")
def ours(tmp_path_factory, vendor):
    made = Portal(tmp_path_factory.mktemp("portal"), vendor)
    yield made
    made.stop()


def accounts(ours) -> list[dict]:
    return ours.status()["accounts"]


def test_it_prints_the_id_alone_and_again_the_same(ours, vendor):
    vendor.fresh()
    done = ours.manage("connect", "Front office", "--token", vendor.pat)
    (account,) = accounts(ours)
    assert done.stdout == f"{account['id']}\n"
    assert done.stderr == ""
    assert (account["label"], account["state"]) == ("Front office", "connected")
    assert account["budget"]["used"] == 2
    typed = subprocess.run(
        [sys.executable, "manage.py", "connect", "Back office", "--token", "-"],
        cwd=BASE_DIR,
        env=ours.environment,
        input=f"{vendor.make_pat()}\n",
        capture_output=True,
        text=True,
    )
    assert (typed.returncode, typed.stdout, typed.stderr) == (0, done.stdout, "")
    assert [row["label"] for row in accounts(ours)] == ["Back office"]


@pytest.mark.parametrize("token", ["garbage-of-somebody", "-"])
def test_what_is_refused(ours, vendor, token):
    """Nothing comes from stdin here: that is an empty token."""
    before = accounts(ours)
    vendor.fresh()
    done = ours.manage("connect", "Other", "--token", token, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("CommandError: ")
    assert "garbage-of-somebody" not in done.stderr
    assert "Traceback" not in done.stderr
    assert accounts(ours) == before


def test_a_vendor_that_is_not_there(ours, vendor):
    done = ours.manage("connect", "x", "--token", vendor.pat, check=False, SALESMSG_BASE_URL="http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (1, "")
    assert "could not be reached" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("connect",), ("connect", "label"), ("connect", "--token", "x")])
def test_what_is_missing(ours, arguments):
    done = ours.manage(*arguments, check=False)
    assert done.returncode == 2
    assert "usage:" in done.stderr
