"""HTML pages: ``string.Template`` files in templates/sandbox, with escaped values."""

import html
from functools import cache
from pathlib import Path
from string import Template

from .web import Response

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "sandbox"
ROOT = "/sandbox"
ASSETS = {"sandbox.css": "text/css; charset=utf-8", "sandbox.js": "text/javascript; charset=utf-8"}


class Markup(str):
    """Text that is already HTML."""

    __slots__ = ()


@cache
def _template(name: str) -> Template:
    return Template((FOLDER / name).read_text(encoding="utf-8"))


def fill(name: str, /, **values: object) -> Markup:
    """Fill a template. Values that are not ``Markup`` are escaped."""
    values = {"root": ROOT} | values
    safe = {key: v if isinstance(v, Markup) else html.escape(str(v)) for key, v in values.items()}
    return Markup(_template(name).substitute(safe))


def page(title: str, name: str, /, status: int = 200, layout: str = "plain", **values: object) -> Response:
    """Render a template within the base page. The wide layout adds the navigation."""
    content = fill(name, **values)
    if layout == "wide":
        current, other = Markup('aria-current="page"'), ""
        on_settings = name == "settings.html"
        bar = fill("header.html", settings=current if on_settings else other, phone=other if on_settings else current)
        content = Markup(bar + content)
    return Response.html(fill("base.html", title=title, layout=layout, content=content), status)


def join(parts) -> Markup:
    return Markup("".join(parts))


def asset(name: str) -> Response | None:
    if name not in ASSETS:
        return None
    return Response(200, (FOLDER / name).read_bytes(), ASSETS[name], {"Cache-Control": "max-age=60"})
