"""Who may be texted, as far as this portal knows: Salesmsg's word, and opt-outs that Salesmsg has still to take.

An opt-out counts from the moment somebody asks for it, also while Salesmsg refuses it; an opt-in only when it is done.
"""

from django.db.models import Exists, OuterRef, QuerySet

from ..models import Change, Contact

Kind, State = Change.Kind, Change.State
OPTS = (Kind.OPT_OUT, Kind.OPT_IN)
NOT_YET = (State.PENDING, State.PUSHING, State.REFUSED)

ON_ITS_WAY = "This contact is being opted out, so no text may be sent to them."


def newest_opt_change(contact: Contact) -> Change | None:
    """The last word of staff on whether this contact may be texted."""
    return contact.changes.filter(kind__in=OPTS).exclude(state=State.SUPERSEDED).order_by("-pk").first()


def forbids_texts(change: Change | None) -> bool:
    """Whether this last word forbids texts although Salesmsg's copy does not say so."""
    return change is not None and change.kind == Kind.OPT_OUT and change.state in NOT_YET


def refusal_reason(contact: Contact) -> str:
    """Why this contact may not be texted, in words for staff; empty when they may. One query."""
    return contact.why_not_textable or (ON_ITS_WAY if forbids_texts(newest_opt_change(contact)) else "")


def opted_out_contacts(account_id: int) -> QuerySet[Contact]:
    """Contacts whom only an opt-out of ours keeps from texts."""
    later = Change.objects.filter(contact=OuterRef("contact"), kind__in=OPTS, pk__gt=OuterRef("pk"))
    asked = Change.objects.filter(account_id=account_id, kind=Kind.OPT_OUT, state__in=NOT_YET)
    asked = asked.filter(~Exists(later.exclude(state=State.SUPERSEDED)))
    return Contact.objects.filter(pk__in=asked.values("contact"))
