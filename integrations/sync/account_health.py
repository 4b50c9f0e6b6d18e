"""The first line of the sync page: in one sentence how it is, and what to do if something is wrong."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ..durations import lag, since, span
from ..models import Account, SyncRun
from ..salesmsg.text import sentence
from . import advice
from .queries import AccountStatus

HEARTBEAT_TIMEOUT = timedelta(seconds=60)  # the worker's pulse beats every few seconds
PREFIX = "Sync failed: "  # how a run's end stands in Account.last_error


@dataclass(frozen=True)
class AccountHealth:
    """tone: ok, accent (under way), warn, error. todo may be empty. reconnect: the account's page is the place."""

    tone: str
    headline: str
    todo: str = ""
    reconnect: bool = False


def assess_account(standing: AccountStatus) -> AccountHealth:
    """What matters most comes first; the rest is further down the page."""
    for rule in (_connection, _worker, _paused, _failed, _first, _blocked, _lists, _events, _running):
        if said := rule(standing):
            return said
    return _fine(standing)


def _connection(standing: AccountStatus) -> AccountHealth | None:
    account = standing.account
    if account.state == Account.State.CONNECTED:
        return None
    if account.state == Account.State.ATTENTION:
        what = _("Salesmsg no longer accepts our access, so nothing arrives and nothing is sent.")
        return AccountHealth("error", what, _("Connect the account again. Everything kept here stays."), reconnect=True)
    return AccountHealth(
        "error",
        _("The account is disconnected, so nothing is read."),
        _("What was read is kept. Connect it again to go on."),
        reconnect=True,
    )


def _worker(standing: AccountStatus) -> AccountHealth | None:
    heartbeat = standing.worker_at
    if heartbeat is not None and heartbeat > standing.now - HEARTBEAT_TIMEOUT:
        return None
    if heartbeat:
        what = _("The background worker does not run since %(span)s, so nothing is read and nothing is sent.") % {
            "span": since(standing.now, heartbeat)
        }
    else:
        what = _("The background worker does not run and never has, so nothing is read and nothing is sent.")
    return AccountHealth(
        "error",
        what,
        _(
            "Start it on the server: `manage.py qcluster`, or restart its service. Everything goes on "
            "from where it stood."
        ),
    )


def _paused(standing: AccountStatus) -> AccountHealth | None:
    if not standing.paused:
        return None
    account = standing.account
    ago, by = lag(account.sync_paused_at, standing.now), account.sync_paused_by
    if by:
        what = _("The sync was paused %(ago)s by %(person)s: nothing is read by itself.") % {
            "ago": ago, "person": by.get_full_name() or by,
        }  # fmt: skip
    else:
        what = _("The sync was paused %(ago)s: nothing is read by itself.") % {"ago": ago}
    todo = _(
        "Texts and edits are still sent, and events of a webhook still come in. Resume it to read what came meanwhile."
    )
    return AccountHealth("warn", what, todo)


def _failed(standing: AccountStatus) -> AccountHealth | None:
    account = standing.account
    if not account.last_error or standing.running:
        return None
    found = advice.explain_error(account.last_error.removeprefix(PREFIX), account.pk)
    if account.synced_at is None:
        what = _("The first sync failed: %(why)s What had been read is kept.")
    else:
        what = _("The last sync failed: %(why)s What had been read is kept.")
    return AccountHealth("error", what % {"why": found.what}, found.todo)


def _first(standing: AccountStatus) -> AccountHealth | None:
    if standing.account.synced_at is not None:
        return None
    if not _reads_all(standing):
        todo = (
            _("“Read everything” begins it.") if standing.can_manage else _("A manager of this account can begin it.")
        )
        return AccountHealth("warn", _("Nothing has been read from Salesmsg yet."), todo)
    return AccountHealth("accent", _("The first sync is under way."), _("The inbox can be used meanwhile."))


def _blocked(standing: AccountStatus) -> AccountHealth | None:
    until = standing.calls.blocked_until
    if until is None:
        return None
    left = span(round((until - standing.now).total_seconds()))
    what = _("Salesmsg asked us to wait for another %(left)s; then everything goes on by itself.") % {"left": left}
    return AccountHealth("warn", what, _("If this comes often, another program uses the same access."))


def _lists(standing: AccountStatus) -> AccountHealth | None:
    for row in standing.lists:
        if row.trouble:
            return AccountHealth(
                "warn",
                _("%(list)s could not be read: %(why)s") % {"list": row.label, "why": sentence(row.trouble.what)},
                row.trouble.todo,
            )
    late = next((row for row in standing.lists if row.late), None)
    if late is None:
        return None
    return AccountHealth(
        "warn",
        _("Looks for news are late: %(list)s were last looked at %(ago)s.")
        % {"list": _lower(late.label), "ago": late.looked},
        _("Texts and edits go first, so a long bulk text can cause this; it catches up by itself."),
    )


def _events(standing: AccountStatus) -> AccountHealth | None:
    if not standing.silent:
        return None
    missed = standing.account.events_missed
    return AccountHealth(
        "warn",
        _(
            "Events have stopped coming: Salesmsg announced none of the last %(missed)s new texts. They "
            "were found by looking, which takes longer."
        )
        % {"missed": missed},
        _("The webhook may be switched off at Salesmsg, or this portal not reachable by https: see under Webhook."),
    )


def _lower(label: str) -> str:
    """A label in the middle of a sentence; German nouns keep their capital."""
    return label if get_language() == "de" else label.lower()


def _running(standing: AccountStatus) -> AccountHealth | None:
    if not _reads_all(standing):
        return None
    return AccountHealth("accent", _("Everything is being read again. New texts arrive meanwhile."))


def _reads_all(standing: AccountStatus) -> bool:
    return any(one.run.kind == SyncRun.Kind.FULL for one in standing.running)


def _fine(standing: AccountStatus) -> AccountHealth:
    words = standing.fresh.words
    return AccountHealth(
        "ok",
        _("Everything is up to date; %(how_fresh)s.") % {"how_fresh": words}
        if words
        else _("Everything is up to date."),
    )
