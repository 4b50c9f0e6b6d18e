"""Views of the contact panel: edit name, email and phone, tags, opt-out, notes and custom fields, and dismiss or retry
a refused change."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from ...access import staff_view
from ...contacts import detail_changes, profile_changes
from ...contacts.profile_changes import InvalidEdit
from ...models import Conversation
from ..conversation_list.views import list_context
from ..thread import fragments
from . import inline_edit


@staff_view("POST")
def change(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Handle one form of the panel. `what` is a key of `detail_changes.WISHES`. Errors are shown in the panel."""
    if what not in detail_changes.WISHES:
        raise Http404("Unknown change.")
    problem = ""
    try:
        detail_changes.request_change(
            request.user, fragments.get_conversation_or_404(request, pk).contact, what, request.POST
        )
    except InvalidEdit as refused:
        problem = str(refused)
    if not request.headers.get("HX-Request"):
        if problem:
            messages.error(request, problem)
        return redirect(reverse("inbox:thread", args=[pk]) + fragments.list_query(request))
    context = fragments.update_context(request, fragments.get_thread_or_404(request, pk), problem=problem)
    return render(request, "inbox/thread/_thread_update.html", context, status=422 if problem else 200)


@staff_view("POST")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit name, email and phone. Creates the same pending change as the admin."""
    conversation = fragments.get_conversation_or_404(request, pk)
    contact = conversation.contact
    form = inline_edit.read_fields(request.POST, profile_changes.shown_values(contact))
    if not any(one.problems for one in form):
        try:
            profile_changes.edit_contact(request.user, contact, inline_edit.changed_values(form))
        except InvalidEdit as refused:
            inline_edit.attach_errors(form, refused.fields)
    if any(one.problems for one in form):
        return _redisplay(request, conversation, form)
    if not request.headers.get("HX-Request"):
        return redirect(reverse("inbox:thread", args=[pk]) + fragments.list_query(request))
    return render(
        request,
        "inbox/thread/_thread_update.html",
        fragments.update_context(request, fragments.get_thread_or_404(request, pk)),
    )


def _redisplay(request: HttpRequest, conversation: Conversation, form: list[inline_edit.Field]) -> HttpResponse:
    """The submitted form with its errors. For htmx, the rest of the page stays unchanged."""
    if not request.headers.get("HX-Request"):
        thread = fragments.read_thread(request, fragments.get_thread_or_404(request, conversation.pk), quick=form)
        context = fragments.thread_context(thread)
        sidebar = list_context(request, open_pk=conversation.pk)
        return render(request, "inbox/inbox.html", {**sidebar, **context}, status=422)
    spot = request.POST.get("spot", "")
    spot = spot if spot in inline_edit.SPOTS else inline_edit.SPOTS[0]
    context = {"conversation": conversation, "quick": form, "spot": spot, "back": fragments.list_query(request)}
    response = render(request, "inbox/contact_panel/_inline_edit.html", context | {"quick_open": True}, status=422)
    response["HX-Retarget"], response["HX-Reswap"] = f"#{spot}-quick", "outerHTML"
    return response
