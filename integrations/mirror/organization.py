"""Writes the organisation, its members, inboxes, numbers and tags."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import transaction

from ..models import Account, Inbox, Member, Number, Tag
from ..salesmsg.records import Number as NumberRecord
from ..salesmsg.records import Organization, Record, Team, User
from ..salesmsg.records import Tag as TagRecord
from .diff import Row, by_vendor_id, cut, differing, insert_new, save_changed

Kind = TypeVar("Kind", bound=Record)


def upsert_organization(account: Account, record: Organization) -> int:
    """Update the organisation's name and time zone. Returns the number of changed rows."""
    values = cut({"organization_name": record.name, "organization_timezone": record.timezone}, Account)
    return Account.objects.filter(pk=account.pk).exclude(**values).update(**values)


def upsert_members(account: Account, records: list[User]) -> int:
    """Write members. Like the functions below, returns the number of changed rows."""

    def values(record: User) -> dict[str, Any]:
        name = record.full_name or f"{record.first_name} {record.last_name}".strip()
        return {"full_name": name, "email": record.email, "role": record.role, "raw": record.raw}

    return _upsert(account, Member, records, values)


def upsert_inboxes(account: Account, records: list[Team]) -> int:
    return _upsert(
        account, Inbox, records, lambda record: {"name": record.name, "phone": record.phone, "raw": record.raw}
    )


def upsert_numbers(account: Account, records: list[NumberRecord]) -> int:
    inboxes = dict(Inbox.objects.filter(account=account).values_list("vendor_id", "pk"))

    def values(record: NumberRecord) -> dict[str, Any]:
        inbox_id = inboxes.get(record.team_id) if record.team_id else None
        return {"phone": record.phone, "country": record.country, "inbox_id": inbox_id, "raw": record.raw}

    return _upsert(account, Number, records, values)


def upsert_tags(account: Account, records: list[TagRecord]) -> int:
    return _upsert(account, Tag, records, lambda record: {"label": record.label or record.name, "raw": record.raw})


@transaction.atomic
def _upsert(account: Account, model: type[Row], records: list[Kind], values: Callable[[Kind], dict[str, Any]]) -> int:
    rows = by_vendor_id(model, account.pk, {record.id: record for record in records})
    changed: dict[Row, list[str]] = {}
    new: list[Row] = []
    for record in {record.id: record for record in records}.values():
        wanted = cut(values(record), model)
        if record.id in rows:
            changed[rows[record.id]] = differing(rows[record.id], wanted)
        else:
            new.append(model(account_id=account.pk, vendor_id=record.id, **wanted))
    if not insert_new(new):
        # Another process inserted one of them first: start again and compare with its rows.
        return _upsert(account, model, records, values)
    return save_changed(changed) + len(new)
