"""`probe`: what an account shows of the assumed facts, in few calls, with nothing personal and nothing written."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from integrations import tokens
from integrations.models import Account
from integrations.sync import probe

from .support import by_pages, changes, connected, differences, endpoints, full
from .vendor import TOKEN, stamp

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def told(account: Account) -> dict:
    out = StringIO()
    call_command("probe", "--account", str(account.pk), "--json", stdout=out)
    return json.loads(out.getvalue())


def seen(report: dict) -> dict[str, str]:
    return {fact["question"]: fact["seen"] for fact in report["facts"]}


@pytest.mark.parametrize(
    ("switches", "shown"),
    [
        (
            {},
            {
                "Envelope of contacts": "{data, meta}",
                "Contacts a page": "10",
                "GET /contacts honours length": "no",
                "POST /contacts/list gives more than 10 a page": "yes",
                "sortBy updated_at is honoured": "newest first",
                "Envelope of one object (GET /user)": "bare object",
                "Envelope of conversations": "bare list",
                "Order of conversations": "newest first",
                "offset of conversations is honoured": "yes",
                "/messages/{c}/paginated exists": "yes",
                "A message tells its direction": "no",
                "Format of times": "YYYY-MM-DD HH:MM:SS",
                "Headers that tell the limit": "none",
                "May read conversations, filter outbound": "allowed",
            },
        ),
        (
            {"data_envelope": True},
            {"Envelope of one object (GET /user)": "{data}", "Envelope of one contact": "{data}"},
        ),
        ({"iso_times": True}, {"Format of times": "ISO with Z"}),
        ({"paginated": False}, {"/messages/{c}/paginated exists": "no (404)"}),
        ({"honour_sort": False}, {"Contacts a page": "10"}),
        ({"mix_envelopes": True, "short_pages": True}, {"May read contacts (GET /contacts)": "allowed"}),
    ],
    ids=["as declared", "data_envelope", "iso_times", "no paginated", "ignore_sort", "mixed and short"],
)
def test_it_tells_what_the_vendor_does(world, switches, shown):
    world.post("/sandbox/settings", switches)
    account = connected()
    world.post("/sandbox/reset-counters", {})
    report = told(account)
    found = seen(report)
    assert {question: found[question] for question in shown} == shown
    assert report["stopped"] == ""
    assert report["calls"] == world.state()["requests"] <= probe.MOST_CALLS
    assert {fact["verdict"] for fact in report["facts"]} <= {probe.AS_ASSUMED, probe.OTHERWISE, probe.NOT_SEEN}
    assert all(name.startswith("GET ") or name == "POST /contacts/list" for name in endpoints(world)), "it only reads"


@pytest.mark.parametrize("switches", [{}, {"honour_sort": False}, {"paginated": False}])
def test_sync_uses_what_it_found(world, switches):
    """With and without the probe's knowledge the cache becomes the same; with it no call is made in vain."""
    world.post("/sandbox/settings", switches)
    account = by_pages(world)
    assert account.learned == {}
    told(account)
    account.refresh_from_db()
    assert account.probe_report["calls"] <= probe.MOST_CALLS
    assert account.probed_at
    assert account.learned["contacts_list"] is False
    assert account.learned["contacts_length"] is False
    dialect = Account.ThreadDialect.BEFORE if switches.get("paginated") is False else Account.ThreadDialect.PAGINATED
    assert account.thread_dialect == dialect
    assert full(account).state == "done"
    assert differences(world) == []
    world.post("/sandbox/reset-counters", {})
    world.post(f"/sandbox/phone/{world.data()['contacts'][3]['id']}", {"text": "Is anybody there?"})
    changes(account)
    assert "POST /contacts/list" not in endpoints(world)
    if dialect == Account.ThreadDialect.BEFORE:
        assert "GET /messages/{conversation}/paginated" not in endpoints(world)
    assert differences(world, ignore=("updated_at",)) == []


def test_the_order_of_contacts_is_learned(vendor):
    account = many_edited(vendor)
    told(account)
    account.refresh_from_db()
    assert account.learned["contacts_sorted"] is True
    vendor.list_sort = "created_at"
    told(account)
    account.refresh_from_db()
    assert account.learned["contacts_sorted"] is False


def many_edited(vendor) -> Account:
    for number in range(1, 31):
        vendor.contact(number, updated_at=stamp(90_000 - number))
    vendor.contact(31, updated_at=stamp(60_000))
    return connected(TOKEN)


def test_nothing_personal_is_told(world):
    words = json.dumps(told(connected()), ensure_ascii=False)
    data = world.data()
    private = {
        row[key] for row in data["contacts"] for key in ("first_name", "last_name", "number", "email") if row[key]
    }
    private |= {str(row["id"]) for rows in ("contacts", "conversations", "messages", "users") for row in data[rows]}
    private |= {row["body"] for row in data["messages"] if len(row["body"]) > 3} | {
        row["name"] for row in data["teams"]
    }
    assert [secret for secret in private if f'"{secret}"' in words or (len(secret) > 6 and secret in words)] == []


def test_a_missing_scope_is_a_fact_and_no_failure(world):
    token = world.post("/sandbox/pat", {"scopes": ["contacts:read", "users:read"]})["token"]
    found = seen(told(connected(token)))
    assert found["May read contacts (GET /contacts)"] == "allowed"
    assert found["May read conversations"] == "refused (403)"


def test_a_person_reads_a_table(world):
    out = StringIO()
    call_command("probe", "--account", str(connected().pk), stdout=out)
    lines = out.getvalue().splitlines()
    assert "calls:" in lines[-1]
    assert any("Order of conversations" in line for line in lines)


def test_what_cannot_be_asked_is_said(world):
    with pytest.raises(CommandError, match="There is no account 77"):
        call_command("probe", "--account", "77")
    account = connected()
    tokens.forget(account)
    with pytest.raises(CommandError, match="not connected"):
        call_command("probe", "--account", str(account.pk))
