"""The setup checklist of a new installation. Its state comes from the data; only hiding it is stored, in a cookie."""

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

from .. import access
from ..accounts.queries import oauth_ready
from ..models import Account, Heartbeat, Membership, Message
from ..sync import request as sync

HIDDEN_FOR = 365 * 24 * 3600  # seconds
CHECKS = "integrations.checks"  # found in Django's registry, without an import
WORKER = "manage.py qcluster"


@dataclass(frozen=True)
class Step:
    """A step of the checklist. `link` and `href` are the button; `command` is a shell command to show."""

    name: str
    title: str
    text: str
    done: bool
    href: str = ""
    link: str = ""
    command: str = ""
    optional: bool = False


@dataclass(frozen=True)
class FirstSteps:
    """The checklist. `moving`: the page polls, because a step can complete by itself. `problems`: (problem, fix)."""

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
    """Read the checklist. One query, and a few more while nothing is connected or the first sync runs.

    host: the host in the browser. Salesmsg redirects to PORTAL_URL, so connecting from another host would fail."""
    others = Membership.objects.filter(account=OuterRef("pk")).exclude(user=user)
    managing = Membership.objects.filter(account=OuterRef("pk"), user=user, role=Membership.Role.MANAGER)
    sent = (Message.State.SENT, Message.State.DELIVERED)
    own = Message.objects.filter(account=OuterRef("pk"), client_uuid__isnull=False, state__in=sent)
    accounts = list(
        Account.objects.for_user(user)
        .defer("webhook_secret", "vendor_reason")
        .annotate(
            heartbeat_at=Subquery(Heartbeat.objects.filter(name="tick").values("at")[:1]),
            shared=Exists(others),
            managed=Exists(managing),
            texted=Exists(own),
        )
    )
    connected = [account for account in accounts if account.state == Account.State.CONNECTED]
    if accounts:
        heartbeat = accounts[0].heartbeat_at
    else:
        heartbeat = Heartbeat.objects.filter(name="tick").values_list("at", flat=True).first()
    may_connect = any(account.managed for account in accounts) or access.can_connect(user)
    progress = _progress(connected)
    steps = [
        _connect(accounts, connected, may_connect),
        _worker(heartbeat),
        _sync(connected, progress),
        _text(accounts, connected),
    ]
    if accounts and may_connect:
        steps += [_webhook(accounts), _colleague(user, accounts)]
    problems = _problems(host) if may_connect and not connected else ()
    return FirstSteps(steps, progress, problems, bool(connected), may_connect)


def _progress(connected: list[Account]) -> sync.Progress | None:
    """The progress of the first sync, if one is running."""
    for account in connected:
        if account.synced_at is None and (progress := sync.progress(account)) is not None and progress.running:
            return progress
    return None


def _connect(accounts: list[Account], connected: list[Account], may_connect: bool) -> Step:
    href = reverse("accounts:detail", args=[accounts[0].pk]) if accounts else reverse("accounts:list") + "#connect"
    if accounts and not connected:
        text = _("Reconnect the account. All synced data is kept.")
    elif not may_connect:
        text = _("If your team already has an account, ask its manager to add you.")
    elif oauth_ready():
        text = _("Salesmsg asks you to authorize this portal, then brings you back here.")
    else:
        text = _(
            "Paste a Salesmsg personal access token. To connect with a Salesmsg login instead, set SALESMSG_CLIENT_ID "
            "and SALESMSG_CLIENT_SECRET first. The page explains how."
        )
    return Step("connect", _("Connect Salesmsg"), text, bool(connected), href, _("Connect Salesmsg"))


def _worker(heartbeat) -> Step:
    alive = heartbeat is not None and heartbeat > timezone.now() - Heartbeat.TIMEOUT
    text = _("The background worker syncs and sends texts. It is not running. Start it on the server with:")
    return Step("worker", _("Start the background worker"), text, alive, command=WORKER)


def _sync(connected: list[Account], progress: sync.Progress | None) -> Step:
    done = any(one.synced_at for one in connected)
    if progress is not None:
        text = _("The sync is running. You can already reply to texts that have arrived.")
    else:
        text = _("Loads your contacts, conversations and messages. Starts automatically once you are connected.")
    href = reverse("sync:list") if connected else ""
    return Step("sync", _("First sync"), text, done, href, _("Show progress"))


def _text(accounts: list[Account], connected: list[Account]) -> Step:
    text = _("Open a conversation and reply, or text a phone number. Nothing is sent until you press Send.")
    done = any(account.texted for account in accounts)
    return Step(
        "text", _("Send your first text"), text, done, reverse("inbox:new") if connected else "", _("Write a text")
    )


def _webhook(accounts: list[Account]) -> Step:
    text = _("Paste the account's webhook URL into Salesmsg. New texts then arrive in seconds instead of minutes.")
    href = reverse("accounts:detail", args=[accounts[0].pk]) + "#webhook"
    done = any(account.last_event_at for account in accounts)
    return Step("webhook", _("Receive new texts instantly"), text, done, href, _("Show webhook URL"), optional=True)


def _colleague(user, accounts: list[Account]) -> Step:
    text = _("Create a user with staff status, then add them to the account as an agent or manager.")
    add = user.is_superuser
    href = reverse("admin:auth_user_add") if add else reverse("accounts:detail", args=[accounts[0].pk])
    done = any(account.shared for account in accounts)
    link = _("Add a user") if add else _("Open account")
    return Step("colleague", _("Invite a colleague"), text, done, href, link, optional=True)


def _problems(host: str) -> tuple[tuple[str, str], ...]:
    """Problems that would make connecting fail: failed system checks, and a host other than that of PORTAL_URL."""
    checks = [check for check in registry.registry.get_checks() if check.__module__ == CHECKS]
    errors = [message for check in checks for message in check(app_configs=None) if message.level >= ERROR]
    problems = [(str(error.msg), str(error.hint or "")) for error in errors]
    own = urlsplit(settings.PORTAL_URL)
    if host and urlsplit(f"//{host}").hostname != own.hostname and oauth_ready():
        values = {"here": host, "there": own.netloc}
        problem = _("You opened the portal at %(here)s, but Salesmsg redirects to %(there)s.") % values
        problems.append((problem, _("Open the portal at %(address)s to connect.") % {"address": settings.PORTAL_URL}))
    return tuple(problems)


# --- The pages -------------------------------------------------------------------------------------------------------


def cookie(user) -> str:
    return f"first-steps-{user.pk}"


def wanted(request: HttpRequest) -> bool:
    """Whether to show the checklist: the user has neither hidden nor completed it in this browser."""
    return cookie(request.user) not in request.COOKIES


@access.staff_view()
def page(request: HttpRequest) -> HttpResponse:
    """The checklist as a fragment of the inbox or as a full page. A completed checklist is hidden from then on."""
    if request.headers.get("HX-Request") and not wanted(request):
        return HttpResponse()
    steps = read_steps(request.user, request.get_host())
    if not request.headers.get("HX-Request"):
        return render(request, "inbox/onboarding/page.html", {"first": steps})
    response = render(request, "inbox/onboarding/_steps.html", {"first": steps, "fragment": True})
    if steps.complete:
        _set_hidden(request, response)
    return response


@access.staff_view("POST")
def hide(request: HttpRequest) -> HttpResponse:
    """Hide the checklist for this user in this browser."""
    response = HttpResponse() if request.headers.get("HX-Request") else redirect("inbox:list")
    _set_hidden(request, response)
    return response


def _set_hidden(request: HttpRequest, response: HttpResponse) -> None:
    response.set_cookie(
        cookie(request.user), "hidden", max_age=HIDDEN_FOR, secure=request.is_secure(), httponly=True, samesite="Lax"
    )
