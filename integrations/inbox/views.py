"""The pages: the list, a thread beside it, and more of either on demand."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..access import staff_required
from ..sync import request as sync
from . import first_steps, pane, queries


def list_context(request: HttpRequest, *, open_pk: int | None = None) -> dict:
    """What the list beside every page of the inbox needs; at most five queries, and a few while the first sync runs."""
    user, filters = request.user, queries.Filters.of(request.GET)
    found = queries.accounts(user)
    rows = queries.conversations(user, filters, before=request.GET.get("before", ""))
    syncing = queries.first_sync(found) if open_pk is None or not rows.rows else None
    return {
        "accounts": found,
        "boxes": queries.boxes(user, found),
        "filters": filters,
        "rows": rows,
        "later": bool(request.GET.get("before")),
        "open_pk": open_pk,
        "syncing": syncing,
        # While the first sync runs the token never matches, so that its progress moves.
        "token": "" if syncing else queries.token_of(found),
        "unlinked": filters.show == "mine" and not rows.rows and not queries.me(user).exists(),
    }


@require_safe
@never_cache
@staff_required
def inbox(request: HttpRequest) -> HttpResponse:
    """The list, with an empty place for a thread. A filter or a search asks for the list alone."""
    if request.headers.get("HX-Target") == "list-body":
        context = list_context(request, open_pk=queries.number(request.GET.get("open", "")))
        response = render(request, "inbox/_list_body.html", {**context, "fragment": True})
        path = request.path if context["open_pk"] is None else f"{request.path}{context['open_pk']}/"
        response["HX-Replace-Url"] = path + context["filters"].query()
        return response
    context = list_context(request) | {"steps_wanted": first_steps.wanted(request)}
    if not context["accounts"]:
        context["first_steps"] = first_steps.of(request.user, request.get_host())
    return render(request, "inbox/inbox.html", context)


@require_safe
@never_cache
@staff_required
def rows(request: HttpRequest) -> HttpResponse:
    """The next stretch of the list."""
    filters = queries.Filters.of(request.GET)
    found = queries.conversations(request.user, filters, before=request.GET.get("before", ""))
    return render(request, "inbox/_rows.html", {"rows": found, "filters": filters})


@require_safe
@never_cache
@staff_required
def thread(request: HttpRequest, pk: int) -> HttpResponse:
    """A thread; with the list beside it, unless the page has one already. Opening it marks it read."""
    conversation = pane.opened(request, pk)
    before = request.GET.get("until", "")
    context = pane.whole(pane.read(request, conversation, before=before))
    if request.headers.get("HX-Target") == "pane":
        filters = queries.Filters.of(request.GET)
        return render(request, "inbox/_pane.html", {**context, "fragment": True, "filters": filters})
    return render(request, "inbox/inbox.html", {**list_context(request, open_pk=pk), **context})


@require_safe
@never_cache
@staff_required
def older(request: HttpRequest, pk: int) -> HttpResponse:
    """The messages before a place in the thread, and the one at that place drawn anew."""
    conversation = pane.opened(request, pk)
    before = request.GET.get("until", "")
    stretch = queries.stretch(conversation, before=before)
    if stretch.gap:
        sync.fill(conversation)
    pane.fetch_files(conversation, stretch)
    boundary = None
    if stretch.bubbles:
        last = stretch.bubbles[-1]
        if queries.cursor(last.message.at, last.message.rank) == before:
            boundary = stretch.bubbles.pop()
    context = {"conversation": conversation, "contact": conversation.contact, "stretch": stretch, "boundary": boundary}
    return render(request, "inbox/_older_answer.html", context)
