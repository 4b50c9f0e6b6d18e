"""What an answer looks like, told without anything that it says: envelopes, orders, time formats, names of keys.

For the probe (salesmsg-api.md, sections 3, 4, 6 and 8): these words may leave the machine, personal data may not.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import Unreadable
from .pages import rows, single
from .values import ident, moment
from .vocabulary import STATES

_WORD = re.compile(r"[a-z_ -]{1,24}")
_TIMES = {
    "YYYY-MM-DD HH:MM:SS": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    "YYYY-MM-DDTHH:MM:SS": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"),
    "ISO with Z": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    "ISO with offset": re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:?\d\d"),
    "with fractions": re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+"),
}


def list_envelope(payload: Any) -> str:
    """How a list came: "bare list", "{data, meta}", "{results}", "empty answer" … or "unknown"."""
    if payload is None:
        return "empty answer"
    if isinstance(payload, list):
        return "bare list"
    if not isinstance(payload, dict):
        return "unknown"
    try:
        rows(payload, "")
    except Unreadable:
        return "one object" if ident(payload.get("id")) else "unknown"
    lists = [key for key, value in payload.items() if isinstance(value, list)]
    named = [*(lists or ["data"]), *(key for key in ("meta", "links") if key in payload)]
    return "{" + ", ".join(dict.fromkeys(named)) + "}"


def single_envelope(payload: Any) -> str:
    """How one object came: "bare object", "{data}", "{name}" or "unknown"."""
    try:
        found = single(payload, "")
    except Unreadable:
        return "unknown"
    if found is payload:
        return "bare object"
    return f"{{{next(key for key, value in payload.items() if isinstance(value, dict))}}}"


def records(payload: Any) -> list[dict[str, Any]]:
    """The raw records of a list, [] when it cannot be read."""
    try:
        return rows(payload, "")[0]
    except Unreadable:
        return []


def ids(items: Iterable[dict[str, Any]]) -> list[int]:
    return [found for item in items if (found := ident(item.get("id")))]


def order(items: list[dict[str, Any]], key: str) -> str:
    """ "newest first", "oldest first", "equal", "mixed", or "" when fewer than two records carry the time."""
    moments = [found for item in items if (found := moment(item.get(key)))]
    if len(moments) < 2:
        return ""
    if len(set(moments)) == 1:
        return "equal"
    if moments == sorted(moments, reverse=True):
        return "newest first"
    return "oldest first" if moments == sorted(moments) else "mixed"


def time_formats(items: Iterable[dict[str, Any]]) -> list[str]:
    """The formats of everything that looks like a time in these records."""
    found = set()
    for item in items:
        for value in item.values():
            if isinstance(value, str) and moment(value):
                found |= {name for name, form in _TIMES.items() if form.fullmatch(value.strip())} or {"another format"}
    return sorted(found)


def carries(items: list[dict[str, Any]], *keys: str) -> list[str]:
    """Which of these keys any of the records has."""
    return [key for key in keys if any(key in item for item in items)]


def unknown_states(items: Iterable[dict[str, Any]]) -> list[str]:
    """The words for a message's status that we do not know; what is not a plain word is only counted as one."""
    told = {str(item.get("status")).lower() for item in items if item.get("status")} - STATES.keys()
    return sorted({word if _WORD.fullmatch(word) else "something else" for word in told})


def limit_headers(headers: Mapping[str, str]) -> list[str]:
    """The names of headers that tell of a limit."""
    return sorted(name for name in headers if "ratelimit" in name.replace("-", "") or name == "retry-after")
