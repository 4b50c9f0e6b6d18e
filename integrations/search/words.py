"""Search words: folded (case, accents), split, found in a text and marked there.

The databases fold text themselves (`index`); this is the equivalent for text read in Python: newest messages on SQLite,
snippets, marks. If the two differ on an unusual character, a hit is shown without a mark but never lost.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..salesmsg.phones import search_digits

WORDS_AT_MOST = 6
AROUND = 90  # characters of a snippet
# Letters without a Unicode decomposition, and their usual spelling.
_SPELLED = "ß=ss ẞ=ss æ=ae Æ=ae œ=oe Œ=oe ø=o Ø=o đ=d Đ=d ð=d Ð=d ł=l Ł=l ı=i İ=i ς=σ"
SPELLED = dict(pair.split("=") for pair in _SPELLED.split())
# Scripts written without spaces (Thai to Burmese, Khmer, Chinese, Japanese), as ranges of a character class: each
# character counts as a word, and a typed word as a phrase.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
# Removed before a text is split into words: accents, Hebrew points, Arabic vowels and stretching.
MARKS = "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670"

_marks = re.compile(f"[{MARKS}]")


def _bare(char: str) -> str:
    return _marks.sub("", unicodedata.normalize("NFKD", char))


# Not handled by SQLite's tokenizer: non-Latin accents, and marks inside Hebrew and Arabic words.
_LETTERS = [chr(code) for code in (*range(0x386, 0x3CF), 0x401, 0x451, *range(0x622, 0x627))]
_INSIDE = [chr(code) for code in (*range(0x5B0, 0x5BE), 0x5C1, 0x5C2, 0x640, *range(0x64B, 0x656), 0x670)]
PLAIN = {char: _bare(char) for char in _LETTERS if _bare(char) != char} | dict.fromkeys(_INSIDE, "")
_PLAIN = SPELLED | PLAIN
_unspaced = re.compile(f"[{UNSPACED}]")
_words = re.compile(f"[{UNSPACED}]|(?:(?![{UNSPACED}])[^\\W_])+")


def folded(text: str) -> str:
    """Return the text without case and accents; its length may change."""
    if text.isascii():
        return text.lower()
    spelled = "".join(SPELLED.get(char, char) for char in text)
    return _bare(spelled).casefold().replace("ς", "σ")


def apart(text: str) -> str:
    """Prepare text for SQLite's index, whose tokenizer folds: spell out letters, and add spaces for scripts without
    them.
    """
    if text.isascii():
        return text
    return _unspaced.sub(r" \g<0> ", "".join(_PLAIN.get(char, char) for char in text))


def _parts(text: str) -> list[str]:
    return _words.findall(folded(text))


@dataclass(frozen=True)
class Wanted:
    """A search. Each term must match the beginning of a word; a term in quotation marks is a whole phrase."""

    text: str

    @cached_property
    def terms(self) -> list[tuple[str, bool]]:
        """Terms as (typed text, whether its last word is a prefix), without terms that have no letter or digit."""
        found = re.findall(r'["“”„«»]([^"“”„«»]+)["“”„«»]|([^\s"“”„«»]+)', self.text)
        terms = [(phrase or word, not phrase) for phrase, word in found if _parts(phrase or word)]
        return terms[:WORDS_AT_MOST]

    @cached_property
    def digits(self) -> str:
        return search_digits(self.text)

    @cached_property
    def _patterns(self) -> list[re.Pattern]:
        return [
            re.compile(r"[\W_]*".join(_beginning(part) for part in _parts(term)) + ("" if open_ended else _end(term)))
            for term, open_ended in self.terms
        ]

    @cached_property
    def _needles(self) -> list[str]:
        """Strings that a matching text must contain; checked first because it is faster than patterns."""
        return [part for term, _ in self.terms for part in _parts(term)]

    def said_in(self, text: str) -> bool:
        """Return whether the text contains all terms."""
        bare = folded(text)
        if not self._needles or any(needle not in bare for needle in self._needles):
            return False
        return all(pattern.search(bare) for pattern in self._patterns)

    def marks(self, text: str) -> list[tuple[int, int]]:
        """Return the positions of the terms in the text, in order and without overlaps."""
        bare, origin = _with_origin(text)
        spots = sorted(
            (origin[match.start()], origin[match.end() - 1] + 1)
            for pattern in self._patterns
            for match in pattern.finditer(bare)
        )
        merged: list[tuple[int, int]] = []
        for start, end in spots:
            while end < len(text) and _marks.match(text[end]):
                end += 1
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    def pieces(self, text: str) -> Iterator[tuple[str, bool]]:
        """Split the text into pieces, each with whether it is a hit."""
        at = 0
        for start, end in self.marks(text):
            if start > at:
                yield text[at:start], False
            yield text[start:end], True
            at = end
        if at < len(text):
            yield text[at:], False

    def snippet(self, text: str) -> list[tuple[str, bool]]:
        """Return one line around the first hit, in pieces."""
        line = " ".join(text.split())
        first = next(iter(self.marks(line)), (0, 0))[0]
        start = 0
        if first > AROUND // 3:
            start = line.rfind(" ", 0, first - AROUND // 4) + 1
            start = start if first - start <= AROUND // 2 else first - AROUND // 4
        part = line[start : start + AROUND * 2]
        found = list(self.pieces(part))
        if start:
            found.insert(0, ("…", False))
        if len(line) > start + AROUND * 2:
            found.append(("…", False))
        return found


def _beginning(part: str) -> str:
    """Return a pattern for this part at the beginning of a word; in scripts without spaces, anywhere."""
    return re.escape(part) if _unspaced.match(part) else rf"(?<![^\W_]){re.escape(part)}"


def _end(term: str) -> str:
    return "" if _unspaced.match(_parts(term)[-1]) else r"(?![^\W_])"


def _with_origin(text: str) -> tuple[str, list[int]]:
    """Return the folded text and, for each of its characters, the position in the original text."""
    if text.isascii():
        return text.lower(), list(range(len(text)))
    bare, origin = [], []
    for place, char in enumerate(text):
        for piece in folded(char):
            bare.append(piece)
            origin.append(place)
    return "".join(bare), origin
