"""Many events at once: sorted by what they name, one call for all that name the same, and none is lost on the way."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import crypto, gateway
from integrations.budget import BudgetWait
from integrations.models import Account, Budget, BudgetCall, Conversation, ThreadSync, WebhookEvent
from integrations.salesmsg.errors import VendorTrouble
from integrations.sync import thread_refresh
from integrations.sync.request import schedule_refreshes
from integrations.webhooks import process
from tests import factories
from tests.tokens.vendor import queued

from . import orders
from .orders import Vendor
from .test_orders import begin

State = WebhookEvent.State
WORLDS = range(0, 12, 2)  # threads that were read already


@pytest.fixture
def vendor(monkeypatch) -> Vendor:
    made = Vendor()
    made.version = dict.fromkeys(WORLDS, 1)
    monkeypatch.setattr(gateway, "open_session", made.session)
    return made


@pytest.fixture
def account(db, vendor) -> Account:
    made = factories.connected_account("Storm")
    begin(made, list(WORLDS))
    return made


def text(account: Account, world: int, number: int, name: str = "message.received", **fields) -> WebhookEvent:
    message = {"id": number, "conversation_id": orders.conversation_id(world), "contact_id": orders.contact_id(world)}
    return _event(account, name, {"message": message | {"body": f"Text {number}"}}, **fields)


def edit(account: Account, world: int, number: int = 0, **fields) -> WebhookEvent:
    return _event(account, "contact.updated", {"contact": {"id": orders.contact_id(world), "n": number}}, **fields)


def _event(account: Account, name: str, data: dict, **fields) -> WebhookEvent:
    body = json.dumps({"event": name, "data": data})
    return WebhookEvent.objects.create(account=account, name=name, body=body, digest=crypto.digest(body), **fields)


def looks() -> int:
    due = list(ThreadSync.objects.filter(due_at__lte=timezone.now()).values_list("conversation_id", flat=True))
    for key in due:
        thread_refresh.refresh_thread(key)
    return len(due)


def states() -> set[str]:
    return set(WebhookEvent.objects.values_list("state", flat=True))


def test_twenty_texts_of_one_conversation_cost_one_call(vendor, account):
    for number in range(20):
        text(account, 0, number)
    assert process.process_due(account.pk) == 20
    assert (states(), vendor.calls) == ({State.DONE}, 0)
    assert looks() == 1
    assert vendor.calls == 1


def test_five_changes_of_a_contact_cost_one_call(vendor, account):
    for number in range(5):
        edit(account, 0, number)
    edit(account, 2)
    process.process_due(account.pk)
    assert (states(), vendor.calls) == ({State.DONE}, 2)


def test_texts_of_a_new_conversation_fetch_it_once(vendor, account):
    vendor.version[1] = 1
    for number in range(5):
        text(account, 1, number)
    process.process_due(account.pk)
    assert Conversation.objects.filter(vendor_id=orders.conversation_id(1)).exists()
    assert (states(), vendor.calls) == ({State.DONE}, 2), "the conversation and its contact"


def test_statements_do_not_grow_with_the_events(vendor, account, django_assert_max_num_queries):
    for number in range(100):
        text(account, WORLDS[number % len(WORLDS)], number)
    with django_assert_max_num_queries(25):
        process.process_due(account.pk)
    assert states() == {State.DONE}


def test_a_pump_leaves_other_accounts_alone(vendor, account):
    other = factories.connected_account("Next door")
    text(other, 0, 1)
    assert process.process_due(account.pk) == 0
    assert states() == {State.NEW}


def test_more_than_a_pump_takes_are_woken_again(vendor, account, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(process, "AT_ONCE", 3)
    for number in range(4):
        text(account, 0, number)
    with django_capture_on_commit_callbacks(execute=True):
        assert process.process_due(account.pk) == 3
    assert (process.PUMP, (account.pk,)) in queued()
    assert process.process_due(account.pk) == 1
    assert states() == {State.DONE}


def test_without_budget_what_needs_no_call_is_done_and_the_rest_waits_uncounted(vendor, account, monkeypatch):
    """The first comes back when a place is free, and the others one after another."""

    def refused(id):
        raise BudgetWait(timezone.now() + timedelta(seconds=5))

    monkeypatch.setattr(vendor, "contact", refused)
    text(account, 0, 1)
    edits = [edit(account, world) for world in WORLDS]
    process.process_due(account.pk)
    assert set(WebhookEvent.objects.filter(name="message.received").values_list("state", flat=True)) == {State.DONE}
    waiting = list(WebhookEvent.objects.filter(name="contact.updated").order_by("pk"))
    assert {(event.state, event.attempts) for event in waiting} == {(State.NEW, 0)}
    dues = [event.due_at for event in waiting]
    assert dues == sorted(dues)
    assert timezone.now() + timedelta(seconds=3) < dues[0] < dues[-1]
    monkeypatch.undo()
    monkeypatch.setattr(gateway, "open_session", vendor.session)
    WebhookEvent.objects.filter(pk__in=[event.pk for event in edits]).update(due_at=timezone.now())
    process.process_due(account.pk)
    assert states() == {State.DONE}


def test_trouble_with_one_contact_is_no_trouble_for_the_others(vendor, account, monkeypatch):
    honest = vendor.contact

    def bent(id):
        if id == orders.contact_id(2):
            raise VendorTrouble(status=500, endpoint="GET /contacts/{contact}")
        return honest(id)

    monkeypatch.setattr(vendor, "contact", bent)
    bad, good = edit(account, 2), edit(account, 4)
    process.process_due(account.pk)
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, bad.attempts, good.state) == (State.NEW, 1, State.DONE)
    assert bad.due_at > timezone.now()


def test_after_its_moment_a_pump_lets_others_go_first(vendor, account, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(process, "SLICE", -1)
    edit(account, 0)
    with django_capture_on_commit_callbacks(execute=True):
        process.process_due(account.pk)
    event = WebhookEvent.objects.get()
    assert (event.state, event.attempts, vendor.calls) == (State.NEW, 0, 0)
    assert (process.PUMP, (account.pk,)) in queued()
    monkeypatch.undo()
    monkeypatch.setattr(gateway, "open_session", vendor.session)
    process.process_due(account.pk)
    assert states() == {State.DONE}


def test_large_bodies_are_not_all_in_memory_at_once(vendor, account, monkeypatch):
    monkeypatch.setattr(process, "BODIES", 2)
    for number in range(5):
        text(account, 0, number)
    assert process.process_due(account.pk) == 5
    assert states() == {State.DONE}


def test_the_sweep_wakes_an_account_once(vendor, account):
    for number in range(5):
        text(account, 0, number, due_at=timezone.now() - timedelta(seconds=5))
    assert process.wake_due() == 1


# -- refreshes of many threads ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("used", "blocked", "woken"), [(0, False, 6), (57, False, 3), (60, False, 1), (0, True, 1)])
def test_no_more_looks_are_woken_than_the_budget_has_places(
    account, settings, django_capture_on_commit_callbacks, used, blocked, woken
):
    """Refused tasks would only hold up others; the sweep brings the rest."""
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 60, 60
    later = timezone.now() + timedelta(seconds=30)
    budget = Budget.objects.create(account=account, blocked_until=later if blocked else None)
    BudgetCall.objects.bulk_create(BudgetCall(budget=budget, lane="sync", expires_at=later) for _ in range(used))
    keys = list(Conversation.objects.values_list("pk", flat=True))
    ThreadSync.objects.filter(conversation=keys[0]).delete()
    with django_capture_on_commit_callbacks(execute=True):
        schedule_refreshes(account.pk, keys)
    assert ThreadSync.objects.filter(due_at__lte=timezone.now()).count() == len(keys)
    assert len(queued()) == woken
    with django_capture_on_commit_callbacks(execute=True):
        schedule_refreshes(account.pk, keys)
    assert len(queued()) == woken, "what is asked for already is not asked for again"
