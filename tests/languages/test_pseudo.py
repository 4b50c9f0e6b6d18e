"""No page says anything that the catalogue does not know: drawn in a language of brackets, nothing stands outside."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from integrations.models import Account, Membership

from . import pseudo
from .rows import Rows
from .threads import PLAIN, Threads


@pytest.fixture
def rows(db, monkeypatch):
    made = Rows()
    pseudo.speak(monkeypatch)
    return made


def client_of(rows: Rows | None = None) -> Client:
    client = Client(SERVER_NAME="localhost", headers={"Accept-Language": pseudo.LANGUAGE})
    if rows:
        client.force_login(rows.user)
    return client


def addresses(rows: Rows) -> list[str]:
    """Every page, in every state of `Rows`."""
    found = [reverse(name) for name in ("accounts:list", "sync:list", "outbox:page", "bulk:list", "bulk:new")]
    for account in (rows.account, rows.away, rows.gone):
        for name in ("accounts:detail", "accounts:disconnect", "accounts:webhook", "sync:one"):
            found.append(reverse(name, args=[account.pk]))
    for bulk in rows.bulks.values():
        found += [reverse("bulk:detail", args=[bulk.pk]), reverse("bulk:cancel", args=[bulk.pk])]
    for bulk in (rows.bulks["draft"], rows.unwritten):
        found += [reverse("bulk:write", args=[bulk.pk]), reverse("bulk:choose", args=[bulk.pk])]
    found.append(reverse("bulk:new") + "?q=nobody")
    found += [reverse("contacts:detail", args=[change.pk]) for change in (rows.conflict, rows.done, rows.settled)]
    return found


def admin_addresses(each: int = 8) -> list[str]:
    """Every list, and the pages of so many rows of each."""
    found = [reverse("admin:index"), reverse("admin:app_list", args=["integrations"])]
    for model in admin.site._registry:
        if model._meta.app_label == "integrations":
            name = f"admin:integrations_{model._meta.model_name}"
            found.append(reverse(f"{name}_changelist"))
            found += [reverse(f"{name}_change", args=[pk]) for pk in model.objects.values_list("pk", flat=True)[:each]]
    return found


def strange(client: Client, wanted: list[str], status: int = 200) -> dict[str, list[str]]:
    found = {}
    for address in wanted:
        response = client.get(address)
        assert response.status_code in (status, 404), (address, response.status_code)
        html = response.content.decode()
        assert "⟦" in html, address
        if words := pseudo.bare(html):
            found[address] = words
    return found


def test_pages(rows):
    assert not strange(client_of(rows), addresses(rows))


def test_the_inbox(rows):
    threads, client = Threads(rows), client_of(rows)
    assert not strange(client, threads.addresses())
    threads.link()
    assert not strange(client, [reverse("inbox:list") + "?show=mine", reverse("inbox:thread", args=[threads.empty.pk])])


def test_the_first_minutes(rows):
    Account.objects.filter(pk=rows.account.pk).update(synced_at=None)
    wanted = [reverse("inbox:list"), reverse("inbox:first-steps"), reverse("inbox:list-poll")]
    nothing = [f"{wanted[0]}?box=a{rows.gone.pk}&show={show}" for show in ("open", "snoozed", "mentions")]
    assert not strange(client_of(rows), wanted + nothing)
    Account.objects.update(state=Account.State.DISCONNECTED)
    assert not strange(client_of(rows), [*wanted, reverse("inbox:new")])
    Membership.objects.all().delete()
    wanted = [reverse("inbox:list"), reverse("inbox:first-steps"), reverse("inbox:new"), reverse("inbox:replies")]
    assert not strange(client_of(rows), wanted)


def test_what_the_inbox_refuses(rows):
    threads, client, found = Threads(rows), client_of(rows), {}
    for name, args, given in threads.answers():
        headers = {} if name in PLAIN else {"HX-Request": "true"}
        answer = client.post(reverse(f"inbox:{name}", args=args), given, follow=True, headers=headers)
        assert answer.status_code in (200, 422), (name, given, answer.status_code)
        if words := pseudo.bare(answer.content.decode()):
            found[name, str(given)[:80]] = words
    assert not found


def test_the_admin(rows):
    assert not strange(client_of(rows), admin_addresses())


def test_pages_of_somebody_without_anything(rows):
    Membership.objects.all().delete()
    wanted = [reverse(name) for name in ("accounts:list", "sync:list", "outbox:page", "bulk:list", "bulk:new")]
    assert not strange(client_of(rows), wanted)


def test_what_goes_wrong(rows, settings):
    client = client_of(rows)
    assert not strange(client, ["/no-such-page/"], 404)
    assert not strange(client, [reverse("accounts:stop", args=[rows.account.pk])], 405)
    assert not strange(client_of(), [reverse("admin:login")])
    refused = client_of(rows)
    refused.handler.enforce_csrf_checks = True
    assert not pseudo.bare(refused.post(reverse("admin:logout")).content.decode())
    rows.user.is_staff = False
    rows.user.save()
    answer = client.get(reverse("accounts:list"))
    assert answer.status_code == 403
    assert not pseudo.bare(answer.content.decode())


INLINE = {"changes-TOTAL_FORMS": "0", "changes-INITIAL_FORMS": "0"}


@pytest.mark.parametrize(
    ("address", "given"),
    [
        ("accounts:token", {"token": ""}),
        ("accounts:connect", {}),
        ("sync:search", {"who": "nobody"}),
        ("sync:search", {"who": "Ana§"}),
        ("sync:search", {"who": ""}),
        ("sync:changes", {}),
        ("sync:pause", {}),
        ("accounts:sync", {"kind": "full"}),
        ("accounts:stop", {}),
        ("bulk:new", {}),
        ("bulk:write", {"text": "Hi§{nickname}"}),
        ("bulk:write", {"text": "Hi§}"}),
        ("bulk:start", {"seal": "another"}),
        ("contacts:detail", {"seen": "another"}),
        ("admin:integrations_contact_change", {"first_name": "x§", "email": "no§", "phone": "12"} | INLINE),
        ("admin:integrations_contact_more", {"text": ""}),
    ],
)
def test_answers(rows, address, given):
    """The messages after a button was pressed."""
    own = {
        "sync": [rows.account.pk], "accounts": [rows.account.pk], "bulk": [rows.bulks["draft"].pk],
        "contacts": [rows.conflict.pk], "admin": [rows.contacts[2].pk],
    }[address.partition(":")[0]]  # fmt: skip
    args = [] if address in ("accounts:token", "accounts:connect", "bulk:new") else own
    args += ["note"] if address.endswith("_more") else []
    answer = client_of(rows).post(reverse(address, args=args), given, follow=True)
    assert answer.status_code in (200, 400, 422), answer.status_code
    assert not pseudo.bare(answer.content.decode())


def test_a_hard_coded_word_is_noticed(monkeypatch):
    assert pseudo.bare('<p title="Hello there">⟦Known <b>words</b> here⟧ and others · Ana§ 12:30</p>') == [
        "Hello there", "and others · Ana§ 12:30",
    ]  # fmt: skip
