"""The counter of the composer counts as the server does, and says the same of what a text costs."""

import random
from pathlib import Path

import pytest
from django.conf import settings

from integrations.salesmsg.text import segments, typed_plainly
from integrations.templatetags.composer import cost
from salesmsg_portal import words

ALPHABET = "abc @€[]{}😀é\nЖç^~|\f\u200d👩‍👩‍👧"


@pytest.mark.browser
def test_segments_are_counted_as_on_the_server(chromium):
    texts = ["", "a" * 160, "a" * 161, "€" * 80, "€" * 81, "😀" * 35, "😀" * 36, "Ж" * 70, "Ж" * 71]
    for seed in range(200):
        dice = random.Random(seed)
        letters = ALPHABET if seed % 2 else "abc€{}[é\n"
        texts.append("".join(dice.choice(letters) for _ in range(dice.randint(0, 400))))
    page = chromium.new_page()
    try:
        page.add_script_tag(content=Path(settings.BASE_DIR, "static/portal/inbox.js").read_text())
        counted = page.evaluate("texts => texts.map((text) => portalSegments(text))", texts)
    finally:
        page.close()
    for text, found in zip(texts, counted, strict=True):
        own = segments(text)
        assert (found["characters"], found["segments"], found["left"]) == (own.characters, own.segments, own.left), text


TYPED = "abc é€ç‘’“”–—…•™👍❤️\u00a0\u200b\u0301\t«»×"


@pytest.mark.browser
def test_what_a_text_costs_is_said_as_on_the_server(chromium, client):
    texts = ["", "a" * 459, "a" * 460, "ç", "“Hi” – see you…", "❤️", "ç" * 71, "a\r\nb…", "  ç  "]
    for seed in range(100):
        dice = random.Random(seed)
        texts.append("x" + "".join(dice.choice(TYPED) for _ in range(dice.randint(0, 300))) + "x")
    page = chromium.new_page()
    try:
        page.add_script_tag(content=client.get(words.address("en")).content.decode())
        for script in ("portal/inbox.js", "inbox/cost.js"):
            page.add_script_tag(content=Path(settings.BASE_DIR, "static", script).read_text())
        found = page.evaluate("texts => texts.map((text) => [portalCost(text), portalPlainly(text)])", texts)
    finally:
        page.close()
    for text, (said, plain) in zip(texts, found, strict=True):
        own = cost(text)
        assert (said["text"], said["much"], plain) == (own.text, own.much, typed_plainly(text)), text


def test_what_a_text_costs_is_explained():
    assert cost("Plain") == cost(None) == cost("x" * 459)
    assert cost("x" * 460).text == "This text uses 4 segments." and cost("x" * 460).much
    said = "Unicode: 70 characters per segment instead of 160, because of"
    assert cost("ça va – oui…").text == f"{said} ç – …"
    assert cost("ça va – oui… ’").text == f"{said} ç – … and others"
    assert cost("a\u00a0b" + "c" * 70).text == "Unicode: 67 characters per segment instead of 153, because of U+00A0"
