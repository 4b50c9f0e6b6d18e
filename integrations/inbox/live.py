"""What an open page asks every few seconds. An idle tab costs one query a poll, besides session and person."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ..access import staff_required
from ..models import Conversation
from ..sync import request as sync
from . import alarms, pane, presence, queries
from .views import unlinked


@require_safe
@never_cache
@staff_required
def list_poll(request: HttpRequest) -> HttpResponse:
    """204 while nothing has changed, else as many rows as the page shows."""
    filters = queries.Filters.of(request.GET)
    if filters.q:
        return HttpResponse(status=204)  # what a search found stands still under the reader's eyes
    token = queries.list_token(request.user)
    if request.GET.get("token") == token:
        return HttpResponse(status=204)
    shown = queries.number(request.GET.get("shown", "")) or 0
    found = queries.accounts(request.user)
    syncing = queries.first_sync(found)
    limit = min(max(shown, queries.ROWS), queries.ROWS_AT_MOST)
    rows = queries.conversations(request.user, filters, limit=limit)
    context = {
        "accounts": found,
        "alarms": alarms.of(found),
        "filters": filters,
        "mentions": queries.mentions_of(found),
        "rows": rows,
        "unlinked": unlinked(request.user, filters, rows),
        "open_pk": queries.number(request.GET.get("open", "")),
        "syncing": syncing,
        # The token from before the rows were read: at worst they are drawn once too often.
        "token": "" if syncing else token,
    }
    return render(request, "inbox/_list_answer.html", context)


@require_safe
@never_cache
@staff_required
def thread_poll(request: HttpRequest, pk: int) -> HttpResponse:
    """204 while nothing has changed, else only what this browser does not show yet."""
    looked = presence.look(request.user, pk)
    if looked is None:
        raise Http404("There is no such conversation.")
    version, here = looked
    if request.GET.get("version") == str(version):
        if request.GET.get("here", "") == here.token:
            return HttpResponse(status=204)
        return render(request, "inbox/_presence.html", {"here": here, "oob": True})
    conversation = pane.opened(request, pk)
    return render(request, "inbox/_answer.html", {**pane.difference(request, conversation), "here": here})


@require_POST
@never_cache
@staff_required
def watch(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody looks at this thread: keep it fresh, and show the others. `typing`: 1 when they have just typed, 0 when
    what they typed is sent."""
    conversation = Conversation.objects.for_user(request.user).filter(pk=pk).defer("raw").first()
    if conversation is None:
        raise Http404("There is no such conversation.")
    presence.note(request.user, conversation, {"1": True, "0": False}.get(request.POST.get("typing", "")))
    sync.watch(conversation)
    return HttpResponse(status=204)
