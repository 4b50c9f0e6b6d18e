"""Reads single values leniently: "", 0, null and missing all mean "nothing" (salesmsg-api.md, sections 6.3 and 8)."""

import re
from datetime import UTC, datetime
from typing import Any

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TRUE = {"1", "true", "yes", "on"}


def string(value: Any) -> str:
    """Return text unchanged and numbers as text; anything else gives ""."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return ""


def number(value: Any) -> int | None:
    """Return an integer, also from a string, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def ident(value: Any) -> int | None:
    """Return an id: a positive integer, else None (0 means that no user is set)."""
    found = number(value)
    return found if found is not None and 0 < found < 2**63 else None


def flag(value: Any) -> bool:
    """Return a boolean, also from 1, "1" or "true"."""
    return value.strip().lower() in _TRUE if isinstance(value, str) else value is True or value == 1


def moment(value: Any) -> datetime | None:
    """Return a time in UTC, or None. A time without a zone is UTC [assumed]."""
    if not isinstance(value, str) or not _DATE.match(value.strip()):
        return None
    try:
        found = datetime.fromisoformat(value.strip().removesuffix("UTC").strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def dicts(value: Any) -> tuple[dict[str, Any], ...]:
    """Return the objects of a list; anything else gives ()."""
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def web_address(value: Any) -> str:
    """Return an http(s) URL, else "". These become links, so javascript: URLs must be rejected."""
    found = string(value).strip()
    return found if found.lower().startswith(("http://", "https://")) else ""


def storable(value: Any) -> Any:
    """Return the same JSON without NUL and lone surrogates, which databases cannot store."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value
