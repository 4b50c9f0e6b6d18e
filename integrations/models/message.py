"""Messages: texts, calls, and every attempt to send a text."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .account import Account, OwnedQuerySet
from .conversation import Conversation
from .reason import ReasonFields

DRAFT_RANK = 1 << 60  # texts without a vendor id sort after all others of the same second


class Message(ReasonFields):
    """One message of a thread, inbound or outbound.

    A reply starts with a `client_uuid` and without a `vendor_id`: the row is the job. `outbox` writes `state` until
    Salesmsg has answered, then `mirror` does. Primary keys grow in order of arrival, so an “unread” message is inbound,
    counts as new, and is beyond the user's read mark.
    """

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        QUEUED = "queued", _("Waiting to be sent")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Not sent")
        UNKNOWN = "unknown", _("Not known whether it was sent")
        CANCELLED = "cancelled", _("Cancelled")

    class Machine(models.TextChoices):
        REACTION = "reaction", _("Reaction")
        AUTO_REPLY = "auto_reply", _("Automatic reply")

    class Kind(models.TextChoices):
        SMS = "sms", _("Text")
        MMS = "mms", _("Picture")
        CALL = "call", _("Call")
        OTHER = "other", _("Other")

    account = models.ForeignKey(Account, models.CASCADE, related_name="messages", verbose_name=_("account"))
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="messages", verbose_name=_("conversation")
    )
    vendor_id = models.BigIntegerField(null=True, blank=True, verbose_name=_("Salesmsg id"))
    client_uuid = models.UUIDField(_("client uuid"), null=True, blank=True, unique=True)
    inbound = models.BooleanField(default=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.SMS)
    state = models.CharField(_("state"), max_length=12, choices=State)
    text = models.TextField(_("text"), blank=True)
    media = models.JSONField(default=list, blank=True, help_text="[{id, url, content_type}]")
    media_pending = models.BooleanField(default=False)
    call = models.JSONField(default=dict, blank=True)
    author_vendor_id = models.BigIntegerField(null=True, blank=True)
    author_name = models.CharField(_("author name"), max_length=255, blank=True)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    automated = models.BooleanField(_("automated"), default=False)
    source = models.CharField(_("source"), max_length=64, blank=True)
    vendor_status = models.CharField(_("vendor status"), max_length=64, blank=True)
    at = models.DateTimeField(
        _("at"), help_text=_("Orders the thread: the time from Salesmsg, or local time until it is known.")
    )
    rank = models.BigIntegerField(
        help_text=_("Orders messages of the same second: the Salesmsg id, or DRAFT_RANK and higher.")
    )
    received_at = models.DateTimeField(_("received at"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    failed_at = models.DateTimeField(_("failed at"), null=True, blank=True)
    is_news = models.BooleanField(
        default=False, help_text=_("Arrived after the first sync, or was unread in Salesmsg.")
    )
    due_at = models.DateTimeField(
        _("due at"),
        null=True,
        blank=True,
        help_text=_("When a waiting text may be sent; empty: it waits for a user's decision."),
    )
    send_at = models.DateTimeField(
        _("send at"), null=True, blank=True, help_text=_("When it is scheduled for; empty: send immediately.")
    )
    zone = models.CharField(_("zone"), max_length=64, blank=True, help_text=_("The time zone of the schedule."))
    stop_on_reply = models.BooleanField(
        _("stop on reply"), default=False, help_text=_("Cancel if the contact replies first.")
    )
    accepted = models.JSONField(
        default=list, blank=True, help_text=_("The safeguards whose questions the author has answered with “send”.")
    )
    machine = models.CharField(
        _("written by a machine"),
        max_length=10,
        choices=Machine,
        blank=True,
        default="",
        help_text=_("An inbound text that no person typed."),
    )
    bulk = models.ForeignKey(
        "Bulk", models.SET_NULL, null=True, blank=True, related_name="messages", verbose_name=_("bulk")
    )
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    raw = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-at", "-rank"]
        constraints = [models.UniqueConstraint(fields=["account", "vendor_id"], name="message_once")]
        indexes = [
            models.Index(fields=["conversation", "-at", "-rank"], name="message_thread"),
            models.Index(fields=["-at", "-id"], name="message_newest"),  # the starting point of a search
            models.Index(fields=["conversation", "id"], condition=Q(inbound=True, is_news=True), name="message_news"),
            # For the outbox's queries. SQLite uses a partial index only if the query has the same condition.
            models.Index(fields=["account", "due_at"], condition=Q(due_at__isnull=False), name="message_due"),
            models.Index(fields=["state", "account", "at"], condition=Q(client_uuid__isnull=False), name="message_own"),
            models.Index(
                fields=["conversation", "state"], condition=Q(client_uuid__isnull=False), name="message_own_in_thread"
            ),
        ]

    def __str__(self) -> str:
        return _("Message %(id)s (%(state)s)") % {"id": self.vendor_id or self.pk, "state": self.get_state_display()}

    @property
    def carries_our_pictures(self) -> bool:
        """Whether it was written here with pictures: `media` is [{ours, content_type}] and the portal has the files."""
        return self.client_uuid is not None and any(medium.get("ours") for medium in self.media)

    @property
    def held(self) -> bool:
        """Whether it waits for a user's decision before it is sent."""
        return self.state == self.State.QUEUED and self.due_at is None


class Attempt(ReasonFields):
    """One attempt to send a text to Salesmsg. Its reason holds no text, phone number or token."""

    class Outcome(models.TextChoices):
        RUNNING = "running", _("Running")
        ACCEPTED = "accepted", _("Accepted")
        REFUSED = "refused", _("Refused")
        NOT_DONE = "not_done", _("Did not reach Salesmsg; will be retried")
        UNCLEAR = "unclear", _("No clear answer")

    message = models.ForeignKey(Message, models.CASCADE, related_name="attempts", verbose_name=_("message"))
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default=Outcome.RUNNING)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["pk"]

    def __str__(self) -> str:
        params = {"id": self.pk, "message": self.message_id, "outcome": self.get_outcome_display()}
        return _("Attempt %(id)s of message %(message)s: %(outcome)s") % params
