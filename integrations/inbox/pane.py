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

from ..models import Account, Conversation
from ..outbox import consent, schedule
from ..outbox.standing import Standing, standing, suggestions
from ..pictures import request as pictures
from ..sync import request as sync
from . import queries
from .actions import mark_read
from .bubbles import Bubble
from .forms import LaterForm, ReplyForm
from .quick import Field, fields, fields_closed

REGIONS = ("head", "card", "gate")
KNOWN_AT_MOST = 80
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')


@dataclass
class Region:
    """A part of the page that is drawn anew when its etag differs."""

    name: str
    html: SafeString
    etag: str


@dataclass
class Pane:
    """A thread, read and ready to be drawn."""

    conversation: Conversation
    stretch: queries.Stretch
    regions: dict[str, Region]
    blocked: str


def opened(request: HttpRequest, pk: int) -> Conversation:
    """The conversation, or 404 when it is not this person's."""
    found = queries.conversation(request.user, pk)
    if found is None:
        raise Http404("There is no such conversation.")
    return found


def why_not(conversation: Conversation, about: Standing) -> str:
    """Why nobody can text in this conversation now; empty when they can."""
    account, contact = conversation.account, conversation.contact
    if contact.why_not_textable:
        return contact.why_not_textable
    if about.opted_out:
        return consent.ON_ITS_WAY
    if account.state == Account.State.ATTENTION:
        return f"Salesmsg no longer accepts our access to “{account.label}”. It has to be connected again first."
    if account.state != Account.State.CONNECTED:
        return f"“{account.label}” is disconnected. You can read here; to answer, connect it again."
    if not contact.phone:
        return "This contact has no phone number."
    return ""


def read(
    request: HttpRequest,
    conversation: Conversation,
    *,
    top: int | None = None,
    before: str = "",
    problem: str = "",
    quick: list[Field] | None = None,
) -> Pane:
    """Reads the thread, marks it read up to what is shown, and draws its regions. problem: what the card says; quick:
    the card's fields as somebody typed them, where they were not taken."""
    about = standing(conversation.contact)
    blocked = why_not(conversation, about)
    stretch = queries.stretch(conversation, top=top, before=before)
    if stretch.gap:
        sync.fill(conversation)
    mark_read(request.user, conversation, stretch.newest_inbound)
    fetch_files(conversation, stretch)
    card = queries.card(request.user, conversation)
    context = {
        "conversation": conversation,
        "contact": conversation.contact,
        "card": card,
        "quick": quick or fields(card.values),
        "quick_open": quick is not None,
        "about": about,
        "fields_closed": fields_closed(conversation.scopes),
        "suggestions": suggestions(conversation.contact) if about.changeable else [],
        "problem": problem,
        "blocked": blocked,
        "back": back(request),
    }
    return Pane(conversation, stretch, {name: _region(request, name, context) for name in REGIONS}, blocked)


def fetch_files(conversation: Conversation, stretch: queries.Stretch) -> None:
    """Somebody looks at this stretch: its files are fetched, if they are not."""
    if stretch.asleep:
        pictures.want(conversation.pk, stretch.asleep)


def back(request: HttpRequest) -> str:
    """The query string of the list beside the thread, wherever the request came from."""
    return queries.Filters.of(request.GET).query()


def _region(request: HttpRequest, name: str, context: dict) -> Region:
    html = render_to_string(f"inbox/_{name}.html", context, request)
    etag = blake2s(_TOKEN.sub("", html).encode(), digest_size=8).hexdigest()
    return Region(name, mark_safe(html), etag)  # noqa: S308 - a template of ours, just rendered


def whole(pane: Pane, form: ReplyForm | None = None, error: str = "", **more) -> dict:
    """The context of a whole thread. A bound form keeps the text that could not be sent or scheduled."""
    zones = zones_for(pane.conversation)
    return {
        "conversation": pane.conversation,
        "contact": pane.conversation.contact,
        "stretch": pane.stretch,
        "regions": pane.regions,
        "form": form or ReplyForm.fresh(),
        "later_form": form if isinstance(form, LaterForm) else LaterForm.fresh(zones),
        "zones": zones,
        "error": error,
        "blocked": pane.blocked,
        **more,
    }


def zones_for(conversation: Conversation) -> list[schedule.Zone]:
    """The time zones to choose from in this thread, the most likely first."""
    viewer = timezone.get_current_timezone_name()
    return schedule.zones_of(conversation.contact, conversation.account, viewer)


# --- Only what differs -----------------------------------------------------------------------------------------------


@dataclass
class Step:
    """What to do with one message: `way` is outerHTML, delete, or where to put it relative to `target`."""

    way: str
    target: str
    bubble: Bubble | None = None


def known_of(data) -> dict[int, str]:
    """The messages that a browser shows, in its order: {primary key: etag}."""
    known: dict[int, str] = {}
    for item in data.get("have", "")[:4000].split(",")[:KNOWN_AT_MOST]:
        key, _, etag = item.partition("-")
        if (pk := queries.number(key)) is not None:
            known[pk] = etag
    return known


def steps(stretch: queries.Stretch, known: dict[int, str], above: set[int]) -> list[Step]:
    """How a browser that shows `known` comes to show the stretch, in order. They must overlap, or `known` be empty.

    `above`: those that rightly stand above the stretch, and stay as they are."""
    here = {bubble.message.pk: bubble for bubble in stretch.bubbles}
    shown, wanted = [pk for pk in known if pk not in above], list(here)
    kept = _in_order([pk for pk in shown if pk in here], wanted)
    found = [Step("delete", f"m-{pk}") for pk in shown if pk not in kept]
    previous = f"m-{[pk for pk in known if pk in above][-1]}" if above else ""
    for pk in wanted:
        bubble = here[pk]
        if pk not in kept:
            found.append(Step("afterend" if previous else "afterbegin", previous or "messages", bubble))
        elif known[pk] != bubble.etag:
            found.append(Step("outerHTML", f"m-{pk}", bubble))
        previous = f"m-{pk}"
    return found


def _in_order(shown: list[int], wanted: list[int]) -> set[int]:
    """Those that need not move: the shown ones whose order still holds."""
    position = {pk: place for place, pk in enumerate(wanted)}
    kept: list[int] = []
    for pk in shown:
        if pk not in position:
            continue
        while kept and position[kept[-1]] > position[pk]:
            kept.pop()
        kept.append(pk)
    return set(kept)


def difference(request: HttpRequest, conversation: Conversation, redraw: int | None = None, problem: str = "") -> dict:
    """The context of an update: what this browser does not show yet, and the message `redraw` in any case.

    problem: why what the card asked for was not taken."""
    data = request.POST if request.method == "POST" else request.GET
    known = known_of(data)
    if redraw in known:
        known[redraw] = ""
    pane = read(request, conversation, top=queries.number(data.get("top", "")), problem=problem)
    here = [bubble.message.pk for bubble in pane.stretch.bubbles]
    said = [bubble.message.pk for bubble in pane.stretch.bubbles if not bubble.planned]
    # Nothing in common: the browser was away for too long, so it gets the newest stretch in place of all it shows.
    # What is planned stands at the end of every stretch, so it proves nothing.
    anew = bool(known and said) and not any(pk in known for pk in said)
    above = queries.above(pane.stretch, [pk for pk in known if pk not in here])
    return {
        "conversation": conversation,
        "contact": conversation.contact,
        "stretch": pane.stretch,
        "anew": anew,
        "older": anew or not above,
        "steps": [] if anew else steps(pane.stretch, known, above),
        "regions": [region for region in pane.regions.values() if data.get(f"r-{region.name}") != region.etag],
    }
