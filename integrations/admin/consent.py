"""Read-only admin of the consent ledger, and its export."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext_lazy as _

from ..models import ConsentEntry
from .base import AccountFilter, SupportAdmin, badge, phone, row_link

TONES = {"opt_out": "bad", "opt_in": "ok", "doubt": "wait"}
COLUMNS = (
    "account", "phone", "kind", "source", "at", "recorded_at", "contact", "text", "user", "note",
    "salesmsg_message_id",
)  # fmt: skip
BOM = "\ufeff"  # without it, Excel does not read UTF-8
# Spreadsheets run such a cell as a formula; some remove white space first.
FORMULA = re.compile(r"\s*[=+\-@]|[\t\r]")
E164 = re.compile(r"\+?[0-9]{1,15}")
ROWS_AT_ONCE = 1000


class DateFilter(admin.DateFieldListFilter):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.title = _("date")


@admin.register(ConsentEntry)
class ConsentEntryAdmin(SupportAdmin):
    list_display = ("at", "phone_shown", "kind_shown", "by", "said", "contact_name", "account")
    list_filter = ("kind", "source", ("at", DateFilter), AccountFilter)
    search_fields = ("contact_name", "user_name")
    search_help_text = _("Phone number, such as (305) 555-0142, or a name.")
    phone_search = ("phone",)
    sortable_by = ()
    links_by = ("account__id__exact", "phone", "at__gte", "at__lt")
    fields = (
        "at", "recorded_at", "phone_shown", "kind_shown", "source", "text", "note", "contact_link", "contact_name",
        "user_name", "account", "message_vendor_id",
    )  # fmt: skip
    readonly_fields = ("phone_shown", "kind_shown", "contact_link")

    @admin.display(description=_("phone"))
    def phone_shown(self, entry):
        return phone(entry.phone)

    @admin.display(description=_("kind"))
    def kind_shown(self, entry):
        return badge(entry.get_kind_display(), TONES.get(entry.kind, ""))

    @admin.display(description=_("by"))
    def by(self, entry):
        return entry.user_name or entry.get_source_display()

    @admin.display(description=_("text or note"))
    def said(self, entry):
        return (entry.text or entry.note)[:80] or "–"

    @admin.display(description=_("contact"))
    def contact_link(self, entry):
        return row_link(entry.contact)

    def get_urls(self):
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name="integrations_consententry_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Stream the entries of the list, with its search and its filters, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            entries = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return redirect("admin:integrations_consententry_changelist")
        answer = StreamingHttpResponse(csv_lines(entries), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="consent.csv"'
        return answer


class _Echo:
    """A file whose `write` returns the line instead of storing it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(entries: QuerySet[ConsentEntry]) -> Iterator[str]:
    """The entries as CSV, line by line. Times are ISO 8601 in UTC; kind and source are codes."""
    writer = csv.writer(_Echo())
    yield BOM + writer.writerow(COLUMNS)
    for one in entries.select_related("account").iterator(chunk_size=ROWS_AT_ONCE):
        words = (one.contact_name, one.text, one.user_name, one.note)
        contact, text, user, note = map(safe_cell, words)
        yield writer.writerow(
            (
                safe_cell(one.account.label),
                one.phone if E164.fullmatch(one.phone) else safe_cell(one.phone),
                one.kind, one.source, _utc(one.at), _utc(one.recorded_at), contact, text, user, note,
                one.message_vendor_id or "",
            )
        )  # fmt: skip


def safe_cell(text: str) -> str:
    """Return the text with an apostrophe in front if a spreadsheet would take it for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
