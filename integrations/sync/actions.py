"""The buttons: pause, resume, read again and stop for managers; one contact or conversation now for whoever sees it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from .. import access
from ..access import StaffRequest
from ..models import Account, AuditEntry, Contact, Conversation
from . import request as syncing
from .contact_lookup import find_contacts
from .views import one_page

NOT_CONNECTED = gettext_lazy("This account is not connected, so nothing can be read. Connect it again first.")
PAUSED = gettext_lazy("The sync is paused, so nothing was begun. Resume it first.")
ASKED = gettext_lazy("%(who)s is read from Salesmsg again now. What is new appears by itself.")
DRAFT = gettext_lazy(
    "Salesmsg does not know %(who)s yet, so there is nothing to read. That changes with the first text."
)
NOBODY = gettext_lazy(
    "Nobody here fits that. Write a phone number, a part of the name, or the id that Salesmsg "
    "shows. Somebody who is new at Salesmsg comes with “Look for changes now”."
)

Action = AuditEntry.Action


def managed(view: Callable[[StaffRequest, Account], None]) -> Callable[..., HttpResponse]:
    """Hands the view the account; only for its managers. Then back to its page."""

    @wraps(view)
    @require_POST
    @never_cache
    @access.staff_required
    def guarded(request: StaffRequest, pk: int) -> HttpResponse:
        account = get_object_or_404(Account.objects.for_user(request.user), pk=pk)
        access.require_permission(access.can_manage(request.user, account))
        view(request, account)
        return redirect("sync:one", pk)

    return guarded


@managed
def pause(request: StaffRequest, account: Account) -> None:
    if syncing.pause_sync(account, request.user):
        messages.info(request, _("The sync is paused. Texts and edits are still sent."))


@managed
def resume(request: StaffRequest, account: Account) -> None:
    if syncing.resume_sync(account, request.user):
        messages.success(request, _("The sync goes on. It looks for what came meanwhile first."))


@managed
def full(request: StaffRequest, account: Account) -> None:
    """Reads everything again."""
    _begin(request, account, syncing.start_full, Action.SYNC_FULL)


@managed
def changes(request: StaffRequest, account: Account) -> None:
    """Looks for changes now."""
    _begin(request, account, syncing.start_changes, Action.SYNC_CHANGES)


@managed
def stop(request: StaffRequest, account: Account) -> None:
    if syncing.stop_sync(account):
        access.record_audit(request.user, Action.SYNC_STOPPED, account)
        messages.info(request, _("It was stopped. What had been read is kept."))


def _begin(request: StaffRequest, account: Account, ask: Callable[[Account, User], Any], action: Action) -> None:
    if account.state != Account.State.CONNECTED:
        messages.error(request, NOT_CONNECTED)
    elif account.sync_paused_at:
        messages.error(request, PAUSED)
    else:
        ask(account, request.user)
        access.record_audit(request.user, action, account)


# --- one contact, one conversation -----------------------------------------------------------------------------------


@access.staff_view("POST")
def contact(request: StaffRequest, pk: int) -> HttpResponse:
    """Reads a contact and its conversations again."""
    found = get_object_or_404(Contact.objects.for_user(request.user).select_related("account"), pk=pk)
    return _answer(request, found.account, *_ask(request, found))


@access.staff_view("POST")
def conversation(request: StaffRequest, pk: int) -> HttpResponse:
    """Reads the newest messages of a conversation again."""
    threads = Conversation.objects.for_user(request.user).select_related("account", "contact")
    found = get_object_or_404(threads, pk=pk)
    return _answer(request, found.account, *_ask(request, found))


@access.staff_view("POST")
def search(request: StaffRequest, pk: int) -> HttpResponse:
    """The form of the sync page: reads whom it names again, or lets choose where it names several."""
    account = get_object_or_404(Account.objects.for_user(request.user), pk=pk)
    typed = request.POST.get("who", "").strip()
    found = find_contacts(request.user, account, typed)
    if not found:
        error = NOBODY if typed else _("Write whom you mean: a phone number, a name or a Salesmsg id.")
        return one_page(request, pk, typed=typed, error=error, status=422)
    if found.only is None:
        return render(request, "sync/choose.html", {"account": account, "found": found, "typed": typed})
    return _answer(request, account, *_ask(request, found.only))


def _ask(request: StaffRequest, found: Contact | Conversation) -> tuple[bool, str | Promise]:
    """(whether it was asked for, what to tell)."""
    if found.account.state != Account.State.CONNECTED:
        return False, NOT_CONNECTED
    if isinstance(found, Conversation):
        who, asked = (
            _("The conversation with %(contact)s") % {"contact": found.contact},
            syncing.request_conversation(found, request.user),
        )
    else:
        who, asked = str(found), syncing.request_contact(found, request.user)
    return asked, ASKED % {"who": who} if asked else DRAFT % {
        "who": found if isinstance(found, Contact) else found.contact
    }


def _answer(request: StaffRequest, account: Account, asked: bool, words: str | Promise) -> HttpResponse:
    """In place of the pressed button for htmx, else back to where it was pressed."""
    if request.headers.get("HX-Request"):
        return render(request, "sync/_request_result.html", {"asked": asked, "words": words})
    (messages.success if asked else messages.error)(request, str(words))
    onward = access.local_address(request.POST.get("next", ""))
    return redirect(onward or reverse("sync:one", args=[account.pk]))
