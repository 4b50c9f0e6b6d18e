"""Drafts on the server: one per user and conversation.

A save names the revision it is based on, so that two devices of one user never overwrite each other. A sent draft stays
for a day as an empty row: a save that arrives late then meets a newer revision.
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

MAX_CHARACTERS = 10_000
MAX_REVISION = 1 << 30
EMPTY_DRAFT_RETENTION = timedelta(days=1)


@dataclass
class Saved:
    """The result of a save. When not `accepted`, `text` is the newer draft on the server, which stays unchanged."""

    accepted: bool
    revision: int
    text: str = ""


def clean_draft(text: str) -> str:
    """Normalize line ends (browsers post CRLF) and drop NUL. Raises ValueError above MAX_CHARACTERS."""
    text = text.replace("\r\n", "\n").replace("\x00", "")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(_("A draft can have %(number)d characters at most.") % {"number": MAX_CHARACTERS})
    return text if text.strip() else ""


def save_draft(user, conversation: Conversation, text: str, base: int, *, next_too: bool = False) -> Saved:
    """Save the text unless the server has a newer revision. base: the revision the text is based on; 0 for none.

    next_too: accept the revision after `base` as well, because the same page may have just saved it. Raises ValueError
    when the text is too long.
    """
    text, base = clean_draft(text), min(base, MAX_REVISION)
    with immediate_transaction():
        row = Draft.objects.filter(user=user, conversation=conversation).first()
        if row is None:
            if not text:
                return Saved(True, base)
            try:
                with transaction.atomic():
                    Draft.objects.create(user=user, conversation=conversation, text=text, revision=base + 1)
                return Saved(True, base + 1)
            except IntegrityError:  # another device created it first
                row = Draft.objects.get(user=user, conversation=conversation)
        if row.text == text:
            return Saved(True, row.revision)
        follows = row.revision == base or (next_too and row.revision == base + 1)
        if not follows and (row.text or not text or _was_just_sent(user, conversation, text)):
            return Saved(False, row.revision, row.text)
        unchanged = Draft.objects.filter(pk=row.pk, revision=row.revision)
        if not unchanged.update(text=text, revision=F("revision") + 1, updated_at=timezone.now()):
            row.refresh_from_db()
            return Saved(False, row.revision, row.text)
        if not text:
            _prune_empty_drafts(user)
    return Saved(True, row.revision + 1)


def queue_and_clear(
    request: HttpRequest, conversation: Conversation, text: str, queue: Callable[[], Message]
) -> Message:
    """Call `queue()` and clear the draft of the queued text, in one transaction.

    A newer draft from another device stays, and so does the draft of a form that was accepted before with another
    text."""
    with transaction.atomic():
        message = queue()
        if message.conversation_id == conversation.pk and message.text == text:
            _clear_draft(request.user, conversation, text, cursors.parse_id(request.POST.get("draft", "")))
    return message


def _clear_draft(user, conversation: Conversation, sent: str, known: int | None) -> None:
    """known: the revision the form was based on; None when it sent none."""
    row = Draft.objects.filter(user=user, conversation=conversation).first()
    if row is None:
        # A first save that arrives late then meets a newer revision.
        row = Draft(user=user, conversation=conversation, revision=min(known or 0, MAX_REVISION) + 1)
        Draft.objects.bulk_create([row], ignore_conflicts=True)
    elif row.text and (known is None or row.revision == known or sent.startswith(row.text.strip())):
        unchanged = Draft.objects.filter(pk=row.pk, revision=row.revision)
        unchanged.update(text="", revision=F("revision") + 1, updated_at=timezone.now())
    _prune_empty_drafts(user)


def _was_just_sent(user, conversation: Conversation, text: str) -> bool:
    """Whether a late save contains the beginning of the text the user has just sent here."""
    sent = Message.objects.filter(conversation=conversation, sender=user, inbound=False).order_by("-pk")
    newest = sent.values_list("text", flat=True).first()
    return newest is not None and newest.startswith(text.strip())


def _prune_empty_drafts(user) -> None:
    """Delete the user's empty drafts that are too old for a late save."""
    expired_at = timezone.now() - EMPTY_DRAFT_RETENTION
    Draft.objects.filter(user=user, text="", updated_at__lt=expired_at).delete()


@staff_view("POST")
def save_draft_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Save a draft. Returns JSON to scripts: {revision}, or with 409 the newer {revision, text}. Forms get the page."""
    conversation = fragments.get_conversation_or_404(request, pk)
    text, base = request.POST.get("text", ""), cursors.parse_id(request.POST.get("draft", "")) or 0
    is_script = bool(request.headers.get("HX-Request"))
    # The page may have been rendered for another user of this browser.
    if is_script and request.POST.get("person") != str(request.user.pk):
        return JsonResponse({"error": _("This page belongs to another user.")}, status=403)
    try:
        saved = save_draft(request.user, conversation, text, base, next_too="next" in request.POST)
    except ValueError as refused:
        if is_script:
            return JsonResponse({"error": str(refused)}, status=422)
        return _page(request, pk, text, base, error=str(refused))
    if is_script:
        data = {"revision": saved.revision} if saved.accepted else {"revision": saved.revision, "text": saved.text}
        return JsonResponse(data, status=200 if saved.accepted else 409)
    if not saved.accepted:
        return _page(request, pk, text, saved.revision, draft_other=saved.text)
    messages.success(request, _("Draft saved.") if text.strip() else _("Draft deleted."))
    return redirect(reverse("inbox:thread", args=[pk]) + fragments.list_query(request))


def _page(request: HttpRequest, pk: int, text: str, revision: int, **more) -> HttpResponse:
    """The thread with the submitted text and the reason it was not saved. Saving again replaces the newer draft."""
    form = ReplyForm.fresh(text)
    conversation = fragments.get_thread_or_404(request, pk)
    conversation.draft_revision = revision
    context = fragments.thread_context(fragments.read_thread(request, conversation), form, **more)
    return render(request, "inbox/inbox.html", {**list_context(request, open_pk=pk), **context}, status=422)
