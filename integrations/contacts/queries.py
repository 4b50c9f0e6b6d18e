"""Queries for the conflict pages."""

from django.urls import reverse
from django.utils.translation import gettext as _

from ..models import Change, Conversation
from . import conflicts


def change_for_user(user, pk: int) -> Change | None:
    """A contact edit that the user may see, in any state; None if there is none."""
    heavy = ("account__webhook_secret", "contact__raw", "contact__custom_fields", "contact__notes")
    changes = Change.objects.for_user(user).filter(kind=Change.Kind.CONTACT, pk=pk)
    return changes.select_related("contact", "account", "requested_by").defer(*heavy).first()


def open_conflict(user, change: Change) -> Change | None:
    """The open conflict of the contact of this change."""
    return conflicts.waiting_conflicts(user).filter(contact=change.contact_id).first()


def back_link(user, change: Change) -> tuple[str, str]:
    """(URL, label) of the contact's newest thread, else of its admin page."""
    threads = Conversation.objects.for_user(user).filter(contact=change.contact_id).newest_first()
    newest = threads.values_list("pk", flat=True).first()
    if newest:
        return reverse("inbox:thread", args=[newest]), _("Conversation")
    return reverse("admin:integrations_contact_change", args=[change.contact_id]), _("Contact")
