"""Internal notes: written into a thread, seen by the team alone, taken back by their author.

Nothing here knows the outbox: a note has a form, an address and a table of its own, so that it can never be sent.
"""

import uuid

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ... import mirror
from ...access import record_audit, staff_view
from ...models import AuditEntry, Conversation, InternalNote
from ..conversation_list.views import list_context
from ..thread import fragments
from . import mentions
from .forms import NoteForm

DAMAGED = gettext_lazy("This form was damaged, so the note was not added. Your words are still here: add it again.")
OTHER_NOTE = gettext_lazy(
    "Your earlier note had already been added, and is in the conversation. "
    "What you see here has not been added: add it again if you still want to."
)


def add_note(user, conversation: Conversation, text: str, client_uuid: uuid.UUID) -> InternalNote:
    """Adds a note and its mentions. The same client_uuid again returns the same row."""
    if (known := _known(client_uuid)) is not None:
        return known
    try:
        with transaction.atomic():
            note = InternalNote.objects.create(
                account_id=conversation.account_id,
                conversation=conversation,
                client_uuid=client_uuid,
                author=user,
                author_name=(user.get_full_name() or user.get_username())[:255],
                text=text,
            )
            people = mentions.store_mentions(note)
            about = {"conversation": conversation.pk, "note": note.pk, "mentioned": people}
            record_audit(user, AuditEntry.Action.INTERNAL_NOTE_ADDED, conversation.account, **about)
            mirror.touch(conversation.account_id, [conversation.pk])
    except IntegrityError:
        if (known := _known(client_uuid)) is None:
            raise
        return known  # the same form arrived twice at the same moment
    return note


def delete_note(user, note: InternalNote) -> bool:
    """Deletes a person's own note with its mentions. False when it was gone already."""
    conversation = note.conversation
    with transaction.atomic():
        gone, _rows = InternalNote.objects.filter(pk=note.pk, author=user).delete()
        if gone:
            about = {"conversation": conversation.pk, "note": note.pk}
            record_audit(user, AuditEntry.Action.INTERNAL_NOTE_DELETED, conversation.account, **about)
            mirror.touch(conversation.account_id, [conversation.pk])
    return bool(gone)


def _known(client_uuid: uuid.UUID) -> InternalNote | None:
    return InternalNote.objects.filter(client_uuid=client_uuid).first()


@staff_view("POST")
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a note. What cannot be taken stays in the form, with the reason."""
    conversation = fragments.get_conversation_or_404(request, pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        if "client_uuid" in form.errors:
            return _kept(request, conversation, _renewed(request), DAMAGED)
        return _kept(request, conversation, form, " ".join(form.errors["text"]))
    text = form.cleaned_data["text"]
    made = add_note(request.user, conversation, text, form.cleaned_data["client_uuid"])
    if made.text != text or made.conversation_id != pk or made.author_id != request.user.pk:
        return _kept(request, conversation, _renewed(request), OTHER_NOTE)
    return _answer(request, pk, fresh=True)


@staff_view("POST")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a note; only its author may."""
    own = InternalNote.objects.for_user(request.user).filter(pk=pk, author=request.user)
    found = own.select_related("conversation__account").first()
    if found is None:
        raise Http404("There is no such note of yours.")
    delete_note(request.user, found)
    if not request.headers.get("HX-Request"):
        messages.success(request, _("Your note is deleted."))
    return _answer(request, found.conversation_id)


@staff_view()
def offered(request: HttpRequest, pk: int) -> JsonResponse:
    """The colleagues to choose from after an "@": {"people": [{"username", "name"}]}."""
    conversation = fragments.get_conversation_or_404(request, pk)
    found = mentions.mentionable_users(conversation.account_id).exclude(pk=request.user.pk)[: mentions.OFFERED]
    people = [{"username": one.get_username(), "name": one.get_full_name()} for one in found]
    return JsonResponse({"people": people})


def _renewed(request: HttpRequest) -> forms.Form:
    return NoteForm({"client_uuid": uuid.uuid4(), "text": request.POST.get("text", "")})


def _answer(request: HttpRequest, pk: int, *, fresh: bool = False) -> HttpResponse:
    """Back to the thread, or for htmx only what differs. `fresh`: the form is used up."""
    if not request.headers.get("HX-Request"):
        return redirect(reverse("inbox:thread", args=[pk]) + fragments.list_query(request))
    context = fragments.update_context(request, fragments.get_conversation_or_404(request, pk))
    context |= {"noted": True, "note_form": NoteForm.fresh() if fresh else None}
    response = render(request, "inbox/thread/_thread_update.html", context)
    if fresh:
        response["HX-Trigger"] = "portal:noted"
    return response


def _kept(request: HttpRequest, conversation: Conversation, form: NoteForm, error: str) -> HttpResponse:
    """The thread with what was typed and why it was not taken."""
    told = {"note_form": form, "note_error": error}
    if request.headers.get("HX-Request"):
        context = fragments.update_context(request, conversation) | {"noted": True, **told}
        return render(request, "inbox/thread/_thread_update.html", context, status=422)
    context = fragments.thread_context(fragments.read_thread(request, conversation), **told)
    listed = list_context(request, open_pk=conversation.pk)
    return render(request, "inbox/inbox.html", {**listed, **context}, status=422)
