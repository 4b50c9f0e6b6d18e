"""Template filters that highlight search results."""

from django import template
from django.utils.safestring import SafeString

from ..search.marks import marked as as_html
from ..search.words import Wanted
from .portal import linked

register = template.Library()


@register.filter
def marked(text: str, wanted: str) -> SafeString:
    """A short text as HTML with the search words highlighted."""
    return as_html(Wanted(wanted).pieces(text))


@register.filter
def linked_and_marked(text: str, wanted: Wanted) -> SafeString:
    """A message as HTML with addresses as links and search words highlighted."""
    return as_html(wanted.pieces(text), linked)
