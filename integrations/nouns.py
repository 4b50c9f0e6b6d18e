"""What the admin calls models and fields, in the reader's language.

Django makes these names from the code's own, and keeps those that are given in migrations. Here they are only looked
up: no migration knows of it. tests/languages/ holds that the admin shows no other name.
"""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

NOUNS = (
    _("account"),
    _("accounts"),
    _("action"),
    _("at"),
    _("attempt"),
    _("attempts"),
    _("audit entries"),
    _("audit entry"),
    _("author name"),
    _("automated"),
    _("blocked"),
    _("bulk"),
    _("bulk recipient"),
    _("bulk recipients"),
    _("bulks"),
    _("change"),
    _("changed"),
    _("changes"),
    _("claimed at"),
    _("client uuid"),
    _("closed at"),
    _("connected at"),
    _("contact"),
    _("contacts"),
    _("conversation"),
    _("conversations"),
    _("country"),
    _("created at"),
    _("created by"),
    _("delivered at"),
    _("detail"),
    _("due at"),
    _("email"),
    _("error"),
    _("failed at"),
    _("failure"),
    _("failures"),
    _("finished at"),
    _("first name"),
    _("full name"),
    _("inbox"),
    _("inboxes"),
    _("kind"),
    _("label"),
    _("last error"),
    _("last error at"),
    _("last event at"),
    _("last message at"),
    _("last name"),
    _("latest at"),
    _("latest state"),
    _("lease until"),
    _("line phone"),
    _("member"),
    _("members"),
    _("membership"),
    _("memberships"),
    _("message"),
    _("messages"),
    _("name"),
    _("note"),
    _("number"),
    _("numbers"),
    _("opted in at"),
    _("opted out"),
    _("opted out at"),
    _("organization id"),
    _("organization name"),
    _("organization timezone"),
    _("outcome"),
    _("owner"),
    _("phone"),
    _("processed at"),
    _("reason"),
    _("received at"),
    _("repeats"),
    _("requested by"),
    _("requests"),
    _("restarts"),
    _("role"),
    _("saved replies"),
    _("saved reply"),
    _("seen"),
    _("send at"),
    _("sent at"),
    _("source"),
    _("started at"),
    _("state"),
    _("step"),
    _("stop on reply"),
    _("sync run"),
    _("sync runs"),
    _("sync stream"),
    _("sync streams"),
    _("synced at"),
    _("text"),
    _("thread dialect"),
    _("total"),
    _("unread at vendor"),
    _("updated at"),
    _("used"),
    _("user"),
    _("vendor id"),
    _("vendor status"),
    _("vendor user id"),
    _("webhook event"),
    _("webhook events"),
    _("zone"),
)


def translate(app: AppConfig) -> None:
    """Once, when the app is ready. A name that is not in NOUNS stays English."""
    for model in app.get_models():
        meta = model._meta
        meta.verbose_name = _looked_up(meta.verbose_name)
        meta.verbose_name_plural = _looked_up(meta.verbose_name_plural)
        for field in meta.get_fields():
            if hasattr(field, "verbose_name"):
                field.verbose_name = _looked_up(field.verbose_name)


def _looked_up(name):
    return gettext_lazy(name) if name in NOUNS else name
