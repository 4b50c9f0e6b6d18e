"""Internal data about conversations that staff share. It is never sent to Salesmsg."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .account import Account, OwnedQuerySet
from .conversation import Conversation


class Presence(models.Model):
    """Who has a conversation open, and when they last typed in it. Old rows are ignored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user"))
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="presences", verbose_name=_("conversation")
    )
    seen_at = models.DateTimeField(default=timezone.now)
    typing_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "conversation"], name="presence_once")]

    def __str__(self) -> str:
        return f"{self.user} at {self.conversation_id}"


class Draft(models.Model):
    """A user's unsent text in a conversation. `revision` rises with every change of the text."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user"))
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="drafts", verbose_name=_("conversation")
    )
    text = models.TextField(_("text"), blank=True)
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "conversation"], name="draft_once")]

    def __str__(self) -> str:
        return f"Draft of {self.user} in {self.conversation_id}"


class InternalNote(models.Model):
    """A note for the team in a thread. It is not a message: it has no state and is never sent."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="internal_notes", verbose_name=_("account"))
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="internal_notes", verbose_name=_("conversation")
    )
    client_uuid = models.UUIDField(
        _("client uuid"), unique=True, help_text="Created by the form, so that a double submit creates one note."
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    author_name = models.CharField(_("author name"), max_length=255, blank=True)
    text = models.TextField(_("text"))
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["conversation", "-at", "-id"], name="internal_note_thread")]

    def __str__(self) -> str:
        return f"Internal note {self.pk}"


class Mention(models.Model):
    """A user mentioned in an internal note; unread until they open the conversation."""

    note = models.ForeignKey(InternalNote, models.CASCADE, related_name="mentions", verbose_name=_("note"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user"))
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "user"], name="mention_once")]
        indexes = [models.Index(fields=["user", "note"], condition=Q(read_at=None), name="mention_unread")]

    def __str__(self) -> str:
        return f"{self.user} in note {self.note_id}"


class SavedReply(models.Model):
    """A reusable text with merge fields. `owner` null: shared by the whole account."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="saved_replies", verbose_name=_("account"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Leave empty to share with everyone."),
        verbose_name=_("owner"),
    )
    name = models.CharField(_("name"), max_length=80, help_text=_("Type “/” and this name to find it."))
    text = models.TextField(_("text"))
    used = models.PositiveIntegerField(_("used"), default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved reply")
        verbose_name_plural = _("saved replies")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "owner", "name"], name="saved_reply_once"),
            models.UniqueConstraint(fields=["account", "name"], condition=Q(owner=None), name="saved_reply_shared"),
        ]

    def __str__(self) -> str:
        return self.name
