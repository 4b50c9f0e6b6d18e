"""The first minutes of an installation: what is done already, and what the next step is. All of it is read from the
data; nothing here is remembered but that somebody does not want to see it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import ERROR, registry
from django.db.models import Exists, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .. import access
from ..accounts.queries import oauth_ready
from ..models import Account, Heartbeat, Membership, Message
from ..sync import request as sync
from .conversation_list.banners import HEARTBEAT_TIMEOUT

HIDDEN_FOR = 365 * 24 * 3600  # seconds
CHECKS = "integrations.checks"  # Django knows its checks; nobody imports them
WORKER = "manage.py qcluster"


@dataclass(frozen=True)
class Step:
    """One line of the list. `link` is what the button says, `href` where it leads; `command`: what to type."""

    name: str
    title: str
    words: str
    done: bool
    href: str = ""
    link: str = ""
    command: str = ""
    optional: bool = False


@dataclass(frozen=True)
class FirstSteps:
    """`moving`: something changes by itself soon, so look again. `problems`: (what is wrong, how to mend it)."""

    steps: list[Step]
    progress: sync.Progress | None = None
    problems: tuple[tuple[str, str], ...] = ()
    connected: bool = False
    may_connect: bool = False

    @property
    def complete(self) -> bool:
        return all(step.done for step in self.steps)

    @property
    def next(self) -> Step | None:
        return next((step for step in self.steps if not step.done), None)

    @property
    def count(self) -> int:
        return sum(step.done for step in self.steps)

    @property
    def moving(self) -> bool:
        return self.progress is not None or any(not one.done for one in self.steps if one.name in ("worker", "sync"))


def read_steps(user, host: str = "") -> FirstSteps:
    """One query about the accounts, and a few more while nothing is connected or the first sync runs.

    host: where the browser is; Salesmsg leads back to PORTAL_URL, so connecting from elsewhere would fail."""
    others = Membership.objects.filter(account=OuterRef("pk")).exclude(user=user)
    managing = Membership.objects.filter(account=OuterRef("pk"), user=user, role=Membership.Role.MANAGER)
    left = (Message.State.SENT, Message.State.DELIVERED)
    own = Message.objects.filter(account=OuterRef("pk"), client_uuid__isnull=False, state__in=left)
    found = list(
        Account.objects.for_user(user)
        .defer("webhook_secret", "vendor_reason")
        .annotate(
            heartbeat_at=Subquery(Heartbeat.objects.filter(name="tick").values("at")[:1]),
            shared=Exists(others),
            managed=Exists(managing),
            texted=Exists(own),
        )
    )
    connected = [one for one in found if one.state == Account.State.CONNECTED]
    heartbeat = (
        found[0].heartbeat_at if found else Heartbeat.objects.filter(name="tick").values_list("at", flat=True).first()
    )
    may_connect = any(one.managed for one in found) or access.can_connect(user)
    progress = _progress(connected)
    steps = [
        _connect(found, connected, may_connect),
        _worker(heartbeat),
        _sync(connected, progress),
        _text(found, connected),
    ]
    if found and may_connect:
        steps += [_webhook(found), _colleague(user, found)]
    problems = _problems(host) if may_connect and not connected else ()
    return FirstSteps(steps, progress, problems, bool(connected), may_connect)


def _progress(connected: list[Account]) -> sync.Progress | None:
    """Of the first sync that runs now."""
    for account in connected:
        if account.synced_at is None and (progress := sync.progress(account)) is not None and progress.running:
            return progress
    return None


def _connect(found: list[Account], connected: list[Account], may_connect: bool) -> Step:
    href = reverse("accounts:detail", args=[found[0].pk]) if found else reverse("accounts:list") + "#connect"
    if found and not connected:
        words = _("The account has to be connected again. Everything that was read is kept.")
    elif not may_connect:
        words = _("If your team has an account already, ask its manager to add you to it.")
    elif oauth_ready():
        words = _("Salesmsg asks you to allow this portal, and brings you back here.")
    else:
        words = _(
            "Paste a personal access token of Salesmsg. To connect with a Salesmsg login instead, SALESMSG_CLIENT_ID "
            "and SALESMSG_CLIENT_SECRET have to be set first; the page tells how."
        )
    return Step("connect", _("Connect Salesmsg"), words, bool(connected), href, _("Connect Salesmsg"))


def _worker(heartbeat) -> Step:
    alive = heartbeat is not None and heartbeat > timezone.now() - HEARTBEAT_TIMEOUT
    words = _("It reads and sends everything, and it does not run now. Whoever looks after the server starts it with:")
    return Step("worker", _("Background worker runs"), words, alive, command=WORKER)


def _sync(connected: list[Account], progress: sync.Progress | None) -> Step:
    done = any(one.synced_at for one in connected)
    if progress is not None:
        words = _("It runs. What has arrived can be answered already.")
    else:
        words = _("It brings your contacts, conversations and messages, and begins by itself once you are connected.")
    href = reverse("sync:list") if connected else ""
    return Step("sync", _("First sync"), words, done, href, _("See how far it is"))


def _text(found: list[Account], connected: list[Account]) -> Step:
    words = _("Open a conversation and answer, or write to a number. Nothing leaves before you press Send.")
    done = any(one.texted for one in found)
    return Step(
        "text", _("Send your first text"), words, done, reverse("inbox:new") if connected else "", _("Write a text")
    )


def _webhook(found: list[Account]) -> Step:
    words = _("Paste the account's webhook address at Salesmsg. New texts arrive within seconds then, not minutes.")
    href = reverse("accounts:detail", args=[found[0].pk]) + "#webhook"
    done = any(one.last_event_at for one in found)
    return Step("webhook", _("Hear of new texts at once"), words, done, href, _("Show the address"), optional=True)


def _colleague(user, found: list[Account]) -> Step:
    words = _("Make a user with staff status, then add them to the account as an agent or a manager.")
    add = user.is_superuser
    href = reverse("admin:auth_user_add") if add else reverse("accounts:detail", args=[found[0].pk])
    done = any(one.shared for one in found)
    link = _("Add a user") if add else _("To the account")
    return Step("colleague", _("Invite a colleague"), words, done, href, link, optional=True)


def _problems(host: str) -> tuple[tuple[str, str], ...]:
    """What would make connecting fail: our system checks, and an address that Salesmsg does not lead back to."""
    ours = [check for check in registry.registry.get_checks() if check.__module__ == CHECKS]
    said = [one for check in ours for one in check(app_configs=None) if one.level >= ERROR]
    found = [(str(one.msg), str(one.hint or "")) for one in said]
    own = urlsplit(settings.PORTAL_URL)
    if host and urlsplit(f"//{host}").hostname != own.hostname and oauth_ready():
        what = _("You are at %(here)s, and Salesmsg leads back to %(there)s.") % {"here": host, "there": own.netloc}
        found.append((what, _("Open the portal at %(address)s to connect.") % {"address": settings.PORTAL_URL}))
    return tuple(found)


# --- The pages -------------------------------------------------------------------------------------------------------


def cookie(user) -> str:
    return f"first-steps-{user.pk}"


def wanted(request: HttpRequest) -> bool:
    """Whether this person has neither hidden the list nor seen it complete, in this browser."""
    return cookie(request.user) not in request.COOKIES


@access.staff_view()
def page(request: HttpRequest) -> HttpResponse:
    """The list, for the inbox's empty place or as a page of its own. Complete, it is not asked for again."""
    if request.headers.get("HX-Request") and not wanted(request):
        return HttpResponse()
    found = read_steps(request.user, request.get_host())
    if not request.headers.get("HX-Request"):
        return render(request, "inbox/onboarding/page.html", {"first": found})
    response = render(request, "inbox/onboarding/_steps.html", {"first": found, "fragment": True})
    if found.complete:
        _remember(request, response)
    return response


@require_POST
@access.staff_required
def hide(request: HttpRequest) -> HttpResponse:
    """This person does not want to see the list any more, in this browser."""
    response = HttpResponse() if request.headers.get("HX-Request") else redirect("inbox:list")
    _remember(request, response)
    return response


def _remember(request: HttpRequest, response: HttpResponse) -> None:
    response.set_cookie(
        cookie(request.user), "hidden", max_age=HIDDEN_FOR, secure=request.is_secure(), httponly=True, samesite="Lax"
    )
