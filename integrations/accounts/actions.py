"""POST views of the accounts pages. Managers only."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from .. import access
from ..models import Account, AuditEntry
from ..sync import request as syncing
from . import connect
from .forms import LabelForm, TokenForm
from .views import detail_page, index_page


def problem_page(request: HttpRequest, problem: connect.ConnectProblem, account: Account | None = None) -> HttpResponse:
    """Render what happened and what to do next. Contains no codes or tokens."""
    status = 502 if problem.kind == "vendor" else 400  # Salesmsg failed, or this request is invalid
    context = {"problem": problem, "account": account, "vendor": problem.kind == "vendor"}
    return render(request, "accounts/problem.html", context, status=status)


# --- OAuth authorization -------------------------------------------------------------------------------------------


@access.staff_view("POST")
def connect_oauth(request: HttpRequest) -> HttpResponse:
    access.require_permission(access.can_connect(request.user))
    form = LabelForm(request.POST)
    label = form.cleaned_data["label"].strip() if form.is_valid() else ""
    return _redirect_to_salesmsg(request, label=label)


@access.manager_view("POST")
def reconnect(request: HttpRequest, account: Account) -> HttpResponse:
    return _redirect_to_salesmsg(request, account=account)


def _redirect_to_salesmsg(request: HttpRequest, label: str = "", account: Account | None = None) -> HttpResponse:
    current_host, portal_host = urlsplit(f"//{request.get_host()}").hostname, urlsplit(settings.PORTAL_URL).hostname
    if current_host != portal_host:
        # Salesmsg redirects to PORTAL_URL, where the session cookie of this host is not sent.
        problem = connect.ConnectProblem(
            "setup",
            _("Open the portal at its public address"),
            _("You opened the portal at %(here)s, but Salesmsg redirects to %(host)s, where you are not signed in.")
            % {"here": current_host, "host": portal_host},
            _("Sign in at %(portal)s%(path)s and connect from there.")
            % {"portal": settings.PORTAL_URL, "path": reverse("accounts:list")},
        )
        return problem_page(request, problem, account)
    try:
        address = connect.authorization_url(request.user, request.session.session_key, label=label, account=account)
    except connect.ConnectProblem as problem:
        return problem_page(request, problem, account)
    return redirect(address)


@require_safe
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """OAuth redirect URI. Keeps the code out of the login page's address and the Referer header."""
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("accounts:list"))
    response = _callback(request)
    response["Referrer-Policy"] = "no-referrer"
    return response


@access.staff_required
def _callback(request: HttpRequest) -> HttpResponse:
    try:
        account = connect.finish_authorization(request.user, request.session.session_key, request.GET.dict())
    except connect.ConnectProblem as problem:
        return problem_page(request, problem)
    messages.success(
        request,
        _("%(label)s is connected. Its contacts and conversations are syncing now.") % {"label": account.label},
    )
    return redirect("accounts:detail", account.pk)


# --- personal access tokens ----------------------------------------------------------------------------------------


@sensitive_post_parameters("token")
@access.staff_view("POST")
def connect_token(request: HttpRequest) -> HttpResponse:
    access.require_permission(access.can_connect(request.user))
    form = TokenForm(request.POST)
    account = _connect_with_token(request, form, None)
    return redirect("accounts:detail", account.pk) if account else index_page(request, form, status=422)


@sensitive_post_parameters("token")
@access.manager_view("POST")
def reconnect_token(request: HttpRequest, account: Account) -> HttpResponse:
    form = TokenForm(request.POST, labelled=False)
    connected = _connect_with_token(request, form, account)
    return redirect("accounts:detail", account.pk) if connected else detail_page(request, account, form, status=422)


def _connect_with_token(request: HttpRequest, form: TokenForm, account: Account | None) -> Account | None:
    """Return the connected account, or None after adding the error to the form."""
    if not form.is_valid():
        return None
    label = account.label if account else form.cleaned_data["label"].strip()
    try:
        connected = connect.connect_by_token(request.user, label, form.cleaned_data["token"], account=account)
    except connect.ConnectProblem as problem:
        form.add_error("token", f"{problem.what} {problem.todo}".strip())
        return None
    messages.success(
        request,
        _("%(label)s is connected. Its contacts and conversations are syncing now.") % {"label": connected.label},
    )
    return connected


# --- syncs, webhook, disconnect ------------------------------------------------------------------------------------


@access.manager_view("POST")
def sync(request: HttpRequest, account: Account) -> HttpResponse:
    """Start a full sync (kind=full) or a check for changes (kind=changes)."""
    if account.state != Account.State.CONNECTED:
        messages.error(request, _("This account is not connected, so it cannot sync. Reconnect it first."))
    elif account.sync_paused_at:
        messages.error(request, _("The sync is paused, so nothing was started. Resume it on the sync page first."))
    elif request.POST.get("kind") == "changes":
        syncing.start_changes(account, request.user)
    else:
        syncing.start_full(account, request.user)
    return redirect(reverse("accounts:detail", args=[account.pk]) + "#sync")


@access.manager_view("POST")
def stop(request: HttpRequest, account: Account) -> HttpResponse:
    if syncing.stop_sync(account):
        access.record_audit(request.user, AuditEntry.Action.SYNC_STOPPED, account)
        messages.info(request, _("Sync stopped. Data read so far is kept."))
    return redirect(reverse("accounts:detail", args=[account.pk]) + "#sync")


@access.manager_view("GET", "HEAD", "POST")
def new_webhook(request: HttpRequest, account: Account) -> HttpResponse:
    """Ask for confirmation first, because the old address stops working immediately."""
    if request.method == "POST":
        connect.rotate_webhook(request.user, account)
        messages.success(request, _("New webhook address created. Replace the old one in Salesmsg."))
        return redirect(reverse("accounts:detail", args=[account.pk]) + "#webhook")
    return render(request, "accounts/confirm_webhook.html", {"account": account})


@access.manager_view("GET", "HEAD", "POST")
def disconnect(request: HttpRequest, account: Account) -> HttpResponse:
    if request.method == "POST":
        connect.disconnect_account(request.user, account)
        messages.success(
            request,
            _("%(label)s is disconnected. Its synced data is kept.") % {"label": account.label},
        )
        return redirect("accounts:detail", account.pk)
    return render(request, "accounts/confirm_disconnect.html", {"account": account})
