"""What the contact's card asks for: names and addresses, tags, opt-out, notes, custom fields, and what to do about a
refused change."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from ..access import staff_required
from ..models import Conversation
from ..outbox import contact_changes, edits
from ..outbox.edits import InvalidEdit
from . import pane, quick
from .views import list_context


@require_POST
@never_cache
@staff_required
def change(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """One form of the card; `what` is one of `contact_changes.WISHES`. A refusal is said on the card."""
    if what not in contact_changes.WISHES:
        raise Http404("There is nothing like that to change.")
    problem = ""
    try:
        contact_changes.ask(request.user, pane.opened(request, pk).contact, what, request.POST)
    except InvalidEdit as refused:
        problem = str(refused)
    if not request.headers.get("HX-Request"):
        if problem:
            messages.error(request, problem)
        return redirect(reverse("inbox:thread", args=[pk]) + pane.back(request))
    context = pane.difference(request, pane.opened(request, pk), problem=problem)
    return render(request, "inbox/_answer.html", context, status=422 if problem else 200)


@require_POST
@never_cache
@staff_required
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Name, email and phone, edited on the card: the same pending change as the admin makes."""
    conversation = pane.opened(request, pk)
    contact = conversation.contact
    form = quick.typed(request.POST, edits.shown(contact))
    if not any(one.problems for one in form):
        try:
            edits.edit_contact(request.user, contact, quick.wanted(form))
        except InvalidEdit as refused:
            quick.refuse(form, refused.fields)
    if any(one.problems for one in form):
        return _typed(request, conversation, form)
    if not request.headers.get("HX-Request"):
        return redirect(reverse("inbox:thread", args=[pk]) + pane.back(request))
    return render(request, "inbox/_answer.html", pane.difference(request, pane.opened(request, pk)))


def _typed(request: HttpRequest, conversation: Conversation, form: list[quick.Field]) -> HttpResponse:
    """What was typed, with the reason at its field; nothing else on the page is touched."""
    if not request.headers.get("HX-Request"):
        context = pane.whole(pane.read(request, conversation, quick=form))
        listed = list_context(request, open_pk=conversation.pk)
        return render(request, "inbox/inbox.html", {**listed, **context}, status=422)
    spot = request.POST.get("spot", "")
    spot = spot if spot in quick.SPOTS else quick.SPOTS[0]
    context = {"conversation": conversation, "quick": form, "spot": spot, "back": pane.back(request)}
    response = render(request, "inbox/_quick.html", context | {"quick_open": True}, status=422)
    response["HX-Retarget"], response["HX-Reswap"] = f"#{spot}-quick", "outerHTML"
    return response
