"""Webhook events from Salesmsg, stored as received."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .account import Account, OwnedQuerySet
from .reason import ReasonFields


class WebhookEvent(ReasonFields):
    """One webhook delivery. Identical deliveries within ten minutes are counted in `repeats`."""

    class State(models.TextChoices):
        NEW = "new", _("Waiting")
        DONE = "done", _("Processed")
        UNKNOWN = "unknown", _("Not recognized; stored")
        FAILED = "failed", _("Failed")

    account = models.ForeignKey(Account, models.CASCADE, related_name="webhook_events", verbose_name=_("account"))
    name = models.CharField(_("name"), max_length=120, blank=True)
    body = models.TextField()
    digest = models.CharField(max_length=64)
    repeats = models.PositiveIntegerField(_("repeats"), default=0)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.NEW)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due at"), default=timezone.now)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["account", "digest", "received_at"], name="webhook_repeat"),
            models.Index(fields=["state", "due_at"], name="webhook_due"),
            models.Index(fields=["account", "due_at"], condition=models.Q(state="new"), name="webhook_new"),
        ]

    def __str__(self) -> str:
        return f"{self.name or _('event')} #{self.pk}"
