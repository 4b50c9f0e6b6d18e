"""What the conflict pages show."""

from django.urls import reverse
from django.utils.translation import gettext as _

from ..models import Change, Conversation
from . import conflicts


def change_for_user(user, pk: int) -> Change | None:
    """This person's edit of a contact, whatever became of it; None when there is none."""
    heavy = ("account__webhook_secret", "contact__raw", "contact__custom_fields", "contact__notes")
    found = Change.objects.for_user(user).filter(kind=Change.Kind.CONTACT, pk=pk)
    return found.select_related("contact", "account", "requested_by").defer(*heavy).first()


def open_conflict(user, of: Change) -> Change | None:
    """The conflict that this contact has now."""
    return conflicts.waiting_conflicts(user).filter(contact=of.contact_id).first()


def way_back(user, of: Change) -> tuple[str, str]:
    """(address, words): the contact's newest thread, else its page in the admin."""
    threads = Conversation.objects.for_user(user).filter(contact=of.contact_id).newest_first()
    newest = threads.values_list("pk", flat=True).first()
    if newest:
        return reverse("inbox:thread", args=[newest]), _("Conversation")
    return reverse("admin:integrations_contact_change", args=[of.contact_id]), _("Contact")
