"""Decides who may be texted. Consent belongs to the phone number: what refuses one contact refuses all that share it.

Three things refuse a number: the newest entry of the consent ledger is an opt-out, a contact with it is opted out or
blocked in Salesmsg, or staff have requested an opt-out. An opt-out applies as soon as it is requested, even if Salesmsg
refuses it; an opt-in only once it is done.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet

from ..failures import NO_REASON, Code, Reason
from ..mirror import consent
from ..models import Change, ConsentEntry, Contact

Kind, State = Change.Kind, Change.State
OPTS = (Kind.OPT_OUT, Kind.OPT_IN)
NOT_YET = (State.PENDING, State.PUSHING, State.REFUSED)


def newest_opt_change(contact: Contact) -> Change | None:
    """The newest opt-out or opt-in that staff requested for this contact."""
    return contact.changes.filter(kind__in=OPTS).exclude(state=State.SUPERSEDED).order_by("-pk").first()


def forbids_texts(change: Change | None) -> bool:
    """Whether this change is an opt-out that Salesmsg has not applied yet."""
    return change is not None and change.kind == Kind.OPT_OUT and change.state in NOT_YET


def why_not_textable(contact: Contact) -> Reason:
    """Why this contact may not be texted; empty if they may. At most three queries."""
    if reason := contact.why_not_textable:
        return reason
    decision = consent.newest_decision(contact.account_id, contact.phone)
    return refusal_reason(contact, newest_opt_change(contact), decision)


def refusal_reason(contact: Contact, change: Change | None, decision: ConsentEntry | None) -> Reason:
    """The same with the contact's newest opt change and the number's newest decision. At most one query."""
    if reason := contact.why_not_textable:
        return reason
    if forbids_texts(change):
        return Reason(Code.OPT_OUT_PENDING)
    return decision_reason(decision) or _twin_reason(contact)


def decision_reason(decision: ConsentEntry | None) -> Reason:
    """Why this decision of a number refuses texts; empty if it does not."""
    return Reason(Code.OPTED_OUT) if decision is not None and decision.kind == consent.Kind.OPT_OUT else NO_REASON


def _twin_reason(contact: Contact) -> Reason:
    others = refusing_contacts(contact.account_id).exclude(pk=contact.pk)
    return Reason(Code.TWIN_REFUSES) if contact.phone and others.filter(phone=contact.phone).exists() else NO_REASON


def refusing_contacts(account_id: int) -> QuerySet[Contact]:
    """Present contacts that are opted out, blocked or being opted out."""
    refuses = Q(opted_out=True) | Q(blocked=True) | Q(pk__in=_being_opted_out(account_id))
    return Contact.objects.present().filter(refuses, account_id=account_id)


def refusing_phones(account_id: int, phone: str = "") -> set[str]:
    """The numbers that may not be texted. phone: only look at this one. Two queries."""
    contacts, entries = refusing_contacts(account_id), consent.opted_out_entries(account_id)
    if phone:
        contacts, entries = contacts.filter(phone=phone), entries.filter(phone=phone)
    return {*contacts.values_list("phone", flat=True), *entries.values_list("phone", flat=True)} - {""}


def doubted_phones(account_id: int, phone: str = "") -> set[str]:
    """The numbers that may have asked to opt out, until a person decides. phone: only look at this one."""
    entries = consent.doubted_entries(account_id)
    return set((entries.filter(phone=phone) if phone else entries).values_list("phone", flat=True))


def _being_opted_out(account_id: int) -> QuerySet:
    """Contacts with an opt-out that Salesmsg has not applied yet."""
    later = Change.objects.filter(contact=OuterRef("contact"), kind__in=OPTS, pk__gt=OuterRef("pk"))
    opt_outs = Change.objects.filter(account_id=account_id, kind=Kind.OPT_OUT, state__in=NOT_YET)
    return opt_outs.filter(~Exists(later.exclude(state=State.SUPERSEDED))).values("contact")
