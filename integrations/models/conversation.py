"""Conversations, and each user's read position in them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .account import Account, Inbox, Member, OwnedQuerySet
from .contact import Contact
from .lookups import Filled  # noqa: F401 - registers the lookup of a condition below

# Partial indexes for the list's filters. SQLite uses them only if the query has the same condition.
_SHOWN = {
    "conversation_open": Q(closed_at__isnull=True),
    "conversation_closed": Q(closed_at__isnull=False),
    "conversation_unassigned": Q(owner__isnull=True, closed_at__isnull=True),
    "conversation_trouble": Q(trouble__filled=True),
}


class ConversationQuerySet(OwnedQuerySet["Conversation"]):
    def newest_first(self) -> "ConversationQuerySet":
        return self.order_by("-latest_at", "-pk")


class Conversation(models.Model):
    """A thread with one contact in one inbox. `vendor_id` is null until Salesmsg has opened it.

    `latest_*`, `news_pk` and `trouble` are copied from its messages, so that the list needs no second query. `version`
    rises with every change shown in the open thread, which polls it. Snoozing exists only in the portal.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="conversations", verbose_name=_("account"))

    class LatestKind(models.TextChoices):
        """The kind of the newest message, shown in the list if it has no text."""

        TEXT = "text", _("Text")
        PICTURE = "picture", _("Picture")
        CALL = "call", _("Call")

    vendor_id = models.BigIntegerField(null=True, blank=True, verbose_name=_("Salesmsg id"))
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="conversations", verbose_name=_("contact"))
    inbox = models.ForeignKey(
        Inbox, models.SET_NULL, null=True, blank=True, related_name="conversations", verbose_name=_("inbox")
    )
    owner = models.ForeignKey(
        Member, models.SET_NULL, null=True, blank=True, related_name="conversations", verbose_name=_("owner")
    )
    line_phone = models.CharField(
        _("line phone"), max_length=32, blank=True, help_text=_("The organisation's number in this conversation.")
    )
    unread_at_vendor = models.IntegerField(_("unread at vendor"), default=0)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    last_message_at = models.DateTimeField(
        _("last message at"), null=True, blank=True, help_text=_("As reported by Salesmsg.")
    )
    gone_at = models.DateTimeField(null=True, blank=True, help_text="When Salesmsg reported that it does not exist.")
    raw = models.JSONField(default=dict, blank=True)
    latest_at = models.DateTimeField(
        _("latest at"), default=timezone.now, help_text=_("Determines the order of the inbox.")
    )
    latest_text = models.CharField(max_length=200, blank=True)
    latest_kind = models.CharField(max_length=8, choices=LatestKind, default=LatestKind.TEXT)
    latest_inbound = models.BooleanField(default=False)
    latest_state = models.CharField(_("latest state"), max_length=12, blank=True)
    version = models.BigIntegerField(default=0)
    news_pk = models.BigIntegerField(null=True, blank=True, help_text="Newest inbound message that counted as new.")
    trouble = models.CharField(
        max_length=12,
        blank=True,
        help_text="State of the newest outbound text if it is not known to be sent, else empty.",
    )
    snoozed_until = models.DateTimeField(
        null=True, blank=True, help_text="Hidden until then, or until the contact texts."
    )
    snoozed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ["-latest_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "vendor_id"], name="conversation_once"),
            models.UniqueConstraint(
                fields=["contact", "inbox"], condition=Q(vendor_id=None), name="conversation_draft_once"
            ),
            models.UniqueConstraint(
                fields=["contact"], condition=Q(vendor_id=None, inbox=None), name="conversation_draft_once_anywhere"
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-latest_at", "-id"], name="conversation_newest"),
            models.Index(fields=["-latest_at", "-id"], name="conversation_newest_all"),
            # One per list filter, in the list's order, so that no filter scans rows it does not show.
            models.Index(fields=["inbox", "-latest_at", "-id"], name="conversation_in_inbox"),
            models.Index(
                fields=["owner", "-latest_at", "-id"], condition=Q(owner__isnull=False), name="conversation_owned"
            ),
            *(
                models.Index(fields=["account", "-latest_at", "-id", "inbox"], condition=condition, name=name)
                for name, condition in _SHOWN.items()
            ),
            models.Index(
                fields=["account", "-latest_at", "-id", "inbox", "news_pk"],
                condition=Q(news_pk__isnull=False),
                name="conversation_news",
            ),
        ]

    def __str__(self) -> str:
        return _("Conversation with %(contact)s") % {"contact": self.contact}

    @property
    def latest(self) -> str:
        """Return the list's summary of the newest message: its text, else its kind; "" if there is none."""
        return self.latest_text or ("" if self.latest_kind == self.LatestKind.TEXT else self.get_latest_kind_display())

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def is_snoozed(self) -> bool:
        return self.snoozed_until is not None and self.snoozed_until > timezone.now()


class ReadMark(models.Model):
    """A user's read position: all messages up to and including `message_pk` are read."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user"))
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="read_marks", verbose_name=_("conversation")
    )
    message_pk = models.BigIntegerField(default=0)
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "conversation"], name="read_mark_once")]

    def __str__(self) -> str:
        return f"{self.user} read {self.conversation_id} to {self.message_pk}"
