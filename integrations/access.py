"""Permissions: staff see the accounts they are members of; managers also connect and disconnect them."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from .crypto import Unsealable, unseal
from .models import Account, AuditEntry, Contact, Membership

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class StaffRequest(HttpRequest):
    """A request of signed-in staff, as the views behind `staff_view` get it."""

    user: "User"


def staff_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Require a signed-in staff member.

    Anonymous users are redirected to the login page, and background requests get a 401. Users who are not staff get a
    403. After login, the user returns to the requested page, or to the page of the form if a form was submitted.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        user = request.user
        if not user.is_authenticated:
            if request.headers.get("HX-Request"):
                return HttpResponse(_("Please sign in again."), status=401, content_type="text/plain")
            safe = request.method in {"GET", "HEAD"}
            return redirect_to_login(request.get_full_path() if safe else referring_page(request))
        if not user.is_staff:
            raise PermissionDenied(_("Only staff can use this page. Ask an administrator to give you staff status."))
        return view(request, *args, **kwargs)

    return guarded


def staff_view(*methods: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A page for signed-in staff that no cache keeps. methods: those it answers; GET and HEAD when none is named."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        return require_http_methods(methods or ("GET", "HEAD"))(never_cache(staff_required(view)))

    return decorate


def manager_view(*methods: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A `staff_view` of one account, for its managers: the view gets the account instead of its primary key."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def managed(request: StaffRequest, pk: int) -> HttpResponse:
            account = get_object_or_404(Account.objects.for_user(request.user), pk=pk)
            require_permission(can_manage(request.user, account))
            return view(request, account)

        return staff_view(*methods)(managed)

    return decorate


def referring_page(request: HttpRequest) -> str:
    """Return the page that a form was sent from, by its Referer, else the list page of the same app, else the inbox."""
    referer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        origin = urlsplit(referer)
        page = f"{origin.path}?{origin.query}" if origin.query else origin.path
        # The second check rejects paths such as "//elsewhere.example", which browsers treat as another host.
        if page.startswith("/") and url_has_allowed_host_and_scheme(page, None) and _is_portal_path(origin.path):
            return page
    room = request.resolver_match.app_name if request.resolver_match else ""
    try:
        return reverse(f"{room}:list")
    except NoReverseMatch:
        return reverse("inbox:list")


def local_address(wanted: str) -> str:
    """Return the address if it leads to this site, else an empty string."""
    is_local = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_local else ""


def _is_portal_path(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def can_manage(user, account: Account) -> bool:
    """Return whether the user may connect, disconnect and sync the account."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or account.memberships.filter(user=user, role=Membership.Role.MANAGER).exists()


def can_connect(user) -> bool:
    """Return whether the user may add an account: superusers and managers of an account may."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or Membership.objects.filter(user=user, role=Membership.Role.MANAGER).exists()


def can_opt_in(user, account: Account) -> bool:
    """Return whether the user may opt contacts in again who have opted out."""
    return can_manage(user, account)


def require_permission(allowed: bool) -> None:
    """Raise PermissionDenied with a message for staff unless allowed."""
    if not allowed:
        raise PermissionDenied(_("Only managers of this account can do that. Ask an administrator for access."))


def record_audit(
    user, action: AuditEntry.Action, account: Account | None = None, contact: Contact | None = None, **params: Any
) -> None:
    """Record who did what. params: the affected ids, counts and field names, never a secret or a customer's text."""
    person = user if user is not None and getattr(user, "pk", None) else None
    if contact is not None:
        params = {"contact": contact.pk, **params}
    AuditEntry.objects.create(user=person, account=account, contact=contact, action=action, params=params)


def webhook_address(account: Account) -> str:
    """Return the webhook address to enter in Salesmsg. Raises crypto.Unsealable."""
    return settings.PORTAL_URL + reverse("webhook", args=[unseal(account.webhook_secret)])


def readable_webhook_address(account: Account) -> str:
    """Return the webhook address to enter in Salesmsg, or an empty string if it cannot be decrypted."""
    try:
        return webhook_address(account)
    except Unsealable:
        return ""


def require_member(user, account_id: int) -> None:
    if not Account.objects.for_user(user).filter(pk=account_id).exists():
        raise PermissionDenied(_("You are not a member of this account."))
