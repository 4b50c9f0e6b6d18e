"""The notices above the composer, each only where it applies."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import Account, Change
from integrations.outbox import quiet_hours
from tests import factories as f

from . import pages

FIRST = "This is your first text to this contact."


@pytest.fixture(autouse=True)
def nights(settings):
    settings.QUIET_HOURS = "21-8"


@pytest.fixture
def conversation(harbor):
    return f.conversation(harbor, f.contact(harbor, phone="+12125550142"))  # New York


def shown(browser, conversation) -> str:
    page = browser.get(f"/inbox/{conversation.pk}/")
    assert page.status_code == 200 and pages.inline(page) == []
    return pages.text(page)


# --- The first text --------------------------------------------------------------------------------------------------


def test_the_first_text_to_somebody(browser, conversation):
    f.message(conversation, "Are you open on Saturday?")
    assert FIRST in shown(browser, conversation)


@pytest.mark.parametrize("state", ["sent", "queued", "unknown"])
def test_not_where_they_were_texted(browser, conversation, state):
    f.message(conversation, "Hello", inbound=False, state=state)
    assert FIRST not in shown(browser, conversation)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_never_left_is_no_text_to_them(browser, conversation, state):
    f.message(conversation, "Hello", inbound=False, state=state)
    assert FIRST in shown(browser, conversation)


def test_not_where_something_may_be_missing(browser, conversation, harbor):
    f.message(conversation, "Hello")
    conversation.thread_sync.complete = False
    conversation.thread_sync.save()
    assert FIRST not in shown(browser, conversation)
    conversation.thread_sync.complete = True
    conversation.thread_sync.save()
    other = f.conversation(harbor, conversation.contact)
    assert FIRST not in shown(browser, conversation)
    other.delete()
    assert FIRST in shown(browser, conversation)


def test_the_hint_goes_with_the_first_text(htmx, browser, conversation):
    page = browser.get(f"/inbox/{conversation.pk}/")
    data = {**pages.state(page), "client_uuid": pages.field(page, "client_uuid"), "text": "Hello"}
    answer = htmx.post(f"/inbox/{conversation.pk}/send/", data)
    assert 'id="thread-hints"' in answer.content.decode() and FIRST not in pages.text(answer)


def test_hints_cost_no_query(browser, ada, conversation):
    f.message(conversation, "STOP")
    browser.get(f"/inbox/{conversation.pk}/")
    with CaptureQueriesContext(connection) as plain:
        browser.get(f"/inbox/{conversation.pk}/")
    conversation.contact.changes.create(account=conversation.account, kind="opt_out", state="done", requested_by=ada)
    conversation.contact.opted_out = True
    conversation.contact.save()
    with CaptureQueriesContext(connection) as out:
        browser.get(f"/inbox/{conversation.pk}/")
    assert len(out) <= len(plain)


# --- Quiet hours -----------------------------------------------------------------------------------------------------


@pytest.fixture
def at(monkeypatch):
    """Sets the clock of quiet hours, in UTC."""

    def set_to(hour: int, minute: int = 0) -> None:
        moment = datetime(2026, 11, 12, hour, minute, tzinfo=UTC)
        monkeypatch.setattr(quiet_hours.timezone, "now", lambda: moment)

    return set_to


@pytest.mark.parametrize(("text", "hours"), [("21-8", (21, 8)), (" 0 - 24 ", None), ("22-24", (22, 0)), ("", None)])
def test_windows(text, hours):
    assert quiet_hours.parse_window(text) == hours


@pytest.mark.parametrize("text", ["21", "21-25", "nine-five", "21-8-9", "-8"])
def test_windows_that_are_none(text, settings, db, harbor):
    with pytest.raises(ValueError, match="“"):
        quiet_hours.parse_window(text)
    settings.QUIET_HOURS = text
    assert quiet_hours.contact_clock(f.contact(harbor, phone="+12125550142"), harbor) is None


@pytest.mark.parametrize(
    ("hour", "minute", "now", "morning"),
    [
        (4, 42, True, datetime(2026, 11, 12, 9)),  # 11:42 PM on the 11th there
        (12, 59, True, datetime(2026, 11, 12, 9)),  # 7:59 AM
        (13, 0, False, datetime(2026, 11, 12, 9)),  # 8:00 AM
        (14, 0, False, datetime(2026, 11, 13, 9)),  # 9:00 AM
        (1, 59, False, datetime(2026, 11, 12, 9)),  # 8:59 PM
    ],
)
def test_the_clock_of_a_contact(at, conversation, hour, minute, now, morning):
    at(hour, minute)
    found = quiet_hours.contact_clock(conversation.contact, conversation.account)
    assert (found.now, found.morning, found.city, found.sure) == (now, morning, "New York", True)


@pytest.mark.parametrize(
    ("phone", "ours", "zone", "sure", "city"),
    [
        ("+12125550142", "America/Denver", "America/New_York", True, "New York"),
        ("+447911123456", "America/New_York", "Europe/Guernsey", True, ""),  # four zones with one clock
        ("+447911123456", "Europe/London", "Europe/London", True, ""),
        ("+12085550142", "America/Los_Angeles", "America/Los_Angeles", False, "Los Angeles"),  # two zones, two clocks
        ("+12085550142", "", "America/Boise", False, "Boise"),
        ("+18005550142", "America/New_York", "America/New_York", False, "New York"),
    ],
)
def test_whose_clock_it_is(harbor, phone, ours, zone, sure, city):
    harbor.organization_timezone = ours
    found = quiet_hours.contact_clock(f.contact(harbor, phone=phone), harbor)
    assert (found.zone, found.sure, found.city) == (zone, sure, city)


def test_a_clock_that_goes_on_is_no_change(at, browser, conversation):
    at(4, 42)
    before = pages.state(browser.get(f"/inbox/{conversation.pk}/"))
    at(4, 43)
    assert pages.state(browser.get(f"/inbox/{conversation.pk}/"))["r-hints"] == before["r-hints"]


def test_a_late_riser_is_not_texted_at_nine(at, settings, conversation):
    settings.QUIET_HOURS = "22-10"
    at(4)
    assert quiet_hours.contact_clock(conversation.contact, conversation.account).morning == datetime(2026, 11, 12, 10)


def test_a_guess_says_so(at, browser, harbor):
    at(4, 42)
    Account.objects.filter(pk=harbor.pk).update(organization_timezone="America/New_York")
    toll_free = f.conversation(harbor, f.contact(harbor, phone="+18005550142"))
    assert "It may be 11:42 PM for them (New York). This is a guess" in shown(browser, toll_free)


def test_nothing_is_said_where_nothing_tells_the_zone(at, browser, harbor):
    at(4, 42)
    toll_free = f.conversation(harbor, f.contact(harbor, phone="+18005550142"))
    assert 'data-hint="quiet"' not in browser.get(f"/inbox/{toll_free.pk}/").content.decode()


def test_the_page_says_what_time_it_is_for_them(at, browser, conversation, settings):
    at(4, 42)
    page = browser.get(f"/inbox/{conversation.pk}/").content.decode()
    assert 'data-zone="America/New_York" data-begins="21" data-ends="8">' in page
    assert "It is <span data-clock>11:42 PM</span> for them (New York)." in page
    assert 'data-morning="2026-11-12T09:00"' in page
    at(18)  # the element stays for the script: clocks go on while a page is open
    assert 'data-ends="8" hidden>' in browser.get(f"/inbox/{conversation.pk}/").content.decode()
    settings.QUIET_HOURS = ""
    assert 'data-hint="quiet"' not in browser.get(f"/inbox/{conversation.pk}/").content.decode()


# --- Opted out -------------------------------------------------------------------------------------------------------


THEN = datetime(2025, 11, 12, 15, tzinfo=UTC)


@pytest.fixture
def out(conversation):
    """Salesmsg says that the contact has opted out."""
    contact = conversation.contact
    contact.opted_out, contact.opted_out_at = True, THEN + timedelta(minutes=1)
    contact.save()
    return conversation


def opt(of, user, state="done", kind="opt_out", at=THEN) -> Change:
    return of.contact.changes.create(
        account=of.account, kind=kind, state=state, requested_by=user, created_at=at, values={}
    )


@pytest.mark.parametrize("text", ["STOP", " stop. ", "Unsubscribe"])
def test_by_their_word(browser, out, text):
    f.consent(out.contact, text=text, at=THEN)
    f.message(out, "Why do you still text me?", at=THEN + timedelta(hours=1))
    page = shown(browser, out)
    assert f"Opted out on Nov 12, 2025 by texting {text.strip().strip('.').upper()}" in page
    assert "They can opt in again by texting START." in page and FIRST not in page


def test_by_staff(browser, out, ada):
    f.consent(out.contact, source="staff", user=ada, user_name="Ada Marsh", at=THEN)
    assert "Opted out on Nov 12, 2025 by Ada Marsh in the portal." in shown(browser, out)


def test_by_staff_who_have_left(browser, out):
    f.consent(out.contact, source="staff", at=THEN)
    assert "Opted out on Nov 12, 2025 in the portal." in shown(browser, out)


def test_on_its_way(browser, conversation, ada):
    opt(conversation, ada, state="pending")
    page = shown(browser, conversation)
    assert "This contact is being opted out" in page and "by Ada Marsh in the portal." in page


def test_on_its_way_because_of_a_word_that_salesmsg_does_not_know(browser, conversation):
    f.consent(conversation.contact, text="ARRET", at=THEN)
    opt(conversation, None, state="pending")
    page = shown(browser, conversation)
    assert "Opted out on Nov 12, 2025 by texting ARRET" in page and "in the portal" not in page


def test_the_later_word_counts(browser, out, ada):
    f.consent(out.contact, source="staff", user_name="Ada Marsh", at=THEN)
    f.consent(out.contact, text="STOP", at=THEN + timedelta(hours=1))
    assert "by texting STOP" in shown(browser, out)
    f.consent(out.contact, source="staff", user_name="Ada Marsh", at=THEN + timedelta(hours=2))
    assert "by Ada Marsh in the portal" in shown(browser, out)


def test_a_stop_from_before_they_came_back_is_not_why(browser, out):
    f.consent(out.contact, text="STOP", at=THEN - timedelta(days=9))
    f.consent(out.contact, "opt_in", "salesmsg", at=THEN - timedelta(days=5))
    f.consent(out.contact, source="salesmsg", at=THEN)
    page = shown(browser, out)
    assert "Opted out on Nov 12, 2025." in page and "by texting STOP" not in page


def test_a_sentence_with_stop_is_none(browser, out):
    f.message(out, "Please stop by tomorrow", at=THEN)
    assert "Opted out on Nov 12, 2025." in shown(browser, out)


def test_when_nothing_is_known(browser, conversation):
    conversation.contact.opted_out = True
    conversation.contact.save()
    assert "This contact has opted out." in shown(browser, conversation)


# --- May have opted out -----------------------------------------------------------------------------------------------


def test_the_question_stands_in_no_form_of_its_own(browser, conversation):
    """It is within the composer, and a form within a form would end it: the buttons name forms elsewhere."""
    f.consent(conversation.contact, "doubt", text="please stop texting me", at=timezone.now())
    response = browser.get(f"/inbox/{conversation.pk}/")
    html = response.content.decode()
    assert "“please stop texting me” may ask you to stop texting." in html
    assert all("<form" not in part.partition("</form>")[0] for part in html.split("<form")[1:])
    forms = {values.get("id"): values["action"] for tag, values in pages.read(response).tags if tag == "form"}
    named = [values["form"] for tag, values in pages.read(response).tags if tag == "button" and "form" in values]
    assert [forms[name].partition("/contact/")[2] for name in named] == ["opt-out/", "no-opt-out/"]
