"""Opts out in Salesmsg who opted out by a keyword that Salesmsg does not know, such as ARRET.

The portal already refuses to text these numbers: this makes Salesmsg refuse too, for its own automations.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from .. import jobs
from ..mirror import consent
from ..models import Change, ConsentEntry, Contact
from .opt_out import OPTS
from .push_changes import PUSH, touch_threads

PATIENCE = timedelta(minutes=2)  # for Salesmsg to report the opt-out itself
SWEPT = timedelta(days=14)  # older keywords are not swept: bounds the rows that each sweep reads
AT_ONCE = 50


def sweep_keyword_opt_outs() -> int:
    """Sweep: requests opt-outs in Salesmsg that it has not made itself. Returns how many. One query if there is none.

    No entry is added to the ledger: the contact's own text is the decision.
    """
    now = timezone.now()
    entries = ConsentEntry.objects.filter(
        kind=ConsentEntry.Kind.OPT_OUT, source=ConsentEntry.Source.KEYWORD, at__gt=now - SWEPT, at__lt=now - PATIENCE
    )
    # Each sweep finds one contact of a number; the next one finds the next.
    found = entries.filter(~Exists(_later_decisions())).annotate(texted=Subquery(_still_texted().values("pk")[:1]))
    rows = found.exclude(texted=None).order_by("at").values_list("texted", "at")[:AT_ONCE]
    return sum(_request(contact_id, at) for contact_id, at in list(rows))


def _later_decisions() -> QuerySet[ConsentEntry]:
    later = Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk"))
    return ConsentEntry.objects.filter(
        later, account=OuterRef("account"), phone=OuterRef("phone"), kind__in=consent.DECIDING
    )


def _still_texted() -> QuerySet[Contact]:
    """Contacts with an entry's number that Salesmsg does not show as opted out and that have no later opt change."""
    contacts = Contact.objects.present().filter(account=OuterRef("account"), phone=OuterRef("phone"), opted_out=False)
    requested = Change.objects.filter(_open_or_later(OuterRef(OuterRef("at"))), contact=OuterRef("pk"), kind__in=OPTS)
    return contacts.exclude(vendor_id=None).filter(~Exists(requested)).order_by("pk")


def _open_or_later(at: datetime | OuterRef) -> Q:
    return Q(created_at__gt=at) | Q(state__in=[Change.State.PENDING, Change.State.PUSHING])


def _request(contact_id: int, at: datetime) -> bool:
    """Requests the opt-out unless something has changed since it was found."""
    with transaction.atomic():
        contact = Contact.objects.select_for_update(of=("self",), no_key=True).get(pk=contact_id)
        if contact.opted_out or contact.changes.filter(_open_or_later(at), kind__in=OPTS).exists():
            return False
        change = Change.objects.create(account_id=contact.account_id, contact=contact, kind=Change.Kind.OPT_OUT)
        jobs.enqueue(PUSH, change.pk)
        touch_threads(change)
    return True
