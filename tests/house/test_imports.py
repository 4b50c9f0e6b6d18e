"""The import contracts. They are in pyproject.toml, each with its reason; `make lint` checks them too."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .sources import ROOT

# What each contract must notice: importer, imported module, and how the importer would write it.
FORBIDDEN = [
    ("models.account", "integrations.tokens", "from .. import tokens"),
    ("mirror.messages", "integrations.sync.request", "from ..sync import request"),
    ("sync.runner", "integrations.outbox.compose", "from ..outbox.compose import reply"),
    ("outbox.deliver", "integrations.contacts.push_changes", "from ..contacts.push_changes import push"),
    ("outbox.compose", "integrations.outbox.views", "from .views import page"),
    ("bulk.views", "integrations.sync.queries", "from ..sync import queries"),
    ("outbox.views", "integrations.inbox.onboarding", "from ..inbox import onboarding"),
    ("sync.sweep", "integrations.tasks", "from ..tasks import sync"),
    ("jobs", "integrations.checks", "from . import checks"),
    ("inbox.thread.views", "integrations.gateway", "from ... import gateway"),
    ("accounts.views", "integrations.tokens", "from .. import tokens"),
    ("models.contact", "requests", "import requests"),
    ("tokens", "integrations.salesmsg.client", "from .salesmsg.client import Client"),
    ("sync.progress", "integrations.salesmsg.http", "from ..salesmsg import http"),
    ("salesmsg.http", "django", "from django.conf import settings"),
    ("salesmsg.text", "integrations.crypto", "from .. import crypto"),
    ("sandbox.web", "integrations.salesmsg.text", "from ..salesmsg import text"),
    ("outbox.collision", "integrations.sandbox.web", "from ..sandbox import web"),
    ("admin.contact", "django_q", "def f():\n    from django_q.tasks import async_task"),
]


def lint_imports(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo", ROOT / "pyproject.toml"],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_imports_keep_the_contracts():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> str:
    """What import-linter says of the same project with every forbidden import in it."""
    folder = tmp_path_factory.mktemp("broken")
    for top in ("integrations", "salesmsg_portal"):
        shutil.copytree(ROOT / top, folder / top, ignore=shutil.ignore_patterns("locale", "__pycache__"))
    for importer, _, line in FORBIDDEN:
        with (folder / "integrations" / f"{importer.replace('.', '/')}.py").open("a") as file:
            file.write(f"\n{line}\n")
    (folder / "integrations/attic.py").touch()
    done = lint_imports(folder)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("importer", "imported", "line"), FORBIDDEN)
def test_the_contracts_notice(importer, imported, line, broken):
    assert f"integrations.{importer} -> {imported} (" in broken


def test_a_module_without_a_layer_is_noticed(broken):
    assert "The following modules are not listed as layers:" in broken
    assert "attic" in broken
