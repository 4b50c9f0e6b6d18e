"""Fixtures that every room may use. The database of the tests is DATABASE_URL's, or SQLite in a file of its own.

Tests that need real processes take `sandbox`, `portal` (factories) and `chromium`; those that need PostgreSQL
whatever the database of this run is take `postgres`.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from .harness import chromium as chromium_setup
from .harness import fonts
from .harness.portal import Portal, migrated, shared
from .harness.postgres import MIGRATED, Server, server
from .harness.sandbox import PATIENCE, Sandbox


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real PostgreSQL server; `.new_database()` gives the address of an empty database."""
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def tables(postgres, tmp_path_factory) -> str:
    """A database with all tables and no row, to be copied."""
    made = postgres.new_database()
    Portal(tmp_path_factory.mktemp("tables"), "http://127.0.0.1:9", made)
    MIGRATED.add(made)
    return made


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """Starts sandboxes: ``sandbox(contacts=50, rate=60, period=6, no_auto_replies=True)``."""
    started: list[Sandbox] = []

    def start(**flags) -> Sandbox:
        started.append(Sandbox(tmp_path / f"sandbox-{len(started)}.log", **flags))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Callable[..., Portal]]:
    """Makes portals with a database of their own: ``portal(sandbox, database_url, SALESMSG_RATE_PERIOD=6)``."""
    made: list[Portal] = []

    def make(sandbox: Sandbox | str, database_url: str = "", **settings) -> Portal:
        directory = Path(tempfile.mkdtemp(prefix="portal-", dir=tmp_path))
        made.append(Portal(directory, sandbox, database_url, **settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        print(one.logs())  # shown beside a failure, kept quiet otherwise


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings) -> bool:
    """On SQLite each worker's database is a file, which threads and other processes see, too; it begins as a copy of
    the migrated one, because migrating takes seconds."""
    if connection.vendor != "sqlite":
        return False
    own = shared() / f"tests-{os.getpid()}.sqlite3"
    shutil.copyfile(migrated(), own)
    connection.settings_dict["TEST"]["NAME"] = str(own)
    return True


ON_SQLITE = pytest.mark.parametrize("each_database", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize(
    "each_database", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def each_database(request) -> Iterator[str]:
    """For process tests: runs the test twice, unless it is `ON_…` one of them; the value is a DATABASE_URL, empty for
    SQLite in a file. Processes are slow: what is the same on both runs on one, and benchmarks run on both."""
    if request.param == "sqlite":
        yield ""
        return
    yield request.getfixturevalue("postgres").new_database(request.getfixturevalue("tables"))


@pytest.fixture(scope="session")
def chromium():
    """A Chromium that Playwright drives, with the fonts of the tests; `new_context()` is a fresh profile."""
    path = chromium_setup.find()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(chromium_setup.MISSING)
        pytest.skip(chromium_setup.MISSING)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium_setup.FLAGS, env=fonts.environment())
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Opens pages of a desktop's size, each in a fresh profile: ``open_page(java_script_enabled=False)``. What the
    browser complains about is in `page.complaints`."""
    contexts = []

    def opened(**options):
        size = {"width": 1280, "height": 850}
        contexts.append(chromium.new_context(**{"viewport": size, "timezone_id": "Europe/Berlin", **options}))
        contexts[-1].set_default_timeout(PATIENCE * 1000)
        page = contexts[-1].new_page()
        page.complaints = []
        page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page):
    """One such page."""
    return open_page()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Who shares something that is slow to start runs on one worker: Chromium and its portals, a module's sandbox."""
    from xdist.scheduler import LoadScopeScheduling

    class Rooms(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            if nodeid.endswith("postgres]"):
                return "processes on PostgreSQL"
            if path.startswith("tests/browser/"):
                return "axe" if path.endswith("/test_axe.py") else "browser"
            return path if path.startswith(BY_MODULE) else nodeid

    config.option.loadscopereorder = False  # SLOW comes first
    return Rooms(config, log)


# What takes longest, so that no worker begins with it at the end.
SLOW = tuple(f"tests/{room}/" for room in ("browser", "processes", "secondvendor"))
# Rooms whose modules have a sandbox of their own.
BY_MODULE = tuple(f"tests/{room}/" for room in ("connect", "gateway", "outbox", "sandbox", "tokens"))

# Words, and pages over plain queries of Django's: a second run on PostgreSQL would show nothing new.
SAME_EVERYWHERE = (
    *(f"tests/{room}/" for room in ("admin", "bulk", "contacts/page", "languages", "outbox/page", "sync/page")),
    "tests/accounts/test_",
    *(
        f"tests/inbox/test_{name}.py"
        for name in ("contact_panel", "onboarding", "scheduled", "page_states", "composer_script")
    ),
)


# Slow, and on SQLite shown by whole processes, too (tests/processes, tests/secondvendor): `make test` runs them on
# PostgreSQL alone.
ONCE = ("tests/sync/test_",)


def pytest_configure(config: pytest.Config) -> None:
    """A marker that is set automatically, and the folder of the run, before workers start."""
    shared()
    config.addinivalue_line("markers", "database: touches the database of this run (set by the suite itself)")
    config.addinivalue_line("markers", "once: `make test` runs it on PostgreSQL alone (set by the suite itself)")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Selects what runs once more on PostgreSQL, and puts slow tests first."""
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))
    for item in items:
        if item.nodeid.startswith(SAME_EVERYWHERE):
            continue
        if item.nodeid.startswith(ONCE):
            item.add_marker(pytest.mark.once)
        if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(item.fixturenames):
            item.add_marker(pytest.mark.database)


def pytest_terminal_summary(terminalreporter) -> None:
    """A skipped browser is no detail."""
    if any(chromium_setup.MISSING in str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])):
        terminalreporter.section("BROWSER TESTS WERE SKIPPED", sep="!", red=True, bold=True)
        terminalreporter.line(chromium_setup.MISSING)
