"""Who sees and does what on the accounts pages."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Account, SyncRun
from tests import factories

READ = ["detail", "sync-live", "budget-live"]
WRITE = ["sync", "stop", "reconnect", "reconnect-token", "webhook", "disconnect"]


def address(name, account=None):
    return reverse(f"accounts:{name}", args=[account.pk] if account else [])


@pytest.mark.parametrize("name", ["list", "callback", *READ])
def test_strangers_are_sent_to_the_login(name, account):
    own = () if name in {"list", "callback"} else (account,)
    response = Client().get(address(name, *own))
    assert response.status_code == 302
    assert response.url.startswith(reverse("admin:login"))


def test_a_poll_without_a_session_is_told_so(account):
    assert Client().get(address("sync-live", account), headers={"HX-Request": "true"}).status_code == 401


def test_people_who_are_not_staff_stay_out(account):
    client = Client()
    client.force_login(factories.person("customer", is_staff=False))
    assert client.get(address("list")).status_code == 403


@pytest.mark.parametrize("name", READ)
def test_other_peoples_accounts_are_not_there(agent, manager, other, name):
    assert agent.get(address(name, other)).status_code == 404
    assert manager.get(address(name, other)).status_code == 404


@pytest.mark.parametrize("name", WRITE)
def test_writes_are_for_managers_of_this_account(agent, manager, account, other, name):
    assert agent.post(address(name, account)).status_code == 403
    assert manager.post(address(name, other)).status_code == 404
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED
    assert not SyncRun.objects.exists()


@pytest.mark.parametrize("name", ["connect", "token"])
def test_only_who_manages_something_may_connect_more(agent, name):
    assert agent.post(address(name), {"token": "t"}).status_code == 403
    assert Account.objects.count() == 1


@pytest.mark.parametrize("name", ["sync", "stop", "reconnect", "reconnect-token"])
def test_nothing_is_written_by_get(manager, account, name):
    assert manager.get(address(name, account)).status_code == 405


@pytest.mark.parametrize("name", WRITE)
def test_writes_need_the_csrf_token(account, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.person("boss", superuser=True))
    assert client.post(address(name, account)).status_code == 403
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED


def test_agents_see_the_page_without_its_buttons(agent, manager, account, settings):
    settings.SALESMSG_CLIENT_ID = settings.SALESMSG_CLIENT_SECRET = "set"
    page, full = (client.get(address("detail", account)).content.decode() for client in (agent, manager))
    for name in ("sync", "reconnect", "disconnect", "webhook"):
        assert f'"{address(name, account)}"' in full
        assert f'"{address(name, account)}"' not in page
    assert "/webhooks/salesmsg/" in full
    assert "/webhooks/salesmsg/" not in page


def login_next(response) -> str:
    assert response.status_code == 302
    return parse_qs(urlsplit(response.url).query)["next"][0]


@pytest.mark.parametrize("name", ["sync", "stop", "reconnect", "reconnect-token"])
def test_a_button_without_a_session_leads_back_to_its_page(account, name):
    """The address itself would answer 405 after the login."""
    page = address("detail", account)
    client = Client()
    response = client.post(address(name, account), headers={"Referer": f"http://testserver{page}?tab=1"})
    assert login_next(response) == f"{page}?tab=1"
    assert not SyncRun.objects.exists()
    user = factories.person("boss", superuser=True)
    back = client.post(response.url, {"username": user.username, "password": "password", "next": f"{page}?tab=1"})
    assert (back.status_code, back.url) == (302, f"{page}?tab=1")
    assert client.get(back.url).status_code == 200


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "https://elsewhere.example/accounts/",
        "http://testserver//elsewhere.example/",
        "http://testserver/no/such/page/",
        "javascript:alert(1)",
        "http://[",
    ],
)
def test_a_doubtful_referer_leads_to_the_list(db, referer):
    response = Client().post(address("connect"), headers={"Referer": referer})
    assert login_next(response) == address("list")
    response = Client().post("/inbox/1/send/", headers={"Referer": referer})
    assert login_next(response) == "/inbox/"


def test_a_page_without_a_session_leads_back_to_itself(account):
    assert login_next(Client().get(address("detail", account) + "?a=1")) == address("detail", account) + "?a=1"


@pytest.mark.parametrize(
    ("path", "above"),
    [
        ("/accounts/{pk}/reconnect/", "/accounts/{pk}/"),
        ("/accounts/connect/", "/accounts/"),
        ("/inbox/{pk}/send/", "/inbox/{pk}/"),
        ("/inbox/messages/{pk}/again/", "/inbox/"),
        ("/admin/logout/", "/admin/"),
    ],
)
def test_an_address_of_a_button_opened_as_a_page_says_where_to_go(manager, account, path, above):
    path, above = path.format(pk=account.pk), above.format(pk=account.pk)
    response = manager.get(path, headers={"Accept": "text/html,application/xhtml+xml"})
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert f'href="{above}">To that page' in response.content.decode()
    assert "Content-Security-Policy" in response.headers
    assert manager.get(path, headers={"Accept": "application/json"}).content == b"", "programs get no page"
