"""Rows of ours that a walk over everything did not meet: one question each, and only a 404 means that they are gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from .. import mirror
from ..failures import Code, Reason
from ..models import Contact, Conversation, SyncRun, SyncSeen, SyncStream
from ..salesmsg.errors import NotAllowed, NotFound
from ..salesmsg.records import Record
from . import messages
from .checkpoints import finish, note
from .plan import FILTERS

if TYPE_CHECKING:
    from ..salesmsg.client import Client

Store = Callable[[], None]
FEW = 50  # so many may be gone at once, whatever the number of all


@dataclass(frozen=True)
class Sort:
    """What may be gone. `too_many`: the note when it cannot be so many; `lists`: the streams that should have shown it;
    `ours`: the rows that are taken for present; `ask`, `gone`, `keep`: the question, and what either answer means."""

    too_many: Code
    lists: tuple[str, ...]
    ours: Callable[[SyncRun], QuerySet]
    ask: Callable[[Client, int], Record]
    gone: Callable[[int, int], int]
    keep: Callable[[SyncRun, Record], None]

    def unmet(self, run: SyncRun) -> QuerySet:
        met = SyncSeen.objects.filter(stream__run=run, stream__name__in=self.lists)
        return self.ours(run).exclude(vendor_id__in=met.values("vendor_id"))


def _keep_contact(run: SyncRun, record: Record) -> None:
    run.changed += mirror.upsert_contacts(run.account_id, [record])[1]


def _keep_conversation(run: SyncRun, record: Record) -> None:
    result = mirror.upsert_conversations(run.account_id, [record], believed=True)
    run.changed += result.changed
    messages.want(run, result.moved - messages.refused(result.moved))


CONTACTS = Sort(
    too_many=Code.MANY_CONTACTS_MISSING,
    lists=("contacts",),
    ours=lambda run: Contact.objects.present().filter(account=run.account, vendor_id__isnull=False),
    ask=lambda client, vendor_id: client.contact(vendor_id),
    gone=mirror.contact_gone,
    keep=_keep_contact,
)
CONVERSATIONS = Sort(
    too_many=Code.MANY_CONVERSATIONS_MISSING,
    lists=FILTERS,
    ours=lambda run: Conversation.objects.filter(account=run.account, vendor_id__isnull=False, gone_at=None),
    ask=lambda client, vendor_id: client.conversation(vendor_id),
    gone=mirror.conversation_gone,
    keep=_keep_conversation,
)


def unmet(sort: Sort) -> Callable[[SyncRun, SyncStream, Client], Store]:
    """The stream that asks for them, one a page."""

    def handler(run: SyncRun, stream: SyncStream, client: Client) -> Store:
        if "after" not in stream.cursor:
            return lambda: _plan(sort, run, stream)
        left = sort.unmet(run).filter(vendor_id__gt=stream.cursor["after"]).order_by("vendor_id")
        vendor_id = left.values_list("vendor_id", flat=True).first()
        if vendor_id is None:
            return lambda: finish(stream)
        record: Record | None = None
        gone = False
        try:
            record = sort.ask(client, vendor_id)
        except NotFound:
            gone = True
        except NotAllowed:
            pass  # not ours to see any more, which says nothing about whether it is there

        def store() -> None:
            if gone:
                run.changed += sort.gone(run.account_id, vendor_id)
            elif record is not None:
                sort.keep(run, record)
            stream.cursor = {"after": vendor_id}
            stream.seen += 1

        return store

    return handler


def _plan(sort: Sort, run: SyncRun, stream: SyncStream) -> None:
    lists = run.streams.filter(name__in=sort.lists)
    listed = SyncSeen.objects.filter(stream__in=lists).values("vendor_id").distinct().count()
    missing = sort.unmet(run).count()
    if any("skipped" in cursor for cursor in lists.values_list("cursor", flat=True)):
        missing = 0  # what stands in a list that could not be read is not lost
    elif missing > max(FEW, listed // 5):
        note(run, Reason(sort.too_many, {"count": missing}))
        missing = 0
    stream.cursor = {"after": 0}
    stream.total = missing
    stream.done = not missing
