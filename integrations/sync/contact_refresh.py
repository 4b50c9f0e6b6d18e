"""Reads one contact and its conversations at a member's request."""

from django.db import transaction

from .. import gateway, jobs, mirror
from ..crypto import Unsealable
from ..gateway import BudgetWait, NotConnected
from ..models import BudgetCall, Contact
from ..salesmsg.errors import NotFound, SalesmsgError
from .request import CONTACT, schedule_refresh

MOST_TRIES = 5


def refresh_contact(contact_id: int, tries: int) -> int:
    """The task: two requests, stored together. Returns the number of changed rows. tries: earlier failures."""
    contact = Contact.objects.filter(pk=contact_id, vendor_id__isnull=False).first()
    if contact is None or contact.vendor_id is None:
        return 0
    client = gateway.open_session(contact.account_id, BudgetCall.Lane.EVENT).client
    try:
        record = client.contact(contact.vendor_id)
        conversations = client.contact_conversations(contact.vendor_id)
    except BudgetWait as wait:
        jobs.enqueue(CONTACT, contact_id, tries, delay=wait.seconds, keep=False)
        return 0
    except NotFound:
        return mirror.contact_gone(contact.account_id, contact.vendor_id)
    except (NotConnected, Unsealable):
        return 0
    except SalesmsgError as error:
        if error.again != "never" and tries < MOST_TRIES:
            jobs.enqueue(CONTACT, contact_id, tries + 1, delay=2.0 ** (tries + 1), keep=False)
        return 0
    with transaction.atomic():
        found = mirror.upsert_conversations(contact.account_id, conversations)
        changed = mirror.upsert_contacts(contact.account_id, [record])[1]
        for pk in found.moved:
            schedule_refresh(pk)
    return changed + found.changed
