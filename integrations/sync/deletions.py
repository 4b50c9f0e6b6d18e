"""Verifies rows missing from a full sync: one request each. Only a 404 means that a row no longer exists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from .. import mirror
from ..failures import Code, Reason
from ..models import Contact, Conversation, SyncRun, SyncSeen, SyncStream
from ..salesmsg.errors import NotAllowed, NotFound
from ..salesmsg.records import Contact as ContactRecord
from ..salesmsg.records import Conversation as ConversationRecord
from ..salesmsg.records import Record
from .checkpoints import Cursor, ListCursor, StepResult, Stored
from .messages import plan_threads, refused_threads
from .plan import FILTERS

if TYPE_CHECKING:
    from ..salesmsg.client import Client

FEW = 50  # missing rows that are always verified; more only up to a fifth of what was listed


@dataclass(frozen=True)
class MissingRows(Cursor):
    """after: the vendor id verified last; None before the missing rows are counted."""

    after: int | None = None


@dataclass(frozen=True)
class MissingRow:
    """Salesmsg's answer about one row: its record, or None if it no longer exists."""

    vendor_id: int
    record: Record | None


@dataclass(frozen=True)
class MissingKind:
    """Contacts or conversations that may be missing.

    too_many: the note when too many are missing to be plausible
    lists: the streams that should have shown the rows
    present: the cached rows that count as existing
    fetch, mark_gone, upsert: read one row, mark it as gone, store it
    """

    too_many: Code
    lists: tuple[str, ...]
    present: Callable[[SyncRun], QuerySet[Any]]
    fetch: Callable[[Client, int], Record]
    mark_gone: Callable[[int, int], int]
    upsert: Callable[[SyncRun, Any], int]

    def missing(self, run: SyncRun) -> QuerySet[Any]:
        shown = SyncSeen.objects.filter(stream__run=run, stream__name__in=self.lists)
        return self.present(run).exclude(vendor_id__in=shown.values("vendor_id"))


def _upsert_contact(run: SyncRun, record: ContactRecord) -> int:
    return mirror.upsert_contacts(run.account_id, [record])[1]


def _upsert_conversation(run: SyncRun, record: ConversationRecord) -> int:
    result = mirror.upsert_conversations(run.account_id, [record], believed=True)
    plan_threads(run, result.moved - refused_threads(result.moved))
    return result.changed


CONTACTS = MissingKind(
    too_many=Code.MANY_CONTACTS_MISSING,
    lists=("contacts",),
    present=lambda run: Contact.objects.present().filter(account=run.account, vendor_id__isnull=False),
    fetch=lambda client, vendor_id: client.contact(vendor_id),
    mark_gone=mirror.contact_gone,
    upsert=_upsert_contact,
)
CONVERSATIONS = MissingKind(
    too_many=Code.MANY_CONVERSATIONS_MISSING,
    lists=FILTERS,
    present=lambda run: Conversation.objects.filter(account=run.account, vendor_id__isnull=False, gone_at=None),
    fetch=lambda client, vendor_id: client.conversation(vendor_id),
    mark_gone=mirror.conversation_gone,
    upsert=_upsert_conversation,
)


def read_missing(kind: MissingKind, run: SyncRun, stream: SyncStream, client: Client) -> StepResult[MissingRow]:
    """Counts the missing rows first; each further step verifies the next one."""
    cursor = MissingRows.from_json(stream.cursor)
    if cursor.after is None:
        return _count_missing(kind, run)
    left = kind.missing(run).filter(vendor_id__gt=cursor.after).order_by("vendor_id")
    vendor_id = left.values_list("vendor_id", flat=True).first()
    if vendor_id is None:
        return StepResult(cursor, done=True)
    result: StepResult[MissingRow] = StepResult(replace(cursor, after=vendor_id), seen=1)
    try:
        return replace(result, content=MissingRow(vendor_id, kind.fetch(client, vendor_id)))
    except NotFound:
        return replace(result, content=MissingRow(vendor_id, None))
    except NotAllowed:
        return result  # the token may not read the row, which does not say whether it exists


def store_missing(kind: MissingKind, run: SyncRun, stream: SyncStream, row: MissingRow) -> Stored:
    if row.record is None:
        return Stored(changed=kind.mark_gone(run.account_id, row.vendor_id))
    return Stored(changed=kind.upsert(run, row.record))


def _count_missing(kind: MissingKind, run: SyncRun) -> StepResult[MissingRow]:
    lists = run.streams.filter(name__in=kind.lists)
    listed = SyncSeen.objects.filter(stream__in=lists).values("vendor_id").distinct().count()
    missing = kind.missing(run).count()
    notes: tuple[Reason, ...] = ()
    if any(ListCursor.from_json(cursor).skipped for cursor in lists.values_list("cursor", flat=True)):
        missing = 0  # the rows may be in the list that could not be read
    elif missing > max(FEW, listed // 5):
        notes = (Reason(kind.too_many, {"count": missing}),)
        missing = 0
    return StepResult(MissingRows(after=0), total=missing, notes=notes, done=not missing)
