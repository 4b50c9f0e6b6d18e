"""What the composer sends: replies, first texts, another try, cancelling. Every form works without JavaScript."""

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
from ...outbox import compose, reconcile
from ...outbox.compose import CannotSend
from ..collaboration import read_state
from ..conversation_list.views import list_context
from ..thread import fragments
from . import drafts
from .forms import NewForm, ReplyForm

DAMAGED = _("This form was damaged, so nothing was sent. Your text is still here: send it again.")
NOT_WRITTEN = _(
    "The pictures could not be written to the portal's disk, so nothing was sent. Your text is still here: send it "
    "without them, or tell your administrator."
)
TOO_LATE = _("It was too late to cancel this text.")
CHOOSE_AGAIN = _("Your text is kept; browsers do not keep pictures: choose them again.")
OTHER_TEXT = _(
    "Your earlier text had already been taken, and is in the conversation. "
    "What you see here has not been sent: send it again if you still want to."
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
    """After a write: back to the thread, or for htmx only what differs. `sent`: the form is used up; `redraw`: a
    message that is drawn anew although it shows what it did."""
    if not request.headers.get("HX-Request"):
        if error:
            messages.error(request, error)
        return redirect(_onward(request) or reverse("inbox:thread", args=[pk]) + fragments.list_query(request))
    context = fragments.update_context(request, fragments.get_conversation_or_404(request, pk), redraw)
    context |= {"composed": True, "error": error, "fresh_uuid": uuid.uuid4() if sent else None, **more}
    response = render(request, "inbox/thread/_thread_update.html", context, status=422 if error and not keep else 200)
    if sent and not keep:
        response["HX-Trigger"] = "portal:sent"
    return response


def _onward(request: HttpRequest) -> str:
    """The page that a form came from and wants to go back to: only an address of ours, else empty."""
    return local_address(request.POST.get("next", ""))


@staff_view("POST")
def send(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a reply. What cannot be sent stays in the form, with the reason."""
    conversation = fragments.get_conversation_or_404(request, pk)
    form = ReplyForm.posted(request)
    if not form.is_valid():
        if "client_uuid" in form.errors:
            form = ReplyForm({"client_uuid": uuid.uuid4(), "text": request.POST.get("text", "")})
            return redisplay_form(request, conversation, form, DAMAGED)
        return redisplay_form(request, conversation, form, form.problem)
    text = form.cleaned_data["text"]
    try:
        told = read_state.shown_to(request.POST, conversation)
        enclosed = outgoing.store_files(form.cleaned_data["pictures"])
        form_key = form.cleaned_data["client_uuid"]
        queue = partial(compose.queue_reply, request.user, conversation, text, form_key, pictures=enclosed, seen=told)
        message = drafts.queue_and_clear(request, conversation, text, queue)
    except OSError:
        return redisplay_form(request, conversation, form, NOT_WRITTEN)
    except CannotSend as refused:
        return redisplay_form(request, conversation, form, refused.reason)
    if message.text != text or message.conversation_id != pk:
        return other_text(request, conversation, ReplyForm({"client_uuid": uuid.uuid4(), "text": text}))
    return respond(request, pk, sent=True)


def other_text(request: HttpRequest, conversation: Conversation, form: ReplyForm) -> HttpResponse:
    """The answer to the first post got lost, and the text was changed before the second one."""
    if request.headers.get("HX-Request"):
        return respond(request, conversation.pk, error=OTHER_TEXT, sent=True, keep=True)
    return redisplay_form(request, conversation, form, OTHER_TEXT)


def redisplay_form(
    request: HttpRequest, conversation: Conversation, form: ReplyForm | None, error: str, **more
) -> HttpResponse:
    """The thread with what was typed and why it was not taken."""
    if request.headers.get("HX-Request"):
        return respond(request, conversation.pk, error=error)
    if request.FILES:
        error = f"{error} {CHOOSE_AGAIN}"
    context = fragments.thread_context(fragments.read_thread(request, conversation), form, error, **more)
    listed = list_context(request, open_pk=conversation.pk)
    return render(request, "inbox/inbox.html", {**listed, **context}, status=422)


@staff_view("GET", "HEAD", "POST")
def new(request: HttpRequest) -> HttpResponse:
    """A text to a phone number; leads to the conversation with it. `?phone=` fills the number in."""
    phone = request.GET.get("phone", "")
    form = NewForm(request.user, request.POST) if request.method == "POST" else NewForm.fresh(request.user, phone)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            account, inbox = form.cleaned_data["line"]
            values = [form.cleaned_data[name] for name in ("phone", "text", "client_uuid")]
            try:
                message = compose.queue_to_phone(request.user, account, *values, inbox=inbox)
                return redirect("inbox:thread", message.conversation_id)
            except CannotSend as refused:
                form.add_error(None, refused.reason)
    return render(request, "inbox/inbox.html", {**list_context(request), "new_form": form}, status=status)


def get_own_message(request: HttpRequest, pk: int) -> Message:
    """The outbound message, or 404 when it is not this person's."""
    found = Message.objects.for_user(request.user).select_related("conversation").filter(pk=pk, inbound=False).first()
    if found is None:
        raise Http404("There is no such message.")
    return found


@staff_view("POST")
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Sends the text of a message that was not sent, or perhaps not, once more."""
    message = get_own_message(request, pk)
    try:
        compose.resend_message(request.user, message)
    except CannotSend as refused:
        return respond(request, message.conversation_id, error=refused.reason)
    return respond(request, message.conversation_id)


@staff_view("POST")
def cancel_message(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a waiting text back, if it has not left yet."""
    message = get_own_message(request, pk)
    late = not compose.cancel_message(request.user, message)
    return respond(request, message.conversation_id, error=TOO_LATE if late else "")


@staff_view("POST")
def accept_as_sent(request: HttpRequest, pk: int) -> HttpResponse:
    """A person has seen that a text of unknown outcome was sent."""
    message = get_own_message(request, pk)
    try:
        reconcile.accept_as_sent(request.user, message)
    except CannotSend as refused:
        return respond(request, message.conversation_id, error=refused.reason)
    return respond(request, message.conversation_id)


@staff_view("POST")
def fetch_again(request: HttpRequest, pk: int, position: int) -> HttpResponse:
    """Has a file fetched that could not be fetched before."""
    found = Attachment.objects.for_user(request.user).filter(message=pk, position=position)
    picture = found.select_related("message").defer("message__raw").first()
    if picture is None:
        raise Http404("There is no such file.")
    if picture.state == Attachment.State.LOST:
        attachments.request_again(picture)
    return respond(request, picture.message.conversation_id, redraw=pk)
