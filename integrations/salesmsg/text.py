"""Text segments, and HTML to plain text (salesmsg-api.md, sections 6.3 and 8)."""

import html
import re
import unicodedata
from dataclasses import dataclass

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWO_UNITS = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class Segments:
    """The length of a text: `characters` as displayed, `units` as the carrier counts, `per_segment` units that fit in
    each segment, `left` free units in the last segment.
    """

    encoding: str
    characters: int
    units: int
    segments: int
    per_segment: int
    left: int


def segments(text: str) -> Segments:
    """Count segments: GSM-7 160 or 153 units each, UCS-2 70 or 67; no character is split between segments."""
    if all(char in _GSM7 or char in _GSM7_TWO_UNITS for char in text):
        encoding, alone, joined = "GSM-7", 160, 153
        sizes = [2 if char in _GSM7_TWO_UNITS else 1 for char in text]
    else:
        encoding, alone, joined = "UCS-2", 70, 67
        sizes = [2 if ord(char) > 0xFFFF else 1 for char in text]
    units = sum(sizes)
    if units <= alone:
        return Segments(encoding, len(text), units, 1 if text else 0, alone, alone - units)
    count, used = 1, 0
    for size in sizes:
        if used + size > joined:
            count, used = count + 1, 0
        used += size
    return Segments(encoding, len(text), units, count, joined, joined - used)


# Characters that editors insert automatically, and their GSM-7 equivalents; static/inbox/cost.js has the same table.
_TYPOGRAPHIC = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʼ‹›", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\t\u00a0\u2002\u2003\u2007\u2009\u200a\u202f", " "),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),
        "…": "...",
        "•": "*",
        "·": ".",
        "×": "x",
        "™": "(TM)",
        "©": "(c)",
        "®": "(R)",
        "⁄": "/",
    }
)


def causes(text: str) -> list[str]:
    """Return the characters that make a text Unicode, each once, in order; empty for GSM-7."""
    return list(dict.fromkeys(char for char in text if char not in _GSM7 and char not in _GSM7_TWO_UNITS))


def typed_plainly(text: str) -> str:
    """Replace typographic quotes, dashes, dots and spaces with plain ones."""
    return text.translate(_TYPOGRAPHIC)


def sentence(text: str) -> str:
    """Return the vendor's text with a final full stop, so that more text can follow."""
    text = text.strip()
    return text if not text or text[-1] in ".!?…" else f"{text}."


def breaks(address: str) -> list[str]:
    """Split an email address where a line may break: ["ana.", "gomez@", "example.", "com"]."""
    return re.split(r"(?<=[@.])(?=.)", address) if address else []


# Only real tags: "a < b", "<3" and "<you>" are ordinary text.
_LINE_TAG = re.compile(r"(?:<br\s*/?>|</(?:p|div|li|ul|ol|h[1-6]|tr)\s*>)\r?\n?", re.IGNORECASE)
_OTHER_TAG = re.compile(
    r"</?(?:p|div|li|ul|ol|h[1-6]|tr|td|table|tbody|span|a|b|i|u|s|em|strong|font|img|code|pre|blockquote)"
    r"(?:\s+[a-z][\w:-]*(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>=]+))?)*\s*/?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def plain(text: str, *, raw: bool = False) -> str:
    """Convert HTML to plain text; plain text is returned unchanged.

    Line tags become newlines, other tags are removed, entities are decoded once (only with a semicolon, so
    "?a=1&copy=2" survives), NBSP becomes a space. raw: the vendor says that the text has no markup, so tags are kept
    unless lines end in tags.
    """
    if not raw or _LINE_TAG.search(text):
        text, lines = _LINE_TAG.subn("\n", text)
        text, others = _OTHER_TAG.subn("", text)
        if lines or others:
            text = text.strip()  # the end of the last paragraph is not a line of the text
    text = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
    return text.replace("\r\n", "\n").replace("\N{NO-BREAK SPACE}", " ")


# Letters and symbols that show nothing: Hangul fillers and the empty braille pattern.
_EMPTY_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def _shows(char: str) -> bool:
    """Whether the character is visible on its own; a combining mark is not."""
    category = unicodedata.category(char)
    return category[0] not in "ZM" and category not in {"Cc", "Cf", "Cs"} and char not in _EMPTY_LETTERS


def visible_text(text: str) -> str:
    """The text on one line without invisible characters around it; empty if no character is visible."""
    if not any(map(_shows, text)):
        return ""
    text = " ".join(text.split())
    start = next(place for place, char in enumerate(text) if _shows(char))
    while text and not _shows(text[-1]) and unicodedata.category(text[-1])[0] != "M":
        text = text[:-1]
    return text[start:]
