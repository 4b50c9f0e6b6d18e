"""Bulk texts: one text to many contacts, with the outcome for each recipient."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .account import Account, OwnedQuerySet
from .contact import Contact
from .message import Message
from .reason import ReasonFields


class Bulk(models.Model):
    """A text with merge fields for selected contacts. Each message is created just before it is sent."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Being prepared")
        RUNNING = "running", _("Being sent")
        PAUSED = "paused", _("Paused")
        CANCELLED = "cancelled", _("Cancelled")
        DONE = "done", _("Done")

    account = models.ForeignKey(Account, models.CASCADE, related_name="bulks", verbose_name=_("account"))
    text = models.TextField(_("text"), help_text=_("With merge fields, such as {first_name}."))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    start_at = models.DateTimeField(
        _("start at"), null=True, blank=True, help_text=_("When to send the first text; empty: when it is started.")
    )
    from_hour = models.PositiveSmallIntegerField(
        _("from hour"), null=True, blank=True, help_text=_("In each recipient's time zone; empty: after quiet hours.")
    )
    to_hour = models.PositiveSmallIntegerField(
        _("to hour"), null=True, blank=True, help_text=_("In each recipient's time zone; empty: until quiet hours.")
    )
    accepted = models.JSONField(
        default=list, blank=True, help_text=_("The safeguards whose questions the author has answered with “send”.")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("bulk")
        verbose_name_plural = _("bulks")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return _("Bulk text %(id)s (%(state)s)") % {"id": self.pk, "state": self.get_state_display()}

    @property
    def state_label(self) -> str:
        """The state as pages show it: a started bulk text is scheduled until its start time."""
        later = self.state == self.State.RUNNING and self.start_at is not None and self.start_at > timezone.now()
        return _("Scheduled") if later else self.get_state_display()

    @property
    def window(self) -> tuple[int, int] | None:
        """The hours in which to text recipients, in their time zone; None for those outside the quiet hours."""
        return None if self.from_hour is None or self.to_hour is None else (self.from_hour, self.to_hour)


class BulkRecipient(ReasonFields):
    """One contact of a bulk text. The row is the job; `message` is set just before sending."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        HANDED = "handed", _("Moved to the outbox")
        LEFT_OUT = "left_out", _("Left out")
        CANCELLED = "cancelled", _("Cancelled")

    bulk = models.ForeignKey(Bulk, models.CASCADE, related_name="recipients", verbose_name=_("bulk"))
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="+", verbose_name=_("contact"))
    text = models.TextField(_("text"), blank=True, help_text=_("The text for this contact, as previewed."))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    due_at = models.DateTimeField(
        _("due at"), null=True, blank=True, help_text=_("Not before this moment: the recipient's own morning.")
    )
    message = models.OneToOneField(
        Message, models.SET_NULL, null=True, blank=True, related_name="bulk_recipient", verbose_name=_("message")
    )

    class Meta:
        verbose_name = _("bulk recipient")
        verbose_name_plural = _("bulk recipients")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["bulk", "contact"], name="bulk_recipient_once")]
        indexes = [
            models.Index(fields=["bulk", "state", "id"], name="bulk_waiting"),
            models.Index(fields=["bulk", "state", "due_at"], name="bulk_due"),
        ]

    def __str__(self) -> str:
        return _("Recipient %(id)s of bulk text %(bulk)s") % {"id": self.contact_id, "bulk": self.bulk_id}
