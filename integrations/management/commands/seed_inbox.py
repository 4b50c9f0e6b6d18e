"""seed_inbox --contacts N --messages M: fill the database with generated data for benchmarks."""

import random
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, Substr
from django.utils import timezone
from tqdm import tqdm

from integrations.crypto import digest, seal
from integrations.failures import Code
from integrations.management.seeding import words
from integrations.management.seeding.store import Store
from integrations.mirror.conversation_summary import standing_of
from integrations.models import Account, Contact, Conversation, Inbox, Member, Message, ReadMark, Tag, ThreadSync

LABEL = "Seeded for benchmarks"
BATCH = 2_000
MESSAGES_AT_ONCE = 50_000
TEXTS = 40_000  # distinct texts, before numbers are filled in
READERS = 20  # create read marks for at most this many users
NEWS = 0.4  # share of each thread that arrived after the account was connected
READ = 0.95  # share of conversations with news that each user has read
MESSAGE = (
    *("account_id", "conversation_id", "vendor_id", "rank", "inbound", "state", "text", "at", "is_news"),
    *("created_at", "reason_code", "author_name"),
)


class Command(BaseCommand):
    help = (
        "Create contacts with one conversation each, and messages spread over them, without calling Salesmsg. "
        "Each call adds to the account “Seeded for benchmarks”, which is not connected. Threads vary in length, "
        "texts are in several languages, some failed, and existing staff users have read most of them."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--contacts", type=int, required=True, metavar="N")
        parser.add_argument("--messages", type=int, required=True, metavar="M", help="total over all conversations")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *, contacts: int, messages: int, seed: int, **options) -> None:
        if contacts < 1 or messages < 0:
            raise CommandError("--contacts must be 1 or more and --messages 0 or more.")
        started = time.monotonic()
        chance = random.Random(seed)
        account = _account()
        made = _conversations(account, contacts, chance)
        store = Store(Message, MESSAGE)
        with tqdm(total=messages, desc="messages", file=sys.stderr, disable=not sys.stderr.isatty()) as shown:
            for batch in _messages(account, made, messages, chance):
                store.write(batch)
                shown.update(len(batch))
        _analyze()
        _summarize(made[0][0], made[-1][0])
        _mark_read(account, made[0][0], chance)
        _analyze()
        spent = time.monotonic() - started
        self.stdout.write(f"{contacts} contacts and {messages} messages in account {account.pk}, {spent:.0f} s.")


def _account() -> Account:
    account = Account.objects.filter(label=LABEL).first()
    if account is None:
        account = Account.objects.create(label=LABEL, webhook_secret=seal(LABEL), webhook_digest=digest(LABEL))
    for model, column, names in (
        (Inbox, "name", words.INBOXES),
        (Member, "full_name", words.MEMBERS),
        (Tag, "label", words.TAGS),
    ):
        for number, name in enumerate(names, 1):
            model.objects.get_or_create(account=account, vendor_id=number, defaults={column: name})
    return account


def _conversations(account: Account, number: int, chance: random.Random) -> list[tuple[int, datetime]]:
    """Create contacts with one conversation each. Return (primary key, time of the last message), newest first."""
    first = Contact.objects.filter(account=account).count() + 1
    inboxes, owners = list(account.inboxes.order_by("pk")), list(account.members.order_by("pk"))
    now = timezone.now()
    made: list[tuple[int, datetime]] = []
    for start in range(0, number, BATCH):
        people = [_person(account, first + index, chance) for index in range(start, min(start + BATCH, number))]
        with transaction.atomic():
            people = Contact.objects.bulk_create(people, batch_size=BATCH)
            rows = [
                Conversation(
                    account=account,
                    vendor_id=person.vendor_id,
                    contact=person,
                    inbox=chance.choices(inboxes, range(len(inboxes), 0, -1))[0],
                    owner=chance.choice(owners) if chance.random() < 0.6 else None,
                    closed_at=now if chance.random() < 0.3 else None,
                    latest_at=now - timedelta(seconds=37 * (len(made) + index)),
                    raw={"id": person.vendor_id},
                )
                for index, person in enumerate(people)
            ]
            rows = Conversation.objects.bulk_create(rows, batch_size=BATCH)
            ThreadSync.objects.bulk_create([ThreadSync(conversation=one, complete=True) for one in rows])
        made += [(row.pk, row.latest_at) for row in rows]
    return made


def _person(account: Account, number: int, chance: random.Random) -> Contact:
    first, last = chance.choice(words.FIRST), chance.choice(words.LAST)
    fields = [{"field_key": "renewal_date", "value": f"2027-0{chance.randint(1, 9)}-15"}]
    return Contact(
        account=account,
        vendor_id=number,
        phone=f"+1{2_000_000_000 + number}",
        first_name=first,
        last_name=last,
        full_name=f"{first} {last}",
        email=f"{first}.{number}@example.com".lower() if chance.random() < 0.4 else "",
        opted_out=chance.random() < 0.03,
        tags=chance.sample(words.TAGS, chance.choice((1, 1, 2, 4))) if chance.random() < 0.4 else [],
        custom_fields=fields if chance.random() < 0.2 else [],
        notes=[{"text": chance.choice(words.NOTES)}] if chance.random() < 0.05 else [],
        raw={"id": number},
    )


def _shares(number: int, messages: int, chance: random.Random) -> list[int]:
    """Return each thread's number of messages: most are short, a few very long. At least one each if possible."""
    if messages < number:
        return [int(index < messages) for index in range(number)]
    weights = [chance.lognormvariate(0, 1) for _ in range(number)]
    rest = messages - number
    scale = rest / sum(weights)
    shares = [1 + int(weight * scale) for weight in weights]
    for index in range(messages - sum(shares)):
        shares[index % number] += 1
    return shares


def _messages(
    account: Account, conversations: list[tuple[int, datetime]], number: int, chance: random.Random
) -> Iterator[list[tuple]]:
    """Yield batches of messages. A conversation's last message is at its `latest_at`.

    A batch is sorted by time across threads, because that is how messages arrive and are stored on disk.
    """
    first = Message.objects.filter(account=account).count() + 1
    texts, roll, now = words.pool(min(TEXTS, number), chance), chance.random, timezone.now()
    batch: list[tuple] = []
    made = 0
    for (pk, latest), share in zip(conversations, _shares(len(conversations), number, chance), strict=True):
        at, news_from = latest, share * (1 - NEWS)
        for index in range(share - 1, -1, -1):
            inbound, key = roll() < 0.5, first + made
            text = texts[int(roll() * len(texts))]
            if roll() < 0.1:
                text = f"{text} #{int(roll() * 900_000)}"
            state, code, author = "received", "", ""
            if not inbound:
                lost, author = roll() < 0.01, words.MEMBERS[int(roll() * len(words.MEMBERS))]
                state = "failed" if lost else "delivered"
                code = Code.CARRIER_30003.value if lost else ""
            is_news = inbound and index >= news_from
            batch.append((account.pk, pk, key, key, inbound, state, text, at, is_news, now, code, author))
            made += 1
            at -= timedelta(seconds=int(30 + 30_000 * roll() ** 3))
        if len(batch) >= MESSAGES_AT_ONCE:
            batch.sort(key=_at)
            yield batch
            batch = []
    if batch:
        batch.sort(key=_at)
        yield batch


def _at(row: tuple) -> datetime:
    return row[7]


def _summarize(first: int, last: int) -> None:
    """Set the columns that conversations copy from their messages, as the mirror does."""
    own = Message.objects.filter(conversation=OuterRef("pk"))
    newest = own.order_by("-at", "-rank")
    shown = {
        "latest_text": Coalesce(Subquery(newest.values(begin=Substr("text", 1, 200))[:1]), F("latest_text")),
        "latest_kind": Value(Conversation.LatestKind.TEXT),
        "latest_inbound": Coalesce(Subquery(newest.values("inbound")[:1]), F("latest_inbound")),
        "latest_state": Coalesce(Subquery(newest.values("state")[:1]), F("latest_state")),
    }
    for start in range(first, last + 1, BATCH * 5):
        rows = Conversation.objects.filter(pk__gte=start, pk__lt=min(start + BATCH * 5, last + 1))
        rows.update(**shown, **standing_of(own))


def _mark_read(account: Account, first: int, chance: random.Random) -> None:
    """Create read marks: staff with access have read most conversations completely."""
    has_access = Q(is_superuser=True) | Q(salesmsg_memberships__account=account)
    staff = (
        get_user_model().objects.filter(has_access, is_staff=True, is_active=True).distinct().order_by("pk")[:READERS]
    )
    readers = list(staff.values_list("pk", flat=True))
    store = Store(ReadMark, ("user_id", "conversation_id", "message_pk"))
    news = Conversation.objects.filter(account=account, pk__gte=first, news_pk__isnull=False).order_by("pk")
    rows: list[tuple] = []
    for pk, newest in news.values_list("pk", "news_pk").iterator():
        rows += [(user, pk, newest) for user in readers if chance.random() < READ]
        if len(rows) >= MESSAGES_AT_ONCE:
            store.write(rows)
            rows = []
    store.write(rows)


def _analyze() -> None:
    """Update the query planner's statistics, which autovacuum would do later."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
