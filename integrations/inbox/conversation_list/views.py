"""The inbox page and further rows of its list."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ... import cursors
from ...access import staff_required
from .. import onboarding
from ..collaboration import assignment
from . import banners, queries, search_results


def list_context(request: HttpRequest, *, open_pk: int | None = None) -> dict:
    """What the list beside every page of the inbox needs; three queries, and a few while the first sync runs."""
    user, filters = request.user, queries.Filters.of(request.GET)
    accounts = queries.accounts(user)
    rows = rows_of(request, filters, accounts)
    syncing = queries.first_sync(accounts) if open_pk is None or not rows.rows else None
    return {
        "accounts": accounts,
        "boxes": queries.boxes(accounts),
        "alarms": banners.of(accounts),
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


def rows_of(
    request: HttpRequest, filters: queries.Filters, accounts: list | None = None
) -> queries.Rows | search_results.Found:
    """A stretch of the list, or of what a search finds."""
    before = request.GET.get("before", "")
    if filters.q:
        return search_results.find(request.user, filters, before=before, accounts=accounts)
    return queries.conversations(request.user, filters, before=before, among=accounts)


def unlinked(user, filters: queries.Filters, rows: queries.Rows | search_results.Found) -> dict | None:
    """Whom a person may say to be, where “mine” is empty because the portal does not know who they are."""
    if filters.show != "mine" or rows.rows or queries.me(user).exists():
        return None
    return {"members": assignment.unlinked(user)}


@require_safe
@never_cache
@staff_required
def inbox(request: HttpRequest) -> HttpResponse:
    """The list, with an empty place for a thread. A filter or a search asks for the list alone."""
    if request.headers.get("HX-Target") == "list-body":
        context = list_context(request, open_pk=cursors.number(request.GET.get("open", "")))
        response = render(request, "inbox/conversation_list/_body.html", {**context, "fragment": True})
        path = request.path if context["open_pk"] is None else f"{request.path}{context['open_pk']}/"
        response["HX-Replace-Url"] = path + context["filters"].query()
        return response
    context = list_context(request) | {"steps_wanted": onboarding.wanted(request)}
    if not context["accounts"]:
        context["first_steps"] = onboarding.of(request.user, request.get_host())
    return render(request, "inbox/inbox.html", context)


@require_safe
@never_cache
@staff_required
def rows(request: HttpRequest) -> HttpResponse:
    """The next stretch of the list."""
    filters = queries.Filters.of(request.GET)
    template = "inbox/conversation_list/_search_results.html" if filters.q else "inbox/conversation_list/_rows.html"
    return render(request, template, {"rows": rows_of(request, filters), "filters": filters})
