"""Finds Chromium, or installs it from Debian's packages when that is allowed: ``python -m tests.harness.chromium``."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
MISSING = "Chromium is missing, so the product was NOT tried in a browser. Install it: apt-get install chromium"


def find() -> str | None:
    """The path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _as_root() -> list[str] | None:
    """What to put before a command that needs root, or None when we may not."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0:
        return [sudo, "-n"]
    return None


def install() -> bool:
    """Install Debian's (or Ubuntu's) package. False when it cannot be had."""
    prefix, apt = _as_root(), shutil.which("apt-get")
    if prefix is None or apt is None:
        return False
    apt_get = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", apt, "-q", "-y"]
    updated = False
    for package in ("chromium", "chromium-browser"):
        for _ in range(2):
            print(f"Installing {package} for the browser tests ...", flush=True)
            done = subprocess.run(
                [*apt_get, "install", "--no-install-recommends", package], capture_output=True, text=True
            )
            if done.returncode == 0 and find():
                return True
            if updated:
                break
            subprocess.run([*apt_get, "update"], capture_output=True)
            updated = True
        print((done.stderr or done.stdout)[-400:], file=sys.stderr)
    return False


def main() -> int:
    """Make sure that there is one; only CI insists."""
    if find() or install():
        return 0
    print(f"\n{'!' * 100}\n{MISSING}\n{'!' * 100}\n", file=sys.stderr)
    return 1 if os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    if not Path("manage.py").exists():
        sys.exit("Run this from the top of the project.")
    sys.exit(main())
