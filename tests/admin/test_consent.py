"""The consent ledger in the admin: read-only, found by any spelling of a phone, exported as it is listed."""

import csv
import io
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse

from integrations.admin.consent import COLUMNS, safe_cell
from integrations.models import ConsentEntry
from tests import factories

AT = datetime(2026, 3, 5, 14, 5, 6, tzinfo=UTC)
LIST, EXPORT = (reverse(f"admin:integrations_consententry_{name}") for name in ("changelist", "export"))


@pytest.fixture
def contact(account):
    return factories.customer(account, 142)


def count(client, **query) -> int:
    return client.get(LIST, query).context["cl"].result_count


def rows(client, **query) -> list[dict]:
    answer = client.get(EXPORT, query)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


@pytest.mark.parametrize("what", ["add", "change", "delete"])
def test_not_even_a_superuser_may_change_it(root, contact, what):
    entry = factories.consent(contact)
    model_admin = admin.site._registry[ConsentEntry]
    request = RequestFactory().get("/")
    request.user = factories.person("chief", superuser=True)
    assert not getattr(model_admin, f"has_{what}_permission")(request)
    assert set(model_admin.get_actions(request)) == set()
    args = [] if what == "add" else [entry.pk]
    answer = root.post(reverse(f"admin:integrations_consententry_{what}", args=args), {"post": "yes", "text": "x"})
    assert answer.status_code == 403
    assert ConsentEntry.objects.get().text == ""


def test_an_entry_is_shown(helper, contact):
    entry = factories.consent(contact, text="Stop please")
    shown = helper.get(reverse("admin:integrations_consententry_change", args=[entry.pk])).content.decode()
    assert "Stop please" in shown
    assert 'name="_save"' not in shown


@pytest.mark.parametrize("typed", ["(305) 555-0142", "+1 305 555 0142", "305.555.0142", "5550142", "Ana142"])
def test_a_phone_is_found_in_any_spelling(helper, contact, typed):
    factories.consent(contact)
    factories.consent(factories.customer(contact.account, 7))
    assert (count(helper, q=typed), count(helper)) == (1, 2)


def test_filters(helper, contact):
    factories.consent(contact, at=AT)
    factories.consent(contact, "opt_in", "staff", at=AT + timedelta(days=1))
    assert count(helper, kind__exact="opt_in") == 1
    assert count(helper, source__exact="keyword") == 1
    assert count(helper, at__gte="2026-03-06 00:00:00+00:00") == 1
    assert count(helper, phone=contact.phone) == 2
    assert len(rows(helper, kind__exact="opt_in", q="5550142")) == 1


def test_only_ones_own_accounts(helper, root, contact, other):
    factories.consent(contact)
    factories.consent(factories.customer(other, 142))
    assert (count(helper), len(rows(helper))) == (1, 1)
    assert (count(root), len(rows(root))) == (2, 2)


def test_the_export_needs_a_sign_in_and_an_account(client, contact):
    factories.consent(contact)
    assert client.get(EXPORT).status_code == 302
    client.force_login(factories.person("stranger"))
    assert client.get(EXPORT).status_code == 403


def test_the_export_says_everything(helper, contact):
    user = factories.person("ada")
    factories.consent(
        contact, "opt_in", "staff", at=AT, recorded_at=AT, note="Asked, “on the phone”", user=user,
        user_name="Ada Marsh", text="Line 1\nLine 2; ümlaut 🎉", message_vendor_id=77,
    )  # fmt: skip
    (row,) = rows(helper)
    assert list(row) == list(COLUMNS)
    assert row == {
        "account": contact.account.label, "phone": "+13055550142", "kind": "opt_in", "source": "staff",
        "at": "2026-03-05T14:05:06+00:00", "recorded_at": "2026-03-05T14:05:06+00:00", "contact": contact.name,
        "text": "Line 1\nLine 2; ümlaut 🎉", "user": "Ada Marsh", "note": "Asked, “on the phone”",
        "salesmsg_message_id": "77",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\r=1", "\n@x"])
def test_no_cell_is_a_formula(helper, contact, text):
    factories.consent(contact, text=text, note=text, contact_name=text, user_name=text)
    (row,) = rows(helper)
    assert {row[name] for name in ("text", "note", "contact", "user")} == {f"'{text}"}
    assert row["phone"] == "+13055550142"


@pytest.mark.parametrize("text", ["", "STOP", "1-2", "a=b", "'=1"])
def test_other_cells_stay_as_they_are(text):
    assert safe_cell(text) == text


def test_the_statements_of_the_export_do_not_grow(helper, contact, django_assert_max_num_queries):
    for _ in range(30):
        factories.consent(contact)
    with django_assert_max_num_queries(12):
        assert len(rows(helper)) == 30


def test_a_wrong_filter_leads_back_to_the_list(helper, contact):
    assert helper.get(EXPORT, {"at__gte": "no date"}).status_code == 302


def test_the_contacts_page_leads_to_its_numbers_entries(helper, contact):
    factories.consent(contact)
    factories.consent(factories.customer(contact.account, 7))
    shown = helper.get(reverse("admin:integrations_contact_change", args=[contact.pk])).content.decode()
    (address,) = {part.partition('"')[0] for part in shown.split('href="') if part.startswith(f"{LIST}?")}
    assert helper.get(unescape(address)).context["cl"].result_count == 1
