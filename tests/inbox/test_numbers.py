"""Every way to give a phone number reads every spelling alike; and what the page of a new conversation says of it."""

import io
import re
import uuid
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from integrations.bulk import queries as bulk_queries
from integrations.models import Change, Contact, Message, Number
from integrations.outbox import compose
from integrations.sync.contact_lookup import find_contacts
from tests import factories as f
from tests.salesmsg.test_phones import SPELLINGS

from . import pages

NUMBER = "+13055550142"
ROOMS = Path(site.BASE_DIR) / "integrations"


@pytest.fixture
def boss(db):
    return f.person("boss", superuser=True)


@pytest.fixture
def desk(boss):
    """The browser of a superuser, who may use every way."""
    client = Client()
    client.force_login(boss)
    return client


def line_of(account, inbox=None) -> str:
    return f"{account.pk}-{inbox.pk if inbox else ''}"


def begin(desk, account, typed, **values):
    data = {"client_uuid": uuid.uuid4(), "line": line_of(account), "phone": typed, "text": "Hello", **values}
    return desk.post(reverse("inbox:new"), data)


def check(desk, account, typed, **values):
    data = {"line": line_of(account), "phone": typed, **values}
    return pages.text(desk.post(reverse("inbox:check-number"), data, headers={"HX-Request": "true"}))


# --- Ways: each gives a spelling to one page or command, and returns the number that it read or found ----------------


def texted() -> str:
    return Message.objects.get().conversation.contact.phone


def by_the_form(desk, boss, account, typed):
    assert begin(desk, account, typed).status_code == 302
    return texted()


def while_typing(desk, boss, account, typed):
    return NUMBER if "Sends to +1 305 555 0142, United States." in check(desk, account, typed) else ""


def by_the_command(desk, boss, account, typed):
    call_command("send", "--account", str(account.pk), "--to", typed, "Hello", stdout=io.StringIO())
    return texted()


def in_the_panel(desk, boss, account, typed):
    contact = f.contact(account, phone="+12125550199", country="")
    conversation = f.conversation(account, contact)
    desk.post(reverse("inbox:quick", args=[conversation.pk]), {"was-phone": contact.phone, "phone": typed})
    return Change.objects.get().values["phone"]


def in_the_admin(desk, boss, account, typed):
    contact = f.contact(account, phone="+12125550199", country="")
    data = {name: getattr(contact, name) for name in ("first_name", "last_name", "email", "phone")}
    data |= {f"initial-{name}": value for name, value in data.items()}
    desk.post(reverse("admin:integrations_contact_change", args=[contact.pk]), {**data, "phone": typed, **NO_INLINES})
    return Change.objects.get().values["phone"]


NO_INLINES = {
    f"{prefix}-{name}": 0 for prefix in ("changes", "conversations") for name in ("TOTAL_FORMS", "INITIAL_FORMS")
}


def known(account) -> Contact:
    """The contact to find, and another that must not be found."""
    f.conversation(account, f.contact(account, "Nora", "Berg", phone="+12125550199"))
    contact = f.contact(account, "Ines", "Diaz", phone=NUMBER)
    f.conversation(account, contact)
    return contact


def in_the_list(desk, boss, account, typed):
    contact = known(account)
    found = pages.rows(desk.get(reverse("inbox:list"), {"q": typed}))
    return NUMBER if found == [contact.conversations.get().pk] else ""


def in_the_admins_search(desk, boss, account, typed):
    known(account)
    page = pages.text(desk.get(reverse("admin:integrations_contact_changelist"), {"q": typed}))
    return NUMBER if "Ines Diaz" in page and "Nora Berg" not in page else ""


def in_a_bulk_text(desk, boss, account, typed):
    known(account)
    (found,) = bulk_queries.contacts(boss, bulk_queries.Choice(account=account, q=typed))
    return found.phone


def in_the_sync_page(desk, boss, account, typed):
    known(account)
    return find_contacts(boss, account, typed).only.phone


# Module that reads numbers -> its ways. A new module fails `test_every_reader_is_a_way` until it is here.
WAYS = {
    "inbox.composer.forms": [by_the_form, while_typing],
    "outbox.compose": [by_the_command],
    "contacts.profile_changes": [in_the_panel, in_the_admin],
    "search.words": [in_the_list],
    "admin.base": [in_the_admins_search],
    "bulk.queries": [in_a_bulk_text],
    "sync.contact_lookup": [in_the_sync_page],
}
READERS = re.compile(r"\b(?:phones\.read|read_phone|might_be|search_digits|find_in)\(")


def test_every_reader_is_a_way():
    modules = {
        ".".join(path.relative_to(ROOMS).with_suffix("").parts)
        for path in ROOMS.rglob("*.py")
        if "salesmsg" not in path.parts[-2:] and READERS.search(path.read_text("utf-8"))
    }
    assert modules == set(WAYS)
    library = [path for path in ROOMS.rglob("*.py") if re.search(r"\bphonenumbers\b", path.read_text("utf-8"))]
    assert library == [ROOMS / "salesmsg" / "phones.py"], "one normaliser"


@pytest.mark.parametrize("way", [way for ways in WAYS.values() for way in ways], ids=lambda way: way.__name__)
@pytest.mark.parametrize("typed", SPELLINGS.values(), ids=SPELLINGS)
def test_every_way_reads_every_spelling(desk, boss, harbor, way, typed):
    assert way(desk, boss, harbor, typed) == NUMBER


# --- Regions ---------------------------------------------------------------------------------------------------------


def number(account, phone, country="", inbox=None):
    return Number.objects.create(
        account=account, vendor_id=Number.objects.count() + 1, phone=phone, country=country, inbox=inbox
    )


def test_the_numbers_of_an_account_say_its_countries(harbor, settings):
    assert harbor.regions() == ["US"]
    settings.DEFAULT_COUNTRY = "FR"
    assert harbor.regions() == ["FR"]
    front, paris = f.inbox(harbor), f.inbox(harbor, phone="+33639980017")
    number(harbor, "+447700900123", "GB", front)
    number(harbor, "+493012345678", "unknown")
    assert harbor.regions() == ["GB", "DE"]
    assert harbor.regions(paris) == ["FR", "GB", "DE"]
    assert harbor.regions(front)[0] == "GB"


def test_the_time_zone_is_the_last_hint(harbor, settings):
    harbor.organization_timezone = "Europe/Berlin"
    assert harbor.regions() in (["DE"], ["US"])  # a machine may lack the table of zones
    settings.DEFAULT_COUNTRY = "GB"
    assert harbor.regions() == ["GB"]


def test_a_contacts_own_country_reads_its_number(desk, harbor):
    contact = f.contact(harbor, country="GB")
    conversation = f.conversation(harbor, contact)
    desk.post(reverse("inbox:quick", args=[conversation.pk]), {"was-phone": contact.phone, "phone": "020 7946 0000"})
    assert Change.objects.get().values == {"phone": "+442079460000"}


# --- The page of a new conversation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["000-000-0000", "123 456 7890", "06 39 98 12 34"])
def test_numbers_of_nobody_make_no_contact(desk, harbor, typed):
    response = begin(desk, harbor, typed)
    assert response.status_code == 422
    assert "This is not a US or Canadian number" in pages.text(response)
    assert "+1 305 555 0142" in pages.text(response), "the page says how to write it"
    assert not Contact.objects.exists()


def test_a_french_account_reads_french_numbers(desk, harbor):
    number(harbor, "+33639980017", "FR")
    assert begin(desk, harbor, "06 39 98 12 34").status_code == 302
    assert texted() == "+33639981234"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", ""),
        ("555 555 0142", "This phone number does not exist (United States)."),
        ("900 555 0142", "Premium-rate numbers cannot receive texts."),
        ("305 555 0142 x5", "Texts cannot reach an extension."),
        ("+44 20 7946 0000", "Sends to +44 20 7946 0000, United Kingdom."),
    ],
)
def test_the_check_while_typing(desk, harbor, typed, words):
    shown = check(desk, harbor, typed)
    assert words in shown if words else not shown.strip()
    assert not Contact.objects.exists()


def test_a_number_being_typed_is_no_error_yet(desk, harbor):
    data = {"line": line_of(harbor), "phone": "305 555"}
    response = desk.post(reverse("inbox:check-number"), data)
    assert "too short" in pages.text(response)
    assert 'class="error"' not in response.content.decode()
    assert 'class="error"' in begin(desk, harbor, "305 555").content.decode()


def test_the_check_is_for_lines_of_the_user_only(browser, harbor):
    elsewhere = f.account("Elsewhere")
    assert not check(browser, elsewhere, NUMBER).strip()
    assert Client().post(reverse("inbox:check-number"), {"phone": NUMBER}).status_code in (302, 401, 403)
    assert browser.get(reverse("inbox:check-number")).status_code == 405


def test_a_number_of_several_countries_asks_which(desk, harbor):
    number(harbor, "+493012345678", "DE")
    number(harbor, "+46701740605", "SE")
    shown = check(desk, harbor, "030 1234567")
    assert "Which number do you mean?" in shown
    assert "+49 30 1234567, Germany" in shown
    response = begin(desk, harbor, "030 1234567")
    assert response.status_code == 422
    offered = [values["value"] for tag, values in pages.read(response).tags if values.get("name") == "chosen"]
    assert sorted(offered) == ["+46301234567", "+49301234567"]
    assert not Contact.objects.exists()
    assert begin(desk, harbor, "030 1234567", chosen="+15555550142").status_code == 422, "only what was offered"
    assert "Sends to +46 301 23 45 67, Sweden." in check(desk, harbor, "030 1234567", chosen="+46301234567")
    assert begin(desk, harbor, "030 1234567", chosen="+46301234567").status_code == 302
    assert texted() == "+46301234567"


def test_a_known_contacts_number_is_never_refused(desk, boss, harbor):
    f.contact(harbor, phone="+15555550142")
    assert compose.read_phone(harbor, "+15555550142") == "+15555550142"
    page = desk.get(reverse("inbox:new"), {"phone": "+15555550142"})
    assert "Sends to +1 555 555 0142, United States." in pages.text(page)
    assert begin(desk, harbor, "+1 (555) 555-0142").status_code == 302
    assert begin(desk, harbor, "+1 (555) 555-0143").status_code == 422
