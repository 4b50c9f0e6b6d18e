"""Sync pages: the list of accounts and one account's details. Both poll themselves."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import mark_safe

from ..access import StaffRequest, staff_view
from ..digests import html_digest
from . import account_health, queries

BUSY_SECONDS, QUIET_SECONDS = 2, 15


@staff_view()
def index(request: StaffRequest) -> HttpResponse:
    """List the user's accounts. Redirects to the account if there is only one."""
    statuses = queries.account_statuses(request.user)
    if len(statuses) == 1:
        return redirect("sync:one", statuses[0].account.pk)
    return render(request, "sync/list.html", {"live": _list_fragment(request, statuses), "any": bool(statuses)})


@staff_view()
def index_live(request: StaffRequest) -> HttpResponse:
    return _if_changed(request, _list_fragment(request, queries.account_statuses(request.user)))


@staff_view()
def one(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one account."""
    return one_page(request, pk)


def one_page(
    request: StaffRequest, pk: int, *, typed: str = "", error: str | Promise = "", status: int = 200
) -> HttpResponse:
    """Render the account's page. `typed` and `error` are from a search that found nothing."""
    sync_status = queries.account_status(request.user, pk)
    context = {"sync_status": sync_status, "account": sync_status.account, "typed": typed, "error": error}
    return render(
        request, "sync/account.html", {**context, "live": _account_fragment(request, sync_status)}, status=status
    )


@staff_view()
def one_live(request: StaffRequest, pk: int) -> HttpResponse:
    return _if_changed(request, _account_fragment(request, queries.account_status(request.user, pk)))


def _list_fragment(request: StaffRequest, statuses: list[queries.AccountStatus]) -> dict[str, Any]:
    rows = [(sync_status, account_health.assess_account(sync_status)) for sync_status in statuses]
    return _render_fragment(
        request, "sync/_accounts.html", {"rows": rows}, any(sync_status.busy for sync_status in statuses)
    )


def _account_fragment(request: StaffRequest, sync_status: queries.AccountStatus) -> dict[str, Any]:
    context = {
        "sync_status": sync_status,
        "account": sync_status.account,
        "health": account_health.assess_account(sync_status),
    }
    return _render_fragment(request, "sync/_account.html", context, sync_status.busy)


def _render_fragment(request: StaffRequest, template: str, context: dict[str, Any], busy: bool) -> dict[str, Any]:
    """Return the polled fragment: its HTML, its version (`have`) and the polling interval in seconds."""
    html = render_to_string(template, context, request)
    have = html_digest(html)
    seconds = BUSY_SECONDS if busy else QUIET_SECONDS
    html = mark_safe(html)  # noqa: S308 - rendered from our own template
    return {"html": html, "have": f"{have}-{seconds}", "seconds": seconds, "account": context.get("account")}


def _if_changed(request: StaffRequest, live: dict[str, Any]) -> HttpResponse:
    """Return 204 if the browser already shows this version."""
    if request.GET.get("have") == live["have"]:
        return HttpResponse(status=204)
    return render(request, "sync/_live.html", {"live": live})
