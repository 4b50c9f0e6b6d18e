"""Phone numbers: fictional ranges, formatting and validation.

Reserved: NANP 555-0100 to 0199, Ofcom 07700 900xxx, ACMA 0491 570 xxx, ARCEP 06 39 98 xx xx,
Bundesnetzagentur 0171 39200xx, PTS 070-174 06 05 to 99.
"""

import re

CANADA = (416, 604, 514, 403, 613, 902, 204, 306, 506, 709, 250, 780, 905, 519, 418, 450, 819, 647, 778, 587)
STATES = (
    *(305, 212, 646, 718, 202, 206, 213, 214, 303, 312, 313, 404, 407, 408, 412, 415, 480, 502, 503, 504, 505, 512),
    *(513, 515, 602, 603, 612, 614, 615, 617, 619, 651, 702, 704, 713, 716, 720, 727, 801, 802, 803, 804, 808, 813),
    *(816, 828, 832, 843, 860, 901, 904, 907, 916, 919, 937, 941, 954, 972),
)
CALLING_CODES = {"US": "1", "CA": "1", "GB": "44", "AU": "61", "FR": "33", "DE": "49", "SE": "46"}
POOLS = {"GB": 1000, "AU": 1000, "FR": 10000, "DE": 100, "SE": 95}

_ANY = re.compile(r"\+[1-9]\d{7,14}")
_NANP = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}")


def nth(country: str, n: int) -> str:
    """Return a country's ``n``-th fictional number, or a US number if its pool is used up."""
    if country in POOLS and n >= POOLS[country]:
        country = "US"
        n += 3000
    match country:
        case "GB":
            return f"+447700900{(n * 37 + 123) % 1000:03d}"
        case "AU":
            return f"+61491570{(n * 61 + 6) % 1000:03d}"
        case "FR":
            return f"+3363998{(n * 71 + 17) % 10000:04d}"
        case "DE":
            return f"+4917139200{(n * 7 + 31) % 100:02d}"
        case "SE":
            return f"+467017406{5 + (n * 13) % 95:02d}"
    areas = CANADA if country == "CA" else STATES
    return f"+1{areas[n % len(areas)]}555{101 + n // len(areas):04d}"


def is_possible(number: str) -> bool:
    """Whether a number is valid E.164 and, for +1, valid in the North American plan."""
    return bool((_NANP if number.startswith("+1") else _ANY).fullmatch(number))


def normalise(text: str) -> str:
    """Convert typed text to E.164. Ten digits are a North American number, as in the vendor's app."""
    digits = re.sub(r"\D", "", text)
    if text.strip().startswith("+"):
        return "+" + digits
    if len(digits) == 10:
        return "+1" + digits
    return "+" + digits


def country_of(number: str) -> str | None:
    if number.startswith("+1"):
        return "CA" if number[2:5].isdigit() and int(number[2:5]) in CANADA else "US"
    return next((c for c, code in CALLING_CODES.items() if code != "1" and number.startswith("+" + code)), None)


def national(number: str) -> str:
    code = CALLING_CODES.get(country_of(number) or "", "")
    return number[1 + len(code) :]


def formatted(number: str) -> str:
    """Return the national format (section 8), or the number itself if the country is unknown."""
    rest = national(number)
    country = country_of(number)
    if country in ("US", "CA") and len(rest) == 10:
        return f"({rest[:3]}) {rest[3:6]}-{rest[6:]}"
    if country == "GB" and len(rest) == 10:
        return f"0{rest[:4]} {rest[4:]}"
    if country == "AU" and len(rest) == 9:
        return f"0{rest[:3]} {rest[3:6]} {rest[6:]}"
    if country == "FR" and len(rest) == 9:
        return "0" + rest[0] + " " + " ".join(rest[i : i + 2] for i in range(1, 9, 2))
    if country == "DE" and len(rest) > 6:
        return f"0{rest[:3]} {rest[3:]}"
    if country == "SE" and len(rest) == 9:
        return f"0{rest[:2]}-{rest[2:5]} {rest[5:7]} {rest[7:]}"
    return number
