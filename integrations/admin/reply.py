"""Read-only admin of saved replies, which are edited in the inbox."""

from django.contrib import admin
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ..models import SavedReply
from .base import AccountFilter, SupportAdmin


@admin.register(SavedReply)
class SavedReplyAdmin(SupportAdmin):
    list_display = ("name", "excerpt", "owner", "used", "updated_at", "account")
    list_filter = (AccountFilter,)
    list_select_related = ("account", "owner")
    search_fields = ("name", "text")
    sortable_by = ("name", "used", "updated_at")
    links_by = ("account__id__exact",)
    fields = ("name", "text", "account", "owner", "used", "created_by", "created_at", "updated_at")

    def get_queryset(self, request):
        """Personal replies are visible to their owner only. Superusers see all."""
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(Q(owner=None) | Q(owner=request.user))

    def view_on_site(self, reply):
        return reverse("inbox:replies")

    @admin.display(description=_("text"))
    def excerpt(self, reply):
        return reply.text[:80]
