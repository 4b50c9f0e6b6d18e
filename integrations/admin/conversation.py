"""Read-only admin of conversations."""

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ..models import Conversation, Message
from .base import AccountFilter, SupportAdmin, badge, called, inbox_link, phone, pretty_json, row_link, rows_link


class OpenFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "open"

    def lookups(self, request, model_admin):
        return [("yes", _("Open")), ("no", _("Closed"))]

    def queryset(self, request, queryset):
        match self.value():
            case "yes":
                return queryset.filter(closed_at=None)
            case "no":
                return queryset.exclude(closed_at=None)
        return queryset


@admin.register(Conversation)
class ConversationAdmin(SupportAdmin):
    list_display = ("who", "phone_shown", "state_shown", "inbox", "owner", "latest", "latest_at", "in_inbox_short")
    list_defer = ("raw",)
    list_filter = (OpenFilter, AccountFilter)
    list_select_related = ("account", "contact", "inbox", "owner")
    search_fields = ("contact__full_name", "contact__first_name", "contact__last_name", "contact__email")
    search_help_text = _("Name, email or phone number.")
    phone_search = ("contact__phone",)
    sortable_by = ()
    links_by = ("contact__id__exact", "inbox__id__exact", "account__id__exact")
    readonly_fields = (
        "contact_link", "phone_shown", "state_shown", "latest", "latest_state_shown", "in_inbox", "messages_link",
        "raw_shown",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("in_inbox", "contact_link", "phone_shown", "state_shown", "inbox", "owner", "line_phone")}),
        (_("Messages"), {"fields": ("messages_link", "latest", "latest_at", "latest_state_shown", "unread_at_vendor")}),
        (_("From Salesmsg"), {"fields": ("account", "vendor_id", "started_at", "closed_at", "last_message_at",
                                      "raw_shown")}),
    )  # fmt: skip

    def view_on_site(self, conversation):
        return reverse("inbox:thread", args=[conversation.pk])

    @admin.display(description=_("contact"))
    def who(self, conversation):
        return called(conversation.contact.name, conversation.contact.phone)

    @admin.display(description=_("contact"))
    def contact_link(self, conversation):
        return row_link(conversation.contact)

    @admin.display(description=_("phone"))
    def phone_shown(self, conversation):
        return phone(conversation.contact.phone)

    @admin.display(description=_("state"))
    def state_shown(self, conversation):
        return badge(_("Open"), "ok") if conversation.is_open else badge(_("Closed"))

    @admin.display(description=_("newest message"))
    def latest(self, conversation):
        latest = conversation.latest
        text = latest[:70] + ("…" if len(latest) > 70 else "")
        return (text if conversation.latest_inbound else _("You: %(words)s") % {"words": text}) if text else "–"

    @admin.display(description=_("latest state"))
    def latest_state_shown(self, conversation):
        return dict(Message.State.choices).get(conversation.latest_state, "–")

    @admin.display(description=_("inbox page"))
    def in_inbox(self, conversation):
        return inbox_link(conversation.pk)

    @admin.display(description=_("page"))
    def in_inbox_short(self, conversation):
        return inbox_link(conversation.pk, _("Open"))

    @admin.display(description=_("messages"))
    def messages_link(self, conversation):
        return rows_link("message", _("All messages of this conversation"), conversation__id__exact=conversation.pk)

    @admin.display(description=_("Salesmsg data"))
    def raw_shown(self, conversation):
        return pretty_json(conversation.raw)
