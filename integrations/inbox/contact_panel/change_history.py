"""What was changed about a contact: by whom, from what to what, when, and what became of it. Read when it is opened."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from ... import cursors
from ...access import staff_view
from ...contacts.effective import humanize_key
from ...contacts.three_way import EDITABLE
from ...models import AuditEntry, Change, Contact, Conversation, Member
from ...models.contact import FIELD_LABELS
from ..thread import fragments

ENTRIES = 20
Kind, State = Change.Kind, Change.State
CONFLICT_DECIDED, CHANGE_DROPPED = AuditEntry.Action.CONFLICT_DECIDED, AuditEntry.Action.CHANGE_DROPPED
TONES = {State.DONE: "ok", State.PENDING: "warn", State.PUSHING: "warn", State.CONFLICT: "warn", State.REFUSED: "error"}
# Where an entry comes from: of two of the same moment, and in its place's number (`Entry.key`).
CONTACT, THREADS, AUDIT, FACTS = range(4)
SOURCES = 4
LONGEST = 200  # characters of a value or a note


@dataclass(frozen=True)
class Line:
    """One value: what it was, what it became. `theirs`: what it had become in Salesmsg, where both were changed."""

    label: str
    before: str
    after: str
    theirs: str = ""


@dataclass
class Entry:
    """One thing that happened. `key` orders those of one moment; `conflict`: the change that waits for a choice."""

    at: datetime
    key: int
    what: str
    who: str = ""
    tone: str = ""
    standing: str = ""
    ended_at: datetime | None = None
    reason: str = ""
    lines: list[Line] = field(default_factory=list)
    conflict: int | None = None


@dataclass
class ChangeHistory:
    """A stretch, newest first. `older` is the cursor of the next one, empty at the end."""

    entries: list[Entry]
    older: str = ""


@staff_view()
def change_history(request: HttpRequest, pk: int) -> HttpResponse:
    """The timeline, for the card or as a page of its own; `?before=` asks for what is older."""
    conversation = fragments.get_conversation_or_404(request, pk)
    before = request.GET.get("before", "")
    context = {
        "conversation": conversation,
        "contact": conversation.contact,
        "timeline": read_history(request.user, conversation.contact, before=before),
        "later": bool(cursors.parse_cursor(before)),
    }
    if request.headers.get("HX-Request"):
        name = (
            "inbox/contact_panel/_change_history_entries.html"
            if context["later"]
            else "inbox/contact_panel/_change_history.html"
        )
        return render(request, name, context)
    return render(request, "inbox/contact_panel/change_history.html", context)


def read_history(user, contact: Contact, *, before: str = "", limit: int = ENTRIES) -> ChangeHistory:
    """Four queries: changes of the contact, of its conversations (who owned them is a fourth), and decisions."""
    start = cursors.parse_cursor(before)
    changes = Change.objects.for_user(user).select_related("requested_by")
    threads = Conversation.objects.for_user(user).filter(contact=contact).order_by().values("pk")
    own = _stretch(changes.filter(contact=contact), "created_at", CONTACT, start, limit)
    about = _stretch(changes.filter(conversation__in=threads), "created_at", THREADS, start, limit)
    names = _members(contact.account_id, about)
    found = [_of_change(one, CONTACT, names) for one in own] + [_of_change(one, THREADS, names) for one in about]
    found += [_of_audit(one) for one in _stretch(_decisions(user, contact), "at", AUDIT, start, limit)]
    found += [one for one in _facts(contact) if start is None or (one.at, one.key) < start]
    found.sort(key=lambda one: (one.at, one.key), reverse=True)
    older = cursors.format_cursor(found[limit - 1].at, found[limit - 1].key) if len(found) > limit else ""
    return ChangeHistory(found[:limit], older)


def _stretch(rows: QuerySet, at: str, source: int, start: tuple[datetime, int] | None, limit: int) -> list:
    """The newest rows of one source, or those before a place in the whole timeline."""
    if start is not None:
        when, key = start
        rows = rows.filter(Q(**{f"{at}__lt": when}) | Q(**{at: when, "pk__lte": (key - source - 1) // SOURCES}))
    return list(rows.order_by(f"-{at}", "-pk")[: limit + 1])


def _key(pk: int, source: int) -> int:
    return pk * SOURCES + source


# --- Changes ---------------------------------------------------------------------------------------------------------


def _of_change(change: Change, source: int, names: dict[int, str]) -> Entry:
    return Entry(
        at=change.created_at,
        key=_key(change.pk, source),
        what=_what(change, names),
        who=_called(change.requested_by),
        tone=TONES.get(change.state, ""),
        standing=_standing(change),
        ended_at=change.finished_at if change.state == State.DONE else None,
        reason=change.explanation,
        lines=_lines(change),
        conflict=change.pk if change.state == State.CONFLICT else None,
    )


def _what(change: Change, names: dict[int, str]) -> str:
    values = change.values
    match change.kind:
        case Kind.TAG:
            return _("Added the tag “%(tag)s”") % {"tag": values.get("label", "")}
        case Kind.UNTAG:
            return _("Removed the tag “%(tag)s”") % {"tag": values.get("label", "")}
        case Kind.OPT_OUT:
            return _("Opted the contact out")
        case Kind.OPT_IN:
            return _("Opted the contact in")
        case Kind.NOTE:
            return _("Added a note: %(text)s") % {"text": _short(values.get("text", ""))}
        case Kind.FIELDS:
            return _("Edited details")
        case Kind.CLOSE:
            return _("Closed the conversation")
        case Kind.REOPEN:
            return _("Reopened the conversation")
        case Kind.ASSIGN:
            if values.get("member") is None:
                return _("Unassigned the conversation")
            return _("Assigned the conversation to %(name)s") % {"name": names.get(values["member"], _("somebody"))}
    return _("Edited the contact")


def _standing(change: Change) -> str:
    match change.state:
        case State.PENDING:
            return _("Waiting to be saved in Salesmsg")
        case State.PUSHING:
            return _("Being saved in Salesmsg")
        case State.DONE:
            return _("Saved in Salesmsg")
        case State.CONFLICT:
            return _("Changed in Salesmsg, too: nothing was overwritten")
        case State.REFUSED:
            return _("Refused by Salesmsg")
    return _("Replaced by a later change")


def _lines(change: Change) -> list[Line]:
    if change.kind not in (Kind.CONTACT, Kind.FIELDS):
        return []
    order = [name for name in EDITABLE if name in change.values] + sorted(set(change.values) - set(EDITABLE))
    words = FIELD_LABELS if change.kind == Kind.CONTACT else {}
    return [
        Line(
            str(words[name]) if name in words else humanize_key(name),
            _short(change.base.get(name)),
            _short(change.values[name]),
            _short(change.theirs.get(name)),
        )
        for name in order
    ]


def _short(value) -> str:
    return Truncator(str(value or "")).chars(LONGEST)


def _called(user) -> str:
    return (user.get_full_name() or user.get_username()) if user else ""


def _members(account_id: int, changes: Iterable[Change]) -> dict[int, str]:
    """Salesmsg ids of owners -> names; no query where nothing was assigned."""
    ids = {one.values["member"] for one in changes if one.kind == Kind.ASSIGN and one.values.get("member")}
    found = Member.objects.filter(account=account_id, vendor_id__in=ids).defer("raw") if ids else ()
    return {one.vendor_id: str(one) for one in found}


# --- Decisions of people, and what Salesmsg tells --------------------------------------------------------------------


def _decisions(user, contact: Contact) -> QuerySet[AuditEntry]:
    """What the audit says of this contact that no change does."""
    entries = AuditEntry.objects.for_user(user).filter(contact=contact, action__in=[CONFLICT_DECIDED, CHANGE_DROPPED])
    return entries.select_related("user")


def _of_audit(entry: AuditEntry) -> Entry:
    decided = entry.action == CONFLICT_DECIDED
    what = _("Chose which values stand") if decided else _("Left a refused change at that")
    return Entry(entry.at, _key(entry.pk, AUDIT), what, _called(entry.user))


def _facts(contact: Contact) -> list[Entry]:
    told = [
        (contact.opted_out_at, _("Opted out, as Salesmsg tells it"), "warn"),
        (contact.opted_in_at, _("Opted in, as Salesmsg tells it"), "ok"),
        (contact.deleted_at, _("Deleted in Salesmsg"), "error"),
        (contact.vendor_created_at, _("Created in Salesmsg"), ""),
        (contact.created_at, _("Seen here for the first time"), ""),
    ]
    return [Entry(at, _key(place, FACTS), what, tone=tone) for place, (at, what, tone) in enumerate(told) if at]
