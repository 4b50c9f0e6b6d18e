"""A sandbox for the tests of tokens and budget, accounts that hold its real grants, and ways to hammer it."""

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from integrations import gateway, tokens
from integrations.crypto import digest, seal
from integrations.models import Account, Credential
from integrations.salesmsg.oauth import Tokens
from salesmsg_portal.demo import BASE_DIR
from tests.harness.environment import around
from tests.harness.sandbox import Sandbox

RENEWALS = {
    "oauth": "POST /oauth/token",
    "oauth, spelling A": "POST /oauth/token/refresh",
    "pat": "POST /oauth/personal-token/refresh",
}


class Vendor(Sandbox):
    """A sandbox that can be made as new, and the settings that lead to it."""

    def __init__(self, log: Path, **flags: Any) -> None:
        super().__init__(log, **({"contacts": 2, "messages": 1, "no_auto_replies": True, "rate": 1000} | flags))

    def use(self, settings) -> None:
        """Points the portal of this test process here."""
        settings.SALESMSG_BASE_URL = self.url
        settings.SALESMSG_AUTHORIZE_URL = f"{self.url}/auth/oauth"
        settings.SALESMSG_TOKEN_URL = settings.SALESMSG_REFRESH_URL = f"{self.url}/pub/v2.2/oauth/token"
        settings.SALESMSG_CLIENT_ID, settings.SALESMSG_CLIENT_SECRET = self.client_id, self.client_secret
        settings.SALESMSG_TIMEOUT = (2.0, 8.0)

    def fresh(self) -> "Vendor":
        """As if it had just been started, but for the tokens it gave away."""
        self.post("/sandbox/faults", {"kind": "none"})
        self.post("/sandbox/settings", {"rotate_refresh": True, "revoke_on_refresh": False})
        self.post("/sandbox/reset-counters", {})
        return self

    def fault(self, kind: str, match: str = "", **how: Any) -> None:
        self.post("/sandbox/faults", {"kind": kind, "match": match, **how})

    def calls(self, endpoint: str) -> int:
        return self.state()["by_endpoint"].get(endpoint, 0)

    def answers(self, status: int | str) -> int:
        return self.state()["status"].get(str(status), 0)

    def make_pat(self, **wanted: Any) -> str:
        return self.post("/sandbox/pat", wanted)["token"]

    def decide(self, address: str, decision: str = "approve", **changed: str) -> str:
        """What the browser does at the consent page; the address it is sent back to."""
        parts = urlsplit(address)
        form = dict(pair.split("=", 1) for pair in parts.query.split("&"))
        body = "&".join(f"{name}={value}" for name, value in form.items()) + "&" + urlencode({"decision": decision})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", parts.path, body, headers)
            answer = connection.getresponse()
            assert answer.status == 302, answer.read()
            return answer.headers["Location"]
        finally:
            connection.close()

    def grant(self) -> Tokens:
        """A real OAuth grant, through the consent page."""
        redirect = "http://localhost:8000/accounts/callback/"
        address, verifier = gateway.authorization_url(redirect, "any-state")
        code = self.decide(address).partition("code=")[2].partition("&")[0]
        return gateway.exchange_code(redirect, code, verifier)

    def connect(self, kind: str = "oauth", label: str = "Harbor Dental", **credential: Any) -> Account:
        """An account with a grant of this sandbox. kind: one of RENEWALS; credential: fields to set then."""
        secret = f"secret-{label}"
        account = Account.objects.create(
            label=label,
            state=Account.State.CONNECTED,
            webhook_secret=seal(secret),
            webhook_digest=digest(secret),
        )
        if kind == "pat":
            token = self.make_pat()
            grant = Tokens(access_token=token, refresh_token=None, expires_at=gateway.grant_of(token).expires_at)
        else:
            grant = self.grant()
        if kind == "oauth, spelling A":
            settings.SALESMSG_REFRESH_URL = f"{self.url}/pub/v2.2/oauth/token/refresh"
        tokens.store(account, "pat" if kind == "pat" else "oauth", grant)
        if credential:
            Credential.objects.filter(account=account).update(**credential)
        return account


def due() -> dict[str, Any]:
    """Fields of a credential that should be renewed and still works."""
    return {"renew_at": timezone.now() - timedelta(seconds=1)}


def dead() -> dict[str, Any]:
    """Fields of a credential whose access token has ended."""
    past = timezone.now() - timedelta(seconds=1)
    return {"renew_at": past, "expires_at": past}


def at_once(count: int, work: Callable[[int], Any], seconds: float = 300) -> list[Any]:
    """Runs `work(0..count-1)` in threads that begin together; their values, or the exceptions they ended with."""
    outcomes: list[Any] = [None] * count
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            gate.wait()
            outcomes[number] = work(number)
        except Exception as error:  # noqa: BLE001 - the test checks it
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive(), "a thread never came back"
    return outcomes


def database_url() -> str:
    """The database of this test, for other processes."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"


@contextmanager
def processes(count: int, code: str, **environment: Any) -> Iterator[list[subprocess.Popen]]:
    """Python processes with a Django of their own on the database of this test; killed at the end, if need be."""
    around_them = around() | {
        "DJANGO_SETTINGS_MODULE": "salesmsg_portal.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
        "DATABASE_URL": database_url(),
        "SALESMSG_BASE_URL": settings.SALESMSG_BASE_URL,
        "LOG_LEVEL": "WARNING",
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-c", f"import json, django; django.setup()\n{code}"],
            cwd=BASE_DIR,
            env=around_them | {name: str(value) for name, value in environment.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def results(started: list[subprocess.Popen], seconds: float = 300) -> list[Any]:
    """What each process printed as JSON; a failure fails the test with what it said."""
    found = []
    for process in started:
        out, err = process.communicate(timeout=seconds)
        assert process.returncode == 0, err
        found.append(json.loads(out.strip().splitlines()[-1]))
    return found


CONTENTLESS = {"integrations_message_search", "integrations_contact_search"}


def stored() -> Iterator[tuple[str, str]]:
    """("table.column", value) of every text in the database, whatever wrote it."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table in CONTENTLESS:
                continue  # an index without rows of its own; what it holds is in its shadow tables
            cursor.execute(f"SELECT * FROM {quote(table)}")  # noqa: S608 - names of our own tables
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    if isinstance(value, bytes | memoryview):
                        value = bytes(value).decode("latin-1")
                    yield f"{table}.{name}", value if isinstance(value, str) else json.dumps(value, default=str)


def queued() -> list[tuple[str, tuple]]:
    """What waits in the queue: (task, arguments)."""
    tasks = [row.task for row in OrmQ.objects.order_by("pk")]
    return [(task["func"], tuple(task["args"])) for task in tasks]
