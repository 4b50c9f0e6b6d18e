"""The books of the rate budget: one row per account, one row per call, also of the last minutes, for the picture."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .account import Account


class Budget(models.Model):
    """The row whose lock makes taking a call atomic across processes and hosts."""

    account = models.OneToOneField(Account, models.CASCADE, related_name="budget", verbose_name=_("account"))
    blocked_until = models.DateTimeField(null=True, blank=True)
    taken = models.PositiveBigIntegerField(default=0, help_text="All calls ever.")
    waiting = models.JSONField(default=dict, blank=True, help_text="Lane -> until when its refused call is waited for.")
    pace_at = models.DateTimeField(null=True, blank=True, help_text="When the next call that is in no hurry may leave.")
    interactive_wake_at = models.DateTimeField(
        null=True, blank=True, help_text="When people's texts are looked at next."
    )
    bulk_wake_at = models.DateTimeField(null=True, blank=True, help_text="When bulk texts are looked at next.")

    def __str__(self) -> str:
        return f"Budget of account {self.account_id}"

    @classmethod
    def for_account(cls, account: Account) -> "Budget":
        """The account's budget, also before its first call (then unsaved)."""
        return cls.objects.filter(account=account).first() or cls(account=account)

    def used_now(self) -> tuple[int, int, datetime | None]:
        """Calls that count at this moment, calls allowed, and until when nobody may call (None when open)."""
        now = timezone.now()
        used = self.calls.filter(expires_at__gt=now).count() if self.pk else 0
        blocked = self.blocked_until if self.blocked_until and self.blocked_until > now else None
        return used, settings.SALESMSG_RATE_LIMIT, blocked


class BudgetCall(models.Model):
    """A call that occupies a place in the window until `expires_at`."""

    class Lane(models.TextChoices):
        """Who is served first, in this order; see `budget`."""

        TOKEN = "token", _("Tokens")
        INTERACTIVE = "interactive", _("People's texts")
        EDIT = "edit", _("Edits")
        EVENT = "event", _("Events and open threads")
        DELIVERY_STATUS = "delivery_status", _("Delivery of sent texts")
        SYNC = "sync", _("Sync")
        BULK = "bulk", _("Bulk texts")
        IDLE = "idle", _("Comparing and filling gaps")

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="calls")
    lane = models.CharField(max_length=16, choices=Lane)
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["budget", "expires_at"], name="budget_window")]

    def __str__(self) -> str:
        return f"{self.lane} call at {self.started_at:%H:%M:%S}"


class BudgetBlock(models.Model):
    """A 429 and the silence after it."""

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="blocks")
    at = models.DateTimeField(_("at"))
    until = models.DateTimeField()

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"Block from {self.at:%H:%M:%S} to {self.until:%H:%M:%S}"
