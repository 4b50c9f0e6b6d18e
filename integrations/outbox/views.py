"""The outbox page: what the budget did, what waits, what needs a person."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ..access import staff_view
from . import fragments


@staff_view()
def page(request: HttpRequest) -> HttpResponse:
    """All of it; works without JavaScript."""
    return render(request, "outbox/page.html", {"board": fragments.read_board(request)})


@staff_view()
def live(request: HttpRequest) -> HttpResponse:
    """204 while the browser shows all of this already, else the parts that differ."""
    now = fragments.read_board(request)
    parts = fragments.changed_parts(now, request.GET.get("have", ""))
    if parts is None:
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"  # an account came or went
        return response
    if not parts:
        return HttpResponse(status=204)
    return render(request, "outbox/_update.html", {"board": now, "parts": parts})
