"""What conversations repeat of their messages equals a recount, whatever happened: thousands of random operations."""

import random
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from integrations import mirror
from integrations.inbox.collaboration.read_state import mark_read
from integrations.inbox.conversation_list import queries as conversation_list_queries
from integrations.inbox.thread import queries as thread_queries
from integrations.mirror.contacts import merge_draft
from integrations.models import Conversation, Message, ReadMark, ThreadSync
from integrations.outbox import compose
from tests import factories as f
from tests.mirror import vendor_records

OPERATIONS, EVERY, PAGE = 5_000, 250, 60  # in each of two worlds
ON_POSTGRESQL = 500  # the same upkeep, in a database that answers more slowly
THREADS, FIRST = 40, 1_000_000


def recount() -> dict[int, tuple[int | None, str]]:
    """{conversation: (newest news, trouble)}, message by message."""
    news: dict[int, int] = {}
    ours: dict[int, tuple] = {}
    rows = Message.objects.values_list(
        "conversation", "pk", "inbound", "is_news", "state", "at", "rank", "due_at", "send_at"
    )
    for thread, pk, inbound, is_news, state, at, rank, due_at, send_at in rows.order_by():
        if inbound and is_news:
            news[thread] = max(pk, news.get(thread, 0))
        planned = state == "queued" and send_at is not None and due_at is not None
        if not inbound and not planned:
            told = "held" if state == "queued" and due_at is None else state
            ours[thread] = max((at, rank, told), ours.get(thread, (at, rank, told)))
    lost = {thread: told for thread, (_, _, told) in ours.items() if told in ("failed", "unknown", "held")}
    return {pk: (news.get(pk), lost.get(pk, "")) for pk in Conversation.objects.values_list("pk", flat=True)}


def recount_unread(user) -> dict[int, int]:
    marks = dict(ReadMark.objects.filter(user=user).values_list("conversation", "message_pk"))
    rows = Message.objects.filter(inbound=True, is_news=True).order_by().values_list("conversation", "pk")
    found = Counter(thread for thread, pk in rows if pk > marks.get(thread, 0))
    return {thread: min(number, conversation_list_queries.UNREAD_MOST) for thread, number in found.items()}


class World:
    """Threads of one account, and a vendor that reports anything about them in any order."""

    def __init__(self, harbor, people, chance: random.Random) -> None:
        self.account, self.people, self.chance = harbor, people, chance
        self.since = harbor.created_at
        self.threads = [f.conversation(harbor, unread_at_vendor=chance.randint(0, 3)) for _ in range(THREADS)]
        half = [thread.pk for thread in self.threads[::2]]
        ThreadSync.objects.filter(conversation__in=half).update(complete=False)
        self.known: list[int] = []
        self.done = 0

    def number(self) -> int:
        """A new one of Salesmsg's."""
        self.known.append(FIRST + len(self.known))
        return self.known[-1]

    def record(self, key: int):
        """Something inbound, or one of our texts in some state; before or after the account was connected."""
        at = self.since + timedelta(minutes=self.chance.randint(-5000, 5000))
        created = at.strftime("%Y-%m-%d %H:%M:%S")
        if self.chance.random() < 0.6:
            return vendor_records.message(key, created_at=created)
        status = self.chance.choice(("sent", "delivered", "failed"))
        return vendor_records.ours(key, status, created_at=created)

    def page(self) -> int:
        """A page of a thread: new messages, known ones repeated, and some that stood in another thread."""
        keys = {self.number() for _ in range(self.chance.randint(5, PAGE))}
        keys |= set(self.chance.sample(self.known, min(len(self.known), self.chance.randint(0, 8))))
        thread = self.chance.choice(self.threads)
        mirror.upsert_messages(thread, [self.record(key) for key in keys])
        return len(keys)

    def read(self) -> int:
        user, thread = self.chance.choice(self.people), self.chance.choice(self.threads)
        seen = thread_queries.read_conversation(user, thread.pk)
        inbound = list(Message.objects.filter(conversation=thread, inbound=True).values_list("pk", flat=True))
        mark_read(user, seen, self.chance.choice(inbound) if inbound else 0)
        return 1

    def write(self) -> int:
        """A text of ours that waits, is taken back, is put off, or is taken by Salesmsg, whose copy came first."""
        thread = self.chance.choice(self.threads)
        text = compose.queue_reply(self.people[0], thread, f"Text {self.done}", uuid.uuid4())
        way = self.chance.choice(("waits", "back", "adopted", "copied"))
        if way == "back":
            compose.cancel_message(self.people[0], text)
        elif way != "waits":
            record = vendor_records.ours(self.number(), self.chance.choice(("sent", "failed")))
            if way == "copied":
                mirror.upsert_messages(self.chance.choice(self.threads), [record])
            mirror.adopt(text, record)
        return 2

    def merge(self) -> int:
        """Two drafts of a conversation turn out to be with one contact."""
        draft, into = f.contact(self.account, vendor_id=None), f.contact(self.account)
        for who, state in ((into, "sent"), (draft, "failed")):
            own = f.conversation(self.account, who, vendor_id=None)
            f.message(own, "Draft", inbound=False, state=state)
        merge_draft(draft, into)
        return 2

    def step(self) -> None:
        way = self.chance.choices((self.page, self.read, self.write, self.merge), (20, 30, 8, 1))[0]
        self.done += way()


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [5, 6])
def test_news_and_trouble_equal_a_recount(harbor, ada, seed):
    harbor.created_at = timezone.now() - timedelta(days=30)
    harbor.save()
    root = f.person("root", superuser=True)
    world = World(harbor, [ada, root], random.Random(seed))
    checked = 0
    operations = ON_POSTGRESQL if connection.vendor == "postgresql" else OPERATIONS
    while world.done < operations:
        world.step()
        if world.done // EVERY == checked:
            continue
        checked = world.done // EVERY
        kept = {row[0]: row[1:] for row in Conversation.objects.values_list("pk", "news_pk", "trouble")}
        assert kept == recount(), f"after {world.done} operations"
        for user in world.people:
            shown = conversation_list_queries.read_conversations(
                user, conversation_list_queries.Filters("unread"), limit=conversation_list_queries.ROWS_AT_MOST
            ).rows
            assert {row.pk: row.unread for row in shown} == recount_unread(user), f"after {world.done} operations"
        failed = conversation_list_queries.read_conversations(
            ada, conversation_list_queries.Filters("failed"), limit=conversation_list_queries.ROWS_AT_MOST
        ).rows
        assert {row.pk for row in failed} == {pk for pk, (_, trouble) in recount().items() if trouble}
    assert checked == operations // EVERY
    assert Message.objects.filter(is_news=True).exists()
    assert Conversation.objects.exclude(trouble="").exists()
