"""What an open page asks every few seconds. An idle tab costs one query a poll, besides session and person."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ..access import staff_required
from ..models import Conversation
from ..sync import request as sync
from . import pane, queries


@require_safe
@never_cache
@staff_required
def list_poll(request: HttpRequest) -> HttpResponse:
    """204 while nothing has changed, else as many rows as the page shows."""
    token = queries.list_token(request.user)
    if request.GET.get("token") == token:
        return HttpResponse(status=204)
    filters = queries.Filters.of(request.GET)
    shown = queries.number(request.GET.get("shown", "")) or 0
    found = queries.accounts(request.user)
    syncing = queries.first_sync(found)
    context = {
        "accounts": found,
        "filters": filters,
        "mentions": queries.mentions_of(found),
        "rows": queries.conversations(request.user, filters, limit=min(max(shown, queries.ROWS), queries.ROWS_AT_MOST)),
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
    version = queries.version(request.user, pk)
    if version is None:
        raise Http404("There is no such conversation.")
    if request.GET.get("version") == str(version):
        return HttpResponse(status=204)
    conversation = pane.opened(request, pk)
    return render(request, "inbox/_answer.html", pane.difference(request, conversation))


@require_POST
@never_cache
@staff_required
def watch(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody looks at this thread: keep it fresh."""
    conversation = Conversation.objects.for_user(request.user).filter(pk=pk).defer("raw").first()
    if conversation is None:
        raise Http404("There is no such conversation.")
    sync.watch(conversation)
    return HttpResponse(status=204)
