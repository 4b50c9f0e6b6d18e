"""Who may see what: staff see the accounts they are members of, managers also connect and disconnect them."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from .models import Account, AuditEntry, Membership


def staff_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Lets signed-in staff through. Others: the login page; a background request gets 401; non-staff 403."""

    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        user = request.user
        if not user.is_authenticated:
            if request.headers.get("HX-Request"):
                return HttpResponse("Please sign in again.", status=401, content_type="text/plain")
            return redirect_to_login(request.get_full_path())
        if not user.is_staff:
            raise PermissionDenied("Only staff can work here. Ask an administrator to mark you as staff.")
        return view(request, *args, **kwargs)

    return guarded


def manages(user, account: Account) -> bool:
    """Whether this person may connect, disconnect and sync the account."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or account.memberships.filter(user=user, role=Membership.Role.MANAGER).exists()


def may_connect(user) -> bool:
    """Whether this person may add an account: superusers, and managers of one."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or Membership.objects.filter(user=user, role=Membership.Role.MANAGER).exists()


def require(allowed: bool) -> None:
    """Raises PermissionDenied with words for staff."""
    if not allowed:
        raise PermissionDenied("Only a manager of this account can do that. Ask an administrator.")


def audit(user, action: str, account: Account | None = None, detail: str = "") -> None:
    """Notes who did what; no secrets, no texts of customers."""
    person = user if user is not None and getattr(user, "pk", None) else None
    AuditEntry.objects.create(user=person, account=account, action=action, detail=detail[:400])
