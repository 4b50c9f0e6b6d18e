"""Decides who may be texted, from Salesmsg's opt-out state and from opt-outs that are not pushed yet.

An opt-out applies as soon as it is requested, even if Salesmsg refuses it; an opt-in only once it is done.
"""

from django.db.models import Exists, OuterRef, QuerySet

from ..failures import Code, Reason
from ..models import Change, Contact

Kind, State = Change.Kind, Change.State
OPTS = (Kind.OPT_OUT, Kind.OPT_IN)
NOT_YET = (State.PENDING, State.PUSHING, State.REFUSED)


def newest_opt_change(contact: Contact) -> Change | None:
    """The newest opt-out or opt-in that staff requested for this contact."""
    return contact.changes.filter(kind__in=OPTS).exclude(state=State.SUPERSEDED).order_by("-pk").first()


def forbids_texts(change: Change | None) -> bool:
    """Whether this change is an opt-out that Salesmsg has not applied yet."""
    return change is not None and change.kind == Kind.OPT_OUT and change.state in NOT_YET


def refusal_reason(contact: Contact) -> Reason:
    """Why this contact may not be texted; empty if they may. At most one query."""
    return contact.why_not_textable or Reason(Code.OPT_OUT_PENDING if forbids_texts(newest_opt_change(contact)) else "")


def opted_out_contacts(account_id: int) -> QuerySet[Contact]:
    """Contacts with an opt-out that Salesmsg has not applied yet."""
    later = Change.objects.filter(contact=OuterRef("contact"), kind__in=OPTS, pk__gt=OuterRef("pk"))
    opt_outs = Change.objects.filter(account_id=account_id, kind=Kind.OPT_OUT, state__in=NOT_YET)
    opt_outs = opt_outs.filter(~Exists(later.exclude(state=State.SUPERSEDED)))
    return Contact.objects.filter(pk__in=opt_outs.values("contact"))
