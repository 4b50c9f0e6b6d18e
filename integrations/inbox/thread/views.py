"""Views of a thread and its older messages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ... import cursors
from ...access import staff_view
from ...sync import request as sync
from ..conversation_list.queries import Filters
from ..conversation_list.views import list_context
from . import fragments, history, queries


@staff_view()
def thread(request: HttpRequest, pk: int) -> HttpResponse:
    """The thread, with the list beside it unless the page already has the list. Opening a thread marks it as read."""
    conversation = fragments.get_thread_or_404(request, pk)
    before = history.slice_end(request, conversation)
    context = {
        **fragments.thread_context(fragments.read_thread(request, conversation, before=before)),
        **history.search_hit_context(request, before),
    }
    if request.headers.get("HX-Target") == "pane":
        filters = Filters.from_query(request.GET)
        return render(request, "inbox/thread/_thread.html", {**context, "fragment": True, "filters": filters})
    return render(request, "inbox/inbox.html", {**list_context(request, open_pk=pk), **context})


@staff_view()
def older(request: HttpRequest, pk: int) -> HttpResponse:
    """The messages before a cursor, and the message at the cursor rendered again."""
    conversation = fragments.get_conversation_or_404(request, pk)
    before = request.GET.get("until", "")
    thread_slice = queries.read_slice(conversation, before=before)
    if thread_slice.gap:
        sync.fill_history(conversation)
    fragments.fetch_files(conversation, thread_slice)
    boundary = None
    if thread_slice.items:
        last = thread_slice.items[-1]
        if cursors.format_cursor(last.at, last.rank) == before:
            boundary = thread_slice.items.pop()
    context = {
        "conversation": conversation,
        "contact": conversation.contact,
        "thread_slice": thread_slice,
        "boundary": boundary,
    }
    return render(request, "inbox/thread/_older_update.html", context)
