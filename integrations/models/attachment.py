"""Pictures of messages, fetched once and stored."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .account import OwnedQuerySet
from .message import Message
from .reason import ReasonFields


class AttachmentQuerySet(OwnedQuerySet["Attachment"]):
    def for_user(self, user) -> "AttachmentQuerySet":
        """Pictures of messages the user can see."""
        return self.filter(message__in=Message.objects.for_user(user))


class Attachment(ReasonFields):
    """One file of a message's `media`, by position. The row is the job that fetches it; the stored file is the portal's
    copy.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Being fetched")
        STORED = "stored", _("Stored")
        REFUSED = "refused", _("Not stored: too large, or not a picture")
        LOST = "lost", _("Could not be fetched")

    message = models.ForeignKey(Message, models.CASCADE, related_name="attachments", verbose_name=_("message"))
    position = models.PositiveSmallIntegerField()
    url = models.TextField(blank=True)
    ours = models.BooleanField(default=False, help_text="Uploaded here and sent; Salesmsg fetches the file.")
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    content_type = models.CharField(
        max_length=64, blank=True, help_text="Detected from the content, not from the declared type."
    )
    size = models.PositiveIntegerField(default=0, help_text="Bytes.")
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    file = models.FileField(upload_to="pictures/%Y/%m/", max_length=200, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True, default=timezone.now)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    fetched_at = models.DateTimeField(null=True, blank=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "position"], name="picture_once")]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="picture_due")]

    def __str__(self) -> str:
        return f"Picture {self.position} of message {self.message_id}"
