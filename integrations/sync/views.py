"""The sync page: all accounts, or one with everything; each asks for itself again while somebody looks at it."""

import re
from hashlib import blake2s
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import mark_safe

from ..access import StaffRequest, staff_view
from . import account_health, queries

BUSY_SECONDS, QUIET_SECONDS = 2, 15
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')


@staff_view()
def index(request: StaffRequest) -> HttpResponse:
    """All accounts; who has only one sees that one at once."""
    standings = queries.account_statuses(request.user)
    if len(standings) == 1:
        return redirect("sync:one", standings[0].account.pk)
    return render(request, "sync/list.html", {"live": _all(request, standings), "any": bool(standings)})


@staff_view()
def index_live(request: StaffRequest) -> HttpResponse:
    return _if_new(request, _all(request, queries.account_statuses(request.user)))


@staff_view()
def one(request: StaffRequest, pk: int) -> HttpResponse:
    """One account."""
    return one_page(request, pk)


def one_page(
    request: StaffRequest, pk: int, *, typed: str = "", error: str | Promise = "", status: int = 200
) -> HttpResponse:
    """The page; with what was typed and could not be found, and why."""
    standing = queries.account_status(request.user, pk)
    context = {"standing": standing, "account": standing.account, "typed": typed, "error": error}
    return render(request, "sync/account.html", {**context, "live": _one(request, standing)}, status=status)


@staff_view()
def one_live(request: StaffRequest, pk: int) -> HttpResponse:
    return _if_new(request, _one(request, queries.account_status(request.user, pk)))


def _all(request: StaffRequest, standings: list[queries.AccountStatus]) -> dict[str, Any]:
    rows = [(standing, account_health.assess_account(standing)) for standing in standings]
    return _drawn(request, "sync/_accounts.html", {"rows": rows}, any(standing.busy for standing in standings))


def _one(request: StaffRequest, standing: queries.AccountStatus) -> dict[str, Any]:
    context = {"standing": standing, "account": standing.account, "verdict": account_health.assess_account(standing)}
    return _drawn(request, "sync/_account.html", context, standing.busy)


def _drawn(request: StaffRequest, template: str, context: dict[str, Any], busy: bool) -> dict[str, Any]:
    """The part that renews itself: its HTML, what a browser that shows it tells, and after how many seconds."""
    html = render_to_string(template, context, request)
    have = blake2s(_TOKEN.sub("", html).encode(), digest_size=6).hexdigest()
    seconds = BUSY_SECONDS if busy else QUIET_SECONDS
    html = mark_safe(html)  # noqa: S308 - a template of ours, just rendered
    return {"html": html, "have": f"{have}-{seconds}", "seconds": seconds, "account": context.get("account")}


def _if_new(request: StaffRequest, live: dict[str, Any]) -> HttpResponse:
    """204 while the browser shows all of this already."""
    if request.GET.get("have") == live["have"]:
        return HttpResponse(status=204)
    return render(request, "sync/_live.html", {"live": live})
