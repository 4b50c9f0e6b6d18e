"""Admin of audit entries."""

from django.contrib import admin

from ..models import AuditEntry
from .base import AccountFilter, SupportAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(SupportAdmin):
    list_display = ("at", "action", "user", "account", "detail")
    list_filter = (AccountFilter, "action")
    list_select_related = ("account", "user")
    search_fields = ("user__username", "contact__phone", "contact__full_name")
    fields = ("at", "action", "user", "account", "detail")
    sortable_by = ()
    links_by = ("account__id__exact",)
