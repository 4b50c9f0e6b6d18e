"""The consent ledger: when, how and by whom a phone number opted in or out of texts."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .account import Account, OwnedQuerySet
from .contact import Contact


class ConsentEntry(models.Model):
    """One entry of the ledger. Entries are added, never changed or deleted.

    Consent belongs to the phone number: the newest opt-in or opt-out of a number, by `at`, counts for every contact
    with it, also for contacts that are merged or created later. Names and the text are copied, so that the entry stays
    complete when their rows are deleted.
    """

    class Kind(models.TextChoices):
        OPT_OUT = "opt_out", _("Opted out")
        OPT_IN = "opt_in", _("Opted in")
        DOUBT = "doubt", _("May have asked to opt out")
        CLEARED = "cleared", _("Did not ask to opt out")

    class Source(models.TextChoices):
        KEYWORD = "keyword", _("By text message")
        STAFF = "staff", _("By staff in the portal")
        SALESMSG = "salesmsg", _("In Salesmsg")
        IMPORT = "import", _("By an import")

    account = models.ForeignKey(Account, models.CASCADE, related_name="consent_entries", verbose_name=_("account"))
    phone = models.CharField(_("phone"), max_length=32)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    source = models.CharField(_("source"), max_length=8, choices=Source)
    at = models.DateTimeField(_("at"))
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="consent_entries", verbose_name=_("contact")
    )
    contact_name = models.CharField(_("contact name"), max_length=512, blank=True)
    message_vendor_id = models.BigIntegerField(_("Salesmsg message id"), null=True, blank=True)
    text = models.TextField(_("text"), blank=True, help_text=_("The contact's text."))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("user")
    )
    user_name = models.CharField(_("user name"), max_length=255, blank=True)
    note = models.TextField(_("note"), blank=True, help_text=_("The reason that staff gave."))

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent entry")
        verbose_name_plural = _("consent entries")
        ordering = ["-at", "-pk"]
        constraints = [
            # The webhook and the sync report the same text.
            models.UniqueConstraint(fields=["account", "message_vendor_id", "kind"], name="consent_once_per_message")
        ]
        indexes = [
            models.Index(fields=["account", "phone", "-at", "-id"], name="consent_by_phone"),
            # For the sweep of keywords that Salesmsg does not know.
            models.Index(fields=["at"], condition=Q(kind="opt_out", source="keyword"), name="consent_keywords"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_source_display()}"
