"""The books of the rate budget: one row per account, one row per call that still counts."""

from django.db import models
from django.utils import timezone

from .account import Account


class Budget(models.Model):
    """The row whose lock makes taking a call atomic across processes and hosts."""

    account = models.OneToOneField(Account, models.CASCADE, related_name="budget")
    blocked_until = models.DateTimeField(null=True, blank=True)
    taken = models.PositiveBigIntegerField(default=0, help_text="All calls ever; also what locks the row.")

    def __str__(self) -> str:
        return f"Budget of account {self.account_id}"


class BudgetCall(models.Model):
    """A call that occupies a place in the window until `expires_at`."""

    class Lane(models.TextChoices):
        TOKEN = "token", "Tokens"
        PEOPLE = "people", "People's texts"
        EDIT = "edit", "Edits"
        EVENT = "event", "Events and open threads"
        SYNC = "sync", "Sync"

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="calls")
    lane = models.CharField(max_length=8, choices=Lane)
    started_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["budget", "expires_at"], name="budget_window")]

    def __str__(self) -> str:
        return f"{self.lane} call at {self.started_at:%H:%M:%S}"
