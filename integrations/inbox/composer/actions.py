"""Views to send replies and first texts, and to resend and cancel texts. Every form works without JavaScript."""

import json
import uuid
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ...access import local_address, staff_view
from ...attachments import outgoing
from ...attachments import request as attachments
from ...models import Attachment, Conversation, Message
from ...outbox import compose, merge_fields, reconcile
from ...outbox.safeguards import CannotSend, NeedsConfirmation
from ...salesmsg.phones import LONGEST
from ..collaboration import read_state
from ..conversation_list.views import list_context
from ..thread import fragments
from . import drafts
from .forms import CheckedNumber, NewForm, ReplyForm
from .saved_replies import queries as saved_replies

DAMAGED = _("The form was incomplete, so nothing was sent. Your text is still here: send it again.")
NOT_WRITTEN = _(
    "The portal could not save the pictures, so nothing was sent. Your text is still here: send it "
    "without the pictures, or contact your administrator."
)
TOO_LATE = _("It was too late to cancel this text.")
CHOOSE_AGAIN = _("Your text is kept, but browsers do not keep pictures. Choose them again.")
OTHER_TEXT = _(
    "Your earlier text was already accepted and is in the conversation. "
    "The text below has not been sent: send it again if you still want to."
)


def respond(
    request: HttpRequest,
    pk: int,
    *,
    error: str = "",
    sent: bool = False,
    keep: bool = False,
    redraw: int | None = None,
    **more,
) -> HttpResponse:
    """Respond to a write: redirect to the thread; for htmx, return only the changes.

    sent: replace the form with an empty one. keep: keep the text in the form all the same. redraw: primary key of a
    message to render even if it is unchanged."""
    if not request.headers.get("HX-Request"):
        if error:
            messages.error(request, error)
        return redirect(_next_url(request) or reverse("inbox:thread", args=[pk]) + fragments.list_query(request))
    context = fragments.update_context(request, fragments.get_thread_or_404(request, pk), redraw)
    context |= {"composed": True, "error": error, "fresh_uuid": uuid.uuid4() if sent else None, **more}
    response = render(request, "inbox/thread/_thread_update.html", context, status=422 if error and not keep else 200)
    if sent and not keep:
        response["HX-Trigger"] = "portal:sent"
    return response


def _next_url(request: HttpRequest) -> str:
    """The page to return to, from the form's `next`. Empty unless it is a path of the portal."""
    return local_address(request.POST.get("next", ""))


@staff_view("POST")
def send(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a reply. A text that cannot be sent stays in the form, with the reason."""
    conversation = fragments.get_conversation_or_404(request, pk)
    if "convert" in request.POST:
        return fill_in(request, conversation, ReplyForm)
    form = ReplyForm.posted(request)
    if not form.is_valid():
        if "client_uuid" in form.errors:
            form = ReplyForm({"client_uuid": uuid.uuid4(), "text": request.POST.get("text", "")})
            return redisplay_form(request, conversation, form, DAMAGED)
        return redisplay_form(request, conversation, form, form.problem)
    text = form.cleaned_data["text"]
    try:
        seen = read_state.shown_to(request.POST, conversation)
        pictures = outgoing.store_files(form.cleaned_data["pictures"])
        form_key = form.cleaned_data["client_uuid"]
        more = {"pictures": pictures, "seen": seen, "accepted": form.cleaned_data["accept"]}
        queue = partial(compose.queue_reply, request.user, conversation, text, form_key, **more)
        message = drafts.queue_and_clear(request, conversation, text, queue)
    except OSError:
        return redisplay_form(request, conversation, form, NOT_WRITTEN)
    except CannotSend as refused:
        more = {"questions": questions_of(refused), "offer": saved_replies.convert_offer(text, conversation)}
        return redisplay_form(request, conversation, form, refused.reason, **more)
    if message.text != text or message.conversation_id != pk:
        return other_text(request, conversation, ReplyForm({"client_uuid": uuid.uuid4(), "text": text}))
    return respond(request, pk, sent=True)


def questions_of(refused: CannotSend) -> list[str]:
    """The safeguards that ask the author for a confirmation; empty if the text was refused."""
    return refused.questions if isinstance(refused, NeedsConfirmation) else []


def fill_in(request: HttpRequest, conversation: Conversation, form_class: type[ReplyForm]) -> HttpResponse:
    """Show the form with the placeholders of its text filled in; nothing is sent."""
    text = saved_replies.convert_text(request.POST.get("text", ""), conversation)
    if request.headers.get("HX-Request"):
        response = respond(request, conversation.pk)
        response["HX-Trigger"] = json.dumps({"portal:filled-in": {"text": text}})
        return response
    return redisplay_form(request, conversation, form_class({**request.POST.dict(), "text": text}), "", status=200)


def other_text(request: HttpRequest, conversation: Conversation, form: ReplyForm) -> HttpResponse:
    """Respond to a form that was posted again with another text, for example because the first response got lost."""
    if request.headers.get("HX-Request"):
        return respond(request, conversation.pk, error=OTHER_TEXT, sent=True, keep=True)
    return redisplay_form(request, conversation, form, OTHER_TEXT)


def redisplay_form(
    request: HttpRequest, conversation: Conversation, form: ReplyForm | None, error: str, status: int = 422, **more
) -> HttpResponse:
    """The thread with the submitted form and the error."""
    if request.headers.get("HX-Request"):
        return respond(request, conversation.pk, error=error, **more)
    if request.FILES:
        error = f"{error} {CHOOSE_AGAIN}".strip()
    thread = fragments.read_thread(request, fragments.get_thread_or_404(request, conversation.pk))
    context = fragments.thread_context(thread, form, error, **more)
    sidebar = list_context(request, open_pk=conversation.pk)
    return render(request, "inbox/inbox.html", {**sidebar, **context}, status=status)


@staff_view("GET", "HEAD", "POST")
def new(request: HttpRequest) -> HttpResponse:
    """Send a text to a phone number, then redirect to the conversation. `?phone=` prefills the number."""
    phone = request.GET.get("phone", "")
    form = NewForm(request.user, request.POST) if request.method == "POST" else NewForm.fresh(request.user, phone)
    status, offer, questions = 200, "", []
    if "convert" in request.POST:
        form.data = form.data.copy()
        form.data["text"] = merge_fields.fill_fields(request.POST.get("text", ""), form.find_contact())
    elif request.method == "POST":
        status = 422
        if form.is_valid():
            account, inbox = form.cleaned_data["line"]
            values = [form.cleaned_data[name] for name in ("phone", "text", "client_uuid")]
            try:
                accepted = form.cleaned_data["accept"]
                message = compose.queue_to_phone(request.user, account, *values, inbox=inbox, accepted=accepted)
                return redirect("inbox:thread", message.conversation_id)
            except CannotSend as refused:
                form.add_error(None, refused.reason)
                offer = merge_fields.fill_offer(form.cleaned_data["text"], form.find_contact())
                questions = questions_of(refused)
    context = {**list_context(request), "new_form": form, "offer": offer, "questions": questions}
    return render(request, "inbox/inbox.html", context, status=status)


@staff_view("POST")
def check_number(request: HttpRequest) -> HttpResponse:
    """Read the number of a new conversation while it is typed: as it will be texted, or why not."""
    form = NewForm(request.user, request.POST)
    line = form.lines.get(request.POST.get("line", ""))
    typed = request.POST.get("phone", "")[:LONGEST]
    chosen = request.POST.get("chosen", "")
    number = CheckedNumber.read(*line, typed, chosen) if line and typed.strip() else None
    return render(request, "inbox/composer/_number.html", {"number": number})


def get_own_message(request: HttpRequest, pk: int) -> Message:
    """Return the outbound message. Raises Http404 when the user cannot see it."""
    outbound = Message.objects.for_user(request.user).filter(inbound=False)
    message = outbound.select_related("conversation").filter(pk=pk).first()
    if message is None:
        raise Http404("Message not found.")
    return message


@staff_view("POST")
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a failed, cancelled or possibly unsent message again."""
    message = get_own_message(request, pk)
    try:
        compose.resend_message(request.user, message)
    except CannotSend as refused:
        return respond(request, message.conversation_id, error=refused.reason)
    return respond(request, message.conversation_id)


@staff_view("POST")
def cancel_message(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a queued text, unless it is already being sent."""
    message = get_own_message(request, pk)
    too_late = not compose.cancel_message(request.user, message)
    return respond(request, message.conversation_id, error=TOO_LATE if too_late else "")


@staff_view("POST")
def accept_as_sent(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a text of unknown outcome as sent, after the user has checked it in Salesmsg."""
    message = get_own_message(request, pk)
    try:
        reconcile.accept_as_sent(request.user, message)
    except CannotSend as refused:
        return respond(request, message.conversation_id, error=refused.reason)
    return respond(request, message.conversation_id)


@staff_view("POST")
def fetch_again(request: HttpRequest, pk: int, position: int) -> HttpResponse:
    """Retry an attachment that could not be fetched."""
    attachment = (
        Attachment.objects.for_user(request.user)
        .filter(message=pk, position=position)
        .select_related("message")
        .defer("message__raw")
        .first()
    )
    if attachment is None:
        raise Http404("Attachment not found.")
    if attachment.state == Attachment.State.LOST:
        attachments.request_again(attachment)
    return respond(request, attachment.message.conversation_id, redraw=pk)
