"""The pages: the list, a thread beside it, and more of either on demand."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..access import staff_required
from ..sync import request as sync
from . import alarms, around, claim, first_steps, found, pane, queries


def list_context(request: HttpRequest, *, open_pk: int | None = None) -> dict:
    """What the list beside every page of the inbox needs; three queries, and a few while the first sync runs."""
    user, filters = request.user, queries.Filters.of(request.GET)
    accounts = queries.accounts(user)
    rows = rows_of(request, filters, accounts)
    syncing = queries.first_sync(accounts) if open_pk is None or not rows.rows else None
    return {
        "accounts": accounts,
        "boxes": queries.boxes(accounts),
        "alarms": alarms.of(accounts),
        "filters": filters,
        "rows": rows,
        "mentions": queries.mentions_of(accounts),
        "later": bool(request.GET.get("before")),
        "open_pk": open_pk,
        "syncing": syncing,
        # While the first sync runs the token never matches, so that its progress moves.
        "token": "" if syncing else queries.token_of(accounts),
        "unlinked": unlinked(user, filters, rows),
    }


def rows_of(request: HttpRequest, filters: queries.Filters, accounts: list | None = None) -> queries.Rows | found.Found:
    """A stretch of the list, or of what a search finds."""
    before = request.GET.get("before", "")
    if filters.q:
        return found.find(request.user, filters, before=before, accounts=accounts)
    return queries.conversations(request.user, filters, before=before, among=accounts)


def unlinked(user, filters: queries.Filters, rows: queries.Rows | found.Found) -> dict | None:
    """Whom a person may say to be, where “mine” is empty because the portal does not know who they are."""
    if filters.show != "mine" or rows.rows or queries.me(user).exists():
        return None
    return {"members": claim.unlinked(user)}


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
    template = "inbox/_found.html" if filters.q else "inbox/_rows.html"
    return render(request, template, {"rows": rows_of(request, filters), "filters": filters})


@require_safe
@never_cache
@staff_required
def thread(request: HttpRequest, pk: int) -> HttpResponse:
    """A thread; with the list beside it, unless the page has one already. Opening it marks it read."""
    conversation = pane.opened(request, pk)
    before = around.until(request, conversation)
    context = {**pane.whole(pane.read(request, conversation, before=before)), **around.sighted(request, before)}
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
        if queries.cursor(last.at, last.rank) == before:
            boundary = stretch.bubbles.pop()
    context = {"conversation": conversation, "contact": conversation.contact, "stretch": stretch, "boundary": boundary}
    return render(request, "inbox/_older_answer.html", context)
