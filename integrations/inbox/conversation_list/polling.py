"""The poll of an open conversation list. An idle tab costs one query per poll, besides session and user."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ... import cursors
from ...access import staff_view
from . import banners, queries
from .views import link_member_context


@staff_view()
def list_poll(request: HttpRequest) -> HttpResponse:
    """Return 204 while nothing has changed, otherwise as many rows as the page shows."""
    filters = queries.Filters.from_query(request.GET)
    if filters.q:
        return HttpResponse(status=204)  # search results do not update while the user reads them
    token = queries.list_token(request.user)
    if request.GET.get("token") == token:
        return HttpResponse(status=204)
    shown = cursors.parse_id(request.GET.get("shown", "")) or 0
    accounts = queries.read_accounts(request.user)
    syncing = queries.first_sync_progress(accounts)
    limit = min(max(shown, queries.ROWS), queries.ROWS_AT_MOST)
    rows = queries.read_conversations(request.user, filters, limit=limit)
    context = {
        "accounts": accounts,
        "banners": banners.banners_for(accounts),
        "filters": filters,
        "mentions": queries.total_mentions(accounts),
        "rows": rows,
        "unlinked": link_member_context(request.user, filters, rows),
        "open_pk": cursors.parse_id(request.GET.get("open", "")),
        "syncing": syncing,
        # The token was read before the rows: at worst, the rows are rendered once more than needed.
        "token": "" if syncing else token,
    }
    return render(request, "inbox/conversation_list/_list_update.html", context)
