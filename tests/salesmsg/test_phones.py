"""Phone numbers as people type and paste them."""

import pytest

from integrations.salesmsg.phones import (
    PhoneError,
    clean,
    find_in,
    international,
    might_be,
    national,
    phone_of_record,
    possible,
    read,
    region_of,
    region_of_zone,
    search_digits,
)

US, GB, FR, DE = ["US"], ["GB"], ["FR"], ["DE"]
RLE, PDF, LRM, ZWSP = "\u202a", "\u202c", "\u200e", "\u200b"

# Every spelling of one number that people type or paste; `tests/inbox/test_numbers.py` tries each on every page.
SPELLINGS = {
    "E.164": "+13055550142",
    "national": "(305) 555-0142",
    "with a leading 1": "1-305-555-0142",
    "dots": "305.555.0142",
    "slashes": "305/555/0142",
    "no-break spaces": "305\u00a0555\u00a00142",
    "dashes of a word processor": "305–555‑0142",
    "direction marks": f"{RLE}+1 305-555-0142{PDF}",
    "invisible characters": f"{LRM}305{ZWSP}555 0142",
    "full-width digits": "＋１（３０５）５５５−０１４２",
    "Arabic digits": "٣٠٥ ٥٥٥ ٠١٤٢",
    "tel:": "tel:+1-305-555-0142",
    "tel: with a context": "tel:305-555-0142;phone-context=+1",
    "011": "011 1 305 555 0142",
    "011 without spaces": "01113055550142",
    "00": "00 1 (305) 555-0142",
    "inside a text": "Dana Reyes, cell: (305) 555-0142 (evenings)",
}


@pytest.mark.parametrize("given", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_is_one_number(given):
    assert read(given, US) == "+13055550142"
    assert find_in(given, US) == ["+13055550142"]
    assert "13055550142".endswith(search_digits(given))
    assert len(search_digits(given)) >= 10


@pytest.mark.parametrize(
    ("given", "regions", "e164"),
    [
        (" +1 305 555 0142 ", GB, "+13055550142"),
        ("020 7946 0000", GB, "+442079460000"),
        ("+44 20 7946 0000", US, "+442079460000"),
        ("+44 (0)20 7946 0000", US, "+442079460000"),
        ("(0)20 7946 0000", GB, "+442079460000"),
        ("011 44 20 7946 0000", US, "+442079460000"),
        ("0113 496 0000", GB, "+441134960000"),  # Leeds, not 011
        ("06 39 98 12 34", FR, "+33639981234"),  # reserved for fiction
        ("07700 900555", GB, "+447700900555"),  # reserved for fiction
        ("+39 06 6988 3873", US, "+390669883873"),
        ("1-800-FLOWERS", US, "+18003569377"),
        ("020 7946 0000", ["US", "GB"], "+442079460000"),
        ("(305) 555-0142", ["GB", "US"], "+13055550142"),
        ("416 555 0142", ["CA", "US"], "+14165550142"),  # one number in both
    ],
)
def test_regions(given, regions, e164):
    assert read(given, regions) == e164
    assert read(e164, US) == e164


@pytest.mark.parametrize(
    ("given", "regions", "code"),
    [
        ("", US, "phone_missing"),
        (f" {LRM} ", US, "phone_missing"),
        ("Dana", US, "phone_invalid"),
        ("+999 305 555 0142", US, "phone_invalid"),
        ("305 555", US, "phone_too_short"),
        ("24365", US, "phone_short_code"),
        ("555 0142", US, "phone_without_area"),
        ("305 555 0142 00", US, "phone_too_long"),
        ("305 555 0142 ext 5", US, "phone_extension"),
        ("tel:+13055550142;ext=5", US, "phone_extension"),
        ("000-000-0000", US, "phone_invalid_area"),
        ("123 456 7890", US, "phone_invalid_area"),
        ("06 39 98 12 34", US, "phone_invalid_area"),
        ("305 055 0142", US, "phone_invalid_area"),
        ("305 911 2345", US, "phone_invalid_area"),
        ("911 555 0142", US, "phone_invalid_area"),
        ("555 555 0142", US, "phone_not_assigned"),
        ("+44 7700 123456789", US, "phone_too_long"),
        ("0171 3920012", GB, "phone_not_assigned"),
        ("900 555 0142", US, "phone_premium"),
        ("(305) 555-0142", GB, "phone_without_prefix"),
    ],
)
def test_refused(given, regions, code):
    with pytest.raises(PhoneError) as refused:
        read(given, regions)
    assert refused.value.code == code


def test_the_country_of_a_number_that_is_not_assigned():
    for given, regions, country in [("555 555 0142", US, "US"), ("+44 171 392 0012", US, "GB")]:
        with pytest.raises(PhoneError) as refused:
            read(given, regions)
        assert refused.value.params == {"country": country}


@pytest.mark.parametrize(
    ("given", "regions", "code", "choices"),
    [
        ("030 1234567", ["DE", "SE"], "phone_ambiguous", ["+49301234567", "+46301234567"]),
        ("call 030 1234567 now", ["DE", "SE"], "phone_ambiguous", ["+49301234567", "+46301234567"]),
        ("305 555 0142, 212 555 0142", US, "phone_several", ["+13055550142", "+12125550142"]),
        ("305 555 0142\n212 555 0142", US, "phone_several", ["+13055550142", "+12125550142"]),
        ("20 7946 0000", GB, "phone_without_prefix", ["+442079460000"]),
    ],
)
def test_a_choice(given, regions, code, choices):
    with pytest.raises(PhoneError) as refused:
        read(given, regions)
    assert (refused.value.code, refused.value.choices) == (code, choices)


def test_in_a_text():
    text = "On 2026-12-01 call (305) 555-0142 or +44 20 7946 0000, not 305 555 0142 ext. 7; order 4711-0815."
    assert find_in(text, US) == ["+13055550142", "+442079460000"]
    assert find_in("nothing here", US) == []


def test_what_a_lookup_also_finds():
    assert might_be("555 555 0142", US) == ["+15555550142"]  # refused for a text, but a contact may have it
    assert might_be("Dana", US) == []


@pytest.mark.parametrize(
    ("given", "digits"),
    [("0142", "142"), ("+44 (0)20", "4420"), ("020 7946", "207946"), ("12", ""), ("Dana", ""), ("000", "")],
)
def test_digits_of_a_search(given, digits):
    assert search_digits(given) == digits


def test_clean():
    assert clean("tel:+1-305-555-0142;ext=5") == "+1-305-555-0142 ext. 5"
    assert clean("sms:+13055550142?body=Hi") == "+13055550142"
    assert clean("Dana · 305") == "Dana . 305"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("+13055550142", "+13055550142"),
        ("3055550142", "+13055550142"),
        (13055550142, "+13055550142"),
        ("(305) 555-0142", "+13055550142"),
        ("24365", "24365"),
        ("", ""),
        (None, ""),
        ({"id": 1}, ""),
        (True, ""),
    ],
)
def test_phone_of_record(given, kept):
    assert phone_of_record(given) == kept


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("+13055550142", "(305) 555-0142"),
        ("+442079460000", "+44 20 7946 0000"),
        ("24365", "24365"),
        ("", ""),
    ],
)
def test_national(given, shown):
    assert national(given) == shown


def test_known_numbers():
    assert possible("+15555550142") == "+15555550142"  # never refused when the vendor has it
    assert possible("24365") == ""
    assert international("+13055550142") == "+1 305 555 0142"
    assert international("24365") == "24365"
    assert [region_of(number) for number in ("+14165550142", "+447700900555", "+80012345678", "x")] == [
        "CA", "GB", "", "",
    ]  # fmt: skip
    assert region_of_zone("Europe/Berlin") in ("DE", "")  # "" where the machine has no zone.tab
    assert region_of_zone("Mars/Olympus") == ""
