"""Views to schedule, edit and send scheduled texts. Every form works without JavaScript."""

import uuid
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ...access import staff_view
from ...models import Message
from ...outbox import scheduled
from ...outbox.safeguards import CannotSend
from ..conversation_list.views import list_context
from ..thread import fragments
from . import drafts
from .actions import DAMAGED, fill_in, get_own_message, other_text, questions_of, redisplay_form, respond
from .forms import EditScheduledForm, ScheduleForm
from .saved_replies import queries as saved_replies

TOO_LATE = _("It was too late to change this text: it is being sent, was cancelled, or the contact has replied.")
TOO_LATE_TO_SEND = _("This text is no longer waiting to be sent.")
WRITTEN = _("Your change was: “%(text)s”")
NO_PICTURES = _("Pictures cannot be scheduled. Remove them to schedule the text, or send them now.")


@staff_view("POST")
def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Schedule a reply. A text that cannot be scheduled stays in the form, with the reason."""
    conversation = fragments.get_conversation_or_404(request, pk)
    if "convert" in request.POST:
        return fill_in(request, conversation, ScheduleForm)
    form = ScheduleForm(request.POST)
    if request.FILES or getattr(request, "cut_off", False):
        return redisplay_form(request, conversation, form, NO_PICTURES)
    if not form.is_valid():
        if "client_uuid" in form.errors:
            return redisplay_form(request, conversation, _with_new_uuid(request), DAMAGED)
        return redisplay_form(request, conversation, form, form.problem)
    values = [form.cleaned_data[name] for name in ("text", "client_uuid", "when", "zone", "stop_on_reply", "accept")]
    try:
        queue = partial(scheduled.schedule_message, request.user, conversation, *values)
        message = drafts.queue_and_clear(request, conversation, form.cleaned_data["text"], queue)
    except CannotSend as refused:
        address = reverse("inbox:later", args=[pk]) + fragments.list_query(request)
        more = {"questions": questions_of(refused), "schedule_address": address}
        more["offer"] = saved_replies.convert_offer(form.cleaned_data["text"], conversation)
        return redisplay_form(request, conversation, form, refused.reason, **more)
    if message.text != form.cleaned_data["text"] or message.conversation_id != pk:
        return other_text(request, conversation, _with_new_uuid(request))
    return respond(request, pk, sent=True)


def _with_new_uuid(request: HttpRequest) -> ScheduleForm:
    return ScheduleForm({**request.POST.dict(), "client_uuid": uuid.uuid4()})


@staff_view("GET", "HEAD", "POST")
def edit_scheduled(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a scheduled text as a form in its place, and save the change. `?close` shows the text again."""
    message = get_own_message(request, pk)
    if request.method == "POST":
        return _save_change(request, message)
    if "close" in request.GET or not _editable(message):
        error = "" if _editable(message) else TOO_LATE
        return respond(request, message.conversation_id, error=error, redraw=pk)
    return _form(request, message, EditScheduledForm.for_message(message))


def _save_change(request: HttpRequest, message: Message) -> HttpResponse:
    if "convert" in request.POST:
        text = saved_replies.convert_text(request.POST.get("text", ""), message.conversation)
        return _form(request, message, EditScheduledForm({**request.POST.dict(), "text": text}))
    form = EditScheduledForm(request.POST)
    if not form.is_valid():
        return _form(request, message, form, form.problem)
    values = [form.cleaned_data[name] for name in ("text", "when", "zone", "stop_on_reply", "accept")]
    try:
        if scheduled.edit_scheduled(request.user, message, *values):
            return respond(request, message.conversation_id, redraw=message.pk)
    except CannotSend as refused:
        asked = {"questions": questions_of(refused)}
        asked["edit_offer"] = saved_replies.convert_offer(form.cleaned_data["text"], message.conversation)
        return _form(request, message, form, refused.reason, **asked)
    error = f"{TOO_LATE} {WRITTEN % {'text': form.cleaned_data['text']}}"
    return respond(request, message.conversation_id, error=error, redraw=message.pk)


def _form(
    request: HttpRequest, message: Message, form: EditScheduledForm, error: str = "", **asked: Any
) -> HttpResponse:
    """The thread with this message shown as a form."""
    conversation = fragments.get_conversation_or_404(request, message.conversation_id)
    zones = fragments.zones_for(conversation)
    if message.zone not in {zone.name for zone in zones}:
        zones.append(scheduled.Zone(message.zone))
    status = 422 if error else 200
    editing = {"editing": message.pk, "edit": form, "edit_zones": zones, "edit_error": error, **asked}
    if request.headers.get("HX-Request"):
        response = respond(request, conversation.pk, redraw=message.pk, **editing)
        response.status_code = status
        return response
    thread = fragments.read_thread(request, fragments.get_thread_or_404(request, conversation.pk))
    context = {**list_context(request, open_pk=conversation.pk), **fragments.thread_context(thread)}
    return render(request, "inbox/inbox.html", {**context, **editing}, status=status)


def _editable(message: Message) -> bool:
    return message.state == Message.State.QUEUED and message.send_at is not None


@staff_view("POST")
def send_now(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a scheduled text now, also one that was held back and waits for confirmation."""
    message = get_own_message(request, pk)
    try:
        too_late = not scheduled.send_now(request.user, message)
    except CannotSend as refused:
        return respond(request, message.conversation_id, error=refused.reason)
    return respond(request, message.conversation_id, error=TOO_LATE_TO_SEND if too_late else "")
