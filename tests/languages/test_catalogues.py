"""The catalogues hold all that the sources say, wholly translated, and the compiled ones say the same."""

import ast
import gettext
import re
from html.parser import HTMLParser

import pytest
from django.contrib import admin

from integrations.nouns import NOUNS
from integrations.sentences import SENTENCES

from .catalogue import DOMAINS, LANGUAGES, PLACES, ROOT, entries, path_of, said

BOTH = [(language, domain) for language in LANGUAGES for domain in DOMAINS]


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_text_of_the_sources_is_in_the_catalogue(domain):
    for language in LANGUAGES:
        known = {entry.key for entry in entries(path_of(language, domain))}
        missing = {key: name for key, name in said(domain).items() if key not in known}
        assert not missing, f"run `make messages`, then translate: {missing}"


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_catalogue_holds_nothing_that_nobody_says(domain):
    for language in LANGUAGES:
        assert not {entry.key for entry in entries(path_of(language, domain))} - set(said(domain))


@pytest.mark.parametrize(("language", "domain"), BOTH)
def test_everything_is_translated(language, domain):
    found = entries(path_of(language, domain))
    assert found
    for entry in found:
        assert not entry.fuzzy, entry.key
        assert len(entry.texts) == (2 if entry.key.plural else 1), entry.key
        assert all(text.strip() for text in entry.texts), entry.key


@pytest.mark.parametrize(("language", "domain"), BOTH)
def test_placeholders_and_markup_agree(language, domain):
    for entry in entries(path_of(language, domain)):
        for text, msgid in zip(entry.texts, [entry.key.msgid, entry.key.plural], strict=False):
            assert sorted(PLACES.findall(text)) == sorted(PLACES.findall(msgid)), (msgid, text)
            assert _tags(text) == _tags(msgid), (msgid, text)
            assert re.findall(r"`[^`]+`", text) == re.findall(r"`[^`]+`", msgid), (msgid, text)
            assert "  " not in text and text.strip(" ") == text, (msgid, text)


@pytest.mark.parametrize(("language", "domain"), BOTH)
def test_the_compiled_catalogue_says_the_same(language, domain):
    with path_of(language, domain, "mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    written = {}
    for entry in entries(path_of(language, domain)):
        msgid = f"{entry.key.context}\x04{entry.key.msgid}" if entry.key.context else entry.key.msgid
        if entry.key.plural:
            written |= {(msgid, place): text for place, text in enumerate(entry.texts)}
        else:
            written[msgid] = entry.texts[0]
    assert {key: text for key, text in compiled._catalog.items() if key} == written, "run `make messages`"


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, tuple(sorted(attrs))))

    def handle_endtag(self, tag):
        self.found.append((f"/{tag}", ()))


def _tags(text: str) -> list:
    parser = _Tags()
    parser.feed(text)
    return sorted(parser.found)


# --- Sentences that are stored ---------------------------------------------------------------------------------------

WRITERS = ("salesmsg", "contacts", "outbox", "bulk", "sync", "webhooks", "attachments", "models")
FLAT = ("gateway.py", "tokens.py", "budget.py", "crypto.py")


def _written() -> list[str]:
    """What the writers' rooms write, with a NUL for whatever is filled in."""
    found = []
    paths = [path for room in WRITERS for path in (ROOT / "integrations" / room).rglob("*.py")]
    for path in paths + [ROOT / "integrations" / name for name in FLAT]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def test_every_sentence_is_still_written_somewhere():
    text = "\n".join(_written())
    names = {"first name", "last name", "full name", "phone", "email", "It gave no reason."}  # filled in; on a page
    lost = []
    for sentence in SENTENCES:
        shape = re.sub(r"%\(\w+\)s", "\0", sentence)
        # Some are made of two parts: "… could not be checked" and what it was; or end in "(GET /user)." instead of ".".
        parts = [shape, shape.removesuffix("."), shape.removesuffix(": \0"), shape.removeprefix("\0")]
        parts.append(re.sub(r"^Conversation \0 |\.$", "", shape))
        if sentence not in names and not any(part and part in text for part in parts):
            lost.append(sentence)
    assert not lost


# --- Nouns of the admin ----------------------------------------------------------------------------------------------


def _flat(names):
    for name in names:
        if isinstance(name, (list, tuple)):
            yield from _flat(name)
        elif isinstance(name, str):
            yield name


def test_the_admin_shows_no_name_that_is_not_looked_up():
    shown = set()
    for model, page in admin.site._registry.items():
        if model._meta.app_label != "integrations":
            continue
        shown |= {model._meta.verbose_name, model._meta.verbose_name_plural}
        inside = [options["fields"] for _, options in page.fieldsets or ()] + [page.fields or ()]
        for name in _flat([page.list_display, page.list_filter, page.readonly_fields, *inside]):
            shown |= _verbose(model, name)
        for inline in page.inlines:
            shown |= {name for field in _flat(inline.fields or ()) for name in _verbose(inline.model, field)}
    strange = {str(name) for name in shown} - set(NOUNS) - {"Salesmsg id"}
    assert not strange


def _verbose(model, name: str) -> set:
    fields = {field.name: field for field in model._meta.fields}
    return {fields[name].verbose_name} if name in fields else set()
