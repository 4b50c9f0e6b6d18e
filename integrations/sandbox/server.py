"""HTTP/1.1 server with keep-alive and one daemon thread per connection."""

import socket
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from .app import Sandbox
from .options import Options
from .web import Request, Response

LARGEST_BODY = 10 * 1024 * 1024


class Server(ThreadingHTTPServer):
    """Listens on creation. Requests are handled by ``sandbox``."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, options: Options):
        super().__init__((options.host, options.port), Handler)
        host = f"[{options.host}]" if ":" in options.host else options.host
        if options.host in ("0.0.0.0", "::", ""):
            host = "127.0.0.1"
        self.url = f"http://{host}:{self.server_port}"
        options.public_url = options.public_url.rstrip("/") or self.url
        self.log = options.log
        self.sandbox = Sandbox(options)

    def start(self) -> None:
        """Serve in a background thread."""
        self.sandbox.start()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, name="http", daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.sandbox.stop()
        self.server_close()

    def handle_error(self, request, client_address) -> None:
        """Ignore closed connections and print all other errors."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            traceback.print_exc()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Salesmsg-sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # send headers and body in one packet
    timeout = 300
    server: Server

    def _handle(self) -> None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= LARGEST_BODY or "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.close_connection = True
            self._reply(Response.json({"message": "A Content-Length up to 10 MB is needed."}, 411))
            return
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, parts.query, headers, self.rfile.read(length))
        try:
            response = self.server.sandbox.answer(request)
        except Exception:  # noqa: BLE001  keep serving after an internal error
            traceback.print_exc()
            response = Response.json({"message": "Server Error"}, 500)
        self._reply(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _handle

    def _reply(self, response: Response) -> None:
        if response.drop:
            self._hang_up()
            return
        self.send_response(response.status)
        if response.status != 204:
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(response.announce or len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.announce:
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *arguments) -> None:
        """Log only the path, and only with ``--log``, because query strings contain texts and phone numbers."""
        if self.server.log:
            print(self.command, urlsplit(self.path).path, *arguments[2:3], file=sys.stderr, flush=True)
