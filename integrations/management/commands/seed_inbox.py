"""seed_inbox --contacts N --messages M: fills the cache directly, for benchmarks."""

import random
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from tqdm import tqdm

from integrations.crypto import digest, seal
from integrations.mirror.statements import insert
from integrations.models import Account, Contact, Conversation, Inbox, Member, Message, ThreadSync

LABEL = "Seeded for benchmarks"
BATCH = 2000
FIRST = [
    "Dana",
    "Sam",
    "Priya",
    "José",
    "Mei",
    "Olu",
    "Ana",
    "Lars",
    "Fatima",
    "Noah",
    "Ines",
    "Yusuf",
    "Grace",
    "Ivan",
    "Leila",
    "Tom",
    "Sofia",
    "Kofi",
    "Emma",
    "Ravi",
]
LAST = [
    "Reyes",
    "Ortiz",
    "Shah",
    "García",
    "Chen",
    "Adeyemi",
    "Silva",
    "Berg",
    "Haddad",
    "Miller",
    "Costa",
    "Demir",
    "Kim",
    "Petrov",
    "Nouri",
    "Baker",
]
LINES = (
    "Does {hour} work for you?",
    "Yes, {hour} works. See you then!",
    "Could you send me the invoice for order {number}?",
    "Your appointment is confirmed for {hour}.",
    "I am running ten minutes late, sorry",
    "The parcel {number} has arrived, thank you 🙏",
    "Is the price still {number} dollars?",
    "We are open until six today.",
    "Please call me back when you can",
    "All done. Anything else we can help with?",
)


class Command(BaseCommand):
    help = (
        "Fill the cache with contacts, one conversation each, and messages in all, without asking Salesmsg. "
        "Each call adds to the account “Seeded for benchmarks”, which is not connected."
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
        conversations = _conversations(account, contacts, chance)
        shown = tqdm(total=messages, desc="messages", file=sys.stderr, disable=not sys.stderr.isatty())
        with shown:
            for batch in _messages(account, conversations, messages, chance):
                with transaction.atomic():
                    insert(Message, batch)
                shown.update(len(batch))
        _latest(conversations)
        spent = time.monotonic() - started
        self.stdout.write(f"{contacts} contacts and {messages} messages in account {account.pk}, {spent:.0f} s.")


def _account() -> Account:
    account = Account.objects.filter(label=LABEL).first()
    if account is None:
        account = Account.objects.create(label=LABEL, webhook_secret=seal(LABEL), webhook_digest=digest(LABEL))
    Inbox.objects.get_or_create(account=account, vendor_id=1, defaults={"name": "Front desk"})
    Member.objects.get_or_create(account=account, vendor_id=1, defaults={"full_name": "Sam Ortiz"})
    return account


def _conversations(account: Account, number: int, chance: random.Random) -> list[Conversation]:
    """Contacts with one conversation each, the newest first."""
    first = Contact.objects.filter(account=account).count() + 1
    inbox, owner = account.inboxes.first(), account.members.first()
    now = timezone.now()
    made: list[Conversation] = []
    for start in range(0, number, BATCH):
        people = [
            Contact(
                account=account,
                vendor_id=first + place,
                phone=f"+1{2_000_000_000 + first + place}",
                first_name=chance.choice(FIRST),
                last_name=chance.choice(LAST),
                opted_out=chance.random() < 0.03,
                raw={"id": first + place},
            )
            for place in range(start, min(start + BATCH, number))
        ]
        for person in people:
            person.full_name = f"{person.first_name} {person.last_name}"
        with transaction.atomic():
            people = Contact.objects.bulk_create(people, batch_size=BATCH)
            made += Conversation.objects.bulk_create(
                [
                    Conversation(
                        account=account,
                        vendor_id=person.vendor_id,
                        contact=person,
                        inbox=inbox,
                        owner=owner if chance.random() < 0.3 else None,
                        closed_at=now if chance.random() < 0.2 else None,
                        latest_at=now - timedelta(seconds=37 * len(made) + place),
                    )
                    for place, person in enumerate(people)
                ],
                batch_size=BATCH,
            )
    ThreadSync.objects.bulk_create(
        [ThreadSync(conversation=one, complete=True) for one in made], batch_size=BATCH, ignore_conflicts=True
    )
    return made


def _messages(
    account: Account, conversations: list[Conversation], number: int, chance: random.Random
) -> Iterator[list[dict]]:
    """Batches of messages, spread evenly; the last one of a conversation at its `latest_at`."""
    first = Message.objects.filter(account=account).count() + 1
    shares = [
        number // len(conversations) + (place < number % len(conversations)) for place in range(len(conversations))
    ]
    batch: list[dict] = []
    made = 0
    for conversation, share in zip(conversations, shares, strict=True):
        at = conversation.latest_at - timedelta(minutes=7 * share)
        for place in range(share):
            at += timedelta(minutes=7)
            inbound = chance.random() < 0.5
            text = chance.choice(LINES).format(hour=f"{chance.randint(8, 18)}:00", number=chance.randint(100, 99999))
            state = Message.State.RECEIVED if inbound else Message.State.DELIVERED
            batch.append(
                {
                    "account_id": account.pk,
                    "conversation_id": conversation.pk,
                    "vendor_id": first + made,
                    "rank": first + made,
                    "inbound": inbound,
                    "state": state,
                    "text": text,
                    "at": at,
                    "is_news": inbound and place >= share - 2 and chance.random() < 0.2,
                }
            )
            made += 1
            conversation.latest_text, conversation.latest_inbound, conversation.latest_state = text, inbound, state
            if len(batch) >= BATCH * 5:
                yield batch
                batch = []
    if batch:
        yield batch


def _latest(conversations: list[Conversation]) -> None:
    for start in range(0, len(conversations), BATCH):
        with transaction.atomic():
            Conversation.objects.bulk_update(
                conversations[start : start + BATCH], ["latest_text", "latest_inbound", "latest_state"], batch_size=500
            )
