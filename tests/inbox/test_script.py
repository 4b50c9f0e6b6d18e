"""The counter of the composer counts as the server does."""

import random
from pathlib import Path

import pytest
from django.conf import settings

from integrations.salesmsg.text import segments

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
