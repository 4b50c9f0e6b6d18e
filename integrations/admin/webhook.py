"""What Salesmsg told us by itself; "process again" for what was not understood or failed."""

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ..models import WebhookEvent
from ..told import told
from ..webhooks import process
from .base import AccountFilter, SupportAdmin, badge, pretty_json, told_column

TONES = {"new": "wait", "done": "ok", "unknown": "wait", "failed": "bad"}


@admin.register(WebhookEvent)
class WebhookEventAdmin(SupportAdmin):
    list_display = ("received_at", "name_shown", "state_shown", "account", "repeats", "attempts", "note_short")
    list_defer = ("body",)
    list_filter = ("state", AccountFilter)
    search_fields = ("name", "note")
    sortable_by = ()
    links_by = ("account__id__exact",)
    actions = ["process_again"]
    fields = (
        "name_shown", "state_shown", "note_told", "account", "received_at", "processed_at", "attempts", "repeats",
        "due_at", "body_shown",
    )  # fmt: skip
    readonly_fields = ("name_shown", "state_shown", "body_shown", "note_told")
    note_told = told_column("note", _("note"))

    @admin.display(description=_("event"))
    def name_shown(self, event):
        return event.name or _("(no name)")

    @admin.display(description=_("state"))
    def state_shown(self, event):
        return badge(event.get_state_display(), TONES[event.state])

    @admin.display(description=_("note"))
    def note_short(self, event):
        return told(event.note)[:80] or "–"

    @admin.display(description=_("body, as it came"))
    def body_shown(self, event):
        return pretty_json(event.body)

    def has_again_permission(self, request) -> bool:
        return self.may(request, "change")

    @admin.action(description=_("Process again"), permissions=["again"])
    def process_again(self, request, queryset):
        count = 0
        for event in queryset:
            process.process_again(event)
            count += 1
        self.message_user(
            request,
            ngettext("%(count)s event is processed again.", "%(count)s events are processed again.", count)
            % {"count": count},
            messages.SUCCESS,
        )
