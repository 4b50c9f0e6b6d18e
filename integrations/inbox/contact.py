"""What the contact's card asks for: tags, opt-out, notes, custom fields, and what to do about a refused change."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from ..access import staff_required
from ..outbox import contact_changes
from ..outbox.edits import InvalidEdit
from . import pane


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
