"""What a person has typed and not sent, kept on the server: one draft per person and conversation.

A save names the revision that it is based on, so that two devices of one person never overwrite each other. A draft
that was sent stays behind for a while as an empty row: a save that was still on its way then meets a newer revision.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ... import cursors
from ...access import staff_view
from ...db.immediate_transaction import immediate_transaction
from ...models import Conversation, Draft, Message
from ..conversation_list.views import list_context
from ..thread import fragments
from .forms import ReplyForm

LONGEST = 10_000  # characters
REVISIONS = 1 << 30
FORGOTTEN = timedelta(days=1)  # how long an empty draft stays behind


@dataclass
class Saved:
    """What became of a save. Not `kept`: `text` is what stands on the server, and stays there."""

    kept: bool
    revision: int
    text: str = ""


def clean_draft(text: str) -> str:
    """As it is stored: browsers post lines with two characters between them. Raises ValueError when it is too long."""
    text = text.replace("\r\n", "\n").replace("\x00", "")
    if len(text) > LONGEST:
        raise ValueError(_("A draft can have %(number)d characters at most.") % {"number": LONGEST})
    return text if text.strip() else ""


def save_draft(user, conversation: Conversation, text: str, base: int, *, next_too: bool = False) -> Saved:
    """Keeps the text when nothing newer stands there. `base`: the revision that it follows; 0 for none.

    next_too: the one after `base` may stand there as well, because the same page has just sent it. Raises ValueError
    when the text is too long.
    """
    text, base = clean_draft(text), min(base, REVISIONS)
    with immediate_transaction():
        row = Draft.objects.filter(user=user, conversation=conversation).first()
        if row is None:
            if not text:
                return Saved(True, base)
            try:
                with transaction.atomic():
                    Draft.objects.create(user=user, conversation=conversation, text=text, revision=base + 1)
                return Saved(True, base + 1)
            except IntegrityError:  # another device was faster
                row = Draft.objects.get(user=user, conversation=conversation)
        if row.text == text:
            return Saved(True, row.revision)
        follows = row.revision == base or (next_too and row.revision == base + 1)
        if not follows and (row.text or not text or _echo(user, conversation, text)):
            return Saved(False, row.revision, row.text)
        own = Draft.objects.filter(pk=row.pk, revision=row.revision)
        if not own.update(text=text, revision=F("revision") + 1, updated_at=timezone.now()):
            row.refresh_from_db()
            return Saved(False, row.revision, row.text)
        if not text:
            _tidy(user)
    return Saved(True, row.revision + 1)


def queue_and_clear(
    request: HttpRequest, conversation: Conversation, text: str, queue: Callable[[], Message]
) -> Message:
    """Queues a text by `queue()` and forgets the draft that it was, in one transaction. A newer draft from another
    device stays; so does one whose form had been taken before, with another text."""
    with transaction.atomic():
        message = queue()
        if message.conversation_id == conversation.pk and message.text == text:
            _forget(request.user, conversation, text, cursors.parse_id(request.POST.get("draft", "")))
    return message


def _forget(user, conversation: Conversation, sent: str, known: int | None) -> None:
    """known: the revision that the form knew; None when it told none."""
    row = Draft.objects.filter(user=user, conversation=conversation).first()
    if row is None:
        # So that a first save that is still on its way meets something newer.
        row = Draft(user=user, conversation=conversation, revision=min(known or 0, REVISIONS) + 1)
        Draft.objects.bulk_create([row], ignore_conflicts=True)
    elif row.text and (known is None or row.revision == known or sent.startswith(row.text.strip())):
        own = Draft.objects.filter(pk=row.pk, revision=row.revision)
        own.update(text="", revision=F("revision") + 1, updated_at=timezone.now())
    _tidy(user)


def _echo(user, conversation: Conversation, text: str) -> bool:
    """Whether a late save brings what this person has just sent here."""
    sent = Message.objects.filter(conversation=conversation, sender=user, inbound=False).order_by("-pk")
    newest = sent.values_list("text", flat=True).first()
    return newest is not None and newest.startswith(text.strip())


def _tidy(user) -> None:
    """Empty drafts of this person that no save can still be on its way to."""
    Draft.objects.filter(user=user, text="", updated_at__lt=timezone.now() - FORGOTTEN).delete()


@staff_view("POST")
def save_draft_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Saves a draft. Scripts get {revision} or, with 409, {revision, text} of what is newer; a form gets the page."""
    conversation = fragments.get_conversation_or_404(request, pk)
    text, base = request.POST.get("text", ""), cursors.parse_id(request.POST.get("draft", "")) or 0
    script = bool(request.headers.get("HX-Request"))
    # The page may have been drawn for somebody who used this browser before.
    if script and request.POST.get("person") != str(request.user.pk):
        return JsonResponse({"error": _("This page belongs to another person.")}, status=403)
    try:
        saved = save_draft(request.user, conversation, text, base, next_too="next" in request.POST)
    except ValueError as refused:
        if script:
            return JsonResponse({"error": str(refused)}, status=422)
        return _page(request, conversation, text, base, error=str(refused))
    if script:
        told = {"revision": saved.revision} if saved.kept else {"revision": saved.revision, "text": saved.text}
        return JsonResponse(told, status=200 if saved.kept else 409)
    if not saved.kept:
        return _page(request, conversation, text, saved.revision, draft_other=saved.text)
    messages.success(request, _("Your draft is saved.") if text.strip() else _("Your draft is deleted."))
    return redirect(reverse("inbox:thread", args=[pk]) + fragments.list_query(request))


def _page(request: HttpRequest, conversation: Conversation, text: str, revision: int, **more) -> HttpResponse:
    """The thread with what was typed, and why it was not saved; to save once more is to decide."""
    form = ReplyForm.fresh(text)
    conversation.draft_revision = revision
    context = fragments.thread_context(fragments.read_thread(request, conversation), form, **more)
    return render(
        request, "inbox/inbox.html", {**list_context(request, open_pk=conversation.pk), **context}, status=422
    )
