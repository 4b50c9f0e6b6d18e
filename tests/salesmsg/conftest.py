"""A real HTTP server in a thread that answers what a test sets and remembers what reached it."""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from integrations.salesmsg.client import Client
from integrations.salesmsg.http import send

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjQwMDAwMDAwMDB9.c2lnbmF0dXJlLW9mLWEtdG9rZW4"


@dataclass
class Answer:
    """`body`: an object (sent as JSON), bytes, or None. `length`: a Content-Length that lies. `drop`: close the
    connection instead of answering; `reset`: with a TCP reset. `wait`: seconds before answering."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    drop: bool = False
    reset: bool = False
    wait: float = 0
    chunked: bool = False


@dataclass
class Seen:
    """A request as it reached the wire."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Vendor:
    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self._answers: list[Answer] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def will(self, status: int = 200, body: Any = None, **how: Any) -> "Vendor":
        """Queues an answer; the last one repeats itself."""
        self._answers.append(Answer(status, body, **how))
        return self

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self) -> Answer:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def _handler(vendor) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                vendor.connections += 1
                super().setup()

            def answer(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                query = parse_qsl(parts.query, keep_blank_values=True)
                vendor.seen.append(Seen(self.command, parts.path, query, self.headers, body))
                answer = vendor._next()
                time.sleep(answer.wait)
                if answer.drop:
                    if answer.reset:
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                    self.connection.close() if answer.reset else self.connection.shutdown(socket.SHUT_RDWR)
                    return
                raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                raw = b"" if answer.body is None else raw
                self.send_response(answer.status)
                for name, value in ({"Content-Type": "application/json"} | answer.headers).items():
                    self.send_header(name, value)
                if answer.chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                elif answer.status != 204:
                    self.send_header("Content-Length", str(len(raw) if answer.length is None else answer.length))
                self.end_headers()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw) if answer.chunked else raw)
                if answer.chunked or answer.length is not None:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

            def handle(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    super().handle()

        return Handler


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    server = Vendor()
    yield server
    server.close()


@pytest.fixture
def client(vendor: Vendor) -> Client:
    return Client(lambda request: send(vendor.url, TOKEN, request, timeout=(2, 2)))


@pytest.fixture
def raw_server() -> Iterator[Any]:
    """raw_server(behaviour) -> port: a bare TCP server whose `behaviour(connection)` says what happens."""
    sockets, threads, stop = [], [], threading.Event()

    def serve(behaviour) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.05)
        sockets.append(listener)

        def loop() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                except OSError:
                    return
                with connection:
                    connection.settimeout(3)
                    with contextlib.suppress(OSError):
                        behaviour(connection)

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        threads.append(thread)
        return listener.getsockname()[1]

    yield serve
    stop.set()
    for thread in threads:
        thread.join()
    for listener in sockets:
        listener.close()
