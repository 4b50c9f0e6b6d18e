"""The Salesmsg API: handles a request with the same order of checks as the vendor.

limit (3) -> fault on demand -> token (2.5) -> path (9) -> scope (2.4) -> the endpoint.
"""

import re
import time
from collections.abc import Callable

from . import routing
from .endpoints import account, contacts, conversations, messages, tags  # noqa: F401  registers the routes
from .envelopes import Envelopes
from .faults import Fault, Faults
from .journal import Journal
from .limit import Limit
from .oauth import Credentials, Token
from .options import Switches
from .records import Records
from .state import Store
from .web import Refused, Request, Response, not_found

VERSIONED = re.compile(r"/pub/v2\.[23](/.*)")
TOKEN_ENDPOINTS = {"/oauth/token", "/oauth/token/refresh", "/oauth/personal-token/refresh"}
HTML_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Salesmessage</title></head>\n"
    "<body><h1>Whoops, looks like something went wrong.</h1></body></html>\n"
)


class Api:
    def __init__(
        self,
        store: Store,
        records: Records,
        credentials: Credentials,
        limit: Limit,
        faults: Faults,
        journal: Journal,
        switches: Switches,
    ):
        self.store = store
        self.records = records
        self.credentials = credentials
        self.limit = limit
        self.faults = faults
        self.journal = journal
        self.switches = switches
        self.envelopes = Envelopes(switches)

    def answer(self, request: Request) -> Response:
        path = self._bare_path(request.path)
        endpoint = self._endpoint(request.method, path)
        self.journal.received(endpoint)
        response = self._guarded(request, path, endpoint)
        self.journal.answered("dropped" if response.drop else response.status)
        return response

    def _guarded(self, request: Request, path: str | None, endpoint: str) -> Response:
        token, refusal = self.credentials.identify(request, path or request.path)
        ours = token is not None or (path in TOKEN_ENDPOINTS and self.credentials.knows(request))
        if ours and not self.limit.admit(self.store.world.organization.id):
            return _too_many()

        def act() -> Response:
            try:
                return self._act(request, path, token, refusal)
            except Refused as refused:
                return Response.json(refused.body, refused.status, refused.headers)

        return self._with_faults(self.faults.pick(endpoint), act)

    def _act(self, request: Request, path: str | None, token: Token | None, refusal: Refused | None) -> Response:
        if path in TOKEN_ENDPOINTS and request.method == "POST":
            return self._token_endpoint(request, path)
        if refusal:
            raise refusal
        if path is None:
            raise Refused(403, {"message": "Missing Authentication Token"})
        route, arguments, allowed = routing.find(request.method, path)
        if route is None and allowed:
            text = f"The {request.method} method is not supported for this route. Supported methods: "
            raise Refused(405, {"message": text + ", ".join(allowed) + "."}, {"Allow": ", ".join(allowed)})
        if route is None or self._is_switched_off(route):
            raise not_found()
        if route.scope and route.scope not in token.scopes:
            raise Refused(403, {"message": "This action is unauthorized."})
        with self.store.lock:
            call = routing.Call(
                request.params,
                self.store.world.users[token.user_id],
                self.store,
                self.records,
                self.envelopes,
                self.switches,
                self.journal,
                request.path,
            )
            return route.handler(call, **arguments)

    def _token_endpoint(self, request: Request, path: str) -> Response:
        if path == "/oauth/token":
            answer = self.credentials.token(request.params)
        elif path == "/oauth/token/refresh":
            answer = self.credentials.refresh(request.params)
        else:
            answer = self.credentials.rotate_pat(request)
        return Response.json(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    def _is_switched_off(self, route: routing.Route) -> bool:
        if route.template == "/api/v4/contacts/{contact}":
            return not self.switches.contact_v4
        return (route.method, route.template) == ("PUT", "/contacts/{contact}") and not self.switches.contact_pub

    def _with_faults(self, faults: list[Fault], act: Callable[[], Response]) -> Response:
        kind = ""
        for fault in faults:
            if fault.kind == "slow":
                time.sleep(fault.seconds)
            else:
                kind = fault.kind
        match kind:
            case "500":
                return Response.json({"message": "Server Error"}, 500)
            case "html":
                return Response(200, HTML_PAGE.encode(), "text/html; charset=UTF-8")
            case "429":
                self.limit.block(self.store.world.organization.id)
                return _too_many()
            case "drop-before":
                return Response(drop=True)
        response = act()
        match kind:
            case "504":
                return Response.json({"message": "Endpoint request timed out"}, 504)
            case "drop-after":
                return Response(drop=True)
            case "truncate":
                response.body = response.body[: len(response.body) // 2]
            case "cut":
                response.announce = len(response.body)
                response.body = response.body[: len(response.body) // 2]
        return response

    def _bare_path(self, path: str) -> str | None:
        """Return the path without its version, or None for unknown versions."""
        if match := VERSIONED.fullmatch(path):
            return match[1] if not match[1].startswith("/api/") else None
        return path if path.startswith("/api/v4/") else None

    def _endpoint(self, method: str, path: str | None) -> str:
        """Return "METHOD path-template", used by the journal and faults."""
        if path in TOKEN_ENDPOINTS:
            return f"{method} {path}"
        route, _, _ = routing.find(method, path or "")
        return f"{method} {route.template}" if route else f"{method} (unknown)"


def _too_many() -> Response:
    return Response.json({"message": "Too Many Requests"}, 429)
