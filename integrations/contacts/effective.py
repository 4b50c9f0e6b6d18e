"""A contact including pending changes: tags, opt-out, notes and custom fields. Reads only."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Case, Q, Subquery, When
from django.utils.dateparse import parse_datetime
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from ..failures import NO_REASON, Reason
from ..mirror import consent
from ..models import Change, ConsentEntry, Contact, Tag
from . import opt_out
from .change_handlers import same_label
from .custom_fields import custom_field_definitions, custom_field_values, humanize_key

Kind, State = Change.Kind, Change.State
TAGGING = (Kind.TAG, Kind.UNTAG)
KINDS = (*TAGGING, *opt_out.OPTS, Kind.NOTE, Kind.FIELDS)
OPEN = (State.PENDING, State.PUSHING, State.REFUSED)
SUGGESTED = 300  # labels
LEDGER = 5  # newest entries of the consent ledger
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Shown:
    """A tag, note or field as shown to users. `change`: its pending change, if any."""

    text: str
    change: Change | None = None
    key: str = ""  # of a field
    label: str = ""  # label of the field
    at: datetime | None = None  # when a note was written


@dataclass(frozen=True)
class Refused:
    """A change that Salesmsg refused. `wish` completes “Salesmsg refused to …”."""

    change: Change
    wish: str


@dataclass
class EffectiveContact:
    """A contact including pending changes, and its refused changes, newest first."""

    tags: list[Shown]
    leaving: list[Shown]  # tags that are being removed
    opted_out: bool  # includes opt-outs that Salesmsg has not applied yet
    opting: Change | None  # a pending opt-out or opt-in
    notes: list[Shown]  # newest first
    fields: list[Shown]
    refused: list[Refused]
    changeable: bool  # the contact exists in Salesmsg
    edit: Change | None = None  # open or refused edit of name, phone or email; a conflict comes first
    opt: Change | None = None  # the newest opt-out or opt-in, with the user who requested it
    ledger: consent.Standing = consent.EMPTY  # what the consent ledger says of the contact's phone number
    refusal: Reason = NO_REASON  # why the contact may not be texted

    @property
    def decision(self) -> ConsentEntry | None:
        """The newest opt-out or opt-in of the contact's phone number."""
        return self.ledger.decision

    @property
    def doubt(self) -> ConsentEntry | None:
        """A text that may ask to opt out and waits for a decision."""
        return self.ledger.doubt

    @property
    def filled(self) -> list[Shown]:
        """The fields that have a value or a pending change."""
        return [one for one in self.fields if one.text or one.change]

    @property
    def tagging(self) -> Change | None:
        """The oldest pending tag change; its reason explains the delay."""
        return min((one.change for one in (*self.tags, *self.leaving) if one.change), key=_pk, default=None)

    @property
    def filling(self) -> Change | None:
        return next((one.change for one in self.fields if one.change), None)

    @property
    def waiting(self) -> bool:
        noting = any(one.change for one in self.notes)
        return noting or any(one is not None for one in (self.opting, self.tagging, self.filling))


def _pk(change: Change) -> int:
    return change.pk


def effective_contact(contact: Contact) -> EffectiveContact:
    """Reads a contact including pending changes. Up to three queries, and two when the custom field cache expires."""
    relevant = Q(kind__in=KINDS, state__in=OPEN) | Q(kind__in=opt_out.OPTS, state=State.DONE)
    edits = contact.changes.filter(kind=Kind.CONTACT).exclude(state=State.SUPERSEDED)
    edit = edits.order_by(Case(When(state=State.CONFLICT, then=0), default=1), "-pk").values("pk")
    rows = contact.changes.filter(relevant | Q(pk=Subquery(edit[:1])))
    rows = list(rows.select_related("requested_by").order_by("pk"))
    changes = [one for one in rows if one.kind != Kind.CONTACT]
    waiting = [one for one in changes if one.waiting]
    opt = next((one for one in reversed(changes) if one.kind in opt_out.OPTS), None)
    ledger = consent.standing(contact.account_id, contact.phone, LEDGER + 1)
    tags, leaving = _tags(contact, [one for one in waiting if one.kind in TAGGING])
    return EffectiveContact(
        tags=tags,
        leaving=leaving,
        opted_out=contact.opted_out or opt_out.forbids_texts(opt) or bool(opt_out.decision_reason(ledger.decision)),
        opting=opt if opt is not None and opt.waiting else None,
        notes=_notes(contact, [one for one in waiting if one.kind == Kind.NOTE]),
        fields=_fields(contact, [one for one in waiting if one.kind == Kind.FIELDS]),
        refused=[Refused(one, describe_change(one)) for one in reversed(changes) if one.state == State.REFUSED],
        changeable=contact.vendor_id is not None and contact.deleted_at is None,
        edit=next((one for one in rows if one.kind == Kind.CONTACT and one.state in (*OPEN, State.CONFLICT)), None),
        opt=opt,
        ledger=ledger,
        refusal=opt_out.refusal_reason(contact, opt, ledger.decision),
    )


def describe_change(change: Change) -> str:
    """Description of a change that completes “Salesmsg refused to …”, such as "add the tag “VIP”"."""
    match change.kind:
        case Kind.TAG:
            return _("add the tag “%(label)s”") % {"label": change.values["label"]}
        case Kind.UNTAG:
            return _("remove the tag “%(label)s”") % {"label": change.values["label"]}
        case Kind.OPT_OUT:
            return _("opt this contact out")
        case Kind.OPT_IN:
            return _("opt this contact in")
        case Kind.NOTE:
            return _("add the note “%(text)s”") % {"text": Truncator(change.values["text"]).chars(60)}
    wishes = ", ".join(
        _("%(field)s to “%(value)s”") % {"field": humanize_key(key), "value": Truncator(value).chars(60)}
        if value
        else _("%(field)s to nothing") % {"field": humanize_key(key)}
        for key, value in sorted(change.values.items())  # PostgreSQL keeps no order of keys
    )
    return _("set %(wishes)s") % {"wishes": wishes}


def suggest_tags(contact: Contact, labels: list[str] | None = None) -> list[str]:
    """Labels of the account's tags that the contact does not have. labels: all labels, if already loaded."""
    if labels is None:
        labels = Tag.objects.filter(account_id=contact.account_id).values_list("label", flat=True)[:SUGGESTED]
    return [label for label in labels if label and not any(same_label(label, own) for own in contact.tags)]


def _tags(contact: Contact, waiting: list[Change]) -> tuple[list[Shown], list[Shown]]:
    """(tags including pending ones, tags being removed). The newer of two changes of one label applies."""
    shown = {str(label).casefold(): Shown(str(label)) for label in contact.tags}
    for one in waiting:
        label = one.values["label"]
        shown[label.casefold()] = Shown(label, one)
    tags = [one for one in shown.values() if one.change is None or one.change.kind == Kind.TAG]
    return tags, [one for one in shown.values() if one.change is not None and one.change.kind == Kind.UNTAG]


def _notes(contact: Contact, waiting: list[Change]) -> list[Shown]:
    stored = [
        Shown(str(one["text"]), at=_parse_time(one.get("created_at")))
        for one in contact.notes
        if isinstance(one, dict) and one.get("text")
    ]
    pending = [Shown(one.values["text"], one) for one in reversed(waiting)]
    return [*pending, *sorted(stored, key=lambda one: one.at or EPOCH, reverse=True)]


def _parse_time(text) -> datetime | None:
    """A vendor time; UTC if it has no zone. None if invalid."""
    try:
        at = parse_datetime(str(text or ""))
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


def _fields(contact: Contact, waiting: list[Change]) -> list[Shown]:
    stored = custom_field_values(contact)
    pending = {key: (value, one) for one in waiting for key, value in one.values.items()}
    fields = []
    for key, label in custom_field_definitions(contact):
        value, change = pending.get(key, (stored.get(key, ""), None))
        fields.append(Shown(value, change, key, label))
    return fields
