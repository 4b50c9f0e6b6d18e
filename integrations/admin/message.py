"""Read-only admin of messages and their send attempts."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ..models import Attempt, Message
from .base import (
    AccountFilter,
    SupportAdmin,
    SupportInline,
    badge,
    called,
    inbox_link,
    pretty_json,
    reason_column,
    row_link,
)

TONES = {"queued": "wait", "sending": "wait", "failed": "bad", "unknown": "bad", "sent": "ok", "delivered": "ok"}


class AttemptInline(SupportInline):
    model = Attempt
    verbose_name_plural = _("send attempts")
    fields = ("started_at", "finished_at", "outcome", "reason_shown")
    reason_shown = reason_column(_("detail"))
    readonly_fields = fields


class DirectionFilter(admin.SimpleListFilter):
    title = _("direction")
    parameter_name = "direction"

    def lookups(self, request, model_admin):
        return [("in", _("From contacts")), ("out", _("From us"))]

    def queryset(self, request, queryset):
        return queryset.filter(inbound=self.value() == "in") if self.value() in {"in", "out"} else queryset


@admin.register(Message)
class MessageAdmin(SupportAdmin):
    list_display = ("at", "who", "excerpt", "state_short", "in_inbox_short", "account")
    list_display_links = ("at", "excerpt")
    list_defer = ("raw",)
    list_filter = ("state", DirectionFilter, "kind", AccountFilter)
    list_select_related = ("account", "conversation__contact", "sender")
    search_fields = ("text",)
    search_help_text = _("Words in the text.")
    sortable_by = ()
    ordering = ("-pk",)
    links_by = ("conversation__id__exact", "account__id__exact")
    inlines = [AttemptInline]
    readonly_fields = (
        "who",
        "state_shown",
        "conversation_link",
        "in_inbox",
        "media_shown",
        "raw_shown",
        "reason_shown",
    )
    reason_shown = reason_column()
    fieldsets = (
        (None, {"fields": ("in_inbox", "conversation_link", "who", "at", "text", "media_shown", "kind")}),
        (_("Delivery"), {"fields": ("state_shown", "reason_shown", "vendor_status", "sent_at", "delivered_at",
                                    "failed_at",
                                 "due_at", "claimed_at", "send_at", "zone", "stop_on_reply", "bulk")}),
        (_("From Salesmsg"), {"fields": ("account", "vendor_id", "client_uuid", "author_name", "automated", "source",
                                      "received_at", "created_at", "raw_shown")}),
    )  # fmt: skip

    def view_on_site(self, message):
        return reverse("inbox:thread", args=[message.conversation_id])

    @admin.display(description=_("from"))
    def who(self, message):
        if message.inbound:
            return called(message.conversation.contact.name, message.conversation.contact.phone)
        author = message.author_name or (message.sender.get_username() if message.sender else "")
        return _("You (%(author)s)") % {"author": author} if author else _("You")

    @admin.display(description=_("text"))
    def excerpt(self, message):
        if message.text:
            return message.text[:90] + ("…" if len(message.text) > 90 else "")
        return {"call": _("(call)"), "mms": _("(picture)")}.get(message.kind, _("(no text)"))

    @admin.display(description=_("state"))
    def state_shown(self, message):
        return badge(message.get_state_display(), TONES.get(message.state, ""))

    @admin.display(description=_("state"), ordering="state")
    def state_short(self, message):
        state_label = _("Unknown") if message.state == Message.State.UNKNOWN else message.get_state_display()
        label = badge(state_label, TONES.get(message.state, ""))
        if message.reason:
            return format_html('{} <span class="sm-reason">{}</span>', label, message.explanation[:120])
        return label

    @admin.display(description=_("conversation"))
    def conversation_link(self, message):
        return row_link(message.conversation)

    @admin.display(description=_("inbox page"))
    def in_inbox(self, message):
        return inbox_link(message.conversation_id)

    @admin.display(description=_("inbox"))
    def in_inbox_short(self, message):
        return inbox_link(message.conversation_id, _("Open"))

    @admin.display(description=_("attachments"))
    def media_shown(self, message):
        return pretty_json(message.media) if message.media else "–"

    @admin.display(description=_("Salesmsg data"))
    def raw_shown(self, message):
        return pretty_json(message.raw)
