"""Sandboxes on loopback, in this process; what a client of the vendor would send is sent with `requests`."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from integrations.sandbox.options import Options, Switches
from integrations.sandbox.server import Server
from tests.harness.sandbox import PATIENCE

CALLBACK = "http://127.0.0.1:8000/accounts/callback/"
SCOPES = "contacts:read contacts:write conversations:read messages:read messages:write users:read"


def ask(method: str, url: str, token: str | None = None, **how) -> requests.Response:
    """One anonymous request, or one with this token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.request(method, url, headers=headers, timeout=60, **how)


class Client:
    """A sandbox and a session with a token for it."""

    def __init__(self, server: Server):
        self.server = server
        self.url = server.url
        self.session = requests.Session()
        self.session.trust_env = False
        self.use(self.pat())

    def use(self, token: str) -> None:
        self.session.headers["Authorization"] = f"Bearer {token}"

    def pat(self, **wanted) -> str:
        return self.session.post(f"{self.url}/sandbox/pat", json=wanted).json()["token"]

    def call(self, method: str, path: str, version: str = "/pub/v2.2", **how) -> requests.Response:
        prefix = "" if path.startswith(("/api/", "/pub/", "/auth/")) else version
        how.setdefault("allow_redirects", False)
        return self.session.request(method, self.url + prefix + path, **how)

    def get(self, path: str, **params) -> requests.Response:
        return self.call("GET", path, params=params)

    def post(self, path: str, **how) -> requests.Response:
        return self.call("POST", path, **how)

    def put(self, path: str, **how) -> requests.Response:
        return self.call("PUT", path, **how)

    def own(self, path: str, payload: dict | None = None):
        """One of the sandbox's own addresses: POST with a payload, else GET."""
        address = f"{self.url}/sandbox/{path}"
        answer = self.session.get(address) if payload is None else self.session.post(address, json=payload)
        answer.raise_for_status()
        return answer.json()

    def state(self) -> dict:
        return self.own("state")

    def data(self) -> dict:
        return self.own("data")

    def any_contact(self, **wanted) -> dict:
        """A contact of the data set with a conversation and such fields; by default one that can be texted."""
        wanted = {"opt_out": False, "is_blocked": False} | wanted
        data = self.data()
        talked = {row["contact_id"] for row in data["conversations"]}
        return next(
            row
            for row in data["contacts"]
            if row["id"] in talked and all(row[key] == value for key, value in wanted.items())
        )

    def thread_of(self, contact: dict) -> dict:
        return self.get(f"/contacts/{contact['id']}/conversations").json()[0]

    # -- consent --------------------------------------------------------------------------------------------

    def consent(self, decision: str = "approve", **changes) -> requests.Response:
        """What the browser posts when a person decides."""
        fields = {
            "response_type": "code",
            "client_id": "1001",
            "redirect_uri": CALLBACK,
            "scope": SCOPES,
            "state": "s t&1",
        }
        return self.call("POST", "/auth/oauth", data=fields | changes | {"decision": decision})

    def code(self, **changes) -> str:
        return parse_qs(urlsplit(self.consent(**changes).headers["Location"]).query)["code"][0]

    def token(self, path: str = "/oauth/token", as_json: bool = True, **fields) -> requests.Response:
        secret = Options().client_secret
        body = {"client_id": "1001", "client_secret": secret} | fields
        return ask("POST", f"{self.url}/pub/v2.2{path}", **({"json": body} if as_json else {"data": body}))

    def exchange(self, **changes) -> requests.Response:
        return self.token(grant_type="authorization_code", redirect_uri=CALLBACK, **changes)


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., Client]]:
    """``start(contacts=20, rate=5, short_pages=True)``: options and switches alike."""
    running: list[Server] = []

    def make(**wanted) -> Client:
        known = {name: wanted.pop(name) for name in list(wanted) if name in Switches.__slots__}
        switches = Switches(**({"auto_replies": False, "failures": False, "delivery_delay": 0.0} | known))
        options = Options(**({"port": 0, "contacts": 40, "messages": 12, "rate": 100_000} | wanted), switches=switches)
        running.append(Server(options))
        running[-1].start()
        return Client(running[-1])

    yield make
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def vendor(start) -> Client:
    """A sandbox for tests that only read, or that mind their own contact."""
    return start()


def eventually(condition: Callable, seconds: float = PATIENCE):
    """The first true value within the time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)
    return value


class Receiver:
    """Takes events; ``answers`` are the states to give, then 200 for ever."""

    def __init__(self, *answers: int):
        self.events: list[dict] = []
        self.moments: list[float] = []
        self.answers = list(answers)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.events.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                receiver.moments.append(time.monotonic())
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def named(self, name: str) -> list[dict]:
        return [event["data"] for event in self.events if event["event"] == name]


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(*answers: int) -> Receiver:
        made.append(Receiver(*answers))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()
