"""Who may see what: staff see the accounts they are members of, managers also connect and disconnect them."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
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
    """Lets signed-in staff through. Others: the login page; a background request gets 401; non-staff 403.

    The login leads back: to the address itself, or, when a form was sent, to the page that the form is on."""

    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        user = request.user
        if not user.is_authenticated:
            if request.headers.get("HX-Request"):
                return HttpResponse(_("Please sign in again."), status=401, content_type="text/plain")
            safe = request.method in {"GET", "HEAD"}
            return redirect_to_login(request.get_full_path() if safe else referring_page(request))
        if not user.is_staff:
            raise PermissionDenied(_("Only staff can work here. Ask an administrator to mark you as staff."))
        return view(request, *args, **kwargs)

    return guarded


def staff_view(*methods: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A page for signed-in staff that no cache keeps. methods: those it answers; GET and HEAD when none is named."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        return require_http_methods(methods or ("GET", "HEAD"))(never_cache(staff_required(view)))

    return decorate


def referring_page(request: HttpRequest) -> str:
    """The page that a form was sent from, as the Referer tells; else the list of the same room, else the inbox."""
    referer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        came = urlsplit(referer)
        page = f"{came.path}?{came.query}" if came.query else came.path
        # The second look is for paths such as "//elsewhere.example", which a browser takes for another host.
        if page.startswith("/") and url_has_allowed_host_and_scheme(page, None) and _is_ours(came.path):
            return page
    room = request.resolver_match.app_name if request.resolver_match else ""
    try:
        return reverse(f"{room}:list")
    except NoReverseMatch:
        return reverse("inbox:list")


def local_address(wanted: str) -> str:
    """The address when it leads to this site, else ""."""
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if ours else ""


def _is_ours(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def can_manage(user, account: Account) -> bool:
    """Whether this person may connect, disconnect and sync the account."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or account.memberships.filter(user=user, role=Membership.Role.MANAGER).exists()


def can_connect(user) -> bool:
    """Whether this person may add an account: superusers, and managers of one."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or Membership.objects.filter(user=user, role=Membership.Role.MANAGER).exists()


def require_permission(allowed: bool) -> None:
    """Raises PermissionDenied with words for staff."""
    if not allowed:
        raise PermissionDenied(_("Only a manager of this account can do that. Ask an administrator."))


def record_audit(
    user, action: AuditEntry.Action, account: Account | None = None, contact: Contact | None = None, **params: Any
) -> None:
    """Records who did what. params: to what (ids, counts, names of fields), never a secret or a customer's text."""
    person = user if user is not None and getattr(user, "pk", None) else None
    if contact is not None:
        params = {"contact": contact.pk, **params}
    AuditEntry.objects.create(user=person, account=account, contact=contact, action=action, params=params)


def webhook_address(account: Account) -> str:
    """The address to paste at Salesmsg. Raises crypto.Unsealable."""
    return settings.PORTAL_URL + reverse("webhook", args=[unseal(account.webhook_secret)])


def readable_webhook_address(account: Account) -> str:
    """The address to paste at Salesmsg; empty when it cannot be read with today's keys."""
    try:
        return webhook_address(account)
    except Unsealable:
        return ""


def require_member(user, account_id: int) -> None:
    if not Account.objects.for_user(user).filter(pk=account_id).exists():
        raise PermissionDenied(_("You are not a member of this account."))
