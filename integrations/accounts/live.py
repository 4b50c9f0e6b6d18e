"""What the account page asks for again while somebody looks at it."""

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
    """The sync card; it asks for itself every two seconds while a sync runs, and stops by itself."""
    return render(request, "accounts/_sync.html", queries.sync_panel(own_account(request, pk), request.user))


@require_safe
@never_cache
@staff_required
def budget(request: HttpRequest, pk: int) -> HttpResponse:
    account = own_account(request, pk)
    return render(request, "accounts/_budget.html", {"account": account, "usage": queries.usage(account)})
