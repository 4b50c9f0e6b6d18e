"""Views for saved replies: their pages, and the endpoints of the composer. Everything works without JavaScript."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from .... import cursors
from ....access import require_permission, staff_view
from ....models import SavedReply
from ....outbox import merge_fields
from ...conversation_list.views import list_context
from ...thread import fragments
from ..forms import ReplyForm
from . import queries
from .forms import SavedReplyForm

# --- The pages -------------------------------------------------------------------------------------------------------


@staff_view()
def index(request: HttpRequest) -> HttpResponse:
    """List the replies the user can use, with links to change those the user can change."""
    managers = queries.managed_accounts(request.user)
    rows = list(
        queries.visible_replies(request.user).select_related("account").order_by("account__label", "name", "pk")
    )
    for row in rows:
        row.changeable = queries.can_change(request.user, row, managers)
    context = {
        "own": [row for row in rows if row.owner_id is not None],
        "shared": [row for row in rows if row.owner_id is None],
        "several": len({row.account_id for row in rows}) > 1,
    }
    return render(request, "inbox/composer/saved_replies/list.html", context)


def _changeable_reply(request: HttpRequest, pk: int) -> tuple[SavedReply, list]:
    """Return the reply and the accounts the user manages.

    Raises Http404 when the user cannot see the reply, PermissionDenied when the user cannot change it."""
    managers = queries.managed_accounts(request.user)
    reply = queries.visible_replies(request.user).select_related("account").filter(pk=pk).first()
    if reply is None:
        raise Http404("Saved reply not found.")
    require_permission(queries.can_change(request.user, reply, managers))
    return reply, managers


@staff_view("GET", "HEAD", "POST")
def new(request: HttpRequest) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = SavedReplyForm(request.user, data, managers=queries.managed_accounts(request.user))
    return _save_and_render(request, form, _("Saved. To use it, type “/” in a conversation."))


@staff_view("GET", "HEAD", "POST")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    reply, managers = _changeable_reply(request, pk)
    data = request.POST if request.method == "POST" else None
    form = SavedReplyForm(request.user, data, reply=reply, managers=managers)
    return _save_and_render(request, form, _("Saved."))


def _save_and_render(request: HttpRequest, form: SavedReplyForm, success: str) -> HttpResponse:
    """Save the form and redirect to the list, or show the form. With `convert`, only show it with the placeholders of
    other products converted."""
    status, offer = 422 if form.is_bound else 200, ""
    if "convert" in request.POST:
        form.data = form.data.copy()
        form.data["text"] = merge_fields.convert_to_fields(request.POST.get("text", ""), form.custom_fields())
        status = 200
    elif form.is_valid() and form.save() is not None:
        messages.success(request, success)
        return redirect("inbox:replies")
    elif "text" in form.errors:
        offer = merge_fields.convert_offer(request.POST.get("text", ""), form.custom_fields())
    accounts = [form.reply.account_id] if form.reply else [one.pk for one in form.accounts]
    context = {"form": form, "reply": form.reply, "offer": offer, "inserts": merge_fields.insert_buttons(accounts)}
    return render(request, "inbox/composer/saved_replies/form.html", context, status=status)


@staff_view("GET", "HEAD", "POST")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation, then delete the reply."""
    reply, _managers = _changeable_reply(request, pk)
    if request.method != "POST":
        return render(request, "inbox/composer/saved_replies/delete.html", {"reply": reply})
    reply.delete()
    messages.success(request, _("“%(name)s” was deleted. Texts sent with it are kept.") % {"name": reply.name})
    return redirect("inbox:replies")


# --- In a conversation -----------------------------------------------------------------------------------------------


@staff_view()
def offered(request: HttpRequest, pk: int) -> HttpResponse:
    """The replies for this conversation as JSON, filled in for its contact."""
    return JsonResponse(
        {"replies": queries.offered_replies(request.user, fragments.get_conversation_or_404(request, pk))}
    )


@staff_view("POST")
def used(request: HttpRequest, pk: int, reply: int) -> HttpResponse:
    """Count a use of the reply, which orders the list."""
    if not queries.count_use(request.user, fragments.get_conversation_or_404(request, pk), reply):
        raise Http404("Saved reply not found.")
    return HttpResponse(status=204)


@staff_view("POST")
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Without JavaScript: show the thread with the list of replies, or with the chosen reply in the composer."""
    conversation = fragments.get_thread_or_404(request, pk)
    typed = request.POST.get("text", "").replace("\r\n", "\n")
    rows = queries.offered_replies(request.user, conversation)
    reply_id = cursors.parse_id(request.POST.get("reply", ""))
    chosen = next((row for row in rows if row["id"] == reply_id), None)
    error = offer = ""
    if chosen is not None:
        queries.count_use(request.user, conversation, chosen["id"])
        typed = queries.append_reply(typed, chosen["text"])
        error = merge_fields.fields_problem(typed, conversation.contact)
        offer = queries.convert_offer(typed, conversation) if error else ""
    elif request.POST.get("reply"):
        error = _("This saved reply has been deleted. Choose another one.")
    client_uuid = request.POST.get("client_uuid") or uuid.uuid4()
    form = ReplyForm({"client_uuid": client_uuid, "text": typed})
    more = {"saved_replies": None if chosen else rows, "choosing": chosen is None, "offer": offer}
    context = fragments.thread_context(fragments.read_thread(request, conversation), form, error, **more)
    return render(request, "inbox/inbox.html", {**list_context(request, open_pk=pk), **context})
