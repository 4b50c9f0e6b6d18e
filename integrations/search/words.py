"""Words as a search sees them: folded (case, accents), told apart, found in a text and marked there.

The databases fold by themselves (`index`); this is the same for what Python reads: newest messages on SQLite, snippets,
marks. Where both differ on an odd character, a hit is shown without a mark, never lost.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

WORDS_AT_MOST = 6
AROUND = 90  # characters of a snippet
# Letters that no decomposition takes apart, and what people type for them.
_SPELLED = "ß=ss ẞ=ss æ=ae Æ=ae œ=oe Œ=oe ø=o Ø=o đ=d Đ=d ð=d Ð=d ł=l Ł=l ı=i İ=i ς=σ"
SPELLED = dict(pair.split("=") for pair in _SPELLED.split())
# Scripts that are written without blanks (Thai to Burmese, Khmer, Chinese, Japanese), as ranges of a character class:
# each character is a word of its own there, and a word that somebody types is a phrase of them.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
# What is taken out of a text before its words are told apart: accents, Hebrew points, Arabic vowels and stretching.
MARKS = "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670"

_marks = re.compile(f"[{MARKS}]")


def _bare(char: str) -> str:
    return _marks.sub("", unicodedata.normalize("NFKD", char))


# What SQLite's tokenizer leaves as it is: accents that are not Latin, and marks inside of Hebrew and Arabic words.
_LETTERS = [chr(code) for code in (*range(0x386, 0x3CF), 0x401, 0x451, *range(0x622, 0x627))]
_INSIDE = [chr(code) for code in (*range(0x5B0, 0x5BE), 0x5C1, 0x5C2, 0x640, *range(0x64B, 0x656), 0x670)]
PLAIN = {char: _bare(char) for char in _LETTERS if _bare(char) != char} | dict.fromkeys(_INSIDE, "")
_PLAIN = SPELLED | PLAIN
_unspaced = re.compile(f"[{UNSPACED}]")
_words = re.compile(f"[{UNSPACED}]|(?:(?![{UNSPACED}])[^\\W_])+")


def folded(text: str) -> str:
    """Without case and accents; may be longer or shorter than the text."""
    if text.isascii():
        return text.lower()
    spelled = "".join(SPELLED.get(char, char) for char in text)
    return _bare(spelled).casefold().replace("ς", "σ")


def apart(text: str) -> str:
    """For SQLite's index, whose tokenizer folds: letters spelled out, and blanks where a script has none."""
    if text.isascii():
        return text
    return _unspaced.sub(r" \g<0> ", "".join(_PLAIN.get(char, char) for char in text))


def _parts(text: str) -> list[str]:
    return _words.findall(folded(text))


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for. Each term must begin a word of the text; one in quotation marks is a whole phrase."""

    text: str

    @cached_property
    def terms(self) -> list[tuple[str, bool]]:
        """(as typed, whether its last word may go on), without those that hold no letter and no digit."""
        found = re.findall(r'["“”„«»]([^"“”„«»]+)["“”„«»]|([^\s"“”„«»]+)', self.text)
        terms = [(phrase or word, not phrase) for phrase, word in found if _parts(phrase or word)]
        return terms[:WORDS_AT_MOST]

    @cached_property
    def digits(self) -> str:
        return phone_digits(self.text)

    @cached_property
    def _patterns(self) -> list[re.Pattern]:
        return [
            re.compile(r"[\W_]*".join(_beginning(part) for part in _parts(term)) + ("" if open_ended else _end(term)))
            for term, open_ended in self.terms
        ]

    @cached_property
    def _needles(self) -> list[str]:
        """What a text must hold at least; sought faster than patterns."""
        return [part for term, _ in self.terms for part in _parts(term)]

    def said_in(self, text: str) -> bool:
        """Whether the text holds all terms."""
        bare = folded(text)
        if not self._needles or any(needle not in bare for needle in self._needles):
            return False
        return all(pattern.search(bare) for pattern in self._patterns)

    def marks(self, text: str) -> list[tuple[int, int]]:
        """Where the terms stand in the text, in order, without overlaps."""
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
        """The text in pieces, each with whether it is a hit."""
        at = 0
        for start, end in self.marks(text):
            if start > at:
                yield text[at:start], False
            yield text[start:end], True
            at = end
        if at < len(text):
            yield text[at:], False

    def snippet(self, text: str) -> list[tuple[str, bool]]:
        """One line around the first hit, in pieces."""
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
    """A pattern: the part, where a word begins. In scripts without blanks that is everywhere."""
    return re.escape(part) if _unspaced.match(part) else rf"(?<![^\W_]){re.escape(part)}"


def _end(term: str) -> str:
    return "" if _unspaced.match(_parts(term)[-1]) else r"(?![^\W_])"


def _with_origin(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the place in the text that it came from."""
    if text.isascii():
        return text.lower(), list(range(len(text)))
    bare, origin = [], []
    for place, char in enumerate(text):
        for piece in folded(char):
            bare.append(piece)
            origin.append(place)
    return "".join(bare), origin


def phone_digits(text: str) -> str:
    """The digits to look for when this may be a phone number: "(305) 555-0142" -> "3055550142"; else empty.

    Leading zeros go: they are the way out of a country or into an area, and no part of the number."""
    if any(not (char.isdigit() or char in " ()+-./\u00a0\u2011\u2013") for char in text):
        return ""
    digits = "".join(char for char in text if char.isascii() and char.isdigit()).lstrip("0")
    return digits if len(digits) >= 3 else ""
