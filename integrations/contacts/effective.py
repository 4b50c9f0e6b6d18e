"""How a contact looks with everything that staff asked for: tags, opt-out, notes, custom fields. Reads only."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.cache import cache
from django.db.models import Case, Q, Subquery, When
from django.utils.dateparse import parse_datetime
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from ..models import Change, Contact, Tag
from . import opt_out
from .change_handlers import field_value, same_label

Kind, State = Change.Kind, Change.State
TAGGING = (Kind.TAG, Kind.UNTAG)
KINDS = (*TAGGING, *opt_out.OPTS, Kind.NOTE, Kind.FIELDS)
OPEN = (State.PENDING, State.PUSHING, State.REFUSED)
SUGGESTED = 300  # labels
LOOKED_AT = 5000  # contacts whose custom fields are looked through for definitions
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEPT = 600  # seconds for which the definitions are remembered


@dataclass(frozen=True)
class Shown:
    """A tag, a note or a field as people should see it; `change` while it is on its way."""

    text: str
    change: Change | None = None
    key: str = ""  # of a field
    words: str = ""  # what the field is called
    at: datetime | None = None  # when a note was written


@dataclass(frozen=True)
class Refused:
    """A change that Salesmsg did not take; `wish` completes “Salesmsg refused to …”."""

    change: Change
    wish: str


@dataclass
class EffectiveContact:
    """A contact with what is on its way. Refused changes stand apart, newest first."""

    tags: list[Shown]
    leaving: list[Shown]  # tags that are being taken off
    opted_out: bool  # also while only we say so
    opting: Change | None  # an opt-out or opt-in on its way
    notes: list[Shown]  # newest first
    fields: list[Shown]
    refused: list[Refused]
    changeable: bool  # Salesmsg has this contact
    edit: Change | None = None  # of name, phone or email, where there is something to say; one to choose comes first
    opt: Change | None = None  # the last word of staff on whether they may be texted, with who said it

    @property
    def filled(self) -> list[Shown]:
        """The fields that hold something, or will."""
        return [one for one in self.fields if one.text or one.change]

    @property
    def tagging(self) -> Change | None:
        """The tag change that has been on its way for longest: its reason tells why it waits."""
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
    """One query, and one or two more now and then for the account's custom fields."""
    telling = Q(kind__in=KINDS, state__in=OPEN) | Q(kind__in=opt_out.OPTS, state=State.DONE)
    edits = contact.changes.filter(kind=Kind.CONTACT).exclude(state=State.SUPERSEDED)
    edit = edits.order_by(Case(When(state=State.CONFLICT, then=0), default=1), "-pk").values("pk")
    found = contact.changes.filter(telling | Q(pk=Subquery(edit[:1])))
    found = list(found.select_related("requested_by").order_by("pk"))
    changes = [one for one in found if one.kind != Kind.CONTACT]
    waiting = [one for one in changes if one.waiting]
    opt = next((one for one in reversed(changes) if one.kind in opt_out.OPTS), None)
    tags, leaving = _tags(contact, [one for one in waiting if one.kind in TAGGING])
    return EffectiveContact(
        tags=tags,
        leaving=leaving,
        opted_out=contact.opted_out or opt_out.forbids_texts(opt),
        opting=opt if opt is not None and opt.waiting else None,
        notes=_notes(contact, [one for one in waiting if one.kind == Kind.NOTE]),
        fields=_fields(contact, [one for one in waiting if one.kind == Kind.FIELDS]),
        refused=[Refused(one, describe_change(one)) for one in reversed(changes) if one.state == State.REFUSED],
        changeable=contact.vendor_id is not None and contact.deleted_at is None,
        edit=next((one for one in found if one.kind == Kind.CONTACT and one.state in (*OPEN, State.CONFLICT)), None),
        opt=opt,
    )


def describe_change(change: Change) -> str:
    """What a change asks for: "add the tag “VIP”"."""
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
    """Labels of the account's tags that the contact does not have. labels: all of them, where they are here already."""
    if labels is None:
        labels = Tag.objects.filter(account_id=contact.account_id).values_list("label", flat=True)[:SUGGESTED]
    return [label for label in labels if label and not any(same_label(label, own) for own in contact.tags)]


def custom_field_values(contact: Contact) -> dict[str, str]:
    """Field key -> value, in the order in which Salesmsg tells them."""
    return {str(one["field_key"]): field_value(one) for one in contact.custom_fields if _named(one)}


def custom_field_definitions(contact: Contact) -> list[tuple[str, str]]:
    """(key, words) of the fields that this contact or others of the account carry: the API has no list of them."""
    seen = cache.get_or_set(f"field-keys-{contact.account_id}", lambda: _seen(contact.account_id), KEPT)
    return [(key, humanize_key(key)) for key in dict.fromkeys([*custom_field_values(contact), *seen])]


def humanize_key(key: str) -> str:
    """ "renewal_date" -> "Renewal date"."""
    words = re.sub(r"[_-]+", " ", key).strip() or key
    return words[:1].upper() + words[1:]


def _tags(contact: Contact, waiting: list[Change]) -> tuple[list[Shown], list[Shown]]:
    """(tags as they will be, tags that are going); of two changes of one label the newer one holds."""
    shown = {str(label).casefold(): Shown(str(label)) for label in contact.tags}
    for one in waiting:
        label = one.values["label"]
        shown[label.casefold()] = Shown(label, one)
    tags = [one for one in shown.values() if one.change is None or one.change.kind == Kind.TAG]
    return tags, [one for one in shown.values() if one.change is not None and one.change.kind == Kind.UNTAG]


def _notes(contact: Contact, waiting: list[Change]) -> list[Shown]:
    told = [
        Shown(str(one["text"]), at=_moment(one.get("created_at")))
        for one in contact.notes
        if isinstance(one, dict) and one.get("text")
    ]
    on_their_way = [Shown(one.values["text"], one) for one in reversed(waiting)]
    return [*on_their_way, *sorted(told, key=lambda one: one.at or EPOCH, reverse=True)]


def _moment(text) -> datetime | None:
    """A time of the vendor; without a zone it is UTC. None for what is no time."""
    try:
        at = parse_datetime(str(text or ""))
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


def _fields(contact: Contact, waiting: list[Change]) -> list[Shown]:
    has = custom_field_values(contact)
    asked = {key: (value, one) for one in waiting for key, value in one.values.items()}
    found = []
    for key, words in custom_field_definitions(contact):
        value, change = asked.get(key, (has.get(key, ""), None))
        found.append(Shown(value, change, key, words))
    return found


def _seen(account_id: int) -> list[str]:
    """Keys of the newest contacts: bounded, so that a large account stays quick."""
    rows = Contact.objects.filter(account_id=account_id)
    newest = rows.order_by("-pk").values("pk")[:1]
    found = (
        rows.filter(pk__gt=Subquery(newest) - LOOKED_AT)
        .exclude(custom_fields=[])
        .order_by()
        .values_list("custom_fields", flat=True)
    )
    return sorted({str(one["field_key"]) for fields in found.iterator() for one in fields if _named(one)})


def _named(one) -> bool:
    return isinstance(one, dict) and bool(one.get("field_key"))
