"""Phone numbers: what people type or paste, read into E.164 ("+13055550142") or refused with a code.

Every way to give a number reads it here: forms, commands, searches and bulk texts. A number without a country code is
read in the countries that the caller names. The vendor's own values are kept as they are (`phone_of_record`).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import TZPATH

import phonenumbers
from phonenumbers import Leniency, PhoneNumber, PhoneNumberMatcher, PhoneNumberType
from phonenumbers import timezone as phone_zones

LONGEST = 200  # characters of an input: a number may be pasted with the text around it
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SCHEME = re.compile(r"^(?:tel|sms|smsto|callto):(?://)?", re.IGNORECASE)
_CONTEXT = re.compile(r";phone-context=(\+\d+)", re.IGNORECASE)
_EXTENSION = re.compile(r";ext=(\d+)", re.IGNORECASE)
_PARAMETERS = re.compile(r"[;?].*", re.DOTALL)
# "+44 (0)20": the 0 is not dialled from abroad, except in Italy and its neighbours.
_TRUNK_ZERO = re.compile(r"^(\+(?!39|378|379)[\d ]{1,4})\(0\)")
_ABROAD = re.compile(r"^00[\s.()/-]*(?=[1-9])")  # dialled in most countries
_ABROAD_NANP = re.compile(r"^011(?:[\s.()/-]+(?=[1-9])|(?=(?:\D*\d){10}))")  # "0113 496 0000" is a number in Leeds
_PHONE_ONLY = re.compile(r"[+\d\s()./-]+")
_NANP = re.compile(r"(?!.11|...?.11)[2-9]\d\d[2-9]\d{6}")
# Ranges that regulators reserve for fiction, so never assigned. Examples, tests and the sandbox use them.
_FICTION = re.compile(r"\+(?:447700900\d{3}|33(?:19900|26191|35301|46571|53649|63998)\d{4})")
SHORTEST_SEARCH = 3  # digits


class PhoneError(ValueError):
    """The input is not a phone number that can receive texts.

    `code` says why and `params` are its parameters (messages: `failures.Code`). `choices`: the numbers it may stand
    for, in E.164, when a person has to choose.
    """

    def __init__(self, code: str, **params: Any):
        super().__init__(code)
        self.code = code
        self.params = params

    @property
    def choices(self) -> list[str]:
        return list(self.params.get("choices", ()))


def clean(text: str) -> str:
    """Return the number as it would be typed: plain digits and signs, with "+" for an international prefix.

    Removes invisible marks and a scheme such as `tel:`; keeps an extension as "ext. 5". Other words stay.
    """
    text = "".join(_plain(char) for char in unicodedata.normalize("NFKC", text))
    # Lines and cells are apart, so that two numbers do not become one.
    text = ", ".join(line for part in re.split(r"[\n\t]", text) if (line := " ".join(part.split())))
    if _SCHEME.match(text):
        text = _SCHEME.sub("", text)
        extension = _EXTENSION.search(text)
        context = _CONTEXT.search(text)
        text = _PARAMETERS.sub("", text).replace("%20", " ").replace("%2B", "+").replace("%2b", "+")
        if context and not text.startswith("+"):
            text = f"{context[1]} {text}"
        if extension:
            text = f"{text} ext. {extension[1]}"
    text = re.sub(r"^\+\s+", "+", text)
    if _ABROAD.match(text):
        text = "+" + _ABROAD.sub("", text)
    elif _ABROAD_NANP.match(text) and _is_valid("+" + _ABROAD_NANP.sub("", text)):
        text = "+" + _ABROAD_NANP.sub("", text)
    text = _TRUNK_ZERO.sub(r"\1 ", text)
    return text.replace("(0)", "0")


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Pd" or char == "\N{MINUS SIGN}":
        return "-"
    if category == "Cf":  # direction marks, zero-width characters, soft hyphens
        return ""
    if category == "Cc":
        return char if char in "\n\t" else " "
    return "." if char in "·•" else char


def read(text: str, regions: Sequence[str]) -> str:
    """Read a typed or pasted number into E.164. Raises PhoneError.

    regions: the countries of a number without a country code, likeliest first, as "US". The number may stand in a
    text, if it is the only one there.
    """
    typed = clean(text)
    if not typed:
        raise PhoneError("phone_missing")
    refused: PhoneError | None = None
    if _PHONE_ONLY.fullmatch(typed):
        try:
            return _read_alone(typed, regions)
        except PhoneError as error:
            if error.code != "phone_too_long":
                raise
            refused = error
    found = _spans(typed, regions)
    numbers = _distinct(number for readings in found for number in readings)
    if len(numbers) == 1:
        return numbers[0]
    if numbers:
        raise PhoneError("phone_ambiguous" if len(found) == 1 else "phone_several", choices=numbers)
    if refused:
        raise refused
    return _read_alone(typed, regions)  # letters that stand for digits, or an extension


def _read_alone(typed: str, regions: Sequence[str]) -> str:
    certain: list[str] = []
    unsure: list[str] = []
    refused: list[PhoneError] = []
    for region in regions:
        try:
            number = _parse(typed, region)
            _check(number, region)
        except PhoneError as error:
            refused.append(error)
        else:
            (certain if _written_in_full(number, typed) else unsure).append(_e164(number))
    numbers = _distinct(certain)
    if len(numbers) == 1:
        return numbers[0]
    if numbers:
        raise PhoneError("phone_ambiguous", choices=numbers)
    if (refused and refused[0].code != "phone_too_long") or not unsure:
        raise refused[0] if refused else PhoneError("phone_invalid")
    raise PhoneError("phone_without_prefix", choices=_distinct(unsure))


def _parse(typed: str, region: str | None) -> PhoneNumber:
    """Parse, and check the length. Raises PhoneError."""
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException as error:
        too_long = error.error_type == phonenumbers.NumberParseException.TOO_LONG
        raise PhoneError("phone_too_long" if too_long else "phone_invalid") from None
    if number.extension:
        raise PhoneError("phone_extension")
    match phonenumbers.is_possible_number_with_reason(number):
        case phonenumbers.ValidationResult.IS_POSSIBLE:
            return number
        case phonenumbers.ValidationResult.TOO_LONG:
            raise PhoneError("phone_too_long")
        case phonenumbers.ValidationResult.TOO_SHORT:
            raise PhoneError("phone_short_code" if _is_short_code(typed, region) else "phone_too_short")
        case phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise PhoneError("phone_without_area")
        case _:
            raise PhoneError("phone_impossible")


def _is_short_code(typed: str, region: str | None) -> bool:
    """Whether this may be a short code: five or six digits in one group."""
    return bool(region and re.fullmatch(r"[1-9]\d{4,5}", typed))


def _check(number: PhoneNumber, region: str) -> None:
    """Check that the number can receive texts. Raises PhoneError."""
    significant = phonenumbers.national_significant_number(number)
    if number.country_code == 1 and not _NANP.fullmatch(significant):
        raise PhoneError("phone_invalid_area")
    if _FICTION.fullmatch(_e164(number)):
        return
    if not phonenumbers.is_valid_number(number):
        own = phonenumbers.country_code_for_region(region) == number.country_code
        raise PhoneError("phone_not_assigned", country=region if own else region_of(_e164(number)))
    if phonenumbers.number_type(number) == PhoneNumberType.PREMIUM_RATE:
        raise PhoneError("phone_premium")


def _written_in_full(number: PhoneNumber, typed: str) -> bool:
    """Whether the number was typed with a country code, or with all digits that its country writes."""
    national_digits = _digits(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL))
    return typed.startswith("+") or _digits(phonenumbers.convert_alpha_characters_in_number(typed)).endswith(
        national_digits
    )


def _spans(text: str, regions: Sequence[str]) -> list[list[str]]:
    """The numbers in a text: for each place, what it reads as in the regions."""
    found: dict[int, list[str]] = {}
    for region in regions:
        for match in PhoneNumberMatcher(text, region, leniency=Leniency.POSSIBLE):
            if match.number.extension:
                continue
            try:
                number = _read_alone(clean(match.raw_string), [region])
            except PhoneError:
                continue
            found.setdefault(match.start, []).append(number)
    return [_distinct(found[start]) for start in sorted(found)]


def find_in(text: str, regions: Sequence[str]) -> list[str]:
    """Return the phone numbers in a text, in E.164, each once, in order."""
    return _distinct(number for readings in _spans(clean(text), regions) for number in readings)


def might_be(text: str, regions: Sequence[str]) -> list[str]:
    """Return what a text may mean when stored numbers are looked up: also numbers that `read` refuses."""
    try:
        return [read(text, regions)]
    except PhoneError as error:
        return _distinct([*error.choices, *filter(None, (possible(text, region) for region in regions))])


def search_digits(text: str) -> str:
    """Return the digits to search for if the text is a phone number, part of one or contains one; else "".

    Leading zeros are removed: they are dialling prefixes, which E.164 lacks.
    """
    typed = clean(text)
    if not _PHONE_ONLY.fullmatch(typed):
        match = next(iter(PhoneNumberMatcher(typed, "US", leniency=Leniency.POSSIBLE)), None)
        if match is None:
            return ""
        abroad = match.raw_string.startswith("+")
        typed = _e164(match.number) if abroad else phonenumbers.national_significant_number(match.number)
    digits = _digits(typed).lstrip("0")
    return digits if len(digits) >= SHORTEST_SEARCH else ""


# --- Numbers that are known ------------------------------------------------------------------------------------------


def possible(text: str, region: str = "US") -> str:
    """Return E.164 if only the length is right, else "". Carriers open ranges faster than the library learns them."""
    try:
        return _e164(_parse(clean(text), region))
    except PhoneError:
        return ""


def phone_of_record(value: object, region: str = "US") -> str:
    """Return the vendor's `number` as E.164. Other values, such as short codes, are returned unchanged; non-text gives
    "".
    """
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return ""
    stripped = str(value).strip()
    if _E164.fullmatch(stripped):
        return stripped
    return possible(stripped, region) or stripped


def national(e164: str) -> str:
    """Format a phone number for display: "(305) 555-0142" for +1, "+44 20 7946 0000" for others; else unchanged."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(number, style.NATIONAL if number.country_code == 1 else style.INTERNATIONAL)


def international(e164: str) -> str:
    """Format a phone number with its country code: "+1 305 555 0142"; unchanged if it cannot be read."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL).replace("-", " ")


def region_of(e164: str) -> str:
    """Return the country of a number, as "US"; "" if unknown or for a number of no country."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return ""
    region = phonenumbers.region_code_for_number(number)
    if region is None and number.country_code is not None:
        region = phonenumbers.region_code_for_country_code(number.country_code)
    return region if region and is_region(region) else ""


def is_region(code: str) -> bool:
    """Whether this is the code of a country with phone numbers, as "US"."""
    return code in phonenumbers.SUPPORTED_REGIONS


def time_zones(e164: str) -> list[str]:
    """Return the IANA zones of a number by its area code: many for toll-free numbers, none if unknown."""
    try:
        zones = phone_zones.time_zones_for_number(phonenumbers.parse(e164, None))
    except phonenumbers.NumberParseException:
        return []
    return [zone for zone in zones if zone != phone_zones.UNKNOWN_TIMEZONE]


def region_of_zone(zone: str) -> str:
    """Return the country of an IANA time zone, as "US"; "" if unknown."""
    return _zone_regions().get(zone, "")


@cache
def _zone_regions() -> dict[str, str]:
    for folder in TZPATH:
        try:
            lines = Path(folder, "zone.tab").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
        return {row[2]: row[0] for row in rows if len(row) > 2}
    return {}


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_valid(typed: str) -> bool:
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(typed, None)))
    except phonenumbers.NumberParseException:
        return False


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _distinct(numbers: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(numbers))
