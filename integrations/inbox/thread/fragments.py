"""Render a thread: the whole page, or only the parts that differ from what the browser shows.

A thread consists of regions (header, contact panel, notices, send block) and of messages. Each has an etag of its
content. The browser sends the etags it has and gets only what changed, as htmx out-of-band swaps by id.
"""

from dataclasses import dataclass

from django.http import Http404, HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from ... import cursors
from ...access import can_opt_in
from ...attachments import outgoing
from ...attachments import request as attachments
from ...contacts.effective import EffectiveContact, effective_contact, suggest_tags
from ...digests import html_digest
from ...models import Account, Conversation
from ...outbox import scheduled
from ...sync import request as sync
from ..collaboration import mentions, snooze
from ..collaboration.forms import NoteForm
from ..collaboration.read_state import mark_read
from ..composer import notices
from ..composer.forms import ReplyForm, ScheduleForm
from ..contact_panel.consent import read_consent
from ..contact_panel.inline_edit import Field, fields_closed, inline_fields
from ..contact_panel.panel import read_panel
from ..conversation_list.queries import Filters
from . import queries
from .message_items import MessageItem
from .note_items import NoteItem
from .queries import parse_known

REGIONS = {
    "head": "inbox/thread/_header.html",
    "card": "inbox/contact_panel/_panel.html",
    "hints": "inbox/composer/_notices.html",
    "gate": "inbox/composer/_send_blocked.html",
}


@dataclass
class Region:
    """A part of the page that is replaced when its etag changes."""

    name: str
    html: SafeString
    etag: str


@dataclass
class ThreadPage:
    """A thread with its rendered regions. `blocked` is the reason why texts cannot be sent, or empty."""

    conversation: Conversation
    thread_slice: queries.ThreadSlice
    regions: dict[str, Region]
    blocked: str


def get_conversation_or_404(request: HttpRequest, pk: int) -> Conversation:
    """Return the conversation to act on. Raises Http404 when the user cannot see it."""
    return _or_404(queries.find_conversation(request.user, pk))


def get_thread_or_404(request: HttpRequest, pk: int) -> Conversation:
    """Return the conversation to show, for `read_thread`. Raises Http404 when the user cannot see it."""
    return _or_404(queries.read_conversation(request.user, pk))


def _or_404(conversation: Conversation | None) -> Conversation:
    if conversation is None:
        raise Http404("Conversation not found.")
    return conversation


def why_not(conversation: Conversation, about: EffectiveContact) -> str:
    """Return why texts cannot be sent in this conversation, or an empty string when they can."""
    account, contact = conversation.account, conversation.contact
    if about.refusal:
        return about.refusal.text
    if account.state == Account.State.ATTENTION:
        text = _("Salesmsg no longer accepts the connection of “%(account)s”. Reconnect it to send texts.")
        return text % {"account": account.label}
    if account.state != Account.State.CONNECTED:
        text = _("“%(account)s” is disconnected. Reconnect it to send texts.")
        return text % {"account": account.label}
    if not contact.phone:
        return _("This contact has no phone number.")
    return ""


def read_thread(
    request: HttpRequest,
    conversation: Conversation,
    *,
    top: str | None = None,
    before: str = "",
    problem: str = "",
    quick: list[Field] | None = None,
) -> ThreadPage:
    """Read the thread, mark the shown messages as read and render the regions.

    conversation: from `get_thread_or_404`. problem: an error to show in the contact panel. quick: rejected fields of
    the contact panel, as typed."""
    about = effective_contact(conversation.contact)
    blocked = why_not(conversation, about)
    thread_slice = queries.read_slice(conversation, top=top, before=before)
    if thread_slice.gap:
        sync.fill_history(conversation)
    if "hidden" not in request.GET:  # messages that arrive in a hidden tab stay unread
        mark_read(request.user, conversation, thread_slice.newest_inbound)
        mentions.mark_mentions_seen(request.user, conversation)
    fetch_files(conversation, thread_slice)
    card = read_panel(request.user, conversation, about.edit)
    context = {
        "conversation": conversation,
        "contact": conversation.contact,
        "card": card,
        "hints": notices.read_notices(conversation, thread_slice, card, newest=not before),
        "opted_out": notices.opted_out(conversation, about),
        "quick": quick or inline_fields(card.values),
        "quick_open": quick is not None,
        "about": about,
        "consent": read_consent(conversation.contact, about),
        "fields_closed": fields_closed(conversation.scopes),
        "suggestions": suggest_tags(conversation.contact, card.labels) if about.changeable else [],
        "may_opt_in": about.opted_out and can_opt_in(request.user, conversation.account),
        "problem": problem,
        "blocked": blocked,
        "snooze_choices": snooze.snooze_choices(),
        "back": list_query(request),
    }
    return ThreadPage(conversation, thread_slice, {name: _region(request, name, context) for name in REGIONS}, blocked)


def fetch_files(conversation: Conversation, thread_slice: queries.ThreadSlice) -> None:
    """Request the attachments in the slice that have not been requested yet."""
    if thread_slice.asleep:
        attachments.request_files(conversation.pk, thread_slice.asleep)


def list_query(request: HttpRequest) -> str:
    """Return the query string of the list beside the thread."""
    return Filters.from_query(request.GET).query()


def _region(request: HttpRequest, name: str, context: dict) -> Region:
    html = render_to_string(REGIONS[name], context, request)
    return Region(name, mark_safe(html), html_digest(html))  # noqa: S308 - output of our own template


def thread_context(page: ThreadPage, form: ReplyForm | None = None, error: str = "", **more) -> dict:
    """The context of a full thread. A bound form keeps the text that could not be sent or scheduled."""
    zones = zones_for(page.conversation)
    return {
        "conversation": page.conversation,
        "contact": page.conversation.contact,
        "thread_slice": page.thread_slice,
        "seen": max([page.conversation.read_to or 0, *(message.pk for message in page.thread_slice.messages)]),
        "regions": page.regions,
        "form": form or ReplyForm.fresh(page.conversation.draft_text or ""),
        "note_form": NoteForm.fresh(),
        "later_form": form if isinstance(form, ScheduleForm) else ScheduleForm.fresh(zones),
        "zones": zones,
        "error": error,
        "blocked": page.blocked,
        "enclosing": outgoing.upload_limits(),
        **more,
    }


def zones_for(conversation: Conversation) -> list[scheduled.Zone]:
    """The time zones to choose from in this thread, the most likely first."""
    viewer = timezone.get_current_timezone_name()
    return scheduled.zones_of(conversation.contact, conversation.account, viewer)


@dataclass
class Step:
    """An htmx swap of one message or note. `way` is the swap style: outerHTML, delete, afterend or afterbegin."""

    way: str
    target: str
    item: MessageItem | NoteItem | None = None


def update_steps(thread_slice: queries.ThreadSlice, known: dict[str, str], above: set[str]) -> list[Step]:
    """Return the swaps, in order, that turn a browser showing `known` into one showing the slice.

    The two must overlap, unless `known` is empty. above: keys that belong above the slice and stay unchanged."""
    items = {item.key: item for item in thread_slice.items}
    shown, wanted = [key for key in known if key not in above], list(items)
    kept = _in_order([key for key in shown if key in items], wanted)
    steps = [Step("delete", f"m-{key}") for key in shown if key not in kept]
    previous = f"m-{[key for key in known if key in above][-1]}" if above else ""
    for key in wanted:
        item = items[key]
        if key not in kept:
            steps.append(Step("afterend" if previous else "afterbegin", previous or "messages", item))
        elif known[key] != item.etag:
            steps.append(Step("outerHTML", f"m-{key}", item))
        previous = f"m-{key}"
    return steps


def _in_order(shown: list[str], wanted: list[str]) -> set[str]:
    """Return the shown keys that are already in the wanted order and need not move."""
    position = {key: place for place, key in enumerate(wanted)}
    kept: list[str] = []
    for key in shown:
        if key not in position:
            continue
        while kept and position[kept[-1]] > position[key]:
            kept.pop()
        kept.append(key)
    return set(kept)


def update_context(
    request: HttpRequest, conversation: Conversation, redraw: int | None = None, problem: str = ""
) -> dict:
    """The context of an update: the changes this browser lacks, and the message `redraw` in any case.

    problem: an error to show in the contact panel."""
    data = request.POST if request.method == "POST" else request.GET
    known = parse_known(data)
    if str(redraw) in known:
        known[str(redraw)] = ""
    page = read_thread(request, conversation, top=cursors.parse_key(data.get("top", "")), problem=problem)
    keys = [item.key for item in page.thread_slice.items]
    # Scheduled texts are at the end of every slice, so they do not count as overlap.
    sent = [item.key for item in page.thread_slice.items if not item.planned]
    # Opened further up, at a search hit: newer messages load on request only.
    deep = bool(data.get("deep"))
    # No overlap: the browser was away for too long, so the newest slice replaces everything it shows.
    replaced = bool(known and sent) and not deep and not any(key in known for key in sent)
    above = queries.keys_above(conversation.pk, page.thread_slice, [key for key in known if key not in keys])
    return {
        "conversation": conversation,
        "contact": conversation.contact,
        "thread_slice": page.thread_slice,
        "replaced": replaced,
        "deep": deep,
        "older": replaced or not (above or deep),
        "steps": [] if replaced or deep else update_steps(page.thread_slice, known, above),
        "regions": [region for region in page.regions.values() if data.get(f"r-{region.name}") != region.etag],
    }
