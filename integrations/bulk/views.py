"""Read-only views of bulk texts: the list, the preview of a draft, and the progress."""

from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from ..access import staff_view
from ..models import Bulk
from . import progress as bulk_progress
from . import queries

POLLED = (Bulk.State.RUNNING, Bulk.State.PAUSED)


def own_bulk(request: HttpRequest, pk: int) -> Bulk:
    """A bulk text that the user may see. Raises Http404."""
    bulk = queries.bulk(request.user, pk)
    if bulk is None:
        raise Http404("There is no such bulk text.")
    return bulk


@staff_view()
def index(request: HttpRequest) -> HttpResponse:
    """All bulk texts of the user's accounts."""
    page = queries.bulks(request.user, queries.parse_id(request.GET.get("page", "")) or 1)
    several = len({bulk.account_id for bulk in page.object_list}) > 1
    return render(request, "bulk/list.html", {"page": page, "several": several})


@staff_view()
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows the preview of a draft, or the progress of a started bulk text."""
    bulk = own_bulk(request, pk)
    if bulk.state == Bulk.State.DRAFT:
        return preview_page(request, bulk) if bulk.text else redirect("bulk:write", pk)
    return render(request, "bulk/detail.html", status_context(bulk, bulk_progress.read_progress(bulk)))


def preview_page(request: HttpRequest, bulk: Bulk, error: str = "", questions: Sequence[str] = ()) -> HttpResponse:
    """Shows what starting the draft would do. questions: the safeguards that ask the author for a confirmation."""
    context = {
        "bulk": bulk,
        "preview": bulk_progress.read_preview(bulk),
        "seal": queries.seal_text(bulk),
        "error": error,
        "questions": questions,
    }
    return render(request, "bulk/preview.html", context, status=422 if error else 200)


def status_context(bulk: Bulk, progress: bulk_progress.Progress) -> dict:
    return {
        "bulk": bulk,
        "tone": queries.TONES[bulk.state],
        "status": queries.read_status(bulk, progress),
        "token": queries.status_token(bulk, progress),
        "polled": bulk.state in POLLED,
        "started": bulk.start_at is None or bulk.start_at <= timezone.now(),
    }


@staff_view()
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The numbers if they changed, else 204. Reloads the page when the state of the bulk text changes."""
    bulk = own_bulk(request, pk)
    state, _, _ = request.GET.get("token", "").partition("-")
    if state != bulk.state:
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    progress = bulk_progress.read_progress(bulk)
    if request.GET.get("token") == queries.status_token(bulk, progress):
        return HttpResponse(status=204)
    return render(request, "bulk/_status.html", status_context(bulk, progress))
