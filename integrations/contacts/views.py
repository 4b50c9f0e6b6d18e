"""The page to resolve a conflict. Works without JavaScript."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from ..access import staff_view
from ..models import Change
from . import conflicts, queries


@staff_view("GET", "HEAD", "POST")
def conflict(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows both values of each field; a POST resolves the conflict."""
    change = queries.change_for_user(request.user, pk)
    if change is None:
        raise Http404("There is no such edit.")
    if request.method == "POST":
        return _decide(request, change)
    if change.state == Change.State.CONFLICT:
        return _page(request, change)
    newer = queries.open_conflict(request.user, change)
    if newer is not None:
        return redirect("contacts:detail", newer.pk)  # merged into a later conflict of the same contact
    address, _label = queries.back_link(request.user, change)
    return render(
        request,
        "contacts/conflict_settled.html",
        {"change": change, "back": address, "to_thread": address.startswith(reverse("inbox:list"))},
    )


def _decide(request: HttpRequest, change: Change) -> HttpResponse:
    rows = conflicts.conflict_rows(change)
    pick_all = request.POST.get("all", "")
    picks = {row.field: pick_all or request.POST.get(row.field, "") for row in rows}
    try:
        new_change = conflicts.resolve_conflict(request.user, change, picks, request.POST.get("seen", ""))
    except conflicts.NotChosen as error:
        if error.settled:
            messages.warning(request, str(error))
            return redirect("contacts:detail", change.pk)
        return _page(request, queries.change_for_user(request.user, change.pk), picks, str(error))
    if new_change is not None:
        messages.success(request, _("Saved. Your choice is being sent to Salesmsg."))
    else:
        messages.success(request, _("Saved. The values in Salesmsg are kept."))
    return redirect(queries.back_link(request.user, change)[0])


def _page(request: HttpRequest, change: Change, picks: dict[str, str] | None = None, error: str = "") -> HttpResponse:
    rows = conflicts.conflict_rows(change)
    context = {
        "change": change,
        "contact": change.contact,
        "rows": [(row, "theirs" if row.same else (picks or {}).get(row.field, "")) for row in rows],
        "seen": conflicts.seal_rows(rows),
        "error": error,
        "agree": all(row.same for row in rows),
        "mine": change.requested_by_id == request.user.pk,
        "back": queries.back_link(request.user, change),
    }
    return render(request, "contacts/conflict.html", context, status=422 if error else 200)
