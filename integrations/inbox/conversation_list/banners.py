"""What keeps texts from arriving or leaving, said above the list: where staff look. No query of its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ...models import Account

HEARTBEAT_TIMEOUT = timedelta(seconds=60)  # the worker's pulse beats every few seconds


@dataclass(frozen=True)
class Banner:
    """`href` and `link`: where it is mended."""

    words: str
    href: str
    link: str


def worker_stopped(heartbeat: datetime | None) -> bool:
    """Whether the worker ran once, and does no longer."""
    return heartbeat is not None and heartbeat < timezone.now() - HEARTBEAT_TIMEOUT


def banners_for(accounts: Iterable[Account]) -> list[Banner]:
    """accounts: of `queries.accounts`, with `.beat_at`."""
    found = []
    for account in accounts:
        if account.state == Account.State.ATTENTION:
            words = _("Salesmsg no longer lets us into “%(label)s”: nothing arrives or leaves. Connect it again.")
        elif account.state == Account.State.DISCONNECTED and account.connected_at:
            words = _("“%(label)s” is disconnected: nothing arrives or leaves. You can read what is here.")
        else:
            continue
        href = reverse("accounts:detail", args=[account.pk])
        found.append(Banner(words % {"label": account.label}, href, _("To the account")))
    running = [account for account in accounts if account.state == Account.State.CONNECTED]
    if running and worker_stopped(running[0].heartbeat_at):
        words = _("The background worker is not running: what you write is kept, but nothing is sent or fetched.")
        found.append(Banner(words, reverse("sync:list"), _("What to do")))
    return found
