"""What an open thread asks every few seconds. An idle tab costs one query a poll, besides session and person."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from ...access import staff_view
from ...models import Conversation
from ...sync import request as sync
from ..collaboration import presence
from . import fragments


@staff_view()
def thread_poll(request: HttpRequest, pk: int) -> HttpResponse:
    """204 while nothing has changed, else only what this browser does not show yet."""
    looked = presence.read_presence(request.user, pk)
    if looked is None:
        raise Http404("There is no such conversation.")
    version, here = looked
    if request.GET.get("version") == str(version):
        if request.GET.get("here", "") == here.token:
            return HttpResponse(status=204)
        return render(request, "inbox/collaboration/_presence.html", {"here": here, "oob": True})
    conversation = fragments.get_conversation_or_404(request, pk)
    return render(
        request, "inbox/thread/_thread_update.html", {**fragments.update_context(request, conversation), "here": here}
    )


@staff_view("POST")
def watch(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody looks at this thread: keep it fresh, and show the others. `typing`: 1 when they have just typed, 0 when
    what they typed is sent."""
    conversation = Conversation.objects.for_user(request.user).filter(pk=pk).defer("raw").first()
    if conversation is None:
        raise Http404("There is no such conversation.")
    presence.record_presence(request.user, conversation, {"1": True, "0": False}.get(request.POST.get("typing", "")))
    sync.watch_conversation(conversation)
    return HttpResponse(status=204)
