"""Site-wide admin settings: titles, the link to the inbox, and the order of models."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

ORDER = ("Contact", "Conversation", "Message", "Account", "Change", "SyncRun", "WebhookEvent")

admin.site.site_header = admin.site.site_title = "Salesmsg Portal"
admin.site.index_title = _("Support desk")
admin.site.site_url = reverse_lazy("inbox:list")
admin.site.empty_value_display = "–"
_default_app_list = admin.site.get_app_list


def app_list(request: HttpRequest, app_label: str | None = None) -> list[dict]:
    """List this app first, with the models that support uses most at the top."""
    apps = _default_app_list(request, app_label)
    for app in apps:
        app["models"].sort(key=lambda model: _position(model["object_name"]))
    return sorted(apps, key=lambda app: app["app_label"] != "integrations")


def _position(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


admin.site.get_app_list = app_list
