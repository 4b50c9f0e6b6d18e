"""Views to assign, claim, close, snooze, mark as unread and leave conversations. All are plain forms."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ... import cursors
from ...access import staff_view
from ...contacts import conversation_changes
from ..composer.actions import redisplay_form, respond
from ..conversation_list import queries
from ..thread import fragments
from . import assignment, presence, read_state
from . import snooze as snoozing
from .forms import AssignForm, SnoozeForm


@staff_view("POST")
def claim(request: HttpRequest, pk: int) -> HttpResponse:
    """Claim an unassigned conversation."""
    try:
        assignment.claim_conversation(request.user, fragments.get_conversation_or_404(request, pk))
    except assignment.CannotClaim as refused:
        return respond(request, pk, error=refused.reason)
    return respond(request, pk)


@staff_view("POST")
def me(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Link the user to a Salesmsg member. pk: the conversation the form was in; None for the list “Mine”."""
    error = ""
    try:
        assignment.link_member(request.user, cursors.parse_id(request.POST.get("member", "")))
    except assignment.CannotClaim as refused:
        error = refused.reason
    if pk is not None:
        fragments.get_conversation_or_404(request, pk)
        return respond(request, pk, error=error)
    if error:
        messages.error(request, error)
    return redirect(reverse("inbox:list") + queries.Filters(show="mine").query())


@staff_view("POST")
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Snooze a conversation."""
    conversation = fragments.get_conversation_or_404(request, pk)
    form = SnoozeForm(request.POST)
    if not form.is_valid():
        return redisplay_form(request, conversation, None, form.problem)
    try:
        until = snoozing.snooze_moment(form.cleaned_data["for"], form.cleaned_data["until"])
        shown = [
            one for one in (read_state.shown_to(request.POST, conversation), conversation.read_to) if one is not None
        ]
        snoozing.snooze_conversation(request.user, conversation, until, max(shown, default=None))
    except snoozing.CannotSnooze as refused:
        return redisplay_form(request, conversation, None, refused.reason)
    return respond(request, pk)


@staff_view("POST")
def wake(request: HttpRequest, pk: int) -> HttpResponse:
    """End a snooze now."""
    snoozing.end_snooze(request.user, fragments.get_conversation_or_404(request, pk))
    return respond(request, pk)


@staff_view("POST")
def unread(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark the newest text as unread for this user, then leave the conversation, which would mark it as read again."""
    if not read_state.mark_unread(request.user, fragments.get_conversation_or_404(request, pk)):
        return respond(request, pk, error=_("Nothing to mark as unread: the contact has not texted yet."))
    away = reverse("inbox:list") + fragments.list_query(request)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": away})
    return redirect(away)


@staff_view("POST")
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that the user closed this thread."""
    presence.remove_presence(request.user, pk)
    return HttpResponse(status=204)


GONE = gettext_lazy("This person is no longer in the account. Choose another person.")


@staff_view("POST")
def close(request: HttpRequest, pk: int) -> HttpResponse:
    conversation_changes.close_conversation(request.user, fragments.get_conversation_or_404(request, pk))
    return respond(request, pk)


@staff_view("POST")
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    conversation_changes.reopen_conversation(request.user, fragments.get_conversation_or_404(request, pk))
    return respond(request, pk)


@staff_view("POST")
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Assign the conversation to a member of its account, or unassign it."""
    conversation = fragments.get_conversation_or_404(request, pk)
    form = AssignForm(conversation.account_id, request.POST)
    if not form.is_valid():
        return respond(request, pk, error=GONE)
    conversation_changes.assign_conversation(request.user, conversation, form.cleaned_data["owner"])
    return respond(request, pk)
