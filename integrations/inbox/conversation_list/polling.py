"""What an open list asks every few seconds. An idle tab costs one query a poll, besides session and person."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ... import cursors
from ...access import staff_view
from . import banners, queries
from .views import link_member_context


@staff_view()
def list_poll(request: HttpRequest) -> HttpResponse:
    """204 while nothing has changed, else as many rows as the page shows."""
    filters = queries.Filters.from_query(request.GET)
    if filters.q:
        return HttpResponse(status=204)  # what a search found stands still under the reader's eyes
    token = queries.list_token(request.user)
    if request.GET.get("token") == token:
        return HttpResponse(status=204)
    shown = cursors.parse_id(request.GET.get("shown", "")) or 0
    found = queries.read_accounts(request.user)
    syncing = queries.first_sync_progress(found)
    limit = min(max(shown, queries.ROWS), queries.ROWS_AT_MOST)
    rows = queries.read_conversations(request.user, filters, limit=limit)
    context = {
        "accounts": found,
        "alarms": banners.banners_for(found),
        "filters": filters,
        "mentions": queries.total_mentions(found),
        "rows": rows,
        "unlinked": link_member_context(request.user, filters, rows),
        "open_pk": cursors.parse_id(request.GET.get("open", "")),
        "syncing": syncing,
        # The token from before the rows were read: at worst they are drawn once too often.
        "token": "" if syncing else token,
    }
    return render(request, "inbox/conversation_list/_list_update.html", context)
