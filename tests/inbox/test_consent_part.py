"""The consent ledger in the contact panel: which entries, in which words."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.contacts.effective import LEDGER
from integrations.inbox.contact_panel.consent import describe_entry
from integrations.models import ConsentEntry
from tests import factories as f

ADA = {"user_name": "Ada Marsh"}


@pytest.fixture
def conversation(harbor):
    return f.conversation(harbor, f.contact(harbor))


def panel(browser, conversation) -> str:
    """The part of the page, without its tags."""
    html = browser.get(f"/inbox/{conversation.pk}/").content.decode()
    return html.partition("<h3>Consent</h3>")[2].partition("</section>")[0]


@pytest.mark.parametrize(
    ("kind", "source", "values", "words"),
    [
        ("opt_out", "keyword", {"text": "STOP"}, "Opted out by texting “STOP”"),
        ("opt_out", "staff", ADA, "Opted out by Ada Marsh"),
        ("opt_out", "staff", {}, "Opted out by staff"),
        ("opt_out", "salesmsg", {}, "Opted out in Salesmsg"),
        ("opt_out", "import", {"note": "Old list"}, "Opted out by an import: Old list"),
        ("opt_in", "keyword", {"text": "Start\n\nDana"}, "Opted in by texting “Start Dana”"),
        ("opt_in", "staff", {"note": "asked on the phone"} | ADA, "Opted in by Ada Marsh: asked on the phone"),
        ("opt_in", "staff", {}, "Opted in by staff"),
        ("opt_in", "salesmsg", {}, "Opted in again in Salesmsg"),
        ("opt_in", "import", {}, "Opted in by an import"),
        ("doubt", "keyword", {"text": "please stop texting me"}, "“please stop texting me” may ask to opt out"),
        ("cleared", "staff", ADA, "Ada Marsh decided that they did not ask to opt out"),
        ("cleared", "staff", {}, "Staff decided that they did not ask to opt out"),
    ],
)
def test_each_entry_in_words(kind, source, values, words):
    assert describe_entry(ConsentEntry(kind=kind, source=source, **values)) == words


def test_without_an_entry_there_is_no_part(browser, conversation):
    assert panel(browser, conversation) == ""


def test_the_newest_come_first_and_the_list_has_the_rest(browser, conversation):
    now = timezone.now()
    for place in range(LEDGER + 2):
        f.consent(conversation.contact, "doubt", text=f"Text {place}", at=now - timedelta(minutes=place))
    shown = panel(browser, conversation)
    assert [shown.count(f"“Text {place}”") for place in range(LEDGER + 2)] == [1] * LEDGER + [0, 0]
    assert shown.index("Text 0") < shown.index("Text 1")
    address = shown.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert address.startswith(reverse("admin:integrations_consententry_changelist"))
    listed = browser.get(address)
    assert listed.context["cl"].result_count == LEDGER + 2


def test_it_names_another_contact_with_the_number(browser, conversation):
    mine = conversation.contact
    twin = f.contact(mine.account, "Robin", "Vale", phone=mine.phone)
    f.consent(mine, text="STOP", at=timezone.now() - timedelta(hours=1))
    f.consent(twin, "opt_in")
    shown = panel(browser, conversation)
    assert (shown.count("Robin Vale"), shown.count(mine.name)) == (1, 0)


def test_it_shows_one_number_of_one_account(browser, conversation, ada):
    f.consent(f.contact(conversation.account), text="STOP")
    other = f.account("Harbor Ortho", ada)
    f.consent(f.contact(other, phone=conversation.contact.phone), text="STOP")
    assert panel(browser, conversation) == ""


def test_what_people_wrote_is_escaped(browser, conversation):
    f.consent(conversation.contact, "doubt", text="<script>alert(1)</script>")
    assert "&lt;script&gt;" in panel(browser, conversation)
