"""Renders the outbox page in parts: for each account the budget chart, what needs attention, and the queue.

Each part has an etag of its content. The browser sends the etags it has and receives the parts that changed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from ..contacts import conflicts
from ..digests import html_digest
from ..models import Account, Change
from . import budget_chart, forecast

PARTS = {
    "picture": "outbox/_budget_chart.html",
    "needs": "outbox/_needs_attention.html",
    "waiting": "outbox/_waiting.html",
}
ACCOUNTS = 12  # per page; a user with more selects one
MINUTES = 10
SOON = timedelta(seconds=3)


@dataclass(frozen=True)
class Part:
    """A part of the page, replaced when its etag changes. `key` is its HTML id."""

    key: str
    html: SafeString
    etag: str


@dataclass(frozen=True)
class Card:
    account: Account
    parts: list[Part]


@dataclass(frozen=True)
class Board:
    """The outbox of one user: cards, and the accounts to select from if there are too many."""

    cards: list[Card]
    others: list[Account]
    chosen: int | None

    @property
    def have(self) -> str:
        """The etags that the browser sends with its next poll."""
        return ",".join(f"{part.key}:{part.etag}" for card in self.cards for part in card.parts)


def read_board(request: HttpRequest) -> Board:
    """Renders the user's accounts, or one of them with `?account=`."""
    own = list(Account.objects.for_user(request.user).defer("webhook_secret"))
    wanted = request.GET.get("account", "")
    chosen = next((account for account in own if str(account.pk) == wanted), None)
    shown = [chosen] if chosen else own[:ACCOUNTS]
    others = own if len(own) > ACCOUNTS else []
    return Board([_card(request, account) for account in shown], others, chosen.pk if chosen else None)


def changed_parts(board: Board, have: str) -> list[Part] | None:
    """The parts that the browser needs to replace; None if it shows other accounts."""
    known = dict(item.split(":", 1) for item in have[:8000].split(",") if ":" in item)
    parts = [part for card in board.cards for part in card.parts]
    if set(known) != {part.key for part in parts}:
        return None
    return [part for part in parts if known[part.key] != part.etag]


def _card(request: HttpRequest, account: Account) -> Card:
    calls = forecast.recent_calls(account, MINUTES)
    needs, conflicting = forecast.needs_person(account, _lost_messages(account)), _conflicts(request, account)
    waiting = forecast.waiting_texts(account)
    context = {
        "account": account,
        "next_url": _next_url(request),
        "connected": account.state == Account.State.CONNECTED,
        "calls": calls,
        "chart": budget_chart.draw_chart(calls),
        "period": settings.SALESMSG_RATE_PERIOD,
        "span": _span(MINUTES * settings.SALESMSG_RATE_PERIOD),
        "waiting": waiting,
        "first": [(one, format_departure(one.at)) for one in waiting.first],
        "bulks": [(one, format_departure(one.last)) for one in waiting.bulks],
        "last": format_departure(waiting.last_at),
        "now": _("now"),
        "needs": needs,
        "conflicts": conflicting,
        "needs_count": len(needs) + len(conflicting),
    }
    return Card(account, [_part(request, name, account, context) for name in PARTS])


def _conflicts(request: HttpRequest, account: Account) -> list[tuple[Change, list[str]]]:
    """Open conflicts, each with the labels of its fields."""
    changes = conflicts.waiting_conflicts(request.user).filter(account=account)[: forecast.SHOWN]
    return [(change, [row.label for row in conflicts.conflict_rows(change)]) for change in changes]


def _lost_messages(account: Account) -> list[int]:
    """Cached until the account changes, because the query reads the threads of several days."""
    key = f"overview-lost-{account.pk}-{account.inbox_version}"
    keys: list[int] = cache.get_or_set(key, lambda: forecast.lost_messages(account), 60) or []
    return keys


def _next_url(request: HttpRequest) -> str:
    """URL of this page for redirects, also when a poll renders the buttons."""
    chosen = request.GET.get("account", "")
    return reverse("outbox:page") + (f"?account={chosen}" if chosen.isdecimal() else "")


def _part(request: HttpRequest, name: str, account: Account, context: dict[str, Any]) -> Part:
    html = render_to_string(PARTS[name], context, request)
    return Part(f"{name}-{account.pk}", mark_safe(html), html_digest(html))  # noqa: S308 - rendered from our own template


def format_departure(at: datetime | None) -> str:
    """A send time in the viewer's zone: "now", "2:05:30 PM", "tomorrow, 9:00 AM"; empty if unknown."""
    if at is None:
        return ""
    now = timezone.now()
    if at <= now + SOON:
        return _("now")
    local, today = timezone.localtime(at), timezone.localdate()
    if at < now + timedelta(seconds=90):  # later estimates are not accurate to the second
        return date_format(local, "CLOCK_SECONDS")
    days = (local.date() - today).days
    clock = date_format(local, "CLOCK")
    if days == 0:
        return clock
    if days == 1:
        return _("tomorrow, %(time)s") % {"time": clock}
    return f"{date_format(local, 'WEEKDAY_DAY' if days < 7 else 'DATE_FORMAT')}, {clock}"


def _span(seconds: float) -> str:
    if seconds >= 60:
        return _("%(minutes)s min") % {"minutes": number_format(f"{seconds / 60:g}")}
    return _("%(seconds)s s") % {"seconds": number_format(f"{seconds:g}")}
