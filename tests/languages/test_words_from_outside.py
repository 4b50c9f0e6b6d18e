"""Words of people and of Salesmsg stay as they are in German, also those that the catalogue could translate."""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.translation import trans_real

from integrations.failures import Code, Reason
from integrations.mirror.conversation_summary import refresh_latest
from integrations.models import Change, Message
from tests import factories

from . import words
from .rows import Rows
from .test_pseudo import addresses, admin_addresses, client_of
from .threads import Threads

Page = Counter[str]


def test_every_field_that_can_hold_words_is_in_a_table():
    listed = [(model, name) for table in (words.OUTSIDE, words.OURS) for model in table for name in table[model]]
    assert sorted(listed) == sorted(words.wordy_fields())


class Overhearing:
    """The German catalogue, which keeps what was looked up in it."""

    def __init__(self, real):
        self._real, self.asked = real, set()

    def gettext(self, message: str) -> str:
        self.asked.add(message)
        return self._real.gettext(message)

    def ngettext(self, singular: str, plural: str, number) -> str:
        self.asked |= {singular, plural}
        return self._real.ngettext(singular, plural, number)

    def __getattr__(self, name: str):
        return getattr(self._real, name)


def read(client: Client, wanted: list[str]) -> dict[str, Page]:
    """Every page in the state of now; what looking at them changes is taken back."""
    cache.clear()
    found = {}
    with transaction.atomic():
        for address in wanted:
            response = client.get(address)
            assert response.status_code in (200, 404), (address, response.status_code)
            found[address] = words.runs(response.content.decode())
        transaction.set_rollback(True)
    return found


@dataclass
class Reading:
    """The pages with tokens in place of all words from outside, which shows where each field is."""

    threads: Threads
    filling: words.Filling
    client: Client
    pages: dict[str, Page]
    shown: set[int]


@pytest.fixture
def reading(db, monkeypatch) -> Reading:
    """Looks up no token in the catalogue, and meets every field."""
    rows = Rows()
    threads = Threads(rows)
    words.crowd(rows, threads)
    filling, client = words.Filling(), client_of(rows)
    wanted = [*threads.addresses(), *addresses(rows), *admin_addresses(each=3)]
    # Searches find other rows when these say something else: the test has its own.
    wanted = [address for address in dict.fromkeys(wanted) if "q=" not in address]

    filling.fill(words.token)
    german = Overhearing(trans_real.translation("de"))
    with monkeypatch.context() as patched:
        patched.setitem(trans_real._translations, "de", german)
        pages = {address: page for address, page in read(client, wanted).items() if words.shown(page)}
    assert len(german.asked) > 500
    assert not [message for message in german.asked if words.TOKEN.search(message)]
    shown = set().union(*map(words.shown, pages.values()))
    fields = {f"{model}.{name}" for model, names in words.OUTSIDE.items() for name in names}
    assert fields == {filling.slots[place].field for place in shown}
    return Reading(threads, filling, client, pages, shown)


def test_every_text_of_the_catalogue_stays_as_it_is_wherever_it_comes_from_outside(reading):
    """Reads every page once more, with words of the catalogue, which must stand where the tokens stood.

    Each word fills at least one field, and each field some words. That no other word would be translated either
    follows from the first reading, which looks up no token, and from tests/house/test_stored_words.py.
    """
    filling = reading.filling
    given = words.spread(filling.slots, reading.shown)
    assert set(words.msgids()) <= {given[place] for place in reading.shown}
    filling.fill(lambda place, _slot: given[place])
    pages = read(reading.client, list(reading.pages))
    lost = {address: words.lost(page, pages[address], given.__getitem__) for address, page in reading.pages.items()}
    assert not {address: said for address, said in lost.items() if said}

    for message in Message.objects.filter(conversation__in=reading.threads.of.values()).order_by("pk")[::20]:
        address = f"{reverse('inbox:list')}?{urlencode({'q': message.text})}"
        assert " ".join(message.text.split()) in read(reading.client, [address])[address], message.text


def test_a_translated_word_is_noticed():
    tokens = words.runs("<p title='To Zq1zq'>Zq2zq <a>Zq3zq</a></p>")
    given = {1: "Send", 2: "Call", 3: "A <b>"}
    assert words.shown(tokens) == {1, 2, 3}
    assert not words.lost(tokens, words.runs("<p title='To Send'>Call <a>A &lt;b&gt;</a></p>"), given.get)
    assert words.lost(tokens, words.runs("<p title='To Send'>Anruf <a>A &lt;b&gt;</a></p>"), given.get) == [
        "Call A <b>"
    ]
    assert words.lost(tokens, words.runs("<p title='To Senden'>Call <a>A &lt;b&gt;</a></p>"), given.get) == ["To Send"]


# --- The three that were seen ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "german"), [("Call", "Anruf"), ("Picture", "Bild")])
def test_a_customers_own_text_is_listed_as_they_wrote_it(db, text, german):
    rows = Rows()
    factories.message(rows.thread, text)
    refresh_latest(rows.thread.pk)
    page = read(client_of(rows), [reverse("inbox:list")])[reverse("inbox:list")]
    assert page[text] and not page[german]


@pytest.mark.parametrize(("kind", "german"), [("call", "Anruf"), ("mms", "Bild")])
def test_a_call_and_a_picture_are_listed_in_german(db, kind, german):
    rows = Rows()
    factories.message(rows.thread, "", kind=kind)
    refresh_latest(rows.thread.pk)
    assert read(client_of(rows), [reverse("inbox:list")])[reverse("inbox:list")][german]


@pytest.mark.parametrize("key", ["text", "label", "email", "phone", "first_name"])
def test_a_custom_field_keeps_its_own_name(db, key):
    """Salesmsg's users may name one as the portal names a field of its own."""
    rows = Rows()
    who = {"account": rows.account, "contact": rows.contacts[0], "requested_by": rows.user}
    change = Change.objects.create(kind="fields", values={key: "13055550001"}, state="done", **who)
    named = f"{key.replace('_', ' ').capitalize()} 13055550001"
    for address in (
        reverse("admin:integrations_change_change", args=[change.pk]),
        reverse("admin:integrations_contact_change", args=[rows.contacts[0].pk]),
    ):
        assert read(client_of(rows), [address])[address][named]


CARRIER = "Campaign registration expired after the start"


def test_a_carriers_reason_is_quoted_word_for_word(db):
    rows = Rows()
    Message.objects.filter(pk=rows.texts["failed"].pk).update(**Reason.from_vendor(CARRIER).columns())
    address = reverse("inbox:thread", args=[rows.thread.pk])
    said = [run for run in read(client_of(rows), [address])[address] if "Campaign" in run]
    assert said and all(f"„{CARRIER}“" in run for run in said)
    assert not [run for run in said if "nach dem Start" in run]


@pytest.mark.parametrize("code", [*Code.values, ""])
@pytest.mark.parametrize("quote", ["missing scope", "the same page twice", "scope scope:read twice, not connected"])
def test_the_vendors_words_choose_no_advice(code, quote):
    for language in ("en", "de"):
        with translation.override(language):
            said, silent = Reason(code, {}, quote), Reason(code)
            assert (said.todo(7), said.kept, said.what) == (silent.todo(7), silent.kept, silent.what)
