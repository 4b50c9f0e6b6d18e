"""Drafts of bulk texts: recipients and text.

A bulk text has one row per recipient, which is WAITING until the dispatcher requests its message from
`outbox.bulk_queue`.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..access import record_audit, require_member
from ..contacts import opt_out
from ..failures import NO_REASON, Code, Reason
from ..models import Account, AuditEntry, Bulk, BulkRecipient, Contact
from ..models.reason import REASON_COLUMNS
from ..outbox import compose
from ..outbox.bulk_queue import exclusion_reason
from ..outbox.merge_fields import BulkProblem, EmptyField, Template, custom_fields

MOST = 5000
BATCH = 1000
State, Waits, Action = Bulk.State, BulkRecipient.State, AuditEntry.Action

TOO_MANY = gettext_lazy("A bulk text can have at most %(most)s recipients. Select fewer contacts or send it in parts.")


def create_draft(user, account: Account, contacts: QuerySet[Contact] | Iterable[Contact], text: str = "") -> Bulk:
    """Creates a draft for the contacts that belong to this account. Raises BulkProblem, PermissionDenied."""
    require_member(user, account.pk)
    ids = _contact_ids(user, account, contacts)
    if not ids:
        raise BulkProblem(_("No contacts selected. Select at least one."))
    with transaction.atomic():
        draft = Bulk.objects.create(account=account, created_by=user)
        BulkRecipient.objects.bulk_create([BulkRecipient(bulk=draft, contact_id=pk) for pk in ids], batch_size=BATCH)
        record_audit(user, Action.BULK_DRAFTED, account, bulk=draft.pk, contacts=len(ids))
    return write_text(user, draft, text) if text.strip() else draft


def add_recipients(user, bulk: Bulk, contacts: QuerySet[Contact] | Iterable[Contact]) -> int:
    """Adds recipients to a draft. Returns how many are new. Raises BulkProblem, PermissionDenied."""
    require_member(user, bulk.account_id)
    existing = set(bulk.recipients.values_list("contact", flat=True))
    added = [pk for pk in _contact_ids(user, bulk.account, contacts) if pk not in existing]
    if len(existing) + len(added) > MOST:
        raise BulkProblem(TOO_MANY % {"most": number_format(MOST, force_grouping=True)})
    with transaction.atomic():
        if not Bulk.objects.select_for_update(of=("self",), no_key=True).filter(pk=bulk.pk, state=State.DRAFT).exists():
            raise BulkProblem(
                _("This bulk text has already been started, so no contacts were added. Create another one for them.")
            )
        rows = [BulkRecipient(bulk=bulk, contact_id=pk) for pk in added]
        BulkRecipient.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    if added and bulk.text:
        write_text(user, bulk, bulk.text)
    return len(added)


def remove_recipient(user, bulk: Bulk, contact_id: int) -> bool:
    """Removes a contact from a draft. Returns False if they are not in it. Raises BulkProblem, PermissionDenied."""
    require_member(user, bulk.account_id)
    with transaction.atomic():
        if not Bulk.objects.select_for_update(of=("self",), no_key=True).filter(pk=bulk.pk, state=State.DRAFT).exists():
            raise BulkProblem(
                _("This bulk text has already been started, so no contact was removed. You can pause or cancel it.")
            )
        removed, _by_model = bulk.recipients.filter(contact=contact_id).delete()
    if removed and bulk.text:
        write_text(user, bulk, bulk.text)  # another contact with the same phone may now be included
    return bool(removed)


def _contact_ids(user, account: Account, contacts: QuerySet[Contact] | Iterable[Contact]) -> list[int]:
    if not isinstance(contacts, QuerySet):
        contacts = Contact.objects.filter(pk__in=[contact.pk for contact in contacts])
    own = Contact.objects.for_user(user).filter(account=account, pk__in=contacts.order_by().values("pk"))
    ids = list(own.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        raise BulkProblem(TOO_MANY % {"most": number_format(MOST, force_grouping=True)})
    return ids


def write_text(user, bulk: Bulk, text: str) -> Bulk:
    """Sets the text of a draft, and each recipient's text or the reason for their exclusion.

    Raises BulkProblem, PermissionDenied.
    """
    require_member(user, bulk.account_id)
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise BulkProblem(_("Write a text first."))
    template = Template(text, custom_fields(bulk.account_id))
    heavy = ["contact__raw", "contact__notes", "contact__tags"]
    if not template.uses_custom_fields:
        heavy.append("contact__custom_fields")
    rows = list(bulk.recipients.select_related("contact").defer(*heavy))
    _fill(rows, template, opt_out.refusing_phones(bulk.account_id), opt_out.doubted_phones(bulk.account_id))
    with transaction.atomic():
        if not Bulk.objects.filter(pk=bulk.pk, state=State.DRAFT).update(text=text):
            raise BulkProblem(_("This bulk text has already been started, so its text can no longer be changed."))
        # An upsert by primary key is several times faster than bulk_update and shortens the lock.
        fields = ["text", "state", *REASON_COLUMNS]
        BulkRecipient.objects.bulk_create(
            rows, batch_size=BATCH, update_conflicts=True, unique_fields=["pk"], update_fields=fields
        )
    bulk.refresh_from_db()
    return bulk


def set_times(user, bulk: Bulk, start_at: datetime | None, window: tuple[int, int] | None) -> None:
    """Sets when a draft starts, and in which hours of its recipients' time zones. Raises BulkProblem, PermissionDenied.

    window: None for the hours outside the quiet hours.
    """
    require_member(user, bulk.account_id)
    from_hour, to_hour = window or (None, None)
    times = {"start_at": start_at, "from_hour": from_hour, "to_hour": to_hour}
    if not Bulk.objects.filter(pk=bulk.pk, state=State.DRAFT).update(**times):
        raise BulkProblem(_("This bulk text has already been started, so its times can no longer be changed."))
    bulk.refresh_from_db(fields=list(times))


def _fill(rows: list[BulkRecipient], template: Template, refusing: set[str], doubted: set[str]) -> None:
    phones: set[str] = set()
    for row in rows:
        row.text, reason = "", exclusion_reason(row.contact, refusing, doubted)
        if not reason and row.contact.phone in phones:
            reason = Reason(Code.SKIP_SAME_PHONE)
        if not reason:
            row.text, reason = _render(template, row.contact)
        row.state = Waits.LEFT_OUT if reason else Waits.WAITING
        row.set_reason(reason)
        if not reason:
            phones.add(row.contact.phone)


def _render(template: Template, contact: Contact) -> tuple[str, Reason]:
    """(text, NO_REASON), or ("", reason for the exclusion)."""
    try:
        text = template.fill(contact)
    except EmptyField as empty:
        return "", Reason(Code.SKIP_EMPTY_FIELD, {"merge_field": empty.field})
    if not text:
        return "", Reason(Code.SKIP_EMPTY_TEXT)
    if len(text) > compose.MAX_CHARACTERS:
        return "", Reason(Code.SKIP_TOO_LONG, {"most": compose.MAX_CHARACTERS})
    return text, NO_REASON
