"""Everything on the accounts pages that changes something: POST, by managers only."""

from collections.abc import Callable
from functools import wraps
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
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from .. import access
from ..models import Account
from ..sync import request as syncing
from . import connect
from .forms import LabelForm, TokenForm
from .views import detail_page, index_page, own_account


def managed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hands the view the account; only for its managers."""

    @wraps(view)
    @access.staff_required
    def guarded(request: HttpRequest, pk: int) -> HttpResponse:
        account = own_account(request, pk)
        access.require_permission(access.can_manage(request.user, account))
        return view(request, account)

    return guarded


def problem_page(request: HttpRequest, problem: connect.ConnectProblem, account: Account | None = None) -> HttpResponse:
    """What happened and what to do. Neither codes nor tokens are in it."""
    status = 502 if problem.kind == "vendor" else 400  # the vendor's trouble, or this trip's
    context = {"problem": problem, "account": account, "vendor": problem.kind == "vendor"}
    return render(request, "accounts/problem.html", context, status=status)


# --- to the consent screen and back --------------------------------------------------------------------------------


@require_POST
@access.staff_required
def connect_oauth(request: HttpRequest) -> HttpResponse:
    access.require_permission(access.can_connect(request.user))
    form = LabelForm(request.POST)
    label = form.cleaned_data["label"].strip() if form.is_valid() else ""
    return _to_consent(request, label=label)


@require_POST
@managed
def reconnect(request: HttpRequest, account: Account) -> HttpResponse:
    return _to_consent(request, account=account)


def _to_consent(request: HttpRequest, label: str = "", account: Account | None = None) -> HttpResponse:
    here, host = urlsplit(f"//{request.get_host()}").hostname, urlsplit(settings.PORTAL_URL).hostname
    if here != host:
        # Salesmsg sends the browser back to PORTAL_URL, where the session of this address is not known.
        problem = connect.ConnectProblem(
            "setup",
            _("Open the portal at its own address"),
            _("You are at %(here)s, and Salesmsg sends you back to %(host)s, where you are not signed in.")
            % {"here": here, "host": host},
            _("Sign in at %(portal)s%(path)s and connect there.")
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
    """The way back. The code in the address goes nowhere else: neither to the login page nor into a Referer."""
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
        _("%(label)s is connected. Its contacts and conversations are being fetched.") % {"label": account.label},
    )
    return redirect("accounts:detail", account.pk)


# --- personal access tokens ----------------------------------------------------------------------------------------


@sensitive_post_parameters("token")
@require_POST
@access.staff_required
def connect_token(request: HttpRequest) -> HttpResponse:
    access.require_permission(access.can_connect(request.user))
    form = TokenForm(request.POST)
    account = _by_token(request, form, None)
    return redirect("accounts:detail", account.pk) if account else index_page(request, form, status=422)


@sensitive_post_parameters("token")
@require_POST
@managed
def reconnect_token(request: HttpRequest, account: Account) -> HttpResponse:
    form = TokenForm(request.POST, labelled=False)
    done = _by_token(request, form, account)
    return redirect("accounts:detail", account.pk) if done else detail_page(request, account, form, status=422)


def _by_token(request: HttpRequest, form: TokenForm, account: Account | None) -> Account | None:
    """The connected account, or None with the words in the form."""
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
        _("%(label)s is connected. Its contacts and conversations are being fetched.") % {"label": connected.label},
    )
    return connected


# --- syncs, webhook, disconnect ------------------------------------------------------------------------------------


@require_POST
@managed
def sync(request: HttpRequest, account: Account) -> HttpResponse:
    """kind=full reads everything again, kind=changes what is new."""
    if account.state != Account.State.CONNECTED:
        messages.error(request, _("This account is not connected, so nothing can be fetched. Connect it again first."))
    elif account.sync_paused_at:
        messages.error(request, _("The sync is paused, so nothing was begun. Resume it on the sync page first."))
    elif request.POST.get("kind") == "changes":
        syncing.start_changes(account, request.user)
    else:
        syncing.start_full(account, request.user)
    return redirect(reverse("accounts:detail", args=[account.pk]) + "#sync")


@require_POST
@managed
def stop(request: HttpRequest, account: Account) -> HttpResponse:
    if syncing.stop_sync(account):
        access.record_audit(request.user, "sync.stopped", account)
        messages.info(request, _("The sync was stopped. What it had read is kept."))
    return redirect(reverse("accounts:detail", args=[account.pk]) + "#sync")


@require_http_methods(["GET", "HEAD", "POST"])
@managed
def new_webhook(request: HttpRequest, account: Account) -> HttpResponse:
    """Asks first: the old address stops working at once."""
    if request.method == "POST":
        connect.rotate_webhook(request.user, account)
        messages.success(request, _("There is a new webhook address. Paste it at Salesmsg in place of the old one."))
        return redirect(reverse("accounts:detail", args=[account.pk]) + "#webhook")
    return render(request, "accounts/confirm_webhook.html", {"account": account})


@require_http_methods(["GET", "HEAD", "POST"])
@managed
def disconnect(request: HttpRequest, account: Account) -> HttpResponse:
    if request.method == "POST":
        connect.disconnect_account(request.user, account)
        messages.success(
            request,
            _("%(label)s is disconnected. Everything that was read from it is kept.") % {"label": account.label},
        )
        return redirect("accounts:detail", account.pk)
    return render(request, "accounts/confirm_disconnect.html", {"account": account})
