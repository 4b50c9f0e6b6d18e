"""The outbox page: budget use, queued texts, and texts that need attention."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..access import staff_required
from . import fragments


@require_safe
@never_cache
@staff_required
def page(request: HttpRequest) -> HttpResponse:
    """The whole page; works without JavaScript."""
    return render(request, "outbox/page.html", {"board": fragments.read_board(request)})


@require_safe
@never_cache
@staff_required
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
