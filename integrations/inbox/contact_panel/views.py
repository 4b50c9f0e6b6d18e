"""What the contact's card asks for: names and addresses, tags, opt-out, notes, custom fields, and what to do about a
refused change."""

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
    """One form of the card; `what` is one of `contact_changes.WISHES`. A refusal is said on the card."""
    if what not in detail_changes.WISHES:
        raise Http404("There is nothing like that to change.")
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
    context = fragments.update_context(request, fragments.get_conversation_or_404(request, pk), problem=problem)
    return render(request, "inbox/thread/_thread_update.html", context, status=422 if problem else 200)


@staff_view("POST")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Name, email and phone, edited on the card: the same pending change as the admin makes."""
    conversation = fragments.get_conversation_or_404(request, pk)
    contact = conversation.contact
    form = inline_edit.read_fields(request.POST, profile_changes.shown_values(contact))
    if not any(one.problems for one in form):
        try:
            profile_changes.edit_contact(request.user, contact, inline_edit.changed_values(form))
        except InvalidEdit as refused:
            inline_edit.attach_errors(form, refused.fields)
    if any(one.problems for one in form):
        return _typed(request, conversation, form)
    if not request.headers.get("HX-Request"):
        return redirect(reverse("inbox:thread", args=[pk]) + fragments.list_query(request))
    return render(
        request,
        "inbox/thread/_thread_update.html",
        fragments.update_context(request, fragments.get_conversation_or_404(request, pk)),
    )


def _typed(request: HttpRequest, conversation: Conversation, form: list[inline_edit.Field]) -> HttpResponse:
    """What was typed, with the reason at its field; nothing else on the page is touched."""
    if not request.headers.get("HX-Request"):
        context = fragments.thread_context(fragments.read_thread(request, conversation, quick=form))
        listed = list_context(request, open_pk=conversation.pk)
        return render(request, "inbox/inbox.html", {**listed, **context}, status=422)
    spot = request.POST.get("spot", "")
    spot = spot if spot in inline_edit.SPOTS else inline_edit.SPOTS[0]
    context = {"conversation": conversation, "quick": form, "spot": spot, "back": fragments.list_query(request)}
    response = render(request, "inbox/contact_panel/_inline_edit.html", context | {"quick_open": True}, status=422)
    response["HX-Retarget"], response["HX-Reswap"] = f"#{spot}-quick", "outerHTML"
    return response
