"""Changes made in the portal that have not been saved in Salesmsg yet."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .account import Account, OwnedQuerySet
from .contact import Contact
from .conversation import Conversation
from .reason import ReasonFields


class Change(ReasonFields):
    """A pending change. All kinds set absolute values, so repeating one does no harm."""

    class Kind(models.TextChoices):
        CONTACT = "contact", _("Contact edited")
        CLOSE = "close", _("Conversation closed")
        REOPEN = "reopen", _("Conversation reopened")
        ASSIGN = "assign", _("Conversation assigned")
        TAG = "tag", _("Tag added")
        UNTAG = "untag", _("Tag removed")
        OPT_OUT = "opt_out", _("Contact opted out")
        OPT_IN = "opt_in", _("Contact opted in")
        NOTE = "note", _("Note added")
        FIELDS = "fields", _("Custom fields edited")

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting to be saved in Salesmsg")
        PUSHING = "pushing", _("Being saved in Salesmsg")
        DONE = "done", _("Saved in Salesmsg")
        CONFLICT = "conflict", _("Also changed in Salesmsg: choose which to keep")
        REFUSED = "refused", _("Refused by Salesmsg")
        SUPERSEDED = "superseded", _("Replaced by a later change")

    account = models.ForeignKey(Account, models.CASCADE, related_name="changes", verbose_name=_("account"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    contact = models.ForeignKey(
        Contact, models.CASCADE, null=True, blank=True, related_name="changes", verbose_name=_("contact")
    )
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, null=True, blank=True, related_name="changes", verbose_name=_("conversation")
    )
    values = models.JSONField(default=dict, help_text=_("Field -> new value."))
    base = models.JSONField(default=dict, help_text=_("Field -> value before the change."))
    theirs = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("Field -> value in Salesmsg if it has changed there; {} without a conflict."),
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due at"), default=timezone.now)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "due_at"], name="change_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_state_display()}"

    @property
    def waiting(self) -> bool:
        return self.state in {self.State.PENDING, self.State.PUSHING}
