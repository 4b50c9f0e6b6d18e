"""The catalogues hold all that the sources say, wholly translated, and the compiled ones say the same."""

import gettext
import re
from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.utils.functional import Promise

from .catalogue import DOMAINS, LANGUAGES, PLACES, entries, path_of, said

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


# --- Names in the admin ----------------------------------------------------------------------------------------------


def _flat(names):
    for name in names:
        if isinstance(name, (list, tuple)):
            yield from _flat(name)
        elif isinstance(name, str):
            yield name


def test_every_name_that_the_admin_shows_is_given_by_the_model():
    """Django makes a name of the code's own where a model gives none, and that stays English."""
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
    assert shown
    assert not {name for name in shown if not isinstance(name, Promise)}


def _verbose(model, name: str) -> set:
    fields = {field.name: field for field in model._meta.fields}
    return {fields[name].verbose_name} if name in fields else set()
