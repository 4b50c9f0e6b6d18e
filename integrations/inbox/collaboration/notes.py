"""Internal notes in a thread: add, mention, delete. Only the team sees them, and only the author can delete them.

Notes have a separate form, URL and table and never touch the outbox, so a note can never be sent.
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

DAMAGED = gettext_lazy("The form was incomplete, so the note was not added. Your note is still here: add it again.")
OTHER_NOTE = gettext_lazy(
    "Your earlier note was already added to the conversation. "
    "The note below has not been added: add it again if you still want to."
)


def add_note(user, conversation: Conversation, text: str, client_uuid: uuid.UUID) -> InternalNote:
    """Add a note and its mentions. A repeated client_uuid returns the existing note."""
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
            mentioned = mentions.store_mentions(note)
            details = {"conversation": conversation.pk, "note": note.pk, "mentioned": mentioned}
            record_audit(user, AuditEntry.Action.INTERNAL_NOTE_ADDED, conversation.account, **details)
            mirror.touch(conversation.account_id, [conversation.pk])
    except IntegrityError:
        if (known := _known(client_uuid)) is None:
            raise
        return known  # two requests with the same form ran at the same time
    return note


def delete_note(user, note: InternalNote) -> bool:
    """Delete the user's own note with its mentions. Returns False when it was already deleted."""
    conversation = note.conversation
    with transaction.atomic():
        deleted, _rows = InternalNote.objects.filter(pk=note.pk, author=user).delete()
        if deleted:
            details = {"conversation": conversation.pk, "note": note.pk}
            record_audit(user, AuditEntry.Action.INTERNAL_NOTE_DELETED, conversation.account, **details)
            mirror.touch(conversation.account_id, [conversation.pk])
    return bool(deleted)


def _known(client_uuid: uuid.UUID) -> InternalNote | None:
    return InternalNote.objects.filter(client_uuid=client_uuid).first()


@staff_view("POST")
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a note. An invalid note stays in the form, with the reason."""
    conversation = fragments.get_conversation_or_404(request, pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        if "client_uuid" in form.errors:
            return _redisplay(request, pk, _with_new_uuid(request), DAMAGED)
        return _redisplay(request, pk, form, " ".join(form.errors["text"]))
    text = form.cleaned_data["text"]
    added = add_note(request.user, conversation, text, form.cleaned_data["client_uuid"])
    if added.text != text or added.conversation_id != pk or added.author_id != request.user.pk:
        return _redisplay(request, pk, _with_new_uuid(request), OTHER_NOTE)
    return _respond(request, pk, added=True)


@staff_view("POST")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a note. Only its author can."""
    own = InternalNote.objects.for_user(request.user).filter(pk=pk, author=request.user)
    note = own.select_related("conversation__account").first()
    if note is None:
        raise Http404("Note not found.")
    delete_note(request.user, note)
    if not request.headers.get("HX-Request"):
        messages.success(request, _("Note deleted."))
    return _respond(request, note.conversation_id)


@staff_view()
def offered(request: HttpRequest, pk: int) -> JsonResponse:
    """Users to suggest after an "@", as JSON: {"people": [{"username", "name"}]}."""
    conversation = fragments.get_conversation_or_404(request, pk)
    users = mentions.mentionable_users(conversation.account_id).exclude(pk=request.user.pk)[: mentions.OFFERED]
    people = [{"username": user.get_username(), "name": user.get_full_name()} for user in users]
    return JsonResponse({"people": people})


def _with_new_uuid(request: HttpRequest) -> forms.Form:
    return NoteForm({"client_uuid": uuid.uuid4(), "text": request.POST.get("text", "")})


def _respond(request: HttpRequest, pk: int, *, added: bool = False) -> HttpResponse:
    """Redirect to the thread; for htmx, return only the changes. added: replace the form with an empty one."""
    if not request.headers.get("HX-Request"):
        return redirect(reverse("inbox:thread", args=[pk]) + fragments.list_query(request))
    context = fragments.update_context(request, fragments.get_thread_or_404(request, pk))
    context |= {"note_posted": True, "note_form": NoteForm.fresh() if added else None}
    response = render(request, "inbox/thread/_thread_update.html", context)
    if added:
        response["HX-Trigger"] = "portal:noted"
    return response


def _redisplay(request: HttpRequest, pk: int, form: NoteForm, error: str) -> HttpResponse:
    """The thread with the submitted note and the error."""
    conversation = fragments.get_thread_or_404(request, pk)
    values = {"note_form": form, "note_error": error}
    if request.headers.get("HX-Request"):
        context = fragments.update_context(request, conversation) | {"note_posted": True, **values}
        return render(request, "inbox/thread/_thread_update.html", context, status=422)
    context = fragments.thread_context(fragments.read_thread(request, conversation), **values)
    sidebar = list_context(request, open_pk=pk)
    return render(request, "inbox/inbox.html", {**sidebar, **context}, status=422)
