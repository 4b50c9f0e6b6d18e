"""Hundreds of orders, one end: in whatever order the portal hears of a day, its cache is the same after it."""

import os
import random
from collections import Counter
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.utils import timezone

from integrations import gateway, mirror
from integrations.models import Contact, Conversation, Message, ThreadSync, WebhookEvent
from integrations.sync import thread_refresh
from integrations.webhooks import process
from tests import factories

from . import orders
from .orders import LAST, Vendor

# Orders of each of five parts: a thousand in all, unless ORDERS asks for more.
ORDERS = int(os.environ.get("ORDERS", 200))
ROUNDS = 2  # how often the portal works on what it has heard of; in between it hears of more


@pytest.fixture
def vendor(monkeypatch) -> Vendor:
    made = Vendor()
    monkeypatch.setattr(gateway, "open_session", made.session)
    return made


@pytest.mark.parametrize("part", range(5))
def test_any_order_ends_in_the_same_state(db, vendor, part):
    """World 0 hears of everything in order; the others late, twice, shuffled, and by pages from before."""
    chance = random.Random(f"orders, part {part}")
    account = factories.connected_account("Orders", created_at=datetime(2026, 4, 5, tzinfo=UTC))
    worlds = range(1 + ORDERS if connection.vendor == "sqlite" else 20)  # world 0 is what they are compared with
    known = [world for world in worlds if world % 4 != 3]  # the others are met for the first time by an event
    begin(account, known)
    vendor.version = dict.fromkeys(worlds, 0)
    unheard = {world: list(range(1, LAST + 1)) for world in worlds}
    received: dict[int, object] = {}
    for turn in range(1, ROUNDS + 1):
        last = turn == ROUNDS
        for world in worlds:
            steps = LAST * turn // ROUNDS if world == 0 else chance.randint(vendor.version[world], LAST)
            vendor.version[world] = LAST if last else steps
        late_pages(account, vendor, chance, [world for world in known if world and chance.random() < 0.3])
        hear(account, vendor, chance, unheard, everything=last)
        work(account, chance, 1.0 if last else 0.1)
        if last:
            final_lists(account, chance, worlds)
        late_pages(account, vendor, chance, [world for world in worlds if world and chance.random() < 0.3])
        now = dict(Message.objects.values_list("vendor_id", "created_at"))
        assert {key: now[key] for key in received} == received, "a later word changed when a message came to us"
        received = now
    assert not ThreadSync.objects.filter(due_at__lte=timezone.now()).exists()
    assert not WebhookEvent.objects.exclude(state=WebhookEvent.State.DONE).exists()
    found = orders.state_of_all(account)
    assert len(found) == len(worlds)
    assert len(found[0]) == 1 + 1 + 5
    odd = [world for world in worlds if found[world] != found[0]]
    assert not odd, differences(found, odd)


def begin(account, known: list[int]) -> None:
    """What a first sync left: contacts, conversations and their messages from before."""
    mirror.upsert_contacts(account.pk, [orders.contact(world, 0) for world in known])
    mirror.upsert_conversations(account.pk, [orders.conversation(world, 0) for world in known])
    rows = {row.vendor_id: row for row in Conversation.objects.all()}
    read = [world for world in known if world % 2 == 0]  # the threads of the others are still to be read
    for world in read:
        mirror.upsert_messages(rows[orders.conversation_id(world)], orders.thread(world, 0))
    read_at = timezone.now() - process.HEAD_START * 2
    ThreadSync.objects.bulk_create(
        ThreadSync(
            conversation=rows[orders.conversation_id(world)],
            read_to=[orders.thread(world, 0)[0].at.timestamp(), orders.message_id(world, 0)],
            complete=True,
            read_at=read_at,
        )
        for world in read
    )


def hear(account, vendor, chance, unheard: dict[int, list[int]], *, everything: bool) -> None:
    """Events of what has happened: some now, some later, some twice, in any order."""
    heard = []
    for world, changes in unheard.items():
        for change in changes[:]:
            if change > vendor.version[world] or (world and not everything and chance.random() < 0.7):
                continue
            changes.remove(change)
            copies = 1 if world == 0 else chance.choice([1, 1, 1, 2, 3])
            heard += [orders.event(account, world, change, chance) for _ in range(copies)]
            if world and chance.random() < 0.1:
                changes.append(change)  # and once more, another time
    chance.shuffle(heard)
    WebhookEvent.objects.bulk_create(heard)


def work(account, chance, share: float) -> None:
    """The worker's part: all events that are due, then so many of the refreshes that follow; the others come later."""
    while process.process_due(account.pk):
        pass
    due = ThreadSync.objects.filter(due_at__lte=timezone.now())
    for key in list(due.values_list("conversation_id", flat=True)):
        if chance.random() < share:
            thread_refresh.refresh_thread(key)


def late_pages(account, vendor, chance, worlds: list[int]) -> None:
    """Pages that were asked for some time ago and are stored only now."""
    when = {world: chance.randint(0, vendor.version[world]) for world in worlds}
    mirror.upsert_contacts(account.pk, [orders.contact(world, at) for world, at in when.items()])
    some = [world for world in worlds if chance.random() < 0.5]
    mirror.upsert_conversations(account.pk, [orders.conversation(world, when[world]) for world in some])
    keys = dict(Conversation.objects.values_list("vendor_id", "pk"))
    for world in worlds:
        if chance.random() < 0.4 and orders.conversation_id(world) in keys:
            page = orders.thread(world, when[world])[:]
            chance.shuffle(page)
            mirror.upsert_messages(Conversation.objects.get(pk=keys[orders.conversation_id(world)]), page)


def final_lists(account, chance, worlds) -> None:
    """The lists as they are at the end of the day, page by page, with rows that shift from one page to the next."""
    order = list(worlds)
    chance.shuffle(order)
    for start in range(0, len(order), 100):
        page = order[max(0, start - 3) : start + 100]
        mirror.upsert_contacts(account.pk, [orders.contact(world, LAST) for world in page])
        mirror.upsert_conversations(account.pk, [orders.conversation(world, LAST) for world in page])


def differences(found: dict[int, list], odd: list[int]) -> str:
    """How many worlds ended otherwise, and what the first of them has in other words."""
    kinds = Counter(len(found[world]) for world in odd)
    first = [f"{mine}\n  not {right}" for mine, right in zip(found[odd[0]], found[0], strict=False) if mine != right]
    return "\n".join([f"{len(odd)} worlds, by rows {dict(kinds)}, such as {odd[0]}:", *first])


def test_a_contacts_late_page_changes_nothing(db, vendor):
    """The smallest case of the above, to debug when the large one fails."""
    account = factories.connected_account("Orders")
    begin(account, [0])
    mirror.upsert_contacts(account.pk, [orders.contact(0, LAST)])
    mirror.upsert_contacts(account.pk, [orders.contact(0, 3)])
    assert Contact.objects.get().opted_out
