"""The change history of a contact: who changed what, the values before and after, and the result."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.access import record_audit
from integrations.inbox.contact_panel import change_history
from integrations.models import Change, Contact
from tests import factories as f

from . import pages

State = Change.State


@pytest.fixture
def contact(harbor):
    return f.contact(harbor, created_at=timezone.now() - timedelta(days=9))


@pytest.fixture
def conversation(harbor, contact):
    return f.conversation(harbor, contact)


@pytest.fixture
def changed(contact, ada):
    """A change some minutes ago: ``changed("tag", {"label": "VIP"}, minutes=3)``."""

    def make(kind, values, *, minutes=1, state=State.DONE, of=contact, **more):
        more = {"requested_by": ada, "created_at": timezone.now() - timedelta(minutes=minutes), **more}
        return Change.objects.create(
            account=of.account, kind=kind, values=values, state=state, **{"contact": of, **more}
        )

    return make


def open_it(browser, conversation, **data):
    return browser.get(f"/inbox/{conversation.pk}/changes/", data, headers={"HX-Request": "true"})


def test_each_kind_is_told_in_words(browser, conversation, contact, changed, harbor):
    rosa = f.member(harbor, "Rosa Lind")
    thread = {"of": contact, "contact": None, "conversation": conversation}
    changed("contact", {"first_name": "Nora"}, base={"first_name": "Dana"})
    changed("tag", {"label": "VIP"})
    changed("untag", {"label": "Lead"})
    changed("opt_out", {})
    changed("opt_in", {})
    changed("note", {"text": "Likes tea"})
    changed("fields", {"renewal_date": "soon"}, base={"renewal_date": ""})
    changed("close", {}, **thread)
    changed("reopen", {}, **thread)
    changed("assign", {"member": rosa.vendor_id}, **thread)
    changed("assign", {"member": None}, **thread)
    record_audit(None, "conflict_decided", harbor, contact, ours=["email"], theirs=[])
    Contact.objects.filter(pk=contact.pk).update(opted_out_at=timezone.now(), vendor_created_at=timezone.now())
    told = pages.text(open_it(browser, conversation))
    for words in (
        *("Edited the contact First name: before Dana → now Nora", "Added the tag “VIP”", "Removed the tag “Lead”"),
        *("Opted the contact out", "Opted the contact in", "Added a note: Likes tea"),
        *("Edited details Renewal date: empty → now soon", "Closed the conversation", "Reopened the conversation"),
        *("Assigned the conversation to Rosa Lind", "Unassigned the conversation", "Resolved a conflict"),
        *("Opted out, according to Salesmsg", "Created in Salesmsg", "Ada Marsh", "Saved in Salesmsg"),
    ):
        assert words in told, words


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.PENDING, "Waiting to be saved in Salesmsg"),
        (State.PUSHING, "Being saved in Salesmsg"),
        (State.REFUSED, "Refused by Salesmsg: “Bad address.”"),
        (State.CONFLICT, "(in Salesmsg: Daniela)"),
        (State.SUPERSEDED, "Replaced by a later change"),
    ],
)
def test_what_became_of_it(browser, conversation, changed, state, words):
    reason = "Bad address." if state == State.REFUSED else ""
    theirs = {"first_name": "Daniela"} if state == State.CONFLICT else {}
    change = changed(
        "contact", {"first_name": "N"}, base={"first_name": "D"}, state=state, vendor_reason=reason, theirs=theirs
    )
    response = open_it(browser, conversation)
    assert words in pages.text(response)
    assert (f"/conflicts/{change.pk}/" in response.content.decode()) is (state == State.CONFLICT)


def test_older_ones_follow_without_a_gap_or_a_repeat(ada, conversation, contact, changed, harbor):
    now = timezone.now()
    for place in range(47):  # many of one moment, from all sources
        at = now - timedelta(minutes=place // 9)
        own = {"contact": None, "conversation": conversation} if place % 3 else {}
        changed("close" if place % 3 else "opt_out", {}, created_at=at, **own)
        if place % 5 == 0:
            record_audit(ada, "conflict_decided", harbor, contact, ours=[], theirs=["email"])
    whole = change_history.read_history(ada, contact, limit=1000).entries
    found, cursor = [], ""
    while True:
        part = change_history.read_history(ada, contact, before=cursor)
        found += part.entries
        cursor = part.older
        if not cursor:
            break
        assert len(part.entries) == change_history.ENTRIES
    assert [(one.at, one.key) for one in found] == [(one.at, one.key) for one in whole]
    assert len(found) == 47 + 10 + 1, "with the day it was seen first"


def test_a_fixed_number_of_queries(ada, contact, changed, django_assert_max_num_queries):
    for _ in range(30):
        changed("tag", {"label": "VIP"})
    with django_assert_max_num_queries(4):
        change_history.read_history(ada, contact)


def test_others_and_strangers_are_left_out(browser, conversation, contact, changed, harbor):
    record_audit(None, "conflict_decided", harbor, None, ours=[], theirs=[])
    changed("tag", {"label": "Not theirs"}, of=f.contact(harbor))
    told = pages.text(open_it(browser, conversation))
    assert "Chose" not in told
    assert "Not theirs" not in told
    theirs = f.conversation(f.account("Somebody else", f.person("eve")))
    assert open_it(browser, theirs).status_code == 404


def test_without_javascript_it_is_a_page(browser, conversation, changed):
    for _ in range(change_history.ENTRIES + 1):
        changed("tag", {"label": "VIP"})
    page = browser.get(f"/inbox/{conversation.pk}/changes/")
    assert f'href="/inbox/{conversation.pk}/"' in page.content.decode()
    assert pages.inline(page) == []
    older = next(v["href"] for _, v in pages.read(page).tags if "before=" in v.get("href", ""))
    assert "Added to the portal" in pages.text(browser.get(older))
    assert browser.get(f"/inbox/{conversation.pk}/changes/?before=x-y").status_code == 200
    assert f'href="/inbox/{conversation.pk}/changes/"' in browser.get(f"/inbox/{conversation.pk}/").content.decode()
