"""Requests, parameters and responses, without a framework."""

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl


class Refused(Exception):
    """Ends a request with this response."""

    def __init__(self, status: int, body: object, headers: dict[str, str] | None = None):
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers or {}


def invalid(field_name: str, *problems: str) -> Refused:
    """Section 9: validation."""
    return Refused(422, {"message": "The given data was invalid.", "errors": {field_name: list(problems)}})


def missing(field_name: str) -> Refused:
    return invalid(field_name, f"The {field_name.replace('_', ' ')} field is required.")


def not_found(what: str = "") -> Refused:
    return Refused(404, {"message": f"No query results for model [{what}]." if what else "Not Found"})


@dataclass(slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False  # close the connection without a response
    announce: int | None = None  # a Content-Length larger than the body

    @classmethod
    def json(cls, data: object, status: int = 200, headers: dict[str, str] | None = None) -> "Response":
        body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, headers=headers or {})

    @classmethod
    def html(cls, text: str, status: int = 200) -> "Response":
        return cls(status, text.encode(), "text/html; charset=utf-8", {"Cache-Control": "no-store"})

    @classmethod
    def redirect(cls, location: str, status: int = 303) -> "Response":
        return cls(status, b"", "text/html; charset=utf-8", {"Location": location, "Cache-Control": "no-store"})


@dataclass
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def is_json(self) -> bool:
        return "json" in self.headers.get("content-type", "")

    @property
    def by_browser(self) -> bool:
        """Whether the client accepts HTML, for the sandbox's own pages."""
        return "text/html" in self.headers.get("accept", "")

    @cached_property
    def query_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @cached_property
    def form_pairs(self) -> list[tuple[str, str]]:
        if "form-urlencoded" not in self.headers.get("content-type", ""):
            return []
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    @cached_property
    def json_object(self) -> dict:
        """The JSON body. Anything else, including invalid JSON, is an empty object, as in the vendor's framework."""
        if not self.is_json:
            return {}
        try:
            data = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}

    @cached_property
    def params(self) -> "Params":
        return Params(self)


class Params:
    """Merged fields of query, form and JSON. The body takes precedence (section 11, "JSON or query on writes")."""

    def __init__(self, request: Request):
        self._pairs = request.query_pairs + request.form_pairs
        self._json = request.json_object
        self._flat = dict(self._pairs) | self._json

    def __contains__(self, name: str) -> bool:
        return name in self._flat

    def raw(self, name: str) -> object:
        return self._flat.get(name)

    def text(self, name: str) -> str | None:
        """Return the trimmed text. Missing and "" are both None, as in the vendor's framework."""
        value = self._flat.get(name)
        if value is None or isinstance(value, dict | list):
            return None
        if isinstance(value, bool):
            return "1" if value else None
        return str(value).strip() or None

    def required(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def integer(self, name: str, default: int | None = None, low: int | None = None, high: int | None = None) -> int:
        """Return an integer within bounds. Required if there is no default."""
        value = self.text(name)
        if value is None:
            if default is None:
                raise missing(name)
            return default
        label = name.replace("_", " ")
        if not re.fullmatch(r"-?\d{1,18}", value):
            raise invalid(name, f"The {label} must be an integer.")
        number = int(value)
        if low is not None and number < low:
            raise invalid(name, f"The {label} must be at least {low}.")
        if high is not None and number > high:
            raise invalid(name, f"The {label} may not be greater than {high}.")
        return number

    def many(self, name: str) -> list[str]:
        """Return the values of ``name[]=a&name[0]=b`` or of a JSON list."""
        value = self._json.get(name)
        if isinstance(value, list):
            return [str(item) for item in value]
        pattern = re.compile(re.escape(name) + r"\[\d*\]")
        return [value for key, value in self._pairs if pattern.fullmatch(key)]

    def media_urls(self) -> list[str]:
        """Return ``media_url[][url]`` from query or form. Ignored in JSON (section 5, Messages)."""
        return [value for key, value in self._pairs if re.fullmatch(r"media_url\[\d*\]\[url\]", key) and value]
