"""The portal's URLs; each app package has its own."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from integrations import health
from integrations.attachments.public import enclosed_file
from integrations.webhooks.views import receive

from .words import words

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="inbox:list")),
    path("inbox/", include("integrations.inbox.urls")),
    path("inbox/pictures/", include("integrations.attachments.urls")),
    path("p/<str:token>", enclosed_file, name="enclosed"),
    path("outbox/", include("integrations.outbox.urls")),
    path("bulk/", include("integrations.bulk.urls")),
    path("conflicts/", include("integrations.contacts.urls")),
    path("sync/", include("integrations.sync.urls")),
    path("accounts/", include("integrations.accounts.urls")),
    path("webhooks/salesmsg/<str:secret>/", receive, name="webhook"),
    path("language/", include("django.conf.urls.i18n")),
    path("words/<str:language>/<str:version>.js", words, name="words"),
    path("admin/", admin.site.urls),
    path("healthz", health.live),
    path("readyz", health.ready),
]
