"""Texts and phones: what a text costs, what a phone number is, and HTML made plain (sections 6.3 and 8)."""

import html
import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import timezone as phone_zones

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWO_UNITS = frozenset("\f^{}\\[~]|€")

# Alone in a text they opt out, at Salesmsg and at once; case does not matter (salesmsg-api.md, section 8).
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text takes: `characters` as people count, `units` as the carrier counts, `per_segment` units that
    fit in each segment, `left` units free in the last one."""

    encoding: str
    characters: int
    units: int
    segments: int
    per_segment: int
    left: int


def segments(text: str) -> Segments:
    """Counts segments: GSM-7 160 or 153 units each, UCS-2 70 or 67; no character is split over a border."""
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


# Signs that writing programs put in by themselves, and what a carrier's alphabet has for them; static/inbox/cost.js
# holds the same table.
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
    """The characters that make a text Unicode, each once, in order; none when it is GSM-7."""
    return list(dict.fromkeys(char for char in text if char not in _GSM7 and char not in _GSM7_TWO_UNITS))


def typed_plainly(text: str) -> str:
    """The text with plain quotes, dashes, dots and blanks in place of typographic ones."""
    return text.translate(_TYPOGRAPHIC)


class PhoneError(ValueError):
    """What a person typed is no phone number to text; `code` says why (words: `failures.Code`)."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


_E164 = re.compile(r"\+[1-9]\d{6,14}")


def phone(text: str, region: str = "US") -> str:
    """E.164 ("+13055550142") of what a person wrote. Raises PhoneError.

    Only lengths are checked: carriers open new ranges faster than the library learns them."""
    if not text.strip():
        raise PhoneError("phone_missing")
    try:
        found = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise PhoneError("phone_invalid") from None
    if found.extension:
        raise PhoneError("phone_extension")
    match phonenumbers.is_possible_number_with_reason(found):
        case phonenumbers.ValidationResult.IS_POSSIBLE:
            return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
        case phonenumbers.ValidationResult.TOO_LONG:
            raise PhoneError("phone_too_long")
        case phonenumbers.ValidationResult.TOO_SHORT:
            raise PhoneError("phone_too_short")
        case phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise PhoneError("phone_without_area")
        case _:
            raise PhoneError("phone_impossible")


def phone_of_record(value: object, region: str = "US") -> str:
    """E.164 of the vendor's `number`; what is none (a short code) stays as it is; not text: ""."""
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return ""
    given = str(value).strip()
    if _E164.fullmatch(given):
        return given
    try:
        return phone(given, region)
    except ValueError:
        return given


def sentence(text: str) -> str:
    """The vendor's words with a full stop, so that more can follow them."""
    text = text.strip()
    return text if not text or text[-1] in ".!?…" else f"{text}."


def breaks(address: str) -> list[str]:
    """An email address in the pieces between which a line may break: ["ana.", "gomez@", "example.", "com"]."""
    return re.split(r"(?<=[@.])(?=.)", address) if address else []


def national(e164: str) -> str:
    """For people: "(305) 555-0142" for +1 numbers, "+44 20 7946 0000" for others; no phone: unchanged."""
    try:
        found = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(found, style.NATIONAL if found.country_code == 1 else style.INTERNATIONAL)


def time_zones(e164: str) -> list[str]:
    """The IANA zones in which this number may live, by its area code; many for a toll-free one, none if unknown."""
    try:
        found = phone_zones.time_zones_for_number(phonenumbers.parse(e164, None))
    except phonenumbers.NumberParseException:
        return []
    return [zone for zone in found if zone != phone_zones.UNKNOWN_TIMEZONE]


# Only names that really are tags: "a < b", "<3" and "<you>" are texts of people.
_LINE_TAG = re.compile(r"(?:<br\s*/?>|</(?:p|div|li|ul|ol|h[1-6]|tr)\s*>)\r?\n?", re.IGNORECASE)
_OTHER_TAG = re.compile(
    r"</?(?:p|div|li|ul|ol|h[1-6]|tr|td|table|tbody|span|a|b|i|u|s|em|strong|font|img|code|pre|blockquote)"
    r"(?:\s+[a-z][\w:-]*(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>=]+))?)*\s*/?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def plain(text: str, *, raw: bool = False) -> str:
    """HTML to plain text: line tags to newlines, other tags away, entities decoded once (only with their
    semicolon, so "?a=1&copy=2" survives), NBSP to a space. Plain text comes out as it was.

    raw: what the vendor calls raw holds no markup, so a "<b>" in it was typed by somebody; unless lines end in tags."""
    if not raw or _LINE_TAG.search(text):
        text, lines = _LINE_TAG.subn("\n", text)
        text, others = _OTHER_TAG.subn("", text)
        if lines or others:
            text = text.strip()  # the last paragraph's end is no line of the text
    text = _ENTITY.sub(lambda found: html.unescape(found.group()), text)
    return text.replace("\r\n", "\n").replace("\N{NO-BREAK SPACE}", " ")
