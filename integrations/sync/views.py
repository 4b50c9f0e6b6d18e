"""Sync pages: the list of accounts and one account's details. Both poll themselves."""

import re
from hashlib import blake2s

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..access import staff_required
from . import account_health, queries

BUSY_SECONDS, QUIET_SECONDS = 2, 15
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')


@require_safe
@never_cache
@staff_required
def index(request: HttpRequest) -> HttpResponse:
    """List the user's accounts. Redirects to the account if there is only one."""
    statuses = queries.account_statuses(request.user)
    if len(statuses) == 1:
        return redirect("sync:one", statuses[0].account.pk)
    return render(request, "sync/list.html", {"live": _list_fragment(request, statuses), "any": bool(statuses)})


@require_safe
@never_cache
@staff_required
def index_live(request: HttpRequest) -> HttpResponse:
    return _if_changed(request, _list_fragment(request, queries.account_statuses(request.user)))


@require_safe
@never_cache
@staff_required
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one account."""
    return one_page(request, pk)


def one_page(request: HttpRequest, pk: int, *, typed: str = "", error: str = "", status: int = 200) -> HttpResponse:
    """Render the account's page. `typed` and `error` are from a search that found nothing."""
    sync_status = queries.account_status(request.user, pk)
    context = {"sync_status": sync_status, "account": sync_status.account, "typed": typed, "error": error}
    return render(
        request, "sync/account.html", {**context, "live": _account_fragment(request, sync_status)}, status=status
    )


@require_safe
@never_cache
@staff_required
def one_live(request: HttpRequest, pk: int) -> HttpResponse:
    return _if_changed(request, _account_fragment(request, queries.account_status(request.user, pk)))


def _list_fragment(request: HttpRequest, statuses: list[queries.AccountStatus]) -> dict:
    rows = [(sync_status, account_health.assess_account(sync_status)) for sync_status in statuses]
    return _render_fragment(
        request, "sync/_accounts.html", {"rows": rows}, any(sync_status.busy for sync_status in statuses)
    )


def _account_fragment(request: HttpRequest, sync_status: queries.AccountStatus) -> dict:
    context = {
        "sync_status": sync_status,
        "account": sync_status.account,
        "health": account_health.assess_account(sync_status),
    }
    return _render_fragment(request, "sync/_account.html", context, sync_status.busy)


def _render_fragment(request: HttpRequest, template: str, context: dict, busy: bool) -> dict:
    """Return the polled fragment: its HTML, its version (`have`) and the polling interval in seconds."""
    html = render_to_string(template, context, request)
    have = blake2s(_TOKEN.sub("", html).encode(), digest_size=6).hexdigest()
    seconds = BUSY_SECONDS if busy else QUIET_SECONDS
    html = mark_safe(html)  # noqa: S308 - rendered from our own template
    return {"html": html, "have": f"{have}-{seconds}", "seconds": seconds, "account": context.get("account")}


def _if_changed(request: HttpRequest, live: dict) -> HttpResponse:
    """Return 204 if the browser already shows this version."""
    if request.GET.get("have") == live["have"]:
        return HttpResponse(status=204)
    return render(request, "sync/_live.html", {"live": live})
