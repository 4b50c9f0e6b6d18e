"""Placeholders: the spellings that are recognised, by the server and by the browser, and what is never sent."""

import json
from pathlib import Path

import pytest
from django.conf import settings

from integrations.failures import Code
from integrations.models import Contact
from integrations.outbox import merge_fields
from integrations.outbox.placeholders import find_placeholders, tables
from integrations.salesmsg.text import visible_text

TEXTS = json.loads(Path(__file__).with_name("placeholder_texts.json").read_text("utf-8"))
CUSTOM = ["plan"]


@pytest.mark.parametrize(("text", "fields"), TEXTS["placeholders"].items())
def test_recognised(text, fields):
    assert [one.field for one in find_placeholders(text, CUSTOM)] == fields


@pytest.mark.parametrize("text", TEXTS["ordinary"])
def test_ordinary_texts_are_left_alone(text):
    assert find_placeholders(text, CUSTOM) == []


def test_there_are_enough_texts():
    assert len(TEXTS["placeholders"]) >= 60 and len(TEXTS["ordinary"]) >= 60


@pytest.mark.browser
def test_the_browser_recognises_the_same(chromium):
    texts = [*TEXTS["placeholders"], *TEXTS["ordinary"]]
    page = chromium.new_page()
    try:
        page.add_script_tag(content=Path(settings.BASE_DIR, "static/inbox/placeholders.js").read_text("utf-8"))
        table = page.evaluate("portalPlaceholders.tables")
        found = page.evaluate(
            "([texts, custom]) => texts.map((text) => portalPlaceholders(text, custom))", [texts, CUSTOM]
        )
    finally:
        page.close()
    assert table == json.loads(json.dumps(tables()))
    for text, in_browser in zip(texts, found, strict=True):
        own = [(one.text, one.field) for one in find_placeholders(text, CUSTOM)]
        assert [(one["text"], one["field"]) for one in in_browser] == own, text


@pytest.mark.parametrize("sign", ["{", "[", "<", "%", "*|", "{{a", "((a ", "__a", "@a", "{a b ", "a ", "{{default: "])
def test_a_long_text_of_signs_has_none(sign):
    assert find_placeholders(sign * (1600 // len(sign))) == []


DANA = {"first_name": "Dana", "last_name": "Reyes", "phone": "+13055550142"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Hi {{contact.first_name}}!", "Hi Dana!"),
        ("Hi [First Name], ${last_name}: %phone%", "Hi Dana, Reyes: (305) 555-0142"),
        ('{{ email | default: "no email" }}', "no email"),
        ("*|EMAIL:none|* {email|nil}", "none nil"),
        ("{{contact.plan}}, {field:plan}, {field:seats|no} seats", "Gold, Gold, no seats"),
        ("{email} {order} [Your Name]", "{email} {order} [Your Name]"),
    ],
)
def test_filled_in_for_a_contact(text, filled):
    who = Contact(**DANA, custom_fields=[{"field_key": "plan", "value": "Gold"}])
    assert merge_fields.fill_fields(text, who) == filled


@pytest.mark.parametrize(
    ("text", "converted"),
    [
        ("Hi {{contact.first_name}}!", "Hi {first_name}!"),
        ('Hi {{ name | default: "you" }}', "Hi {full_name|you}"),
        ("[Plan] {{plan}} %FIRSTNAME%", "[Plan] {field:plan} {first_name}"),
        ("{first_name|there} {order}", "{first_name|there} {order}"),
    ],
)
def test_converted_for_a_template(text, converted):
    assert merge_fields.convert_to_fields(text, CUSTOM) == converted
    assert bool(merge_fields.convert_offer(text, CUSTOM)) is (text != converted)


@pytest.mark.parametrize(
    ("text", "code", "offer"),
    [
        ("Hi Dana", "", ""),
        ("Hi {{name}}", Code.FIELD_NOT_FILLED_IN, "Replace with “Dana Reyes”"),
        ("Hi [First Name] [Last Name]", Code.FIELD_NOT_FILLED_IN, "Fill in the contact’s details"),
        ("Write to {email}", Code.FIELD_EMPTY, ""),
        ("Your {field:plan}", Code.FIELD_EMPTY, ""),
        ("Your {order}", Code.FIELD_NOT_FILLED_IN, ""),
    ],
)
def test_what_is_said_and_offered(text, code, offer):
    who = Contact(**DANA)
    assert merge_fields.fields_reason(text, who).code == code
    assert merge_fields.fill_offer(text, who) == offer


# --- Names that nobody sees ------------------------------------------------------------------------------------------

INVISIBLE = [" ", "\u00a0", "\u200b", "\u200d\u200c", "\u202e", "\u2066\u2069", "\ufeff", "\u3164", "\u115f\u1160"]
INVISIBLE += ["\uffa0", "\u2800", "\u0301", "\ufe0f", "\x00\x07", "\u00ad", "\u3000", "\U000e0041", " \u200b\n\u3164 "]


@pytest.mark.parametrize("blank", INVISIBLE)
def test_an_invisible_name_is_empty(blank):
    assert visible_text(blank) == ""
    who = Contact(first_name=blank, last_name=blank, full_name=blank, phone="+13055550142")
    assert who.name == "+13055550142"
    assert merge_fields.fill_fields("Hi {first_name|there}, {full_name|you}", who) == "Hi there, you"
    assert merge_fields.fields_reason("{first_name}", who).code == Code.FIELD_EMPTY
    with pytest.raises(merge_fields.EmptyField):
        merge_fields.Template("{first_name}").fill(who)
    assert Contact(first_name=blank, last_name="Reyes").name == "Reyes"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u202eDana\u200b", "Dana"),
        (" Ana\u00a0 Mar\u00eda ", "Ana Mar\u00eda"),
        ("Jose\u0301", "Jose\u0301"),
        ("👩‍⚕️", "👩‍⚕️"),
        ("می‌خواهم", "می‌خواهم"),
        ("!", "!"),
    ],
)
def test_a_name_that_shows_is_kept(name, shown):
    assert visible_text(name) == shown
