"""Fragments that the account page polls."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..access import staff_required
from . import queries
from .views import own_account


@require_safe
@never_cache
@staff_required
def sync(request: HttpRequest, pk: int) -> HttpResponse:
    """The sync card. It polls itself every two seconds while a sync runs."""
    panel = queries.sync_panel(own_account(request, pk), request.user)
    response = render(request, "accounts/_sync.html", panel)
    if panel["progress"] and not panel["progress"].running and request.headers.get("HX-Request"):
        response["HX-Refresh"] = "true"  # the sync is done: reload to show new inboxes and numbers
    return response


@require_safe
@never_cache
@staff_required
def budget(request: HttpRequest, pk: int) -> HttpResponse:
    account = own_account(request, pk)
    return render(request, "accounts/_budget.html", {"account": account, "usage": queries.budget_usage(account)})
