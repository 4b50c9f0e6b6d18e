"""A language in which every text of the catalogue stands in ⟦brackets⟧, and what of a page does not."""

import re
from html.parser import HTMLParser

from django.utils.translation import trans_real

LANGUAGE = "de"  # whose formats and catalogue it borrows: what is not in the catalogue stays bare
SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-confirm", "data-label")
SILENT = {"script", "style", "svg", "code", "pre", "template"}
NAMES = ("Salesmsg Portal", "Salesmsg", "OAuth", "PDF", "English", "US", "GET", "STOP", "UTC", "Berlin", "New York")
# Django says these in English, whatever the language.
DJANGO = ("Search", "True", "False")
# A letter that stands alone (a country's "US", the "h" of an hour) says nothing.
_FILLED = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
_WORDS = re.compile(r"[^\W\d_]{2,}")


class Translation:
    """As trans_real keeps one for each language."""

    def __init__(self, real):
        self._real = real

    def gettext(self, message: str) -> str:
        return self._bracketed(message) if message in self._real._catalog else message

    def ngettext(self, singular: str, plural: str, number) -> str:
        message = singular if number == 1 else plural
        return self._bracketed(message) if (singular, 0) in self._real._catalog else message

    def _bracketed(self, message: str) -> str:
        # What is filled in stands outside: it is data, or says itself where it comes from.
        return "⟦" + _FILLED.sub(r"⟧\g<0>⟦", message.rpartition("\x04")[2]) + "⟧"

    def __getattr__(self, name: str):
        return getattr(self._real, name)


def speak(monkeypatch) -> None:
    """From now on German pages are drawn in brackets."""
    monkeypatch.setitem(trans_real._translations, LANGUAGE, Translation(trans_real.translation(LANGUAGE)))


class _Bare(HTMLParser):
    """Collects the words outside of brackets. A § or a digit in the word marks data."""

    def __init__(self):
        super().__init__()
        self.depth, self.silent, self.found = 0, [], []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        for name in SPOKEN:
            self._look(values.get(name) or "", apart=True)
        if tag == "input" and values.get("type") in ("submit", "button"):
            self._look(values.get("value") or "", apart=True)
        if tag in SILENT:
            self.silent.append(tag)

    def handle_endtag(self, tag):
        if self.silent and self.silent[-1] == tag:
            self.silent.pop()

    def handle_data(self, data):
        if not self.silent:
            self._look(data)

    def _look(self, text: str, *, apart: bool = False) -> None:
        if not text or text.isspace():
            return
        depth = 0 if apart else self.depth
        bare = []
        for char in text:
            if char == "⟦":
                depth += 1
            elif char == "⟧":
                depth = max(0, depth - 1)
            elif not depth:
                bare.append(char)
        if not apart:
            self.depth = depth
        left = "".join(bare)
        for name in NAMES + DJANGO:
            left = left.replace(name, " ")
        words = [word for word in left.split() if _WORDS.search(word) and not re.search(r"[§\d@/{]", word)]
        if words:
            self.found.append(" ".join(left.split()))


def bare(html: str) -> list[str]:
    """The texts of a page, and those of its titles and labels, that no catalogue knows."""
    parser = _Bare()
    parser.feed(html)
    return parser.found
