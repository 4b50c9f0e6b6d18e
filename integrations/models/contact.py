"""Contacts: the people that the business texts with."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..failures import Code, Reason
from ..salesmsg.text import visible_text
from .account import Account, OwnedQuerySet

# The fields as labels of forms and lists say them.
FIELD_LABELS = {
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "full_name": _("Full name"),
    "phone": _("Phone"),
    "email": _("Email"),
}


class ContactQuerySet(OwnedQuerySet["Contact"]):
    def present(self) -> "ContactQuerySet":
        """Contacts that have not been deleted in Salesmsg."""
        return self.filter(deleted_at=None)


class Contact(models.Model):
    """A contact, as last received from Salesmsg. `vendor_id` is null for a draft that Salesmsg does not have yet.

    Only `mirror` writes vendor-owned fields; a user's edit is a `Change` until Salesmsg confirms it.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="contacts", verbose_name=_("account"))
    vendor_id = models.BigIntegerField(null=True, blank=True, verbose_name=_("Salesmsg id"))
    phone = models.CharField(_("phone"), max_length=32, blank=True, help_text=_("E.164, such as +13055550142."))
    first_name = models.CharField(_("first name"), max_length=255, blank=True)
    last_name = models.CharField(_("last name"), max_length=255, blank=True)
    full_name = models.CharField(_("full name"), max_length=512, blank=True)
    email = models.CharField(_("email"), max_length=320, blank=True)
    country = models.CharField(_("country"), max_length=8, blank=True)
    color = models.CharField(max_length=32, blank=True)
    photo_url = models.TextField(blank=True)
    owner_vendor_id = models.BigIntegerField(null=True, blank=True)
    opted_out = models.BooleanField(_("opted out"), default=False)
    blocked = models.BooleanField(_("blocked"), default=False)
    opted_out_at = models.DateTimeField(_("opted out at"), null=True, blank=True)
    opted_in_at = models.DateTimeField(_("opted in at"), null=True, blank=True)
    tags = models.JSONField(default=list, blank=True, help_text=_("Labels."))
    custom_fields = models.JSONField(default=list, blank=True)
    notes = models.JSONField(default=list, blank=True)
    vendor_created_at = models.DateTimeField(null=True, blank=True)
    vendor_updated_at = models.DateTimeField(null=True, blank=True)
    raw = models.JSONField(default=dict, blank=True)
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When Salesmsg reported the contact as deleted.")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    # Names requested by staff and not yet confirmed by Salesmsg. None: nothing requested, or not loaded by the query.
    asked_first_name = asked_last_name = None

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "vendor_id"], name="contact_once"),
            models.UniqueConstraint(
                fields=["account", "phone"], condition=Q(vendor_id=None), name="contact_draft_once_per_phone"
            ),
        ]
        indexes = [
            models.Index(fields=["account", "phone"], name="contact_by_phone"),
            models.Index(fields=["account", "full_name"], name="contact_by_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Return the display name: the requested or stored name, else the phone number."""
        return self.shown_full_name or self.phone or f"Contact {self.vendor_id or self.pk}"

    @property
    def shown_first_name(self) -> str:
        """Return the requested or stored first name; empty if it has no visible character."""
        return visible_text(self.first_name if self.asked_first_name is None else self.asked_first_name)

    @property
    def shown_last_name(self) -> str:
        """Return the requested or stored last name; empty if it has no visible character."""
        return visible_text(self.last_name if self.asked_last_name is None else self.asked_last_name)

    @property
    def shown_full_name(self) -> str:
        """Return first and last name, else the full name from Salesmsg; empty if it has no visible character."""
        own = " ".join(part for part in (self.shown_first_name, self.shown_last_name) if part)
        requested = self.asked_first_name is not None or self.asked_last_name is not None
        return own or ("" if requested else visible_text(self.full_name))  # the full name would still hold the old one

    @property
    def textable(self) -> bool:
        """Return whether the contact may be texted."""
        return not (self.opted_out or self.blocked or self.deleted_at)

    @property
    def why_not_textable(self) -> Reason:
        """Return why the contact may not be texted; empty if it may."""
        if self.opted_out:
            return Reason(Code.OPTED_OUT)
        if self.blocked:
            return Reason(Code.BLOCKED)
        return Reason(Code.DELETED) if self.deleted_at else Reason()
