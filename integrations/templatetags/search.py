"""Filters that show what a search found."""

from django import template
from django.utils.safestring import SafeString

from ..search.marks import marked as as_html
from ..search.words import Wanted
from .portal import linked

register = template.Library()


@register.filter
def marked(text: str, wanted: str) -> SafeString:
    """The words that somebody looks for, marked in a short text."""
    return as_html(Wanted(wanted).pieces(text))


@register.filter
def linked_and_marked(text: str, wanted: Wanted) -> SafeString:
    """A message: addresses are links, hits are marked."""
    return as_html(wanted.pieces(text), linked)
