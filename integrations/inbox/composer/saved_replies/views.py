"""Saved replies: the pages on which they are kept, and what the composer asks for. All works without JavaScript."""

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
    """What this person can use, with a way to change what they may change."""
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


def _mine_to_change(request: HttpRequest, pk: int) -> tuple[SavedReply, list]:
    """The reply and the accounts that the person manages. 404 for what is not theirs to see, 403 to change."""
    managers = queries.managed_accounts(request.user)
    found = queries.visible_replies(request.user).select_related("account").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such saved reply.")
    require_permission(queries.can_change(request.user, found, managers))
    return found, managers


@staff_view("GET", "HEAD", "POST")
def new(request: HttpRequest) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = SavedReplyForm(request.user, data, managers=queries.managed_accounts(request.user))
    return _written(request, form, _("Saved. In a conversation, type “/” to find it."))


@staff_view("GET", "HEAD", "POST")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    reply, managers = _mine_to_change(request, pk)
    data = request.POST if request.method == "POST" else None
    form = SavedReplyForm(request.user, data, reply=reply, managers=managers)
    return _written(request, form, _("Saved."))


def _written(request: HttpRequest, form: SavedReplyForm, done: str) -> HttpResponse:
    """The form; or, once it is taken, the list."""
    if form.is_valid() and form.save() is not None:
        messages.success(request, done)
        return redirect("inbox:replies")
    context = {"form": form, "reply": form.reply, "inserts": merge_fields.INSERTS}
    return render(request, "inbox/composer/saved_replies/form.html", context, status=422 if form.is_bound else 200)


@staff_view("GET", "HEAD", "POST")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks first."""
    reply, _managers = _mine_to_change(request, pk)
    if request.method != "POST":
        return render(request, "inbox/composer/saved_replies/delete.html", {"reply": reply})
    reply.delete()
    messages.success(request, _("“%(name)s” was deleted. Texts that were sent with it stay.") % {"name": reply.name})
    return redirect("inbox:replies")


# --- In a conversation -----------------------------------------------------------------------------------------------


@staff_view()
def offered(request: HttpRequest, pk: int) -> HttpResponse:
    """What “/” offers in this conversation, filled in for its contact."""
    return JsonResponse(
        {"replies": queries.offered_replies(request.user, fragments.get_conversation_or_404(request, pk))}
    )


@staff_view("POST")
def used(request: HttpRequest, pk: int, reply: int) -> HttpResponse:
    """Counts, for the order of the list."""
    if not queries.count_use(request.user, fragments.get_conversation_or_404(request, pk), reply):
        raise Http404("There is no such saved reply.")
    return HttpResponse(status=204)


@staff_view("POST")
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Without a script: the thread again, with the list open; or, once one is chosen, with its text filled in."""
    conversation = fragments.get_conversation_or_404(request, pk)
    typed = request.POST.get("text", "").replace("\r\n", "\n")
    rows = queries.offered_replies(request.user, conversation)
    wanted = cursors.parse_id(request.POST.get("reply", ""))
    chosen = next((row for row in rows if row["id"] == wanted), None)
    error = ""
    if chosen is not None:
        queries.count_use(request.user, conversation, chosen["id"])
        typed = queries.append_reply(typed, chosen["text"])
        error = merge_fields.fields_problem(typed, conversation.contact)
    elif request.POST.get("reply"):
        error = _("This saved reply was deleted meanwhile. Choose another one.")
    kept = request.POST.get("client_uuid") or uuid.uuid4()
    form = ReplyForm({"client_uuid": kept, "text": typed})
    more = {"saved_replies": None if chosen else rows, "choosing": chosen is None}
    context = fragments.thread_context(fragments.read_thread(request, conversation), form, error, **more)
    return render(request, "inbox/inbox.html", {**list_context(request, open_pk=pk), **context})
