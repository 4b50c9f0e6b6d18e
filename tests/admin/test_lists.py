"""Every list and form of the admin: whose rows, how many queries, and nothing that is secret."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from integrations.models import (
    Attempt,
    AuditEntry,
    AuthorizationState,
    Budget,
    BudgetCall,
    Change,
    Credential,
    Inbox,
    Member,
    Number,
    SyncRun,
    WebhookEvent,
)
from integrations.salesmsg.phones import search_digits
from tests import factories

from .conftest import MODELS


def fill(of, count=3):
    """A row of every model, for this account."""
    user = factories.person(f"person-{of.pk}")
    for number in range(count):
        contact = factories.customer(of, number + of.pk * 100)
        inbox = Inbox.objects.create(account=of, vendor_id=number, name=f"Inbox {number}", phone="+13055550100")
        Number.objects.create(account=of, vendor_id=number, phone="+13055550100", inbox=inbox)
        owner = Member.objects.create(account=of, vendor_id=number, full_name=f"Member {number}")
        thread = factories.customer_thread(contact, inbox=inbox, owner=owner)
        text = factories.message(thread, f"Hello {number}", inbound=False, state="failed", sender=user)
        Attempt.objects.create(message=text, outcome="refused", vendor_reason="No such number")
        factories.contact_edit(contact, requested_by=user)
        factories.sync_run(of, SyncRun.State.DONE)
        factories.webhook_event(of)
        factories.consent(contact, text="STOP")
        AuditEntry.objects.create(account=of, user=user, action="account_connected")


def list_of(model):
    return reverse(f"admin:integrations_{model}_changelist")


def form_of(row):
    return reverse(f"admin:integrations_{row._meta.model_name}_change", args=[row.pk])


def model_class(name):
    return next(model for model in admin.site._registry if model._meta.model_name == name)


def test_secrets_have_no_page():
    assert not {Credential, AuthorizationState, Budget, BudgetCall} & set(admin.site._registry)


def test_the_queues_own_pages_stay(root):
    assert root.get(reverse("admin:django_q_failure_changelist")).status_code == 200


def test_the_admin_and_the_inbox_lead_to_each_other(root):
    shown = root.get(reverse("admin:index")).content.decode()
    assert "Salesmsg Portal" in shown
    assert f'href="{reverse("inbox:list")}"' in shown
    assert f'href="{reverse("accounts:list")}"' in shown


@pytest.mark.parametrize("model", MODELS)
def test_lists_hold_only_rows_of_ones_own_accounts(helper, root, account, other, model):
    fill(account)
    fill(other)
    mine, all_rows = (client.get(list_of(model)).context["cl"].result_count for client in (helper, root))
    assert mine == (1 if model == "account" else 3)
    assert all_rows == 2 * mine


@pytest.mark.parametrize("model", MODELS)
def test_a_row_of_another_account_cannot_be_opened(helper, account, other, model):
    fill(account)
    fill(other)
    rows = model_class(model).objects
    foreign = other if model == "account" else rows.filter(account=other).first()
    own = account if model == "account" else rows.filter(account=account).first()
    assert helper.get(form_of(own)).status_code == 200
    assert helper.get(form_of(foreign)).status_code == 302
    expected = 200 if model == "contact" else 403  # the form with its complaints: contacts may be edited
    assert helper.post(form_of(own), {}).status_code == expected


@pytest.mark.parametrize("model", MODELS)
def test_lists_cost_the_same_however_long(root, account, other, model, django_assert_max_num_queries):
    fill(account, 12)
    fill(other, 12)
    root.get(list_of(model))  # fills the cache of countries
    with django_assert_max_num_queries(8):
        root.get(list_of(model))


@pytest.mark.parametrize("model", [model for model in MODELS if model != "account"])
def test_nobody_adds_or_deletes(root, account, model):
    fill(account, 1)
    row = model_class(model).objects.first()
    assert root.get(reverse(f"admin:integrations_{model}_add")).status_code == 403
    assert root.post(reverse(f"admin:integrations_{model}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    response = root.post(list_of(model), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert response.status_code in {200, 302}
    assert model_class(model).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS)
def test_no_page_shows_a_secret_or_breaks_the_policy(root, account, model):
    fill(account, 1)
    row = model_class(model).objects.first()
    secrets = (
        factories.ACCESS_TOKEN, account.credential.access_token, account.webhook_secret, account.webhook_digest,
        factories.SECRET.format(account.label),
    )  # fmt: skip
    for address in (list_of(model), form_of(row)):
        shown = root.get(address).content.decode()
        assert not [secret for secret in secrets if secret in shown]
        assert " style=" not in shown
        assert "<style" not in shown
        assert "<script>" not in shown


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("account", "webhook_digest__startswith=a"),
        ("account", "webhook_secret__startswith=g"),
        ("account", "credential__access_token__startswith=g"),
        ("message", "account__webhook_digest__startswith=a"),
        ("auditentry", "user__password__startswith=md5"),
    ],
)
def test_query_strings_cannot_guess_at_fields(root, account, model, query):
    fill(account, 1)
    assert root.get(f"{list_of(model)}?{query}").status_code == 400


def test_our_own_links_into_lists_work(root, account, other):
    fill(account)
    fill(other)
    contact = account.contacts.first()
    shown = root.get(f"{list_of('conversation')}?contact__id__exact={contact.pk}")
    assert shown.context["cl"].result_count == 1
    for model in ("contact", "conversation", "message", "syncrun", "webhookevent", "change"):
        assert root.get(f"{list_of(model)}?account={account.pk}").context["cl"].result_count == 3


def test_events_are_processed_again_by_those_who_may(editor, helper, account):
    failed = factories.webhook_event(account, WebhookEvent.State.FAILED, vendor_reason="Unreachable", attempts=5)
    kept = factories.webhook_event(account, WebhookEvent.State.UNKNOWN)
    data = {"action": "process_again", "_selected_action": [failed.pk]}
    helper.post(list_of("webhookevent"), data)
    failed.refresh_from_db()
    assert failed.state == WebhookEvent.State.FAILED
    shown = editor.post(list_of("webhookevent"), data, follow=True).content.decode()
    assert "Processing 1 event again." in shown
    failed.refresh_from_db()
    kept.refresh_from_db()
    assert (failed.state, kept.state) == (WebhookEvent.State.NEW, WebhookEvent.State.UNKNOWN)


def test_our_own_lists_come_first(root, db):
    apps = root.get(reverse("admin:index")).context["app_list"]
    assert apps[0]["app_label"] == "integrations"
    assert apps[0]["models"][0]["object_name"] == "Contact"


def test_the_account_is_a_column_only_where_there_are_several(helper, root, account, other):
    factories.customer(account)
    assert "column-account" not in helper.get(list_of("contact")).content.decode()
    assert "column-account" in root.get(list_of("contact")).content.decode()


def test_strangers_reach_nothing(account):
    fill(account, 1)
    for model in MODELS:
        assert Client().get(list_of(model)).status_code == 302


def test_long_lists_are_counted_to_a_limit(root, account, monkeypatch):
    monkeypatch.setattr("integrations.admin.base.COUNT_LIMIT", 4)
    for number in range(6):
        factories.customer(account, number)
    shown = root.get(list_of("contact")).content.decode()
    assert "More than 4 contacts" in shown


def test_texts_are_found_and_lead_to_their_thread(helper, account):
    fill(account)
    text = factories.message(account.conversations.first(), "The heron has landed")
    response = helper.get(list_of("message"), {"q": "heron"})
    assert [row.pk for row in response.context["cl"].result_list] == [text.pk]
    assert reverse("inbox:thread", args=[text.conversation_id]) in response.content.decode()


def test_attempts_are_shown_with_their_message(helper, account):
    fill(account, 1)
    shown = helper.get(form_of(account.messages.first())).content.decode()
    assert "No such number" in shown
    assert "Refused" in shown


def test_the_body_of_an_event_is_readable(helper, account):
    event = factories.webhook_event(account, body='{"id":7,"name":"Zoë <b>"}')
    shown = helper.get(form_of(event)).content.decode()
    assert "&quot;name&quot;: &quot;Zoë &lt;b&gt;&quot;" in shown
    event = factories.webhook_event(account, body="no JSON <script>")
    assert "no JSON &lt;script&gt;" in helper.get(form_of(event)).content.decode()


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("(305) 555-0142", "3055550142"), ("+1 305.555.0142", "13055550142"), ("020 7946", "207946"),
        ("0044 20 7946", "44207946"), ("12", ""), ("Ana 0142", ""), ("()-", ""), ("", ""),
    ],
)  # fmt: skip
def test_what_counts_as_a_phone(typed, digits):
    assert search_digits(typed) == digits


def test_refused_changes_are_tried_again(editor, account):
    refused = factories.contact_edit(factories.customer(account, 1), Change.State.REFUSED, vendor_reason="Taken")
    done = factories.contact_edit(factories.customer(account, 2), Change.State.DONE)
    data = {"action": "try_again", "_selected_action": [refused.pk, done.pk]}
    shown = editor.post(list_of("change"), data, follow=True).content.decode()
    assert Change.objects.get(pk=refused.pk).state == Change.State.PENDING
    assert Change.objects.get(pk=done.pk).state == Change.State.DONE
    assert "Retried changes: 1" in shown


def test_a_message_shows_its_attempts_read_only(helper, account):
    text = factories.message(factories.customer_thread(factories.customer(account)), inbound=False, state="unknown")
    Attempt.objects.create(message=text, outcome="not_done", vendor_reason="Salesmsg could not be reached.")
    Attempt.objects.create(message=text, outcome="unclear", vendor_reason="Salesmsg did not answer in time.")
    shown = helper.get(form_of(text)).content.decode()
    for words in (
        "Did not reach Salesmsg; will be retried",
        "could not be reached",
        "No clear answer",
        "answer in time",
    ):
        assert words in shown
    assert 'name="attempts-0-outcome"' not in shown
    assert 'name="attempts-0-DELETE"' not in shown
