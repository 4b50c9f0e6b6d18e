"""Read-only admin of bulk texts and recipients. Bulk texts are created and stopped on their own pages."""

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ..models import Bulk, BulkRecipient
from .base import AccountFilter, SupportAdmin, badge, inbox_link, link, reason_column, row_link, rows_link

TONES = {"running": "wait", "paused": "wait", "done": "ok"}
RECIPIENT_TONES = {"waiting": "wait", "handed": "ok", "left_out": "bad"}
MESSAGE_TONES = {"queued": "wait", "sending": "wait", "failed": "bad", "unknown": "bad", "sent": "ok"}
MESSAGE_TONES |= {"delivered": "ok"}


@admin.register(Bulk)
class BulkAdmin(SupportAdmin):
    list_display = ("created_at", "excerpt", "state_shown", "created_by", "account")
    list_display_links = ("created_at", "excerpt")
    list_filter = ("state", AccountFilter)
    list_select_related = ("account", "created_by")
    search_fields = ("text",)
    search_help_text = _("Words in the text.")
    sortable_by = ()
    links_by = ("account__id__exact",)
    fields = (
        "page", "text", "state_shown", "recipients_link", "account", "start_at", "from_hour", "to_hour", "created_by",
        "created_at", "started_at", "finished_at",
    )  # fmt: skip
    readonly_fields = ("page", "state_shown", "recipients_link")

    def view_on_site(self, bulk):
        return reverse("bulk:detail", args=[bulk.pk])

    @admin.display(description=_("text"))
    def excerpt(self, bulk):
        return bulk.text[:80] or _("No text yet")

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, bulk):
        return badge(bulk.get_state_display(), TONES.get(bulk.state, ""))

    @admin.display(description=_("page"))
    def page(self, bulk):
        return link(reverse("bulk:detail", args=[bulk.pk]), _("Open"))

    @admin.display(description=_("recipients"))
    def recipients_link(self, bulk):
        return rows_link("bulkrecipient", _("All recipients"), bulk__id__exact=bulk.pk)


@admin.register(BulkRecipient)
class BulkRecipientAdmin(SupportAdmin):
    account_path = "bulk__account__in"
    list_display = ("contact", "delivery_state", "reason_shown", "in_inbox")
    list_filter = ("state",)
    list_select_related = ("bulk", "contact", "message")
    list_defer = ("contact__raw", "contact__custom_fields", "contact__notes", "message__raw")
    search_fields = ("contact__full_name",)
    phone_search = ("contact__phone",)
    sortable_by = ()
    links_by = ("bulk__id__exact", "contact__id__exact")
    fields = ("bulk_link", "contact_link", "text", "delivery_state", "due_at", "reason_shown", "in_inbox")
    readonly_fields = ("bulk_link", "contact_link", "delivery_state", "reason_shown", "in_inbox")
    reason_shown = reason_column()

    def has_module_permission(self, request) -> bool:
        return False  # reached through its bulk text

    @admin.display(description=_("bulk text"))
    def bulk_link(self, recipient):
        return row_link(recipient.bulk)

    @admin.display(description=_("contact"))
    def contact_link(self, recipient):
        return row_link(recipient.contact)

    @admin.display(description=_("state"))
    def delivery_state(self, recipient):
        """Show the message's state if a message exists, else the recipient's."""
        message = recipient.message
        if message is not None:
            return badge(message.get_state_display(), MESSAGE_TONES.get(message.state, ""))
        return badge(recipient.get_state_display(), RECIPIENT_TONES.get(recipient.state, ""))

    @admin.display(description=_("inbox"))
    def in_inbox(self, recipient):
        return inbox_link(recipient.message.conversation_id if recipient.message else None, _("Open"))
