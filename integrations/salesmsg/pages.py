"""Extracts lists and single records from all envelopes that the vendor uses (salesmsg-api.md, section 4).

Anything else raises `Unreadable`, and is never treated as an empty page.
"""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .errors import Unreadable
from .values import ident, number

T = TypeVar("T")

_LISTS = ("data", "results", "conversations", "messages", "contacts", "teams", "numbers", "tags", "members")
_SINGLES = ("contact", "conversation", "message", "team", "number", "tag", "user", "member", "organization")


@dataclass(frozen=True, slots=True)
class Meta:
    """Laravel's paging values, None if the vendor did not send them."""

    total: int | None = None
    last_page: int | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page. `count`: rows received. A short page is not the end (section 4): `last_page` or an empty page is."""

    items: list[T]
    total: int | None = None
    last_page: int | None = None
    page: int | None = None
    count: int = 0


def rows(payload: Any, endpoint: str) -> tuple[list[dict[str, Any]], Meta]:
    """Return the raw records of a list answer and its paging; None (204) is an empty list. Raises Unreadable."""
    if payload is None:
        return [], Meta()
    if isinstance(payload, list):
        return _objects(payload, endpoint), Meta()
    if not isinstance(payload, dict):
        raise _unknown(endpoint)
    lists = [key for key in _LISTS if isinstance(payload.get(key), list)]
    declared = [key for key in lists if key in ("data", "results")]
    # With an id, it is a single record that has tags or numbers.
    if declared or (len(lists) == 1 and "id" not in payload):
        return _objects(payload[(declared or lists)[0]], endpoint), _meta(payload)
    if not lists and isinstance(payload.get("data"), dict) and "id" not in payload:
        found, inner = rows(payload["data"], endpoint)
        return found, inner if inner != Meta() else _meta(payload)
    raise _unknown(endpoint)


def single(payload: Any, endpoint: str) -> dict[str, Any]:
    """Return the raw record of a single answer: bare, in `data`, or under one named key. Raises Unreadable."""
    if isinstance(payload, dict):
        if ident(payload.get("id")):
            return payload
        if isinstance(payload.get("data"), dict):
            return single(payload["data"], endpoint)
        named = [
            payload[key] for key in _SINGLES if isinstance(payload.get(key), dict) and ident(payload[key].get("id"))
        ]
        if len(named) == 1:
            found: dict[str, Any] = named[0]
            return found
    raise _unknown(endpoint)


def one_or_many(payload: Any, endpoint: str) -> list[dict[str, Any]]:
    """Return the records of an answer that is a list, one object or nothing."""
    try:
        return rows(payload, endpoint)[0]
    except Unreadable:
        return [single(payload, endpoint)]


def _objects(items: list[Any], endpoint: str) -> list[dict[str, Any]]:
    if not all(isinstance(item, dict) for item in items):
        raise _unknown(endpoint)
    return items


def _meta(payload: dict[str, Any]) -> Meta:
    paging = payload["meta"] if isinstance(payload.get("meta"), dict) else payload
    return Meta(number(paging.get("total")), number(paging.get("last_page")), number(paging.get("current_page")))


def _unknown(endpoint: str) -> Unreadable:
    return Unreadable("answer_form_unknown", endpoint=endpoint)
