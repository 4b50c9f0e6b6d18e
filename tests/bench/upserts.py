"""Pages into the cache, by the mirror and by `update_or_create`: the program behind bench_upsert.

`python -m tests.bench.upserts ROWS` measures in the database of DATABASE_URL and prints rows of
[table, what, page size, statements a page, rows a second of ours, of the loop, of the loop in one transaction].
Each of the three has an account of its own with as many rows, and they take turns page by page; the median page counts.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from integrations import mirror  # noqa: E402
from integrations.crypto import digest, seal  # noqa: E402
from integrations.models import Account, Contact, Conversation, Inbox, Member, Message  # noqa: E402
from integrations.salesmsg import records  # noqa: E402

from . import wire  # noqa: E402

SIZES = (10, 100, 500)
CASES = ("new", "all changed", "5 % changed", "unchanged")
Page = list[records.Record]


class Table:
    """One table: how a page of it is made, how the mirror and how the loop write it into an account."""

    def __init__(self, make: Callable, ours: Callable[[int, Page], None], model: type, values: Callable):
        self.make, self.ours, self.model, self.values = make, ours, model, values

    def loop(self, account_id: int, page: Page) -> None:
        """What one writes first: Django's own upsert, a record at a time, everything in the record."""
        for record in page:
            self.model.objects.update_or_create(
                account_id=account_id, vendor_id=record.id, defaults=self.values(account_id, record)
            )

    def loop_at_once(self, account_id: int, page: Page) -> None:
        with transaction.atomic():
            self.loop(account_id, page)


def account(label: str) -> int:
    made = Account.objects.create(label=label, webhook_secret=seal(label), webhook_digest=digest(label))
    Inbox.objects.create(account=made, vendor_id=7)
    Member.objects.create(account=made, vendor_id=5, full_name="Sam Ortiz")
    mirror.upsert_contacts(made.pk, [wire.contact(key) for key in range(1, 201)])
    mirror.upsert_conversations(made.pk, [wire.conversation(1)])
    return made.pk


_known: dict[tuple, int] = {}  # a generous loop knows its contacts, inboxes and members by heart


def _pk(model: type, account_id: int, vendor_id: int) -> int:
    key = (model, account_id, vendor_id)
    if key not in _known:
        _known[key] = model.objects.get(account_id=account_id, vendor_id=vendor_id).pk
    return _known[key]


def _contact(account_id: int, record: records.Contact) -> dict:
    return {
        "phone": record.phone, "first_name": record.first_name, "last_name": record.last_name,
        "full_name": record.full_name, "email": record.email, "country": record.country, "color": record.color,
        "photo_url": record.photo_url, "owner_vendor_id": record.owner_id, "opted_out": record.opted_out,
        "blocked": record.blocked, "opted_out_at": record.opted_out_at, "opted_in_at": record.opted_in_at,
        "custom_fields": list(record.custom_fields), "notes": list(record.notes),
        "tags": [tag.label for tag in record.tags], "vendor_created_at": record.created_at,
        "vendor_updated_at": record.updated_at, "raw": record.raw, "deleted_at": None,
    }  # fmt: skip


def _conversation(account_id: int, record: records.Conversation) -> dict:
    return {
        "contact_id": _pk(Contact, account_id, record.contact_id), "inbox_id": _pk(Inbox, account_id, record.inbox_id),
        "owner_id": _pk(Member, account_id, record.owner_id), "line_phone": record.number,
        "unread_at_vendor": record.unread, "started_at": record.started_at, "closed_at": record.closed_at,
        "last_message_at": record.last_message_at, "raw": record.raw, "latest_at": record.last_message_at,
        "latest_text": record.last_message.text, "latest_inbound": record.last_message.inbound,
        "latest_state": "received",
    }  # fmt: skip


def _message(account_id: int, record: records.Message) -> dict:
    return {
        "conversation_id": _pk(Conversation, account_id, record.conversation_id), "inbound": record.inbound,
        "kind": record.kind, "state": record.state, "vendor_status": record.vendor_status, "text": record.text,
        "media": [], "media_pending": record.media_pending, "call": record.call, "author_vendor_id": record.user_id,
        "author_name": record.author_name, "automated": record.automated, "source": record.source,
        "vendor_reason": record.failed_reason, "at": record.at, "rank": record.id, "received_at": record.received_at,
        "sent_at": record.sent_at, "delivered_at": record.delivered_at, "failed_at": record.failed_at,
        "raw": record.raw,
    }  # fmt: skip


def _thread(account_id: int) -> Conversation:
    return Conversation(pk=_pk(Conversation, account_id, 1))


TABLES = {
    "contacts": Table(wire.contact, mirror.upsert_contacts, Contact, _contact),
    "conversations": Table(
        lambda key, edition=0: wire.conversation(key, edition, 200),
        mirror.upsert_conversations,
        Conversation,
        _conversation,
    ),
    "messages": Table(
        wire.message, lambda account_id, page: mirror.upsert_messages(_thread(account_id), page), Message, _message
    ),
}  # fmt: skip


def pages(table: Table, case: str, keys: list[int], edition: int) -> Page:
    """A page of a case; `edition` rises from round to round, so that what shall change does."""
    if case in {"new", "all changed"}:
        return [table.make(key, 0 if case == "new" else edition) for key in keys]
    few = max(1, len(keys) // 20) if case == "5 % changed" else 0
    return [table.make(key, edition if place < few else 1) for place, key in enumerate(keys)]


def measure(table: Table, accounts: list[int], size: int, rounds: int, first: int) -> list[list]:
    """The four cases, one after another, with the same keys."""
    writers = (table.ours, table.loop, table.loop_at_once)
    blocks = [list(range(first + turn * size, first + (turn + 1) * size)) for turn in range(rounds)]
    found = []
    for case in CASES:
        spent: list[list[float]] = [[] for _ in writers]
        if case in {"5 % changed", "unchanged"}:
            for place, write in enumerate(writers):
                for block in blocks:
                    write(accounts[place], [table.make(key, 1) for key in block])
        for turn, block in enumerate(blocks):
            for place, write in enumerate(writers):
                page = pages(table, case, block, turn + 2)
                begun = time.perf_counter()
                write(accounts[place], page)
                spent[place].append(time.perf_counter() - begun)
        with CaptureQueriesContext(connection) as captured:
            extra = [first + rounds * size + place for place in range(size)] if case == "new" else blocks[0]
            table.ours(accounts[0], pages(table, case, extra, rounds + 3))
        statements = len(captured.captured_queries)
        found.append([case, size, statements, *(round(size / statistics.median(times)) for times in spent)])
    return found


def main(rows: str) -> None:
    accounts = [account(name) for name in ("mirror", "loop", "loop at once")]
    found = []
    for name, table in TABLES.items():
        first = 1001
        for size in SIZES:
            rounds = max(5, int(rows) // size)
            found += [[name, *line] for line in measure(table, accounts, size, rounds, first)]
            first += (rounds + 1) * size
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
