"""Reads who imports whom, and says what the house rules forbid. The rules stand in README.md, “The house”."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = "integrations"

# From the ground up; a module may import its own room and what lies below.
FLOORS: list[tuple[str, ...]] = [
    ("crypto", "cursors", "db", "durations", "salesmsg"),
    ("failures",),
    ("models",),
    ("access", "budget", "jobs", "search", "tokens"),
    ("gateway", "mirror"),
    ("contacts", "sync"),
    ("outbox",),
    ("accounts", "attachments", "bulk", "webhooks"),
    ("admin", "inbox", "templatetags"),
    ("management", "tasks"),
]
PAGES_FLOOR = 8
# Rooms that hold both services and pages, and the modules of such a room that are pages.
MIXED = ("accounts", "attachments", "bulk", "contacts", "outbox", "sync", "webhooks")
PAGES = ("account_health", "actions", "forms", "fragments", "polling", "public", "queries", "urls", "views")
# Configuration of the app: stands outside of the floors, and nobody imports it.
CONFIGURATION = ("apps", "checks", "health", "middleware", "nouns", "signals")
# The only ways from a service of one room into another room, and from a page into another room's pages.
FRONTS = {
    *("accounts.queries", "contacts.opt_out", "sync.request"),
    *("outbox.bulk_queue", "outbox.compose", "outbox.merge_fields"),
}
# What the rest of the house may see of the vendor's room, and who may see more.
VENDOR_WORDS = {"records", "errors", "text", "envelopes"}
VENDOR_DOORS = {"gateway": {"client", "http", "media", "oauth", "error_mapping"}, "tokens": {"oauth"}}
NETWORK = {"requests", "requests_oauthlib", "oauthlib", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request"}
# Pages read and write the cache only.
NOT_FOR_PAGES = {"gateway", "tokens", "budget"}
DJANGO_CALLS_IT_SO = {"_meta", "_base_manager", "_default_manager"}


@dataclass(frozen=True)
class Import:
    """One imported name: `target` is the module (dotted), `name` what is taken from it, if anything."""

    importer: str
    target: str
    name: str
    line: int

    def names_module(self, module: str) -> bool:
        """Whether the module is reached by this import, as `import m`, `from m import x` or `from . import m`."""
        reached = f"{self.target}.{self.name}" if self.name else self.target
        return any(path == module or path.startswith(module + ".") for path in (self.target, reached))


def module_name(path: Path, root: Path = ROOT) -> str:
    """integrations/sync/request.py -> integrations.sync.request"""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: str, module: str, is_package: bool = False) -> Iterator[Import]:
    """Every import of the source, also those inside functions, with relative ones spelled out.

    What stands below `if TYPE_CHECKING:` is left out: a name in an annotation does nothing.
    """
    package = module.split(".") if is_package else module.split(".")[:-1]
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting = [*node.orelse, *waiting]
            continue
        waiting = [*ast.iter_child_nodes(node), *waiting]
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, "", node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            target = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(module, target, alias.name, node.lineno)


def annotations_only(source: str) -> set[str]:
    """Names that the source uses in annotations and nowhere else."""
    tree = ast.parse(source)
    noted: set[int] = set()
    for node in ast.walk(tree):
        spots = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        noted |= {id(inside) for spot in spots if spot is not None for inside in ast.walk(spot)}
    names = [(node.id, id(node) in noted) for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {name for name, _ in names} - {name for name, only in names if not only}


def floor_of(inner: str) -> int | None:
    """The floor of a module inside the app. None: no floor."""
    room, *rest = inner.split(".")
    if room in MIXED and rest and rest[0] in PAGES:
        return PAGES_FLOOR
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), None)


def _inner(dotted: str) -> str | None:
    """integrations.sync.request -> sync.request; None for what is not ours."""
    return dotted[len(APP) + 1 :] if dotted.startswith(APP + ".") else "" if dotted == APP else None


def violations(source: str, module: str, is_package: bool = False, modules: frozenset[str] = frozenset()) -> list[str]:
    """What the module's imports break, a sentence each. `modules`: all of ours, to tell modules from names."""
    inner = _inner(module)
    found = []
    types = annotations_only(source)
    for one in imports_of(source, module, is_package):
        place = f"{module}:{one.line}"
        reached = f"{one.target}.{one.name}" if f"{one.target}.{one.name}" in modules else one.target
        theirs = _inner(reached)
        found += [f"{place} {words}" for words in _general(inner, one, theirs)]
        if one.name in types and theirs is not None and theirs.startswith("salesmsg."):
            continue  # the type of something that the gateway made
        if inner is not None and theirs:
            found += [f"{place} {words}" for words in _inside(inner, theirs)]
    return found + [f"{module}:{line} uses {name}: a private name" for line, name in _reaching_in(source, module)]


def _reaching_in(source: str, module: str) -> Iterator[tuple[int, str]]:
    """`rows._upsert()` after `from ..mirror import rows`."""
    ours = {one.name for one in imports_of(source, module) if one.name and _inner(one.target) is not None}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ours:
            private = node.attr.startswith("_") and not node.attr.startswith("__")
            if private and node.attr not in DJANGO_CALLS_IT_SO:
                yield node.lineno, f"{node.value.id}.{node.attr}"


def _general(inner: str | None, one: Import, theirs: str | None) -> Iterator[str]:
    room = (inner or "").partition(".")[0]
    if (
        inner is not None
        and room not in ("salesmsg", "sandbox")
        and any(one.names_module(library) for library in NETWORK)
    ):
        yield f"imports {one.target}: only salesmsg/ talks to the network"
    if room == "salesmsg" and (one.names_module("django") or (theirs and not theirs.startswith("salesmsg"))):
        yield f"imports {one.target}: salesmsg/ knows neither Django nor the rest of the house"
    if room == "sandbox" and theirs is not None and not (theirs or one.name).startswith("sandbox"):
        yield f"imports {one.target}: the sandbox stands alone"
    if one.names_module("django_q") and inner not in ("jobs", "apps", "checks"):
        yield "imports django_q: only jobs and the app's configuration know the queue"
    if one.name.startswith("_") and not one.name.startswith("__") and (theirs is not None):
        yield f"imports {one.name} of {one.target}: a private name"


def _inside(inner: str, theirs: str) -> Iterator[str]:
    room, their_room = inner.partition(".")[0], theirs.partition(".")[0]
    if room == their_room and room not in MIXED:
        return
    if theirs == "tasks" and inner != "tasks":
        yield "imports tasks: nobody does; they are enqueued by name"
        return
    if their_room == "sandbox" and inner != "management.commands.sandbox":
        yield "imports the sandbox: only its command and the tests do"
        return
    if room in CONFIGURATION or their_room in ("sandbox", "migrations") or room in ("sandbox", "migrations"):
        return
    if their_room in CONFIGURATION:
        yield f"imports {theirs}, which is configuration"
        return
    if their_room == "salesmsg" and room != "salesmsg":
        part = theirs.partition(".")[2].partition(".")[0]
        if part not in VENDOR_WORDS | VENDOR_DOORS.get(inner, set()):
            yield f"imports {theirs}: of the vendor's room only records, errors and text are for all"
            return
    ours, below = floor_of(inner), floor_of(theirs)
    if ours is None or below is None:
        yield f"has no floor ({inner if ours is None else theirs}): give it one in tests/house/imports.py"
    elif below > ours:
        yield f"imports {theirs}, a floor above it"
    elif (
        room != their_room and theirs not in FRONTS and (below == ours or (ours < PAGES_FLOOR and their_room in MIXED))
    ):
        yield f"imports {theirs}, a room beside it; the fronts are {', '.join(sorted(FRONTS))}"
    elif ours == PAGES_FLOOR and their_room in NOT_FOR_PAGES:
        yield f"imports {theirs}: pages read and write the cache only"


def sources(*tops: str) -> dict[str, tuple[str, bool]]:
    """Module -> (source, whether it is a package), for the Python files below those folders."""
    found = {}
    for top in tops:
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" not in path.parts:
                found[module_name(path)] = (path.read_text(), path.name == "__init__.py")
    return found
