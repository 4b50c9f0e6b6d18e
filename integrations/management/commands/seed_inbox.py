"""seed_inbox --contacts N --messages M: fills the cache directly, for benchmarks."""

import random
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Substr
from django.utils import timezone
from tqdm import tqdm

from integrations.crypto import digest, seal
from integrations.management.seeding import words
from integrations.management.seeding.store import Store
from integrations.mirror.conversation_summary import standing_of
from integrations.models import Account, Contact, Conversation, Inbox, Member, Message, ReadMark, Tag, ThreadSync

LABEL = "Seeded for benchmarks"
BATCH = 2_000
MESSAGES_AT_ONCE = 50_000
TEXTS = 40_000  # different ones, before numbers are put in
READERS = 20  # people whose read marks are made, at most
NEWS = 0.4  # of each thread came after the account was connected
READ = 0.95  # of the conversations with news, by each person
MESSAGE = (
    *("account_id", "conversation_id", "vendor_id", "rank", "inbound", "state", "text", "at", "is_news"),
    *("created_at", "failure", "author_name"),
)


class Command(BaseCommand):
    help = (
        "Fill the cache with contacts, one conversation each, and messages in all, without asking Salesmsg. "
        "Each call adds to the account “Seeded for benchmarks”, which is not connected. Threads are of different "
        "lengths; texts are in several languages; some failed; staff who are there have read most of it."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--contacts", type=int, required=True, metavar="N")
        parser.add_argument("--messages", type=int, required=True, metavar="M", help="in all conversations together")
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
        _repeat(made[0][0], made[-1][0])
        _read(account, made[0][0], chance)
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
    """Contacts with one conversation each; (primary key, time of the last message), the newest first."""
    first = Contact.objects.filter(account=account).count() + 1
    inboxes, owners = list(account.inboxes.order_by("pk")), list(account.members.order_by("pk"))
    now = timezone.now()
    made: list[tuple[int, datetime]] = []
    for start in range(0, number, BATCH):
        people = [_person(account, first + place, chance) for place in range(start, min(start + BATCH, number))]
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
                    latest_at=now - timedelta(seconds=37 * (len(made) + place)),
                    raw={"id": person.vendor_id},
                )
                for place, person in enumerate(people)
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
    """How many messages each thread has: most are short, a few are very long; one at least, where there are enough."""
    if messages < number:
        return [int(place < messages) for place in range(number)]
    weights = [chance.lognormvariate(0, 1) for _ in range(number)]
    rest = messages - number
    scale = rest / sum(weights)
    shares = [1 + int(weight * scale) for weight in weights]
    for place in range(messages - sum(shares)):
        shares[place % number] += 1
    return shares


def _messages(
    account: Account, conversations: list[tuple[int, datetime]], number: int, chance: random.Random
) -> Iterator[list[tuple]]:
    """Batches of messages; the last one of a conversation at its `latest_at`. Within a batch threads are mixed as
    their times are: that is how texts arrive, and how they come to lie on the disk."""
    first = Message.objects.filter(account=account).count() + 1
    texts, roll, now = words.pool(min(TEXTS, number), chance), chance.random, timezone.now()
    batch: list[tuple] = []
    made = 0
    for (pk, latest), share in zip(conversations, _shares(len(conversations), number, chance), strict=True):
        at, news_from = latest, share * (1 - NEWS)
        for place in range(share - 1, -1, -1):
            inbound, key = roll() < 0.5, first + made
            text = texts[int(roll() * len(texts))]
            if roll() < 0.1:
                text = f"{text} #{int(roll() * 900_000)}"
            state, failure, author = "received", "", ""
            if not inbound:
                lost, author = roll() < 0.01, words.MEMBERS[int(roll() * len(words.MEMBERS))]
                state = "failed" if lost else "delivered"
                failure = "The phone is not reachable." if lost else ""
            is_news = inbound and place >= news_from
            batch.append((account.pk, pk, key, key, inbound, state, text, at, is_news, now, failure, author))
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


def _repeat(first: int, last: int) -> None:
    """What conversations repeat of their messages, as mirror keeps it."""
    own = Message.objects.filter(conversation=OuterRef("pk"))
    newest = own.order_by("-at", "-rank")
    shown = {
        "latest_text": Coalesce(Subquery(newest.values(begin=Substr("text", 1, 200))[:1]), F("latest_text")),
        "latest_inbound": Coalesce(Subquery(newest.values("inbound")[:1]), F("latest_inbound")),
        "latest_state": Coalesce(Subquery(newest.values("state")[:1]), F("latest_state")),
    }
    for start in range(first, last + 1, BATCH * 5):
        rows = Conversation.objects.filter(pk__gte=start, pk__lt=min(start + BATCH * 5, last + 1))
        rows.update(**shown, **standing_of(own))


def _read(account: Account, first: int, chance: random.Random) -> None:
    """Staff who may see the account have read most of it to its end, and some of it in part."""
    may = Q(is_superuser=True) | Q(salesmsg_memberships__account=account)
    staff = get_user_model().objects.filter(may, is_staff=True, is_active=True).distinct().order_by("pk")[:READERS]
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
    """Tells the database what it holds now, as it would find out by itself after a while."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
