"""Banners above the conversation list for problems that stop texts from arriving or being sent. No queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ...models import Account, Heartbeat


@dataclass(frozen=True)
class Banner:
    """A banner. `href` and `link` lead to the page that fixes the problem."""

    text: str
    href: str
    link: str


def worker_stopped(heartbeat: datetime | None) -> bool:
    """Whether the worker has run before and its last heartbeat is too old."""
    return heartbeat is not None and heartbeat < timezone.now() - Heartbeat.TIMEOUT


def banners_for(accounts: Iterable[Account]) -> list[Banner]:
    """Return the banners to show. accounts: the result of `queries.read_accounts`, with `.heartbeat_at`."""
    found = []
    for account in accounts:
        if account.state == Account.State.ATTENTION:
            text = _("Salesmsg no longer accepts the connection of “%(label)s”. No texts are sent or received.")
        elif account.state == Account.State.DISCONNECTED and account.connected_at:
            text = _("“%(label)s” is disconnected. No texts are sent or received.")
        else:
            continue
        href = reverse("accounts:detail", args=[account.pk])
        found.append(Banner(text % {"label": account.label}, href, _("Open account")))
    running = [account for account in accounts if account.state == Account.State.CONNECTED]
    if running and worker_stopped(running[0].heartbeat_at):
        text = _("The background worker is not running. Your texts are queued, but nothing is sent or received.")
        found.append(Banner(text, reverse("sync:list"), _("What to do")))
    return found
