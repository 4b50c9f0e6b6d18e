"""The list and the page of one account."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import Account, Budget, Inbox, Number, SyncRun
from tests import factories

from .conftest import signed_in


def page(client, account):
    return client.get(reverse("accounts:detail", args=[account.pk])).content.decode()


def test_the_first_run_says_what_will_happen(root, settings):
    settings.SALESMSG_CLIENT_ID = settings.SALESMSG_CLIENT_SECRET = "set"
    shown = root.get(reverse("accounts:list")).content.decode()
    assert "Connect your Salesmsg account" in shown
    assert "Salesmsg asks you to authorize this portal" in shown
    assert "Connect with Salesmsg" in shown


def test_without_an_oauth_app_the_page_explains_how_to_get_one(root, settings):
    settings.SALESMSG_CLIENT_ID = settings.SALESMSG_CLIENT_SECRET = ""
    shown = root.get(reverse("accounts:list")).content.decode()
    assert reverse("accounts:connect") not in shown
    assert "SALESMSG_CLIENT_ID" in shown
    assert f'value="{settings.PORTAL_URL}/accounts/callback/"' in shown


def test_somebody_without_accounts_is_told_whom_to_ask(db):
    shown = signed_in(factories.person()).get(reverse("accounts:list")).content.decode()
    assert "Ask an administrator" in shown
    assert "Personal access token" not in shown


def test_cards_count_what_belongs_to_each_account(agent, account, other):
    for number in range(3):
        factories.customer_thread(factories.customer(account, number))
    factories.customer(account, 7, deleted_at=timezone.now())
    factories.customer(other, 8)
    response = agent.get(reverse("accounts:list"))
    assert [(card.label, card.contact_count, card.conversation_count) for card in response.context["cards"]] == [
        ("Harbor Dental", 3, 3)
    ]
    assert "Northside" not in response.content.decode()


def test_the_list_costs_the_same_however_many_accounts(root, django_assert_max_num_queries):
    for number in range(8):
        factories.sync_run(factories.connected_account(f"Branch {number}"))
    with django_assert_max_num_queries(5):
        assert len(root.get(reverse("accounts:list")).context["cards"]) == 8


def test_the_page_costs_a_bounded_number_of_queries(manager, account, django_assert_max_num_queries):
    factories.sync_run(account)
    for number in range(12):
        factories.sync_run(account, SyncRun.State.FAILED)
        factories.webhook_event(account)
        factories.membership(factories.person(f"agent{number}"), account)
        inbox = Inbox.objects.create(account=account, vendor_id=number, phone=f"+1305555010{number % 10}")
        Number.objects.create(account=account, vendor_id=number, phone=f"+1305555020{number % 10}", inbox=inbox)
    with django_assert_max_num_queries(22):
        page(manager, account)


def test_tokens_are_never_on_the_page(manager, account):
    shown = page(manager, account)
    credential = account.credential
    for secret in (factories.ACCESS_TOKEN, credential.access_token, credential.refresh_token, account.webhook_secret):
        assert secret not in shown


def test_an_account_that_needs_attention_says_what_to_do(manager, account):
    Account.objects.update(state=Account.State.ATTENTION, vendor_reason="The refresh token was refused.")
    shown = page(manager, account)
    assert "Reconnect" in shown
    assert "The refresh token was refused." in shown
    assert 'value="full"' not in shown


def test_the_budget_is_shown_with_its_block(manager, account, settings):
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 60, 60.0
    budget = Budget.objects.create(account=account, blocked_until=timezone.now() + timedelta(seconds=50))
    for lapsed in (False, False, False, True):
        until = timezone.now() + timedelta(seconds=-5 if lapsed else 50)
        budget.calls.create(lane="sync", expires_at=until)
    shown = manager.get(reverse("accounts:budget-live", args=[account.pk])).content.decode()
    assert '<b class="big">3</b> of 60 calls in the last 60 s' in shown
    assert "Calls resume automatically at" in shown


def test_a_number_names_the_inbox_that_answers_on_it(manager, account):
    Inbox.objects.create(account=account, vendor_id=1, name="Front desk", phone="+13055550100")
    Inbox.objects.create(account=account, vendor_id=2, name="Billing")
    Number.objects.create(account=account, vendor_id=1, phone="+13055550100", country="US")
    lines = manager.get(reverse("accounts:detail", args=[account.pk])).context["lines"]
    assert [(line["phone"], line["inbox"]) for line in lines] == [("+13055550100", "Front desk"), ("", "Billing")]


def test_the_webhook_address_is_there_to_copy(manager, account, settings):
    shown = page(manager, account)
    assert 'data-copy="#webhook-address"' in shown
    assert f'value="{settings.PORTAL_URL}/webhooks/salesmsg/webhook-secret-of-Harbor%20Dental/"' in shown


def test_a_lost_key_is_no_broken_page(manager, account, settings):
    settings.FIELD_ENCRYPTION_KEYS = ["dGhpcy1pcy1hbm90aGVyLWtleS10aGF0LWlzLTMyYnk="]
    shown = page(manager, account)
    assert "The address cannot be shown" in shown


@pytest.mark.parametrize("name", ["list", "detail", "webhook", "disconnect"])
def test_no_page_needs_what_the_policy_forbids(manager, account, name):
    shown = manager.get(reverse(f"accounts:{name}", args=[] if name == "list" else [account.pk])).content.decode()
    assert "<style" not in shown
    assert " style=" not in shown
    assert " onclick=" not in shown
    assert "<script>" not in shown


def test_renewal_is_told_as_what_will_be(manager, account):
    assert "<dt>Renews</dt>" in page(manager, account)
    account.credential.renew_at = timezone.now() - timedelta(minutes=5)
    account.credential.save()
    assert "<dt>Renewal due</dt>" in page(manager, account)


def test_what_was_a_moment_ago_is_told_so(manager, account):
    for age, words in ((0, ">just now<"), (190, ">3\xa0minutes ago<")):
        Account.objects.update(last_event_at=timezone.now() - timedelta(seconds=age))
        assert words in page(manager, account)


def test_the_login_is_a_page_of_the_portal(client, db):
    shown = client.get(reverse("admin:login"), {"next": "/inbox/"})
    html = shown.content.decode()
    assert "portal/portal.css" in html
    assert "admin/css" not in html
    assert 'name="next" value="/inbox/"' in html
    wrong = client.post(reverse("admin:login"), {"username": "nobody", "password": "x", "next": "/inbox/"})
    assert "Please enter the correct username and password" in wrong.content.decode()
    assert signed_in(factories.person("visitor", is_staff=False)).get(reverse("admin:login")).status_code == 200
