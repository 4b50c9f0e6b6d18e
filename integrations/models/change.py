"""What staff changed here and Salesmsg has still to be told."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from .account import Account, OwnedQuerySet
from .contact import Contact
from .conversation import Conversation


class Change(models.Model):
    """A pending change. All kinds set absolute values, so that repeating one does no harm."""

    class Kind(models.TextChoices):
        CONTACT = "contact", "Contact edited"
        CLOSE = "close", "Conversation closed"
        REOPEN = "reopen", "Conversation reopened"
        ASSIGN = "assign", "Conversation assigned"
        TAG = "tag", "Tag added"
        UNTAG = "untag", "Tag removed"
        OPT_OUT = "opt_out", "Contact opted out"
        OPT_IN = "opt_in", "Contact opted in"
        NOTE = "note", "Note added"
        FIELDS = "fields", "Custom fields edited"

    class State(models.TextChoices):
        PENDING = "pending", "Waiting to be saved in Salesmsg"
        PUSHING = "pushing", "Being saved in Salesmsg"
        DONE = "done", "Saved in Salesmsg"
        CONFLICT = "conflict", "Changed in Salesmsg, too: waits for your choice"
        REFUSED = "refused", "Refused by Salesmsg"
        SUPERSEDED = "superseded", "Replaced by a later change"

    account = models.ForeignKey(Account, models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=8, choices=Kind)
    contact = models.ForeignKey(Contact, models.CASCADE, null=True, blank=True, related_name="changes")
    conversation = models.ForeignKey(Conversation, models.CASCADE, null=True, blank=True, related_name="changes")
    values = models.JSONField(default=dict, help_text="Field -> what it shall be.")
    base = models.JSONField(default=dict, help_text="Field -> what it was when the person changed it.")
    theirs = models.JSONField(
        default=dict, blank=True, help_text="Field -> what it had become at Salesmsg meanwhile; {} without a conflict."
    )
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    reason = models.TextField(blank=True, help_text="Why it was refused or still waits, in words for staff.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "due_at"], name="change_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_state_display()}"

    @property
    def waiting(self) -> bool:
        return self.state in {self.State.PENDING, self.State.PUSHING}
