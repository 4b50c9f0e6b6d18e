"""The inbox page and further pages of its list."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ... import cursors
from ...access import staff_view
from .. import onboarding
from ..collaboration import assignment
from . import banners, queries, search_results


def list_context(request: HttpRequest, *, open_pk: int | None = None) -> dict:
    """The context of the list, for every inbox page. Three queries, and a few more while the first sync runs."""
    user, filters = request.user, queries.Filters.from_query(request.GET)
    accounts = queries.read_accounts(user)
    rows = read_rows(request, filters, accounts)
    syncing = queries.first_sync_progress(accounts) if open_pk is None or not rows.rows else None
    return {
        "accounts": accounts,
        "boxes": queries.inbox_choices(accounts),
        "banners": banners.banners_for(accounts),
        "filters": filters,
        "rows": rows,
        "mentions": queries.total_mentions(accounts),
        "later": bool(request.GET.get("before")),
        "open_pk": open_pk,
        "syncing": syncing,
        # The empty token never matches, so the progress updates while the first sync runs.
        "token": "" if syncing else queries.token_for(accounts),
        "unlinked": link_member_context(user, filters, rows),
    }


def read_rows(
    request: HttpRequest, filters: queries.Filters, accounts: list | None = None
) -> queries.ConversationPage | search_results.SearchResults:
    """A page of the list, or of search results."""
    before = request.GET.get("before", "")
    if filters.q:
        return search_results.search_inbox(request.user, filters, before=before, accounts=accounts)
    return queries.read_conversations(request.user, filters, before=before, among=accounts)


def link_member_context(
    user, filters: queries.Filters, rows: queries.ConversationPage | search_results.SearchResults
) -> dict | None:
    """The members the user can link to, when “Mine” is empty because the user is not linked yet; otherwise None."""
    if filters.show != "mine" or rows.rows or queries.members_of_user(user).exists():
        return None
    return {"members": assignment.unlinked_members(user)}


@staff_view()
def inbox(request: HttpRequest) -> HttpResponse:
    """The list without an open thread. Filters and searches request only the list."""
    if request.headers.get("HX-Target") == "list-body":
        context = list_context(request, open_pk=cursors.parse_id(request.GET.get("open", "")))
        response = render(request, "inbox/conversation_list/_body.html", {**context, "fragment": True})
        path = request.path if context["open_pk"] is None else f"{request.path}{context['open_pk']}/"
        response["HX-Replace-Url"] = path + context["filters"].query()
        return response
    context = list_context(request) | {"steps_wanted": onboarding.wanted(request)}
    if not context["accounts"]:
        context["first_steps"] = onboarding.read_steps(request.user, request.get_host())
    return render(request, "inbox/inbox.html", context)


@staff_view()
def rows(request: HttpRequest) -> HttpResponse:
    """The next page of the list."""
    filters = queries.Filters.from_query(request.GET)
    template = "inbox/conversation_list/_search_results.html" if filters.q else "inbox/conversation_list/_rows.html"
    return render(request, template, {"rows": read_rows(request, filters), "filters": filters})
