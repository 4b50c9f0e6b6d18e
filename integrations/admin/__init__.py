"""The admin panel: one small module per model."""

from django.contrib import admin
from django.urls import reverse_lazy

from . import account, audit, change, contact, conversation, message, parts, sync, webhook

admin.site.site_header = "Salesmsg Portal"
admin.site.site_title = "Salesmsg Portal"
admin.site.index_title = "Support desk"
admin.site.empty_value_display = "–"
admin.site.site_url = reverse_lazy("inbox:list")

__all__ = ["account", "audit", "change", "contact", "conversation", "message", "parts", "sync", "webhook"]
