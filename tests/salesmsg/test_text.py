"""Segments at their borders, and HTML made plain."""

import time

import pytest

from integrations.salesmsg.text import (
    breaks,
    causes,
    plain,
    segments,
    sentence,
    typed_plainly,
)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "count", "per", "left"),
    [
        ("", "GSM-7", 0, 0, 160, 160),
        ("a", "GSM-7", 1, 1, 160, 159),
        ("a" * 160, "GSM-7", 160, 1, 160, 0),
        ("a" * 161, "GSM-7", 161, 2, 153, 145),
        ("a" * 306, "GSM-7", 306, 2, 153, 0),
        ("a" * 307, "GSM-7", 307, 3, 153, 152),
        ("€" * 80, "GSM-7", 160, 1, 160, 0),
        ("€" * 80 + "a", "GSM-7", 161, 2, 153, 153 - 9),  # 76 euros fill 152: the 77th goes over whole
        ("a" * 152 + "€" + "b" * 10, "GSM-7", 164, 2, 153, 141),  # not split over the border
        ("a" * 152 + "€" + "b" * 152, "GSM-7", 306, 3, 153, 152),  # so 306 units need a third
        ("à la carte\r\n[x]", "GSM-7", 17, 1, 160, 143),
        ("ç", "UCS-2", 1, 1, 70, 69),
        ("я" * 70, "UCS-2", 70, 1, 70, 0),
        ("я" * 71, "UCS-2", 71, 2, 67, 63),
        ("я" * 134, "UCS-2", 134, 2, 67, 0),
        ("я" * 135, "UCS-2", 135, 3, 67, 66),
        ("😀" * 35, "UCS-2", 70, 1, 70, 0),
        ("😀" * 36, "UCS-2", 72, 2, 67, 67 - 6),  # 33 fill 66, a pair is not split
        ("a" * 66 + "😀" + "b" * 66, "UCS-2", 134, 3, 67, 66),
        ("’", "UCS-2", 1, 1, 70, 69),
    ],
)
def test_segments(text, encoding, units, count, per, left):
    found = segments(text)
    assert (found.encoding, found.units, found.segments, found.per_segment, found.left) == (
        encoding,
        units,
        count,
        per,
        left,
    )
    assert found.characters == len(text)


def test_the_whole_alphabet_is_gsm7():
    basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    basic += "abcdefghijklmnopqrstuvwxyzäöñüà"
    assert len(set(basic)) == 127
    assert (segments(basic).encoding, segments(basic).units) == ("GSM-7", 127)
    assert (segments("^{}\\[~]|€\f").encoding, segments("^{}\\[~]|€\f").units) == ("GSM-7", 20)
    for odd in "`\tÁáâЖ\N{NO-BREAK SPACE}“–…":
        assert segments(odd).encoding == "UCS-2", odd


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "<3 you",
        "if x<y>z then",
        "<you> and <Dana Reyes>",
        "AT&T & co",
        "https://x.test/?a=1&copy=2&lt=3",
        "&nbsp without its end",
        "  kept blanks \n\n and lines \n",
        "5 < 6 <b",
        "&#xyz; &;",
        "<bread> <Brian> <please> <input>",
        "😀",
        "",
    ],
)
def test_plain_text_stays(text):
    assert plain(text) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Yes, 10 works<br>I&#039;ll bring this", "Yes, 10 works\nI'll bring this"),
        ("a<br/>b<BR />c", "a\nb\nc"),
        ("a<br />\nb<br>\r\nc", "a\nb\nc"),
        ("a<br><br>b", "a\n\nb"),
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("<p>One</p>\n<p class='x'>Two</p>", "One\nTwo"),
        ('<div><b>Bold</b> and <a href="https://x.test/?a=1" target=_blank>link</a></div>', "Bold and link"),
        ("a&nbsp;b\N{NO-BREAK SPACE}c", "a b c"),
        ("Tom &amp; Dana", "Tom & Dana"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),  # decoded once
        ("&lt;br&gt; is a tag", "<br> is a tag"),  # decoded after the tags went
        ("&#128512; &#x1F600; &hearts;", "😀 😀 ♥"),
        ("a < b<br>c > d", "a < b\nc > d"),
        ("a\r\nb", "a\nb"),
    ],
)
def test_html_becomes_plain(html, text):
    assert plain(html) == text


def test_plain_is_fast_on_nasty_input():
    started = time.thread_time()
    for nasty in (
        "<" * 20_000,
        "<a " * 7_000,
        "<a" + " b" * 10_000,
        "&" * 20_000,
        " " * 20_000,
        "<a b=" + "'" * 10_000,
    ):
        plain(nasty)
    assert time.thread_time() - started < 1


@pytest.mark.parametrize(
    ("address", "pieces"),
    [
        ("", []),
        ("ana.gomez@example.com", ["ana.", "gomez@", "example.", "com"]),
        ("plain", ["plain"]),
        ("odd..dots.", ["odd.", ".", "dots."]),
    ],
)
def test_an_address_breaks_after_its_signs(address, pieces):
    assert breaks(address) == pieces
    assert "".join(breaks(address)) == address


@pytest.mark.parametrize(
    ("text", "told"), [("Token not found", "Token not found."), ("Why?", "Why?"), ("Done. ", "Done."), (" ", "")]
)
def test_words_of_the_vendor_get_a_full_stop(text, told):
    assert sentence(text) == told


def test_what_makes_a_text_unicode():
    assert causes("é €[ç] – ç…") == ["ç", "–", "…"]
    assert causes("Plain") == []


def test_typographic_signs_typed_plainly():
    assert typed_plainly("“It’s – well…” «a»\u00a0b\u200b • ™ ç 😀") == '"It\'s - well..." "a" b * (TM) ç 😀'
