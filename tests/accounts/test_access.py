"""Who sees and does what on the accounts pages."""

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Account, SyncRun

from . import build

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
    client.force_login(build.person("customer", staff=False))
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
    client.force_login(build.person("boss", superuser=True))
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
