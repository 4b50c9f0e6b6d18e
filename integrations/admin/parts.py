"""Admin of an organisation's inboxes, numbers and members."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from ..models import Inbox, Member, Number
from .base import AccountFilter, SupportAdmin, phone, pretty_json, rows_link


class _PartAdmin(SupportAdmin):
    list_filter = (AccountFilter,)

    @admin.display(description=_("phone"), ordering="phone")
    def phone_shown(self, part):
        return phone(part.phone)

    @admin.display(description=_("Salesmsg data"))
    def raw_shown(self, part):
        return pretty_json(part.raw)


@admin.register(Inbox)
class InboxAdmin(_PartAdmin):
    list_display = ("__str__", "phone_shown", "account", "conversations")
    search_fields = ("name",)
    phone_search = ("phone",)
    fields = ("name", "phone_shown", "account", "vendor_id", "conversations", "raw_shown")
    readonly_fields = ("phone_shown", "conversations", "raw_shown")

    @admin.display(description=_("conversations"))
    def conversations(self, inbox):
        return rows_link("conversation", _("Conversations"), inbox__id__exact=inbox.pk)


@admin.register(Number)
class NumberAdmin(_PartAdmin):
    list_display = ("phone_shown", "country", "inbox", "account")
    list_select_related = ("account", "inbox")
    search_fields = ("inbox__name",)
    phone_search = ("phone",)
    fields = ("phone_shown", "country", "inbox", "account", "vendor_id", "raw_shown")
    readonly_fields = ("phone_shown", "raw_shown")


@admin.register(Member)
class MemberAdmin(_PartAdmin):
    list_display = ("__str__", "email", "role", "account")
    search_fields = ("full_name", "email")
    fields = ("full_name", "email", "role", "account", "vendor_id", "raw_shown")
    readonly_fields = ("raw_shown",)
