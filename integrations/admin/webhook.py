"""Admin of webhook events, with an action to process unknown or failed ones again."""

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ..models import WebhookEvent
from ..webhooks import process
from .base import AccountFilter, SupportAdmin, badge, pretty_json, reason_column

TONES = {"new": "wait", "done": "ok", "unknown": "wait", "failed": "bad"}


@admin.register(WebhookEvent)
class WebhookEventAdmin(SupportAdmin):
    list_display = ("received_at", "name_shown", "state_shown", "account", "repeats", "attempts", "note_short")
    list_defer = ("body",)
    list_filter = ("state", AccountFilter)
    search_fields = ("name", "vendor_reason")
    sortable_by = ()
    links_by = ("account__id__exact",)
    actions = ["process_again"]
    fields = (
        "name_shown", "state_shown", "reason_shown", "account", "received_at", "processed_at", "attempts", "repeats",
        "due_at", "body_shown",
    )  # fmt: skip
    readonly_fields = ("name_shown", "state_shown", "body_shown", "reason_shown")
    reason_shown = reason_column(_("note"))

    @admin.display(description=_("event"))
    def name_shown(self, event):
        return event.name or _("(no name)")

    @admin.display(description=_("state"))
    def state_shown(self, event):
        return badge(event.get_state_display(), TONES[event.state])

    @admin.display(description=_("note"))
    def note_short(self, event):
        return event.reason.text[:80] or "–"

    @admin.display(description=_("raw body"))
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
            ngettext("Processing %(count)s event again.", "Processing %(count)s events again.", count)
            % {"count": count},
            messages.SUCCESS,
        )
