"""One thread as it is drawn: whole, or only what differs from what a browser already shows.

A thread consists of regions (head, card, gate) and of messages. Each carries an etag of what it shows; a browser
tells the etags that it has, and gets only what is new, as out-of-band swaps by id.
"""

import re
from dataclasses import dataclass
from hashlib import blake2s

from django.http import Http404, HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from ... import cursors
from ...attachments import outgoing
from ...attachments import request as attachments
from ...contacts import opt_out
from ...contacts.effective import EffectiveContact, effective_contact, suggest_tags
from ...models import Account, Conversation
from ...outbox import scheduled
from ...sync import request as sync
from ...told import told
from ..collaboration import mentions, snooze
from ..collaboration.forms import NoteForm
from ..collaboration.read_state import mark_read
from ..composer import notices
from ..composer.forms import ReplyForm, ScheduleForm
from ..contact_panel.inline_edit import Field, fields_closed, inline_fields
from ..contact_panel.panel import read_panel
from ..conversation_list import queries as conversation_list_queries
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
# What differs without anything having changed: the token of the form, and clocks, which go on by themselves.
_VOLATILE = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"|(?<= data-clock>)[^<]*')


@dataclass
class Region:
    """A part of the page that is drawn anew when its etag differs."""

    name: str
    html: SafeString
    etag: str


@dataclass
class ThreadPage:
    """A thread, read and ready to be drawn."""

    conversation: Conversation
    stretch: queries.ThreadSlice
    regions: dict[str, Region]
    blocked: str


def get_conversation_or_404(request: HttpRequest, pk: int) -> Conversation:
    """The conversation, or 404 when it is not this person's."""
    found = queries.read_conversation(request.user, pk)
    if found is None:
        raise Http404("There is no such conversation.")
    return found


def why_not(conversation: Conversation, about: EffectiveContact) -> str:
    """Why nobody can text in this conversation now; empty when they can."""
    account, contact = conversation.account, conversation.contact
    if contact.why_not_textable:
        return told(contact.why_not_textable)
    if about.opted_out:
        return told(opt_out.ON_ITS_WAY)
    if account.state == Account.State.ATTENTION:
        said = _("Salesmsg no longer accepts our access to “%(account)s”. It has to be connected again first.")
        return said % {"account": account.label}
    if account.state != Account.State.CONNECTED:
        said = _("“%(account)s” is disconnected. You can read here; to answer, connect it again.")
        return said % {"account": account.label}
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
    """Reads the thread, marks it read up to what is shown, and draws its regions. problem: what the card says; quick:
    the card's fields as somebody typed them, where they were not taken."""
    about = effective_contact(conversation.contact)
    blocked = why_not(conversation, about)
    stretch = queries.read_slice(conversation, top=top, before=before)
    if stretch.gap:
        sync.fill_history(conversation)
    if "hidden" not in request.GET:  # what changes in a tab that nobody sees is not read
        mark_read(request.user, conversation, stretch.newest_inbound)
        mentions.mark_mentions_seen(request.user, conversation)
    fetch_files(conversation, stretch)
    card = read_panel(request.user, conversation, about.edit)
    context = {
        "conversation": conversation,
        "contact": conversation.contact,
        "card": card,
        "hints": notices.read_notices(conversation, stretch, card, newest=not before),
        "opted_out": notices.opted_out(conversation, stretch, about),
        "quick": quick or inline_fields(card.values),
        "quick_open": quick is not None,
        "about": about,
        "fields_closed": fields_closed(conversation.scopes),
        "suggestions": suggest_tags(conversation.contact, card.labels) if about.changeable else [],
        "problem": problem,
        "blocked": blocked,
        "snooze_choices": snooze.snooze_choices(),
        "back": list_query(request),
    }
    return ThreadPage(conversation, stretch, {name: _region(request, name, context) for name in REGIONS}, blocked)


def fetch_files(conversation: Conversation, stretch: queries.ThreadSlice) -> None:
    """Somebody looks at this stretch: its files are fetched, if they are not."""
    if stretch.asleep:
        attachments.request_files(conversation.pk, stretch.asleep)


def list_query(request: HttpRequest) -> str:
    """The query string of the list beside the thread, wherever the request came from."""
    return conversation_list_queries.Filters.from_query(request.GET).query()


def _region(request: HttpRequest, name: str, context: dict) -> Region:
    html = render_to_string(REGIONS[name], context, request)
    etag = blake2s(_VOLATILE.sub("", html).encode(), digest_size=8).hexdigest()
    return Region(name, mark_safe(html), etag)  # noqa: S308 - a template of ours, just rendered


def thread_context(pane: ThreadPage, form: ReplyForm | None = None, error: str = "", **more) -> dict:
    """The context of a whole thread. A bound form keeps the text that could not be sent or scheduled."""
    zones = zones_for(pane.conversation)
    return {
        "conversation": pane.conversation,
        "contact": pane.conversation.contact,
        "stretch": pane.stretch,
        "seen": max([pane.conversation.read_to or 0, *(message.pk for message in pane.stretch.messages)]),
        "regions": pane.regions,
        "form": form or ReplyForm.fresh(pane.conversation.draft_text or ""),
        "note_form": NoteForm.fresh(),
        "later_form": form if isinstance(form, ScheduleForm) else ScheduleForm.fresh(zones),
        "zones": zones,
        "error": error,
        "blocked": pane.blocked,
        "enclosing": outgoing.upload_limits(),
        **more,
    }


def zones_for(conversation: Conversation) -> list[scheduled.Zone]:
    """The time zones to choose from in this thread, the most likely first."""
    viewer = timezone.get_current_timezone_name()
    return scheduled.zones_of(conversation.contact, conversation.account, viewer)


@dataclass
class Step:
    """What to do with one message or note: `way` is outerHTML, delete, or where to put it relative to `target`."""

    way: str
    target: str
    bubble: MessageItem | NoteItem | None = None


def update_steps(stretch: queries.ThreadSlice, known: dict[str, str], above: set[str]) -> list[Step]:
    """How a browser that shows `known` comes to show the stretch, in order. They must overlap, or `known` be empty.

    `above`: those that rightly stand above the stretch, and stay as they are."""
    here = {bubble.key: bubble for bubble in stretch.bubbles}
    shown, wanted = [key for key in known if key not in above], list(here)
    kept = _in_order([key for key in shown if key in here], wanted)
    found = [Step("delete", f"m-{key}") for key in shown if key not in kept]
    previous = f"m-{[key for key in known if key in above][-1]}" if above else ""
    for key in wanted:
        bubble = here[key]
        if key not in kept:
            found.append(Step("afterend" if previous else "afterbegin", previous or "messages", bubble))
        elif known[key] != bubble.etag:
            found.append(Step("outerHTML", f"m-{key}", bubble))
        previous = f"m-{key}"
    return found


def _in_order(shown: list[str], wanted: list[str]) -> set[str]:
    """Those that need not move: the shown ones whose order still holds."""
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
    """The context of an update: what this browser does not show yet, and the message `redraw` in any case.

    problem: why what the card asked for was not taken."""
    data = request.POST if request.method == "POST" else request.GET
    known = parse_known(data)
    if str(redraw) in known:
        known[str(redraw)] = ""
    pane = read_thread(request, conversation, top=cursors.parse_key(data.get("top", "")), problem=problem)
    here = [bubble.key for bubble in pane.stretch.bubbles]
    said = [bubble.key for bubble in pane.stretch.bubbles if not bubble.planned]
    # Nothing in common: the browser was away for too long, so it gets the newest stretch in place of all it shows.
    # What is planned stands at the end of every stretch, so it proves nothing.
    deep = bool(data.get("deep"))  # opened further up, at a message: what is newer comes when asked for
    anew = bool(known and said) and not deep and not any(key in known for key in said)
    above = queries.keys_above(conversation.pk, pane.stretch, [key for key in known if key not in here])
    return {
        "conversation": conversation,
        "contact": conversation.contact,
        "stretch": pane.stretch,
        "anew": anew,
        "deep": deep,
        "older": anew or not (above or deep),
        "steps": [] if anew or deep else update_steps(pane.stretch, known, above),
        "regions": [region for region in pane.regions.values() if data.get(f"r-{region.name}") != region.etag],
    }
