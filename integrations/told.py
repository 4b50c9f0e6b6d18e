"""Sentences that are kept in the database, or made where no language is known: English there, the reader's on a page.

Workers write why a text failed, and Salesmsg's room says what went wrong; neither knows who will read it. They write
English. `told` finds the sentence again in SENTENCES, with what was filled in, and says it in the reader's language.
What is not found stays as it is: the vendor's own words, say.
"""

import re
from collections.abc import Callable
from functools import cache

from django.utils import translation
from django.utils.translation import gettext

from .sentences import SENTENCES

_PLACE = re.compile(r"%\((\w+)\)s")
# "Salesmsg does not know this (404, GET /contacts/{contact}): no such contact", as salesmsg.verdict writes it.
_CALL = re.compile(r"(?P<what>[^()]+) \((?P<where>\d{5}|(?:\d{3}, )?[A-Z]+ [^\s()]+)\)(?P<rest>\.|: .*)?", re.DOTALL)
_ENDS = re.compile(r"(?<=[.!?”]) (?=[A-Z“])")


def told(text: object) -> str:
    """The text in the language of whoever reads it."""
    text = str(text or "")
    if not text or (translation.get_language() or "en").startswith("en"):
        return text
    if (found := _found(text)) is not None:
        return found
    parts = _ENDS.split(text)
    if len(parts) > 1:
        # The longest beginning that is known: "Nothing was sent. Trying again." is two sentences of ours.
        for end in range(len(parts) - 1, 0, -1):
            if (found := _found(" ".join(parts[:end]))) is not None:
                return f"{found} {told(' '.join(parts[end:]))}"
        return f"{parts[0]} {told(' '.join(parts[1:]))}"
    return text


def english(say: Callable[[], str]) -> str:
    """What `say` says in English: for books that all read."""
    with translation.override("en"):
        return str(say())


def _found(text: str) -> str | None:
    """One sentence of ours, translated; None when it is none."""
    if text in SENTENCES:
        return gettext(text)
    for msgid, shape in _shapes():
        if match := shape.fullmatch(text):
            return gettext(msgid) % {name: _filled(value) for name, value in match.groupdict().items()}
    if (match := _CALL.fullmatch(text)) and (what := f"{match['what']}.") in SENTENCES:
        rest = match["rest"] or ""
        return f"{gettext(what).removesuffix('.')} ({match['where']}){rest}"
    return None


def _filled(value: str) -> str:
    """What stands in a sentence's place: another one, a list of names, or anything."""
    names = value.split(", ")
    return ", ".join(map(gettext, names)) if all(name in SENTENCES for name in names) else told(value)


@cache
def _shapes() -> list[tuple[str, re.Pattern]]:
    """Sentences with something filled in, those with most words of their own first."""
    shaped = [msgid for msgid in SENTENCES if _PLACE.search(msgid)]
    return [(msgid, _shape(msgid)) for msgid in sorted(shaped, key=lambda one: -len(_PLACE.sub("", one)))]


def _shape(msgid: str) -> re.Pattern:
    parts = _PLACE.split(msgid.replace("%%", "%"))
    named = (f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile("".join(named), re.DOTALL)
