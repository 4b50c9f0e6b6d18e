"""Who did what to an account or a contact, for support."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from .account import Account, OwnedQuerySet


class AuditEntry(models.Model):
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="audit_entries")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    action = models.CharField(max_length=64)
    detail = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField(default=timezone.now)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.action} at {self.at:%Y-%m-%d %H:%M}"
