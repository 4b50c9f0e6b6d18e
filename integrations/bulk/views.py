"""The bulk pages, to look at: the list, a draft's preview, a started one's progress."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from ..access import staff_required, staff_view
from ..models import Bulk
from . import progress as bulk_progress
from . import queries

POLLED = (Bulk.State.RUNNING, Bulk.State.PAUSED)


def own_bulk(request: HttpRequest, pk: int) -> Bulk:
    """A bulk text of an account that this person may see; another one is as good as not there."""
    found = queries.bulk(request.user, pk)
    if found is None:
        raise Http404("There is no such bulk text.")
    return found


@require_safe
@staff_required
def index(request: HttpRequest) -> HttpResponse:
    """All bulk texts of the person's accounts."""
    page = queries.bulks(request.user, queries.parse_id(request.GET.get("page", "")) or 1)
    several = len({bulk.account_id for bulk in page.object_list}) > 1
    return render(request, "bulk/list.html", {"page": page, "several": several})


@staff_view()
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft leads to its next step; anything else shows how far it is."""
    bulk = own_bulk(request, pk)
    if bulk.state == Bulk.State.DRAFT:
        return preview_page(request, bulk) if bulk.text else redirect("bulk:write", pk)
    return render(request, "bulk/detail.html", standing_context(bulk, bulk_progress.read_progress(bulk)))


def preview_page(request: HttpRequest, bulk: Bulk, error: str = "") -> HttpResponse:
    """What starting would do, before it is done."""
    context = {
        "bulk": bulk,
        "preview": bulk_progress.read_preview(bulk),
        "seal": queries.seal_text(bulk),
        "error": error,
    }
    return render(request, "bulk/preview.html", context, status=422 if error else 200)


def standing_context(bulk: Bulk, progress: bulk_progress.Progress) -> dict:
    return {
        "bulk": bulk,
        "tone": queries.TONES[bulk.state],
        "standing": queries.read_status(bulk, progress),
        "token": queries.status_token(bulk, progress),
        "polled": bulk.state in POLLED,
    }


@staff_view()
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """204 while nothing has changed; the numbers when they did; a new page when it began, paused or ended."""
    bulk = own_bulk(request, pk)
    state, _, _ = request.GET.get("token", "").partition("-")
    if state != bulk.state:
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    progress = bulk_progress.read_progress(bulk)
    if request.GET.get("token") == queries.status_token(bulk, progress):
        return HttpResponse(status=204)
    return render(request, "bulk/_status.html", standing_context(bulk, progress))
