"""POST views of the sync page.

Managers can pause, resume, start and stop the sync. Any user can refresh a contact or conversation they can see.
"""

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

from .. import access
from ..access import StaffRequest
from ..models import Account, AuditEntry, Contact, Conversation
from . import request as syncing
from .contact_lookup import find_contacts
from .views import one_page

NOT_CONNECTED = gettext_lazy("This account is not connected, so it cannot sync. Reconnect it first.")
PAUSED = gettext_lazy("The sync is paused, so nothing was started. Resume it first.")
REFRESHING = gettext_lazy("Refreshing from Salesmsg: %(who)s. New data appears automatically.")
DRAFT = gettext_lazy("%(who)s does not exist in Salesmsg yet. Sending the first text creates it.")
NO_MATCH = gettext_lazy(
    "No match. Enter a phone number, part of a name, or a Salesmsg ID. To find a contact that is new in "
    "Salesmsg, check for changes first."
)

Action = AuditEntry.Action


def account_action(act: Callable[[StaffRequest, Account], None]) -> Callable[..., HttpResponse]:
    """A form of the sync page for the account's managers: act on the account, then redirect to its sync page."""

    @access.manager_view("POST")
    @wraps(act)
    def view(request: StaffRequest, account: Account) -> HttpResponse:
        act(request, account)
        return redirect("sync:one", account.pk)

    return view


@account_action
def pause(request: StaffRequest, account: Account) -> None:
    if syncing.pause_sync(account, request.user):
        messages.info(request, _("The sync is paused. Texts and edits are still sent."))


@account_action
def resume(request: StaffRequest, account: Account) -> None:
    if syncing.resume_sync(account, request.user):
        messages.success(request, _("Sync resumed. It checks for new data first."))


@account_action
def full(request: StaffRequest, account: Account) -> None:
    """Start a full sync."""
    _start(request, account, syncing.start_full, Action.SYNC_FULL)


@account_action
def changes(request: StaffRequest, account: Account) -> None:
    """Start a check for changes."""
    _start(request, account, syncing.start_changes, Action.SYNC_CHANGES)


@account_action
def stop(request: StaffRequest, account: Account) -> None:
    if syncing.stop_sync(account):
        access.record_audit(request.user, Action.SYNC_STOPPED, account)
        messages.info(request, _("Sync stopped. Data read so far is kept."))


def _start(
    request: StaffRequest, account: Account, request_sync: Callable[[Account, User], Any], action: Action
) -> None:
    if account.state != Account.State.CONNECTED:
        messages.error(request, NOT_CONNECTED)
    elif account.sync_paused_at:
        messages.error(request, PAUSED)
    else:
        request_sync(account, request.user)
        access.record_audit(request.user, action, account)


# --- one contact, one conversation -----------------------------------------------------------------------------------


@access.staff_view("POST")
def contact(request: StaffRequest, pk: int) -> HttpResponse:
    """Refresh a contact and its conversations."""
    found = get_object_or_404(Contact.objects.for_user(request.user).select_related("account"), pk=pk)
    return _respond(request, found.account, *_request_refresh(request, found))


@access.staff_view("POST")
def conversation(request: StaffRequest, pk: int) -> HttpResponse:
    """Refresh the newest messages of a conversation."""
    threads = Conversation.objects.for_user(request.user).select_related("account", "contact")
    found = get_object_or_404(threads, pk=pk)
    return _respond(request, found.account, *_request_refresh(request, found))


@access.staff_view("POST")
def search(request: StaffRequest, pk: int) -> HttpResponse:
    """Refresh the contact or conversation searched for. Several matches open a page to choose one."""
    account = get_object_or_404(Account.objects.for_user(request.user), pk=pk)
    typed = request.POST.get("who", "").strip()
    found = find_contacts(request.user, account, typed)
    if not found:
        error = NO_MATCH if typed else _("Enter a phone number, a name or a Salesmsg ID.")
        return one_page(request, pk, typed=typed, error=error, status=422)
    if found.only is None:
        return render(request, "sync/choose.html", {"account": account, "found": found, "typed": typed})
    return _respond(request, account, *_request_refresh(request, found.only))


def _request_refresh(request: StaffRequest, found: Contact | Conversation) -> tuple[bool, str | Promise]:
    """Return whether the refresh was requested, and the message to show."""
    if found.account.state != Account.State.CONNECTED:
        return False, NOT_CONNECTED
    if isinstance(found, Conversation):
        who, asked = (
            _("The conversation with %(contact)s") % {"contact": found.contact},
            syncing.request_conversation(found, request.user),
        )
    else:
        who, asked = str(found), syncing.request_contact(found, request.user)
    return asked, REFRESHING % {"who": who} if asked else DRAFT % {
        "who": found if isinstance(found, Contact) else found.contact
    }


def _respond(request: StaffRequest, account: Account, asked: bool, text: str | Promise) -> HttpResponse:
    """Return a fragment that replaces the button for htmx; otherwise redirect back with a message."""
    if request.headers.get("HX-Request"):
        return render(request, "sync/_request_result.html", {"asked": asked, "text": text})
    (messages.success if asked else messages.error)(request, str(text))
    next_url = access.local_address(request.POST.get("next", ""))
    return redirect(next_url or reverse("sync:one", args=[account.pk]))
