"""What the account page asks for again while somebody looks at it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ..access import staff_view
from . import queries
from .views import own_account


@staff_view()
def sync(request: HttpRequest, pk: int) -> HttpResponse:
    """The sync card; it asks for itself every two seconds while a sync runs, and stops by itself."""
    panel = queries.sync_panel(own_account(request, pk), request.user)
    response = render(request, "accounts/_sync.html", panel)
    if panel["progress"] and not panel["progress"].running and request.headers.get("HX-Request"):
        response["HX-Refresh"] = "true"  # once at the end: inboxes and numbers have come as well
    return response


@staff_view()
def budget(request: HttpRequest, pk: int) -> HttpResponse:
    account = own_account(request, pk)
    return render(request, "accounts/_budget.html", {"account": account, "usage": queries.budget_usage(account)})
