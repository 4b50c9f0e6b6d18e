"""The outbox page: budget use, queued texts, and texts that need attention."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ..access import staff_view
from . import fragments


@staff_view()
def page(request: HttpRequest) -> HttpResponse:
    """The whole page; works without JavaScript."""
    return render(request, "outbox/page.html", {"board": fragments.read_board(request)})


@staff_view()
def live(request: HttpRequest) -> HttpResponse:
    """The parts that changed; 204 if the browser is up to date."""
    board = fragments.read_board(request)
    parts = fragments.changed_parts(board, request.GET.get("have", ""))
    if parts is None:
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"  # an account was added or removed
        return response
    if not parts:
        return HttpResponse(status=204)
    return render(request, "outbox/_update.html", {"board": board, "parts": parts})
