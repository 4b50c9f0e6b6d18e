"""The pages against a real server: a person consents or denies, a code is used twice, a token is pasted."""

import http.client
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.urls import reverse

from integrations.models import Account, Budget, Credential, Membership, SyncRun
from tests import factories

from .conftest import signed_in

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def salesmsg(sandbox, settings):
    running = sandbox(contacts=5, messages=2)
    settings.SALESMSG_BASE_URL = running.url
    settings.SALESMSG_TOKEN_URL = settings.SALESMSG_REFRESH_URL = f"{running.url}/pub/v2.2/oauth/token"
    settings.SALESMSG_AUTHORIZE_URL = f"{running.url}/auth/oauth"
    settings.SALESMSG_CLIENT_ID, settings.SALESMSG_CLIENT_SECRET = running.client_id, running.client_secret
    return running


@pytest.fixture
def boss(transactional_db):
    return signed_in(factories.person("boss", superuser=True))


def decide(consent_url, decision):
    """What the browser does on the consent page; the query of the way back."""
    parts = urlsplit(consent_url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    body = f"{parts.query}&{urlencode({'decision': decision})}"
    connection.request("POST", parts.path, body, {"Content-Type": "application/x-www-form-urlencoded"})
    location = connection.getresponse().getheader("Location")
    connection.close()
    assert urlsplit(location).path == reverse("accounts:callback")
    return dict(parse_qsl(urlsplit(location).query))


def consent(client, decision="approve", account=None, label=""):
    address = reverse("accounts:reconnect", args=[account.pk]) if account else reverse("accounts:connect")
    return decide(client.post(address, {"label": label}).url, decision)


def test_a_consent_connects_and_the_first_sync_begins(salesmsg, boss):
    query = consent(boss, label="Front office")
    response = boss.get(reverse("accounts:callback"), query)
    account = Account.objects.get()
    assert response.url == reverse("accounts:detail", args=[account.pk])
    assert (account.label, account.state) == ("Front office", Account.State.CONNECTED)
    assert SyncRun.objects.get(account=account).requested_by.username == "boss"
    assert Membership.objects.get().role == Membership.Role.MANAGER
    shown = boss.get(response.url).content.decode()
    assert "Front office is connected." in shown
    assert "Running a full sync" in shown
    assert query["code"] not in shown
    assert query["code"] not in Credential.objects.get().access_token

    again = boss.get(reverse("accounts:callback"), query)
    assert again.status_code == 400
    assert Account.objects.count() == 1


def test_connecting_again_keeps_the_account_and_its_data(salesmsg, boss):
    boss.get(reverse("accounts:callback"), consent(boss))
    account = Account.objects.get()
    factories.customer(account)
    boss.post(reverse("accounts:disconnect", args=[account.pk]))
    boss.get(reverse("accounts:callback"), consent(boss, account=account))
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED
    assert account.contacts.count() == Account.objects.count() == 1


def test_a_no_changes_nothing(salesmsg, boss):
    response = boss.get(reverse("accounts:callback"), consent(boss, "deny"))
    assert response.status_code == 400
    assert "Access was not granted" in response.content.decode()
    assert not Account.objects.exists()


def test_a_wrong_client_secret_is_explained(salesmsg, boss, settings):
    settings.SALESMSG_CLIENT_SECRET = "another-secret-than-the-registered-one"
    query = consent(boss)
    response = boss.get(reverse("accounts:callback"), query)
    shown = response.content.decode()
    assert response.status_code in {400, 502}
    assert query["code"] not in shown
    assert settings.SALESMSG_CLIENT_SECRET not in shown
    assert not Account.objects.exists()


def test_a_token_connects_and_its_calls_count(salesmsg, boss):
    response = boss.post(reverse("accounts:token"), {"label": "By token", "token": f" Bearer {salesmsg.pat}\n"})
    account = Account.objects.get()
    assert response.url == reverse("accounts:detail", args=[account.pk])
    assert account.credential.kind == Credential.Kind.PAT
    assert Budget.for_account(account).used_now()[0] > 0
    shown = boss.get(response.url).content.decode()
    assert "Personal access token" in shown
    assert salesmsg.pat not in shown


def test_a_made_up_token_is_refused_in_words(salesmsg, boss):
    response = boss.post(reverse("accounts:token"), {"label": "", "token": "1|made-up"})
    shown = response.content.decode()
    assert response.status_code == 422
    assert "made-up" not in shown
    assert "Create a new one in Salesmsg" in shown
