"""Routes requests to endpoints by method and path."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .envelopes import Envelopes
from .journal import Journal
from .model import Conversation, User, World
from .options import Switches
from .records import Records
from .state import Store
from .web import Params, Response


@dataclass(slots=True)
class Call:
    """An API call that passed all checks, with everything an endpoint needs."""

    params: Params
    user: User
    store: Store
    records: Records
    envelopes: Envelopes
    switches: Switches
    journal: Journal
    path: str

    @property
    def world(self) -> World:
        return self.store.world

    def conversation(self, conversation: Conversation, status: int = 200) -> Response:
        return self.envelopes.one(self.records.conversation(conversation), status)


@dataclass(slots=True)
class Route:
    method: str
    template: str  # as in section 5, without the version prefix
    scope: str
    pattern: re.Pattern[str]
    handler: Callable[..., Response]


ROUTES: list[Route] = []


def route(method: str, template: str, scope: str = "") -> Callable:
    """Register an endpoint. ``{name}`` in the template matches a number, which is passed as an argument."""

    def register(handler: Callable[..., Response]) -> Callable[..., Response]:
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>\\d{1,18})", template))
        ROUTES.append(Route(method, template, scope, pattern, handler))
        return handler

    return register


def find(method: str, path: str) -> tuple[Route | None, dict[str, int], list[str]]:
    """Return the route and its arguments, or the methods allowed for the path."""
    allowed = []
    for candidate in ROUTES:
        match = candidate.pattern.fullmatch(path)
        if match is None:
            continue
        if candidate.method == method:
            return candidate, {name: int(value) for name, value in match.groupdict().items()}, []
        allowed.append(candidate.method)
    return None, {}, allowed
