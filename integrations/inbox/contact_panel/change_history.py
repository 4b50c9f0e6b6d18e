"""The change history of a contact: who changed what, when, and the result. Loaded when the user opens it."""

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
from ...contacts.custom_fields import humanize_key
from ...contacts.three_way import EDITABLE
from ...models import AuditEntry, Change, Contact, Conversation, Member
from ...models.contact import FIELD_LABELS
from ..thread import fragments

ENTRIES = 20
Kind, State = Change.Kind, Change.State
CONFLICT_DECIDED, CHANGE_DROPPED = AuditEntry.Action.CONFLICT_DECIDED, AuditEntry.Action.CHANGE_DROPPED
TONES = {State.DONE: "ok", State.PENDING: "warn", State.PUSHING: "warn", State.CONFLICT: "warn", State.REFUSED: "error"}
# The source of an entry. It is part of `Entry.key`, which orders entries of the same moment.
CONTACT, THREADS, AUDIT, FACTS = range(4)
SOURCES = 4
MAX_CHARACTERS = 200  # of a value or a note


@dataclass(frozen=True)
class Line:
    """A changed value. `theirs` is the value in Salesmsg when it was changed on both sides."""

    label: str
    before: str
    after: str
    theirs: str = ""


@dataclass
class Entry:
    """A history entry. `key` orders entries of the same moment; `conflict` is the key of a change in conflict."""

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
    """A page of entries, newest first. `older` is the cursor of the next page, empty at the end."""

    entries: list[Entry]
    older: str = ""


@staff_view()
def change_history(request: HttpRequest, pk: int) -> HttpResponse:
    """The history as a fragment of the contact panel or as a full page. `?before=` is the cursor of older entries."""
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
    """Return a page of the history.

    Four queries: changes of the contact, changes of its conversations, the members in them, and audit entries."""
    start = cursors.parse_cursor(before)
    changes = Change.objects.for_user(user).select_related("requested_by")
    threads = Conversation.objects.for_user(user).filter(contact=contact).order_by().values("pk")
    of_contact = _newest_rows(changes.filter(contact=contact), "created_at", CONTACT, start, limit)
    of_threads = _newest_rows(changes.filter(conversation__in=threads), "created_at", THREADS, start, limit)
    names = _member_names(contact.account_id, of_threads)
    entries = [_change_entry(change, CONTACT, names) for change in of_contact]
    entries += [_change_entry(change, THREADS, names) for change in of_threads]
    entries += [_audit_entry(row) for row in _newest_rows(_decisions(user, contact), "at", AUDIT, start, limit)]
    entries += [entry for entry in _facts(contact) if start is None or (entry.at, entry.key) < start]
    entries.sort(key=lambda entry: (entry.at, entry.key), reverse=True)
    older = cursors.format_cursor(entries[limit - 1].at, entries[limit - 1].key) if len(entries) > limit else ""
    return ChangeHistory(entries[:limit], older)


def _newest_rows(rows: QuerySet, at: str, source: int, start: tuple[datetime, int] | None, limit: int) -> list:
    """The newest rows of one source, or the newest before a cursor of the whole history."""
    if start is not None:
        when, key = start
        rows = rows.filter(Q(**{f"{at}__lt": when}) | Q(**{at: when, "pk__lte": (key - source - 1) // SOURCES}))
    return list(rows.order_by(f"-{at}", "-pk")[: limit + 1])


def _key(pk: int, source: int) -> int:
    return pk * SOURCES + source


# --- Changes ---------------------------------------------------------------------------------------------------------


def _change_entry(change: Change, source: int, names: dict[int, str]) -> Entry:
    return Entry(
        at=change.created_at,
        key=_key(change.pk, source),
        what=_description(change, names),
        who=_user_name(change.requested_by),
        tone=TONES.get(change.state, ""),
        standing=_state_text(change),
        ended_at=change.finished_at if change.state == State.DONE else None,
        reason=change.explanation,
        lines=_lines(change),
        conflict=change.pk if change.state == State.CONFLICT else None,
    )


def _description(change: Change, names: dict[int, str]) -> str:
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
            name = names.get(values["member"]) or _("an unknown user")
            return _("Assigned the conversation to %(name)s") % {"name": name}
    return _("Edited the contact")


def _state_text(change: Change) -> str:
    match change.state:
        case State.PENDING:
            return _("Waiting to be saved in Salesmsg")
        case State.PUSHING:
            return _("Being saved in Salesmsg")
        case State.DONE:
            return _("Saved in Salesmsg")
        case State.CONFLICT:
            return _("Also changed in Salesmsg. Nothing was overwritten")
        case State.REFUSED:
            return _("Refused by Salesmsg")
    return _("Replaced by a later change")


def _lines(change: Change) -> list[Line]:
    if change.kind not in (Kind.CONTACT, Kind.FIELDS):
        return []
    order = [name for name in EDITABLE if name in change.values] + sorted(set(change.values) - set(EDITABLE))
    labels = FIELD_LABELS if change.kind == Kind.CONTACT else {}
    return [
        Line(
            str(labels[name]) if name in labels else humanize_key(name),
            _short(change.base.get(name)),
            _short(change.values[name]),
            _short(change.theirs.get(name)),
        )
        for name in order
    ]


def _short(value) -> str:
    return Truncator(str(value or "")).chars(MAX_CHARACTERS)


def _user_name(user) -> str:
    return (user.get_full_name() or user.get_username()) if user else ""


def _member_names(account_id: int, changes: Iterable[Change]) -> dict[int, str]:
    """Return {Salesmsg id: name} of the members in assignments. No query when there are none."""
    ids = {change.values["member"] for change in changes if change.kind == Kind.ASSIGN and change.values.get("member")}
    members = Member.objects.filter(account=account_id, vendor_id__in=ids).defer("raw") if ids else ()
    return {member.vendor_id: str(member) for member in members}


# --- Decisions of staff, and facts from Salesmsg ---------------------------------------------------------------------


def _decisions(user, contact: Contact) -> QuerySet[AuditEntry]:
    """Audit entries of the contact that have no change of their own: resolved conflicts and dismissed changes."""
    entries = AuditEntry.objects.for_user(user).filter(contact=contact, action__in=[CONFLICT_DECIDED, CHANGE_DROPPED])
    return entries.select_related("user")


def _audit_entry(entry: AuditEntry) -> Entry:
    resolved = entry.action == CONFLICT_DECIDED
    what = _("Resolved a conflict") if resolved else _("Dismissed a refused change")
    return Entry(entry.at, _key(entry.pk, AUDIT), what, _user_name(entry.user))


def _facts(contact: Contact) -> list[Entry]:
    facts = [
        (contact.opted_out_at, _("Opted out, according to Salesmsg"), "warn"),
        (contact.opted_in_at, _("Opted in, according to Salesmsg"), "ok"),
        (contact.deleted_at, _("Deleted in Salesmsg"), "error"),
        (contact.vendor_created_at, _("Created in Salesmsg"), ""),
        (contact.created_at, _("Added to the portal"), ""),
    ]
    return [Entry(at, _key(place, FACTS), what, tone=tone) for place, (at, what, tone) in enumerate(facts) if at]
