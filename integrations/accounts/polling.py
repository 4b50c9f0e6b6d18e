"""Fragments that the account page polls."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ..access import staff_view
from . import queries
from .views import own_account


@staff_view()
def sync(request: HttpRequest, pk: int) -> HttpResponse:
    """The sync card. It polls itself every two seconds while a sync runs."""
    panel = queries.sync_panel(own_account(request, pk), request.user)
    response = render(request, "accounts/_sync.html", panel)
    if panel["progress"] and not panel["progress"].running and request.headers.get("HX-Request"):
        response["HX-Refresh"] = "true"  # the sync is done: reload to show new inboxes and numbers
    return response


@staff_view()
def budget(request: HttpRequest, pk: int) -> HttpResponse:
    account = own_account(request, pk)
    return render(request, "accounts/_budget.html", {"account": account, "usage": queries.budget_usage(account)})
