"""Admin of sync runs."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from ..durations import precise
from ..models import SyncRun, SyncStream
from ..sync.plan import LABELS
from .base import AccountFilter, SupportAdmin, SupportInline, badge, reason_column

TONES = {"running": "wait", "done": "ok", "failed": "bad"}


class StreamInline(SupportInline):
    model = SyncStream
    verbose_name_plural = _("lists, in the order they are read")
    fields = ("name_shown", "state_shown", "seen", "total", "restarts", "cursor_shown")
    readonly_fields = ("name_shown", "state_shown", "cursor_shown")

    @admin.display(description=_("name"))
    def name_shown(self, stream):
        return LABELS.get(stream.name, stream.name)

    @admin.display(description=_("state"))
    def state_shown(self, stream):
        if stream.done:
            return badge(_("Complete"), "ok")
        return badge(_("Running"), "wait") if stream.seen or stream.cursor else _("Waiting")

    @admin.display(description=_("cursor"))
    def cursor_shown(self, stream):
        return ", ".join(f"{name} {value}" for name, value in stream.cursor.items()) or "–"


@admin.register(SyncRun)
class SyncRunAdmin(SupportAdmin):
    list_display = ("key", "account", "kind", "state_shown", "started_at", "took", "requests", "changed", "error_short")
    list_display_links = ("key", "account")
    list_filter = (AccountFilter, "state", "kind")
    search_fields = ("vendor_reason",)
    sortable_by = ()
    links_by = ("account__id__exact",)
    inlines = [StreamInline]
    readonly_fields = ("state_shown", "took", "notes_shown", "reason_shown")
    fieldsets = (
        (None, {"fields": ("account", "kind", "state_shown", "reason_shown", "started_at", "finished_at", "took")}),
        (_("Counts"), {"fields": ("requests", "contacts", "conversations", "messages", "changed", "notes_shown")}),
        (_("For developers"), {"fields": ("step", "failures", "due_at", "lease_until", "requested_by")}),
    )

    reason_shown = reason_column(_("error"))

    @admin.display(description="#")
    def key(self, run):
        return run.pk

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, run):
        return badge(run.get_state_display(), TONES.get(run.state, ""))

    @admin.display(description=_("took"))
    def took(self, run):
        if not run.finished_at:
            return "–"
        return precise(round((run.finished_at - run.started_at).total_seconds()))

    @admin.display(description=_("error"))
    def error_short(self, run):
        return run.reason.text[:80] or "–"

    @admin.display(description=_("what could not be read"))
    def notes_shown(self, run):
        return format_html_join("", "<p>{}</p>", ((str(note),) for note in run.note_reasons)) or "–"
