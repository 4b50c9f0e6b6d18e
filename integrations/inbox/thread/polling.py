"""The poll of an open thread. An idle tab costs one query per poll, besides session and user."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from ...access import staff_view
from ...models import Conversation
from ...sync import request as sync
from ..collaboration import presence
from . import fragments


@staff_view()
def thread_poll(request: HttpRequest, pk: int) -> HttpResponse:
    """Return 204 while nothing has changed, otherwise only the changes this browser lacks."""
    result = presence.read_presence(request.user, pk)
    if result is None:
        raise Http404("Conversation not found.")
    version, present = result
    if request.GET.get("version") == str(version):
        if request.GET.get("here", "") == present.token:
            return HttpResponse(status=204)
        return render(request, "inbox/collaboration/_presence.html", {"presence": present, "oob": True})
    conversation = fragments.get_thread_or_404(request, pk)
    context = fragments.update_context(request, conversation)
    return render(request, "inbox/thread/_thread_update.html", {**context, "presence": present})


@staff_view("POST")
def watch(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that the user views this thread, so that it syncs more often and others see the user.

    The parameter `typing` is 1 when the user has just typed and 0 when the text was sent."""
    conversation = Conversation.objects.for_user(request.user).filter(pk=pk).defer("raw").first()
    if conversation is None:
        raise Http404("Conversation not found.")
    presence.record_presence(request.user, conversation, {"1": True, "0": False}.get(request.POST.get("typing", "")))
    sync.watch_conversation(conversation)
    return HttpResponse(status=204)
