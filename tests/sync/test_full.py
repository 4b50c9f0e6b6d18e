"""A full sync: the cache equals the vendor, a second one writes nothing, and nothing that breaks it off costs a row."""

import threading
import urllib.request
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import gateway, mirror
from integrations.models import (
    Account,
    BudgetCall,
    Contact,
    Conversation,
    Inbox,
    Member,
    Message,
    Number,
    SyncRun,
    SyncSeen,
    ThreadSync,
)
from integrations.sync import request, runner, streams
from tests.harness.sandbox import fetch

from .support import by_pages, connected, differences, endpoints, finish, full, writes
from .vendor import TOKEN

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
DONE, FAILED = SyncRun.State.DONE, SyncRun.State.FAILED

SWITCHES = [
    {},
    {"mix_envelopes": True, "short_pages": True},
    {"data_envelope": True, "paginated": False, "honour_sort": False},
    {"data_envelope": True, "mix_envelopes": True, "iso_times": True, "short_pages": True, "paginated": False},
]


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda switches: "+".join(switches) or "as declared")
def test_the_cache_equals_the_vendor_and_a_second_sync_writes_nothing(world, switches):
    world.post("/sandbox/settings", switches)
    account = connected()
    run = full(account)
    assert (run.state, run.reason.text, run.notes) == (DONE, "", [])
    seen = Account.objects.get().inbox_version
    with writes() as written:
        again = full(account)
    assert (again.state, again.changed, again.notes) == (DONE, 0, [])
    assert written == {}
    assert Account.objects.get().inbox_version == seen
    assert differences(world) == []
    data = world.data()
    assert (run.contacts, run.messages) == (len(data["contacts"]), len(data["messages"]))
    assert run.conversations == len(data["conversations"])
    organization_equals(data)
    delivery_equals(data)
    assert not ThreadSync.objects.exclude(complete=True, pending=False, cursor={}).exists()


def organization_equals(data):
    members = {row.vendor_id: (row.full_name, row.email, row.role) for row in Member.objects.all()}
    assert members == {row["id"]: (row["full_name"], row["email"], row["role"]) for row in data["users"]}
    inboxes = {row.vendor_id: (row.name, row.phone) for row in Inbox.objects.all()}
    assert inboxes == {row["id"]: (row["name"], row["number"]["number"]) for row in data["teams"]}
    numbers = {row.vendor_id: (row.phone, row.country, row.inbox.vendor_id) for row in Number.objects.all()}
    assert numbers == {row["id"]: (row["number"], row["country"], row["numberable"]["id"]) for row in data["numbers"]}
    account = Account.objects.get()
    assert account.organization_name == data["organization"]["name"]
    assert account.organization_timezone == data["organization"]["timezone"]


def delivery_equals(data):
    """States in our words, times, authors, calls, pictures and reasons; and what the list repeats of the newest."""
    ours = {row.vendor_id: row for row in Message.objects.select_related("conversation")}
    words = {"queued": "sent", "created": "sent"}
    newest = {}
    for row in data["messages"]:
        message = ours[row["id"]]
        if row["type"] != "call":
            assert message.state == words.get(row["status"], row["status"])
        for name in ("received_at", "sent_at", "delivered_at", "failed_at"):
            at = getattr(message, name)
            assert (at and at.strftime("%Y-%m-%d %H:%M:%S")) == row[name]
        assert message.author_name == (row["user"]["full_name"] if row["user"] else "")
        assert bool(message.reason) == bool(row["failed_reason"])
        assert message.media_pending == (row["mms_status"] == "busy")
        if row["record"]:
            assert message.call["duration"] == row["record"]["duration"]
            assert message.call["voicemail"] == row["record"]["is_voicemail"]
        key = row["conversation_id"]
        newest[key] = max(newest.get(key, ()), (message.at, message.rank, message))
    for conversation in Conversation.objects.filter(vendor_id__in=newest):
        _, _, message = newest[conversation.vendor_id]
        assert conversation.latest_at == message.at
        assert conversation.latest_state == message.state
        assert conversation.latest_inbound == message.inbound
        assert conversation.latest_text == message.text[:200]
        assert conversation.latest_kind == {"call": "call", "mms": "picture"}.get(message.kind, "text")


def test_only_what_the_vendor_counts_as_unread_is_news_after_the_first_sync(world):
    full(connected())
    unread = {row["id"]: row["unread"] for row in world.data()["conversations"]}
    assert sum(unread.values()) > 0
    for conversation in Conversation.objects.all():
        inbound = conversation.messages.filter(inbound=True)
        news = list(inbound.filter(is_news=True).order_by("-at", "-rank").values_list("pk", flat=True))
        wanted = unread[conversation.vendor_id]
        assert news == list(inbound.order_by("-at", "-rank").values_list("pk", flat=True)[:wanted])


def test_a_sync_stopped_after_any_step_goes_on_from_there(world):
    """Each step's worker claims, or fetches, or stores half, and is gone; the next one finds the step free again."""
    account = connected()
    run = request.start_full(account)
    fatal = iter(range(10_000))
    steps = []

    def break_off(current):
        turn = next(fatal)
        steps.append(current.step)
        if turn % 3 == 0:  # claimed, then killed
            assert runner.claim_step(run.pk).step == current.step
            assert runner.claim_step(run.pk) is None, "a step that is being worked on is given away"
            SyncRun.objects.filter(pk=run.pk).update(lease_until=timezone.now())
        elif turn % 3 == 1:  # killed between the page and its being stored
            claimed = runner.claim_step(run.pk)
            stream = claimed.streams.filter(done=False).first()
            if stream:
                streams.next_page(claimed, stream, gateway.open_session(account.pk, BudgetCall.Lane.SYNC).client)
            SyncRun.objects.filter(pk=run.pk).update(lease_until=timezone.now())

    run = finish(run, break_off)
    assert (run.state, run.changed) == (DONE, run.changed)
    assert steps == sorted(set(steps)), "a step was stored twice"
    assert differences(world) == []
    assert run.messages == len(world.data()["messages"])


def test_a_fault_in_the_middle_of_storing_leaves_nothing_of_the_page(world, monkeypatch):
    account = by_pages(world)
    run = request.start_full(account)
    real, calls = mirror.upsert_contacts, []

    def faulty(*arguments, **options):
        calls.append(1)
        found = real(*arguments, **options)
        if len(calls) == 2:
            raise ZeroDivisionError
        return found

    monkeypatch.setattr(mirror, "upsert_contacts", faulty)
    with pytest.raises(ZeroDivisionError):
        finish(run)
    run.refresh_from_db()
    contacts = run.streams.get(name="contacts")
    assert (run.state, run.failures, run.lease_until) == (SyncRun.State.RUNNING, 1, None)
    assert run.due_at > timezone.now(), "it is tried again at once"
    assert (contacts.seen, contacts.pages, Contact.objects.count()) == (10, 1, 10)
    assert finish(run).state == DONE
    assert differences(world) == []


def test_a_step_that_never_ends_fails_the_run(world):
    run = request.start_full(connected())
    for _ in range(runner.MOST_FAILURES * 2):
        assert runner.claim_step(run.pk) is not None
        SyncRun.objects.filter(pk=run.pk).update(lease_until=timezone.now())
    assert runner.claim_step(run.pk) is None
    run.refresh_from_db()
    assert run.state == FAILED
    assert run.reason_code == "step_never_ended"


def test_two_workers_with_the_same_step_store_its_page_once(world):
    account = connected()
    run = request.start_full(account)
    session = gateway.open_session(account.pk, BudgetCall.Lane.SYNC, patience=5)
    for _ in range(8):
        slow = runner.claim_step(run.pk)
        SyncRun.objects.filter(pk=run.pk).update(lease_until=timezone.now())
        quick = runner.claim_step(run.pk)
        assert slow.step == quick.step
        assert runner.advance_run(quick, session)
        before = SyncSeen.objects.count(), SyncRun.objects.values().get(), list(run.streams.values())
        assert not runner.advance_run(slow, session)
        assert (SyncSeen.objects.count(), SyncRun.objects.values().get(), list(run.streams.values())) == before
    finish(run)
    assert differences(world) == []


def test_workers_side_by_side_store_every_page_once(world):
    account = connected()
    run = request.start_full(account)
    stored, faults = [], []

    def worker():
        try:
            session = gateway.open_session(account.pk, BudgetCall.Lane.SYNC, patience=5)
            while SyncRun.objects.filter(pk=run.pk, state=SyncRun.State.RUNNING).exists():
                claimed = runner.claim_step(run.pk)
                if claimed is not None and runner.advance_run(claimed, session):
                    stored.append(claimed.step)
        except BaseException as fault:  # noqa: BLE001 - for the test to see
            faults.append(fault)
        finally:
            connection.close()

    workers = [threading.Thread(target=worker) for _ in range(3)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
    run.refresh_from_db()
    assert faults == []
    assert run.state == DONE
    assert sorted(stored) == list(range(1, run.step + 1))
    assert run.contacts == len(world.data()["contacts"])
    assert differences(world) == []


def test_trouble_of_every_kind_in_the_middle_is_survived(world):
    account = by_pages(world)
    for kind in ("500", "504", "truncate", "cut", "html", "drop-before", "429"):
        for match in ("GET /contacts", "GET /conversations", "GET /messages"):
            world.post("/sandbox/faults", {"kind": kind, "count": 1, "match": match})
    run = full(account)
    assert all(fault["hits"] == 1 for fault in world.get("/sandbox/faults")), "it was never in trouble"
    assert (run.state, run.notes) == (DONE, [])
    assert differences(world) == []


def test_trouble_that_does_not_end_is_told(world):
    account = connected()
    world.post("/sandbox/faults", {"kind": "html", "match": "GET /conversations"})
    run = full(account)
    assert run.state == FAILED
    assert run.reason_params["list"] == "open"
    account.refresh_from_db()
    assert account.reason == run.reason
    assert account.synced_at is None
    world.post("/sandbox/faults", {"kind": "none"})
    assert full(account).state == DONE
    account.refresh_from_db()
    assert not account.reason
    assert differences(world) == []


def test_a_deleted_contact_is_marked_only_after_its_404(world):
    account = connected()
    full(account)
    victim = world.data()["contacts"][5]
    fetch_as(world, "DELETE", f"/pub/v2.2/contacts/{victim['id']}")
    world.post("/sandbox/reset-counters", {})
    run = full(account)
    assert run.state == DONE
    assert endpoints(world)["GET /contacts/{contact}"] == 1
    assert Contact.objects.get(vendor_id=victim["id"]).deleted_at is not None
    assert Contact.objects.exclude(deleted_at=None).count() == 1
    assert run.streams.get(name="deleted").seen == 1


def fetch_as(world, method, path):
    asked = urllib.request.Request(world.url + path, method=method, headers={"Authorization": f"Bearer {world.pat}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 200


def test_contacts_that_come_during_the_walk_are_not_missed(world):
    """Newest first, they push the others down, so that the full sync sees none of them by itself."""
    account = by_pages(world)
    run = request.start_full(account)
    new = iter(range(3))

    def text_from_somebody_new(current):
        contacts = current.streams.get(name="contacts")
        if contacts.pages and not contacts.done and (number := next(new, None)) is not None:
            fetch(
                f"{world.url}/sandbox/phone/new", payload={"number": f"+1415555{1000 + number}{0}"[:12], "text": "Hi"}
            )

    before = len(world.data()["contacts"])
    run = finish(run, text_from_somebody_new)
    after = len(world.data()["contacts"])
    assert after == before + 3
    assert (run.state, run.contacts, run.streams.get(name="contacts").restarts) == (DONE, after, 0)
    assert differences(world) == []


def test_a_contact_that_goes_during_the_walk_costs_no_other(world):
    """The rest moves up by one, so that one would be jumped over."""
    account = by_pages(world)
    victims = [row["id"] for row in world.data()["contacts"][-2:-1]]

    def delete(current):
        if current.streams.get(name="contacts").pages == 2 and victims:
            fetch_as(world, "DELETE", f"/pub/v2.2/contacts/{victims.pop()}")

    run = finish(request.start_full(account), delete)
    assert (run.state, run.streams.get(name="contacts").restarts) == (DONE, 1)
    assert Contact.objects.present().count() == len(world.data()["contacts"])


def test_progress_is_sensible_at_every_step(world):
    account = by_pages(world)
    fractions, labels = [], set()

    def look(current):
        progress = request.progress(account)
        assert progress.running
        fractions.append(progress.fraction)
        for stream in progress.streams:
            labels.add(stream.label)
            assert stream.total is None or stream.seen <= stream.total, stream

    run = finish(request.start_full(account), look)
    known = [fraction for fraction in fractions if fraction is not None]
    assert len(known) > len(fractions) * 0.8
    assert all(0 < fraction <= 1 for fraction in known)
    assert all(later >= earlier - 0.1 for earlier, later in pairwise(known)), known
    assert known[0] < 0.2 < 0.9 < known[-1]
    ended = request.progress_of(run)
    assert (ended.fraction, ended.eta_seconds, ended.running) == (1.0, None, False)
    assert {"Contacts", "Open conversations", "Conversations read"} <= labels
    messages = next(stream for stream in ended.streams if stream.label == "Conversations read")
    assert messages.seen == messages.total == len(world.data()["conversations"])


def test_no_step_takes_more_statements_for_more_rows(vendor):
    """100 rows a page; what one step may cost is far below one statement a row."""
    for thread in vendor.people(110):
        thread["owner"] = {"id": 60031}
    for number in range(300):
        vendor.message(vendor.conversations[0], 20_000 + number)
    account = connected(TOKEN)
    session = gateway.open_session(account.pk, BudgetCall.Lane.SYNC, patience=20)
    run = request.start_full(account)
    counts = {}
    while run.state == SyncRun.State.RUNNING:
        claimed = runner.claim_step(run.pk)
        stream = claimed.streams.filter(done=False).first()
        with CaptureQueriesContext(connection) as captured:
            assert runner.advance_run(claimed, session)
        name = stream.name if stream else "end"
        counts[name] = max(counts.get(name, 0), len(captured))
        run.refresh_from_db()
        if run.messages >= 300:  # the long thread is read
            break
    assert {"contacts", "open", "messages"} <= counts.keys()
    assert max(counts.values()) < 60, counts
