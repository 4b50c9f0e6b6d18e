"""Search hits as HTML."""

from collections.abc import Callable, Iterable

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe


def marked(pieces: Iterable[tuple[str, bool]], plain: Callable = conditional_escape) -> SafeString:
    """Return pieces (text, whether it is a hit) as HTML with the hits marked. plain: makes safe HTML of the other
    pieces.
    """
    shown = (format_html("<mark>{}</mark>", text) if hit else plain(text) for text, hit in pieces)
    return mark_safe("".join(shown))  # noqa: S308 - each piece is escaped
