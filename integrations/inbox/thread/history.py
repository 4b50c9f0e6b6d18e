"""A thread opened at one of its messages: the messages around it, newer messages, and the next search hit."""

from django.db.models import Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from ... import cursors
from ...access import staff_view
from ...models import Conversation, Message
from ...search import ask
from ...search.words import Wanted
from ..collaboration.read_state import mark_read
from ..conversation_list.queries import Filters
from . import fragments, queries
from .message_items import item_order

AFTER = 20  # messages below the opened one
SAME_MOMENT = 30  # messages of the same second that may come before it
STEP = 49  # newer messages per request; with the boundary message, one slice


def slice_end(request: HttpRequest, conversation: Conversation) -> str:
    """Return the cursor at which the requested slice ends; empty for the newest. One query for a search hit."""
    key = cursors.parse_id(request.GET.get("at", ""))
    if key is None:
        return request.GET.get("until", "")
    spot = Message.objects.filter(conversation=conversation, pk=key).order_by().values("at")
    below = Message.objects.filter(conversation=conversation, at__gte=Subquery(spot))
    rows = list(below.order_by("at", "rank").values_list("pk", "at", "rank")[: AFTER + SAME_MOMENT + 2])
    place = next((place for place, row in enumerate(rows) if row[0] == key), len(rows))
    # The slice ends AFTER messages below the hit if there are more.
    return cursors.format_cursor(*rows[place + AFTER][1:]) if len(rows) > place + AFTER + 1 else ""


def search_hit_context(request: HttpRequest, before: str) -> dict:
    """The context of the search a thread was opened from, and the cursor of newer messages."""
    key = cursors.parse_id(request.GET.get("at", ""))
    wanted = Wanted(Filters.from_query(request.GET).q)
    if key is None or not wanted.terms:
        return {"newer": before}
    return {"newer": before, "hit_pk": key, "wanted": wanted, "no_more": request.GET.get("end", "")}


def _end(conversation: Conversation, spot: tuple, number: int) -> str:
    """Return the cursor of the message `number` places below (time, rank); empty when the thread ends before it."""
    at, rank = spot
    below = Message.objects.filter(Q(at__gt=at) | Q(at=at, rank__gt=rank), conversation=conversation)
    places = list(below.order_by("at", "rank").values_list("at", "rank")[: number + 1])
    return cursors.format_cursor(*places[number - 1]) if len(places) > number else ""


@staff_view()
def newer(request: HttpRequest, pk: int) -> HttpResponse:
    """The messages after a cursor, and the message at the cursor rendered again."""
    conversation = fragments.get_conversation_or_404(request, pk)
    after = request.GET.get("after", "")
    spot = cursors.parse_cursor(after)
    end = _end(conversation, spot, STEP) if spot else ""
    if spot is None or "HX-Request" not in request.headers:
        return redirect(reverse("inbox:thread", args=[pk]) + (f"?until={end}" if end else ""))
    thread_slice = queries.read_slice(conversation, before=end)
    mark_read(request.user, conversation, thread_slice.newest_inbound)
    fragments.fetch_files(conversation, thread_slice)
    context = {"conversation": conversation, "contact": conversation.contact, "newer": end, "boundary": None}
    below = []
    for item in thread_slice.items:
        place = item_order(item)
        if place == spot:
            context["boundary"] = item
        elif place > spot:
            below.append(item)
    return render(request, "inbox/thread/_newer_update.html", {**context, "below": below})


@staff_view()
def hit(request: HttpRequest, pk: int) -> HttpResponse:
    """Redirect to the previous or next search hit; without one, back to the open hit with a notice."""
    conversation = fragments.get_conversation_or_404(request, pk)
    filters, older = Filters.from_query(request.GET), request.GET.get("way") != "newer"
    key = cursors.parse_id(request.GET.get("at", "")) or 0
    message = Message.objects.filter(conversation=conversation, pk=key).only("at").first()
    wanted = Wanted(filters.q)
    found = None
    if message is not None and wanted.terms:
        try:
            with ask.limited():
                found = ask.beside(pk, wanted, message.at, message.pk, older=older)
        except ask.TooLong:
            found = None
    params = {"at": str(found or key)} | ({} if found else {"end": "older" if older else "newer"})
    url = reverse("inbox:thread", args=[pk]) + filters.query(**params)
    return redirect(url + (f"#m-{found or key}" if "HX-Request" not in request.headers else ""))
