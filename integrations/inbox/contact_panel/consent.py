"""The consent ledger in the contact panel: the newest entries of the contact's phone number. Runs no query."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from ...contacts.effective import LEDGER, EffectiveContact
from ...models import ConsentEntry, Contact

Kind, Source = ConsentEntry.Kind, ConsentEntry.Source
MAX_CHARACTERS = 120  # of a text or a note


@dataclass(frozen=True)
class Line:
    """An entry in words. contact: the name of the contact if it is another one with the same number."""

    at: datetime
    what: str
    contact: str = ""


@dataclass(frozen=True)
class ConsentPart:
    """The newest entries, newest first. more: the ledger has older ones."""

    lines: list[Line]
    more: bool = False


def read_consent(contact: Contact, about: EffectiveContact) -> ConsentPart:
    """Return the part of the panel from what is already loaded."""
    newest = about.ledger.newest
    lines = [Line(one.at, describe_entry(one), _other_name(one, contact)) for one in newest[:LEDGER]]
    return ConsentPart(lines, len(newest) > LEDGER)


def _other_name(entry: ConsentEntry, contact: Contact) -> str:
    return entry.contact_name if entry.contact_id != contact.pk and entry.contact_name != contact.name else ""


def describe_entry(entry: ConsentEntry) -> str:
    """Return an entry in words, such as "Opted in by Ada Marsh: asked on the phone"."""
    name, text = entry.user_name, Truncator(" ".join(entry.text.split())).chars(MAX_CHARACTERS)
    if entry.kind == Kind.DOUBT:
        return _("“%(text)s” may ask to opt out") % {"text": text}
    if entry.kind == Kind.CLEARED:
        if name:
            return _("%(name)s decided that they did not ask to opt out") % {"name": name}
        return _("Staff decided that they did not ask to opt out")
    what = _describe_opt_in(entry, name, text) if entry.kind == Kind.OPT_IN else _describe_opt_out(entry, name, text)
    note = Truncator(entry.note).chars(MAX_CHARACTERS)
    return _("%(what)s: %(note)s") % {"what": what, "note": note} if note else what


def _describe_opt_out(entry: ConsentEntry, name: str, text: str) -> str:
    match entry.source:
        case Source.KEYWORD:
            return _("Opted out by texting “%(text)s”") % {"text": text}
        case Source.STAFF:
            return _("Opted out by %(name)s") % {"name": name} if name else _("Opted out by staff")
        case Source.IMPORT:
            return _("Opted out by an import")
    return _("Opted out in Salesmsg")


def _describe_opt_in(entry: ConsentEntry, name: str, text: str) -> str:
    match entry.source:
        case Source.KEYWORD:
            return _("Opted in by texting “%(text)s”") % {"text": text}
        case Source.STAFF:
            return _("Opted in by %(name)s") % {"name": name} if name else _("Opted in by staff")
        case Source.IMPORT:
            return _("Opted in by an import")
    return _("Opted in again in Salesmsg")
