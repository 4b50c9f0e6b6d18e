"""The audit log: who did what to an account or a contact."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .account import Account, OwnedQuerySet
from .contact import Contact


class AuditEntry(models.Model):
    """One action of a user. `params` holds ids, counts and field names, never a secret."""

    class Action(models.TextChoices):
        ACCOUNT_CONNECTED = "account_connected", _("Account connected")
        ACCOUNT_DISCONNECTED = "account_disconnected", _("Account disconnected")
        WEBHOOK_RENEWED = "webhook_renewed", _("Webhook address renewed")
        MEMBERSHIP_ADDED = "membership_added", _("Membership added")
        MEMBERSHIP_CHANGED = "membership_changed", _("Membership changed")
        MEMBERSHIP_REMOVED = "membership_removed", _("Membership removed")
        MEMBER_LINKED = "member_linked", _("Linked to a Salesmsg user")
        SYNC_FULL = "sync_full", _("Full sync requested")
        SYNC_CHANGES = "sync_changes", _("Check for changes requested")
        SYNC_STOPPED = "sync_stopped", _("Sync stopped")
        SYNC_PAUSED = "sync_paused", _("Sync paused")
        SYNC_RESUMED = "sync_resumed", _("Sync resumed")
        CONTACT_REFRESHED = "contact_refreshed", _("Contact refreshed")
        CONVERSATION_REFRESHED = "conversation_refreshed", _("Conversation refreshed")
        CONTACT_EDITED = "contact_edited", _("Contact edited")
        FIELDS_EDITED = "fields_edited", _("Custom fields edited")
        TAG_ADDED = "tag_added", _("Tag added")
        TAG_REMOVED = "tag_removed", _("Tag removed")
        OPTED_OUT = "opted_out", _("Contact opted out")
        OPTED_IN = "opted_in", _("Contact opted in")
        DOUBT_CLEARED = "doubt_cleared", _("Text not taken as an opt-out")
        NOTE_ADDED = "note_added", _("Note added")
        CONFLICT_DECIDED = "conflict_decided", _("Conflict resolved")
        CHANGE_DROPPED = "change_dropped", _("Refused change discarded")
        CONVERSATION_CLOSED = "conversation_closed", _("Conversation closed")
        CONVERSATION_REOPENED = "conversation_reopened", _("Conversation reopened")
        CONVERSATION_ASSIGNED = "conversation_assigned", _("Conversation assigned")
        CONVERSATION_SNOOZED = "conversation_snoozed", _("Conversation snoozed")
        CONVERSATION_WOKEN = "conversation_woken", _("Snooze ended")
        INTERNAL_NOTE_ADDED = "internal_note_added", _("Internal note added")
        INTERNAL_NOTE_DELETED = "internal_note_deleted", _("Internal note deleted")
        BULK_DRAFTED = "bulk_drafted", _("Bulk text drafted")
        BULK_STARTED = "bulk_started", _("Bulk text started")
        BULK_PAUSED = "bulk_paused", _("Bulk text paused")
        BULK_RESUMED = "bulk_resumed", _("Bulk text resumed")
        BULK_CANCELLED = "bulk_cancelled", _("Bulk text cancelled")

    account = models.ForeignKey(
        Account, models.CASCADE, null=True, blank=True, related_name="audit_entries", verbose_name=_("account")
    )
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="audit_entries", verbose_name=_("contact")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("user")
    )
    action = models.CharField(_("action"), max_length=64, choices=Action)
    params = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.get_action_display()} at {self.at:%Y-%m-%d %H:%M}"

    @property
    def detail(self) -> str:
        """Return what was affected: "contact 12 · first_name, email"; field names and values as stored."""
        named = [f"{_PARAMS[name]} {value}" for name, value in self.params.items() if name in _PARAMS]
        others = [value for name, value in self.params.items() if name not in _PARAMS]
        plain = [", ".join(map(str, value)) if isinstance(value, list) else str(value) for value in others]
        return " · ".join([*named, *(value for value in plain if value)])


_PARAMS = {
    "contact": _("contact"),
    "conversation": _("conversation"),
    "bulk": _("bulk text"),
    "note": _("note"),
    "member": _("member"),
    "contacts": _("contacts:"),
    "mentioned": _("mentioned:"),
    "until": _("until"),
    "ours": _("portal:"),
    "theirs": _("Salesmsg:"),
}
