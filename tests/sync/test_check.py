"""The comparison in idle budget: it repairs what no check for changes can see, and writes nothing otherwise."""

import urllib.request
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import BudgetCall, Contact, Conversation, ListSync, Message, SyncRun, ThreadSync
from integrations.sync import messages, request, runner

from .support import connected, differences, endpoints, finish, full, looks, writes
from .vendor import TOKEN, stamp

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
DONE = SyncRun.State.DONE


def check(account) -> SyncRun:
    return finish(request.start_comparison(account))


def api(world, method: str, path: str) -> None:
    asked = urllib.request.Request(world.url + path, method=method, headers={"Authorization": f"Bearer {world.pat}"})
    with urllib.request.urlopen(asked, timeout=10):
        pass


def test_where_all_is_well_nothing_is_written(world):
    account = connected()
    full(account)
    world.post("/sandbox/reset-counters", {})
    with writes() as written:
        run = check(account)
    assert (run.state, run.changed, run.notes, written) == (DONE, 0, [], {})
    sampled = sum(calls for name, calls in endpoints(world).items() if name.startswith("GET /messages"))
    assert sampled == messages.SAMPLES
    known = ListSync.objects.get(account=account, name="check")
    assert (known.repaired, known.calls) == (0, run.requests)


def test_what_changed_without_coming_to_the_front_is_put_right(world):
    account = connected()
    full(account)
    data = world.data()
    contacts = data["contacts"]
    openly = [row for row in data["conversations"] if row["closed_at"] is None]
    api(world, "PUT", f"/pub/v2.2/contacts/opt-out/{contacts[4]['id']}")
    api(world, "PUT", f"/pub/v2.2/tags/contact/{contacts[5]['id']}/{data['tags'][0]['id']}")
    api(world, "PUT", f"/api/v4/contacts/{contacts[6]['id']}?last_name=Moved")
    api(world, "PUT", f"/pub/v2.2/conversations/{openly[-1]['id']}/close")
    api(world, "POST", f"/pub/v2.2/conversations/{openly[-2]['id']}/reassign?user_id={data['users'][1]['id']}")
    run = check(account)
    assert (run.state, run.notes) == (DONE, [])
    assert run.changed >= 5
    assert differences(world) == []
    assert ListSync.objects.get(name="check").repaired == run.changed
    assert check(account).changed == 0


def test_damage_in_the_cache_is_found_and_repaired(world):
    """Whatever happened to our own rows: what Salesmsg says is there in the end."""
    account = connected()
    full(account)
    first, second, third = Contact.objects.order_by("pk")[:3]
    Contact.objects.filter(pk=first.pk).update(first_name="Damaged", opted_out=not first.opted_out, tags=["no such"])
    Contact.objects.filter(pk=second.pk).update(deleted_at=timezone.now())
    Conversation.objects.filter(contact=third).update(closed_at=timezone.now(), owner=None)
    threads = Conversation.objects.order_by("pk")[:2]
    ThreadSync.objects.filter(conversation__in=threads).update(read_at=None)
    for thread in threads:
        thread.messages.order_by("-at").first().delete()
    assert differences(world)
    assert check(account).changed >= 4
    assert differences(world) == []


@pytest.fixture
def known(vendor):
    """Thirty people with a thread each, read to the end."""
    vendor.people(30, messages=2)
    account = connected(TOKEN)
    full(account)
    vendor.calls.clear()
    return account


def test_merged_contacts(vendor, known):
    """One id is gone, and its conversation belongs to the other contact now."""
    gone, kept = vendor.contacts[3], vendor.contacts[8]
    vendor.contacts.remove(gone)
    thread = next(one for one in vendor.conversations if one["contact_id"] == gone["id"])
    thread |= {"contact_id": kept["id"], "contact": {"id": kept["id"], "full_name": kept["full_name"]}}
    check(known)
    assert Contact.objects.get(vendor_id=gone["id"]).deleted_at
    assert Conversation.objects.get(vendor_id=thread["id"]).contact.vendor_id == kept["id"]
    assert Message.objects.filter(conversation__contact__vendor_id=kept["id"]).count() == 4


def test_a_contact_that_was_added_again(vendor, known):
    """Under a new id or under the old one: both are there, and neither counts as deleted."""
    first, second = vendor.contacts[3], vendor.contacts[4]
    vendor.contacts.remove(first)
    vendor.contacts.remove(second)
    check(known)
    assert Contact.objects.present().count() == 28
    vendor.contacts.append(first | {"updated_at": stamp(80_000)})
    vendor.contact(99)["number"] = second["number"]
    check(known)
    assert Contact.objects.get(vendor_id=first["id"]).deleted_at is None
    assert Contact.objects.present().filter(phone=second["number"]).get().vendor_id == 1099
    assert Contact.objects.get(vendor_id=second["id"]).deleted_at


def test_a_moved_conversation(vendor, known):
    vendor.conversations[3]["inbox_id"] = 239_777
    assert check(known).changed == 1
    assert Conversation.objects.get(vendor_id=vendor.conversations[3]["id"]).inbox.vendor_id == 239_777


def test_a_conversation_that_is_gone_is_marked_and_one_that_is_hidden_is_not(vendor, known):
    gone, hidden = vendor.conversations[3], vendor.conversations[7]
    honest = vendor.listed
    vendor.bend["GET /conversations"] = lambda query: [
        one for one in honest(query | {"limit": 500}) if one is not hidden
    ]
    vendor.conversations.remove(gone)
    run = check(known)
    assert (run.state, run.streams.get(name="lost").seen) == (DONE, 2)
    assert Conversation.objects.get(vendor_id=gone["id"]).gone_at
    assert Conversation.objects.exclude(gone_at=None).count() == 1
    assert run.notes == []
    vendor.conversations.append(gone)
    check(known)
    assert not Conversation.objects.exclude(gone_at=None).exists()


def test_many_that_are_not_listed_are_kept_and_told(vendor):
    vendor.people(80)
    account = connected(TOKEN)
    full(account)
    vendor.conversations = vendor.conversations[:10]
    run = check(account)
    assert [(note["code"], note["params"]) for note in run.notes] == [("many_conversations_missing", {"count": 70})]
    assert vendor.calls["GET /conversations/{id}"] == 0


def test_it_calls_in_idle_budget_only(vendor, known, settings):
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 60, 60.0
    run = request.start_comparison(known)
    known.budget.calls.all().delete()
    for _ in range(40):
        SyncRun.objects.filter(pk=run.pk).update(due_at=timezone.now(), lease_until=None)
        known.budget.__class__.objects.update(pace_at=None)
        run.refresh_from_db()
        runner.run_steps(run.pk, run.step)
    lanes = list(known.budget.calls.values_list("lane", flat=True))
    assert set(lanes) == {BudgetCall.Lane.IDLE}
    assert len(lanes) <= 60 / 4
    known.budget.calls.all().delete()
    now = timezone.now()
    BudgetCall.objects.bulk_create(
        BudgetCall(budget=known.budget, lane="interactive", started_at=now, expires_at=now + timedelta(minutes=1))
        for _ in range(30)
    )
    SyncRun.objects.filter(pk=run.pk).update(due_at=now, lease_until=None)
    run.refresh_from_db()
    runner.run_steps(run.pk, run.step)
    assert not known.budget.calls.filter(lane="idle").exists(), "half of the window is in use: that is not idle"


def test_threads_with_gaps_are_filled(vendor, known):
    thread = vendor.conversation(vendor.contact(77))
    for number in range(150):
        vendor.message(thread, 30_000 + number)
    check(known)
    assert Conversation.objects.get(vendor_id=thread["id"]).messages.count() == 150
    assert looks() == 0
