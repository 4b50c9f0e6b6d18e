"""Describes the form of an answer without its content: envelopes, order, time formats, key names.

Used by the probe (salesmsg-api.md, sections 3, 4, 6 and 8): these descriptions may leave the host, personal data may
not.
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
    """Return the form of a list: "bare list", "{data, meta}", "{results}", "empty answer" … or "unknown"."""
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
    """Return the form of a single object: "bare object", "{data}", "{name}" or "unknown"."""
    try:
        found = single(payload, "")
    except Unreadable:
        return "unknown"
    if found is payload:
        return "bare object"
    return f"{{{next(key for key, value in payload.items() if isinstance(value, dict))}}}"


def records(payload: Any) -> list[dict[str, Any]]:
    """Return the raw records of a list, or [] if it cannot be read."""
    try:
        return rows(payload, "")[0]
    except Unreadable:
        return []


def ids(items: Iterable[dict[str, Any]]) -> list[int]:
    return [found for item in items if (found := ident(item.get("id")))]


def order(items: list[dict[str, Any]], key: str) -> str:
    """Return "newest first", "oldest first", "equal" or "mixed", or "" if fewer than two records have the time."""
    moments = [found for item in items if (found := moment(item.get(key)))]
    if len(moments) < 2:
        return ""
    if len(set(moments)) == 1:
        return "equal"
    if moments == sorted(moments, reverse=True):
        return "newest first"
    return "oldest first" if moments == sorted(moments) else "mixed"


def time_formats(items: Iterable[dict[str, Any]]) -> list[str]:
    """Return the formats of all values in these records that look like times."""
    found = set()
    for item in items:
        for value in item.values():
            if isinstance(value, str) and moment(value):
                found |= {name for name, form in _TIMES.items() if form.fullmatch(value.strip())} or {"another format"}
    return sorted(found)


def carries(items: list[dict[str, Any]], *keys: str) -> list[str]:
    """Return those of the keys that any of the records has."""
    return [key for key in keys if any(key in item for item in items)]


def unknown_states(items: Iterable[dict[str, Any]]) -> list[str]:
    """Return unknown message statuses. A value that is not a plain word is reported as "something else"."""
    unknown = {str(item.get("status")).lower() for item in items if item.get("status")} - STATES.keys()
    return sorted({word if _WORD.fullmatch(word) else "something else" for word in unknown})


def limit_headers(headers: Mapping[str, str]) -> list[str]:
    """Return the names of headers about rate limits."""
    return sorted(name for name in headers if "ratelimit" in name.replace("-", "") or name == "retry-after")
