"""The rate budget: one row per account and one per call, including recent calls for the chart."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .account import Account


class Budget(models.Model):
    """An account's budget. Locking this row makes taking a call atomic across processes and hosts."""

    account = models.OneToOneField(Account, models.CASCADE, related_name="budget", verbose_name=_("account"))
    blocked_until = models.DateTimeField(null=True, blank=True)
    taken = models.PositiveBigIntegerField(default=0, help_text="Total calls.")
    waiting = models.JSONField(
        default=dict, blank=True, help_text="Lane -> until when its refused call is expected to retry."
    )
    pace_at = models.DateTimeField(null=True, blank=True, help_text="When the next background call may be made.")
    interactive_wake_at = models.DateTimeField(
        null=True, blank=True, help_text="When interactive texts are next due for a check."
    )
    bulk_wake_at = models.DateTimeField(null=True, blank=True, help_text="When bulk texts are next due for a check.")

    def __str__(self) -> str:
        return f"Budget of account {self.account_id}"

    @classmethod
    def for_account(cls, account: Account) -> "Budget":
        """Return the account's budget, or an unsaved one before its first call."""
        return cls.objects.filter(account=account).first() or cls(account=account)

    def used_now(self) -> tuple[int, int, datetime | None]:
        """Return the calls that count now, the limit, and the end of a block (None if not blocked)."""
        now = timezone.now()
        used = self.calls.filter(expires_at__gt=now).count() if self.pk else 0
        blocked = self.blocked_until if self.blocked_until and self.blocked_until > now else None
        return used, settings.SALESMSG_RATE_LIMIT, blocked


class BudgetCall(models.Model):
    """A call that occupies a place in the window until `expires_at`."""

    class Lane(models.TextChoices):
        """The priority of calls, highest first; see `budget`."""

        TOKEN = "token", _("Tokens")
        INTERACTIVE = "interactive", _("Interactive texts")
        EDIT = "edit", _("Edits")
        EVENT = "event", _("Events and open conversations")
        DELIVERY_STATUS = "delivery_status", _("Delivery status")
        SYNC = "sync", _("Sync")
        BULK = "bulk", _("Bulk texts")
        IDLE = "idle", _("Comparison and gaps")

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="calls")
    lane = models.CharField(max_length=16, choices=Lane)
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["budget", "expires_at"], name="budget_window")]

    def __str__(self) -> str:
        return f"{self.lane} call at {self.started_at:%H:%M:%S}"


class BudgetBlock(models.Model):
    """A 429 and the block after it."""

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="blocks")
    at = models.DateTimeField(_("at"))
    until = models.DateTimeField()

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"Block from {self.at:%H:%M:%S} to {self.until:%H:%M:%S}"
