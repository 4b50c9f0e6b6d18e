"""The first line of the sync page: in one sentence how it is, and what to do if something is wrong."""

from dataclasses import dataclass
from datetime import timedelta

from ..models import Account, SyncRun
from ..salesmsg.text import sentence
from . import trouble
from .queries import Standing
from .words import lag, span

BEAT_LOST = timedelta(seconds=60)  # the worker's pulse beats every few seconds
PREFIX = "Sync failed: "  # how a run's end stands in Account.last_error


@dataclass(frozen=True)
class Verdict:
    """tone: ok, accent (under way), warn, error. todo may be empty. reconnect: the account's page is the place."""

    tone: str
    headline: str
    todo: str = ""
    reconnect: bool = False


def of(standing: Standing) -> Verdict:
    """What matters most comes first; the rest is further down the page."""
    for rule in (_connection, _worker, _paused, _failed, _first, _blocked, _lists, _events, _running):
        if said := rule(standing):
            return said
    return _fine(standing)


def _connection(standing: Standing) -> Verdict | None:
    account = standing.account
    if account.state == Account.State.CONNECTED:
        return None
    if account.state == Account.State.ATTENTION:
        what = "Salesmsg no longer accepts our access, so nothing arrives and nothing is sent."
        return Verdict("error", what, "Connect the account again. Everything kept here stays.", reconnect=True)
    return Verdict(
        "error",
        "The account is disconnected, so nothing is read.",
        "What was read is kept. Connect it again to go on.",
        reconnect=True,
    )


def _worker(standing: Standing) -> Verdict | None:
    beat = standing.worker_at
    if beat is not None and beat > standing.now - BEAT_LOST:
        return None
    since = f"since {span((standing.now - beat).total_seconds())}" if beat else "and never has"
    return Verdict(
        "error",
        f"The background worker does not run {since}, so nothing is read and nothing is sent.",
        "Start it on the server: `manage.py qcluster`, or restart its service. Everything goes on from where it stood.",
    )


def _paused(standing: Standing) -> Verdict | None:
    if not standing.paused:
        return None
    account = standing.account
    by = f" by {account.sync_paused_by.get_full_name() or account.sync_paused_by}" if account.sync_paused_by else ""
    what = f"The sync was paused {lag(account.sync_paused_at, standing.now)}{by}: nothing is read by itself."
    todo = (
        "Texts and edits are still sent, and events of a webhook still come in. Resume it to read what came meanwhile."
    )
    return Verdict("warn", what, todo)


def _failed(standing: Standing) -> Verdict | None:
    account = standing.account
    if not account.last_error or standing.running:
        return None
    found = trouble.explain(account.last_error.removeprefix(PREFIX), account.pk)
    first = "The first sync failed" if account.synced_at is None else "The last sync failed"
    return Verdict("error", f"{first}: {found.what} What had been read is kept.", found.todo)


def _first(standing: Standing) -> Verdict | None:
    if standing.account.synced_at is not None:
        return None
    if not _reads_all(standing):
        todo = "“Read everything” begins it." if standing.can_manage else "A manager of this account can begin it."
        return Verdict("warn", "Nothing has been read from Salesmsg yet.", todo)
    return Verdict("accent", "The first sync is under way.", "The inbox can be used meanwhile.")


def _blocked(standing: Standing) -> Verdict | None:
    until = standing.calls.blocked_until
    if until is None:
        return None
    left = span(round((until - standing.now).total_seconds()))
    what = f"Salesmsg asked us to wait for another {left}; then everything goes on by itself."
    return Verdict("warn", what, "If this comes often, another program uses the same access.")


def _lists(standing: Standing) -> Verdict | None:
    for row in standing.lists:
        if row.trouble:
            return Verdict("warn", f"{row.label} could not be read: {sentence(row.trouble.what)}", row.trouble.todo)
    late = next((row for row in standing.lists if row.late), None)
    if late is None:
        return None
    return Verdict(
        "warn",
        f"Looks for news are late: {late.label.lower()} were last looked at {late.looked}.",
        "Texts and edits go first, so a long bulk text can cause this; it catches up by itself.",
    )


def _events(standing: Standing) -> Verdict | None:
    if not standing.silent:
        return None
    missed = standing.account.events_missed
    return Verdict(
        "warn",
        f"Events have stopped coming: Salesmsg announced none of the last {missed} new texts. They were found by "
        "looking, which takes longer.",
        "The webhook may be switched off at Salesmsg, or this portal not reachable by https: see under Webhook.",
    )


def _running(standing: Standing) -> Verdict | None:
    if not _reads_all(standing):
        return None
    return Verdict("accent", "Everything is being read again. New texts arrive meanwhile.")


def _reads_all(standing: Standing) -> bool:
    return any(one.run.kind == SyncRun.Kind.FULL for one in standing.running)


def _fine(standing: Standing) -> Verdict:
    words = standing.fresh.words
    return Verdict("ok", f"Everything is up to date; {words}." if words else "Everything is up to date.")
