"""To the consent screen and back, tokens, a new webhook address, and disconnecting."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import Account, AuthorizationState, Credential
from tests import factories

from .conftest import signed_in

CODE = "the-code-that-nobody-may-see"


@pytest.fixture
def oauth(settings):
    settings.SALESMSG_CLIENT_ID, settings.SALESMSG_CLIENT_SECRET = "client", "secret"
    settings.SALESMSG_AUTHORIZE_URL = "https://app.salesmsg.test/auth/oauth"
    # No server listens there: a call must end as "is not available".
    settings.SALESMSG_BASE_URL = settings.SALESMSG_TOKEN_URL = settings.SALESMSG_REFRESH_URL = "http://127.0.0.1:9"


def consent(client, account=None):
    address = reverse("accounts:reconnect", args=[account.pk]) if account else reverse("accounts:connect")
    response = client.post(address, {"label": "Front office"})
    assert response.status_code == 302
    return response.url, parse_qs(urlsplit(response.url).query)["state"][0]


def back(client, **query):
    return client.get(reverse("accounts:callback"), query)


def test_the_button_leads_to_the_consent_screen(oauth, root, settings):
    url, state = consent(root)
    query = parse_qs(urlsplit(url).query)
    assert url.startswith(settings.SALESMSG_AUTHORIZE_URL)
    assert query["client_id"] == ["client"]
    assert query["redirect_uri"] == [f"{settings.PORTAL_URL}/accounts/callback/"]
    assert AuthorizationState.objects.get().label == "Front office"
    assert state not in AuthorizationState.objects.get().digest


def test_connecting_again_remembers_the_account(oauth, manager, account):
    consent(manager, account)
    assert AuthorizationState.objects.get().account == account


def test_without_a_client_id_a_page_says_what_is_missing(root, settings):
    settings.SALESMSG_CLIENT_ID = ""
    response = root.post(reverse("accounts:connect"))
    assert response.status_code == 400
    assert "OAuth is not set up" in response.content.decode()
    assert not AuthorizationState.objects.exists()


def test_a_denied_consent_is_no_accident(oauth, root):
    _, state = consent(root)
    response = back(root, error="access_denied", state=state)
    shown = response.content.decode()
    assert response.status_code == 400
    assert "Access was not granted" in shown
    assert "Try again" in shown


@pytest.mark.parametrize("spoil", ["wrong", "missing", "used", "old", "another person"])
def test_a_way_back_that_does_not_fit(oauth, root, spoil):
    _, state = consent(root)
    client, query = root, {"code": CODE, "state": state}
    match spoil:
        case "wrong":
            query["state"] = "made-up"
        case "missing":
            del query["state"]
        case "used":
            AuthorizationState.objects.update(used_at=timezone.now())
        case "old":
            AuthorizationState.objects.update(created_at=timezone.now() - timedelta(minutes=11))
        case "another person":
            client = signed_in(factories.person("second", superuser=True))
    response = back(client, **query)
    shown = response.content.decode()
    assert response.status_code == 400
    assert "no longer valid" in shown
    assert CODE not in shown
    assert state not in shown
    assert not Account.objects.exists()


def test_trouble_at_salesmsg_is_called_that(oauth, root):
    _, state = consent(root)
    response = back(root, code=CODE, state=state)
    shown = response.content.decode()
    assert response.status_code == 502
    assert "is not available" in shown
    assert CODE not in shown
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]


def test_the_code_does_not_travel_on_to_the_login_page(oauth, db):
    response = back(Client(), code=CODE, state="any")
    assert response.status_code == 302
    assert CODE not in response.url


def test_a_token_that_is_refused_is_not_shown_again(oauth, root):
    response = root.post(reverse("accounts:token"), {"label": "By token", "token": "secret-token-value"})
    shown = response.content.decode()
    assert response.status_code == 422
    assert "secret-token-value" not in shown
    assert re.search(r'id="token_token_error".*?<li>[^<]{10,}', shown, re.DOTALL)
    assert 'value="By token"' in shown
    assert not Account.objects.exists()


def test_an_empty_token_is_asked_for(root, db):
    response = root.post(reverse("accounts:token"), {"label": "x", "token": "  "})
    assert response.status_code == 422
    assert "Paste the token" in response.content.decode()


def test_a_refused_token_leaves_the_account_as_it_was(oauth, manager, account):
    before = account.credential.access_token
    response = manager.post(reverse("accounts:reconnect-token", args=[account.pk]), {"token": "secret-token-value"})
    assert response.status_code == 422
    assert "secret-token-value" not in response.content.decode()
    assert Credential.objects.get().access_token == before


def test_disconnecting_asks_first_and_keeps_the_data(manager, account):
    factories.customer_thread(factories.customer(account))
    address = reverse("accounts:disconnect", args=[account.pk])
    assert "messages are kept" in manager.get(address).content.decode()
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED
    shown = manager.post(address, follow=True).content.decode()
    account.refresh_from_db()
    assert account.state == Account.State.DISCONNECTED
    assert not Credential.objects.exists()
    assert account.contacts.count() == account.conversations.count() == 1
    assert "is kept" in shown


def test_a_new_webhook_address_replaces_the_old_one(manager, account):
    address = reverse("accounts:webhook", args=[account.pk])
    old = account.webhook_digest
    assert "stops working immediately" in manager.get(address).content.decode()
    account.refresh_from_db()
    assert account.webhook_digest == old
    shown = manager.post(address, follow=True).content.decode()
    account.refresh_from_db()
    assert account.webhook_digest != old
    assert "webhook-secret-of-Harbor" not in shown
    assert "New webhook address" in shown


def test_connecting_from_another_address_is_explained_before_the_trip(manager, settings):
    settings.SALESMSG_CLIENT_ID, settings.SALESMSG_CLIENT_SECRET = "1001", "secret"
    response = manager.post(reverse("accounts:connect"), SERVER_NAME="127.0.0.1")
    shown = response.content.decode()
    assert response.status_code == 400
    assert "Open the portal at its public address" in shown
    assert "http://localhost:8000/accounts/" in shown
    assert not AuthorizationState.objects.exists()
