"""The account's health: the headline of the sync page, and what to do if something is wrong."""

from dataclasses import dataclass

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ..durations import lag, since, span
from ..models import Account, Heartbeat, SyncRun
from .queries import AccountStatus


@dataclass(frozen=True)
class AccountHealth:
    """`tone` is ok, accent (in progress), warn or error. `reconnect` adds a link to the account's page."""

    tone: str
    headline: str
    todo: str = ""
    reconnect: bool = False


def assess_account(status: AccountStatus) -> AccountHealth:
    """Return the most important problem, or that all is well."""
    for rule in (_connection, _worker, _paused, _failed, _first, _blocked, _lists, _events, _running):
        if health := rule(status):
            return health
    return _healthy(status)


def _connection(status: AccountStatus) -> AccountHealth | None:
    account = status.account
    if account.state == Account.State.CONNECTED:
        return None
    if account.state == Account.State.ATTENTION:
        what = _("Salesmsg no longer accepts the portal’s access, so nothing is received or sent.")
        return AccountHealth("error", what, _("Reconnect the account. All data is kept."), reconnect=True)
    return AccountHealth(
        "error",
        _("The account is disconnected and does not sync."),
        _("Synced data is kept. Reconnect the account to continue."),
        reconnect=True,
    )


def _worker(status: AccountStatus) -> AccountHealth | None:
    heartbeat = status.worker_at
    if heartbeat is not None and heartbeat > status.now - Heartbeat.TIMEOUT:
        return None
    if heartbeat:
        what = _("The background worker has not run for %(span)s, so nothing is synced or sent.") % {
            "span": since(status.now, heartbeat)
        }
    else:
        what = _("The background worker has never run, so nothing is synced or sent.")
    return AccountHealth(
        "error",
        what,
        _("Run `manage.py qcluster` on the server, or restart its service. All work resumes where it stopped."),
    )


def _paused(status: AccountStatus) -> AccountHealth | None:
    if not status.paused:
        return None
    account = status.account
    ago, by = lag(account.sync_paused_at, status.now), account.sync_paused_by
    if by:
        what = _("%(person)s paused the sync %(ago)s.") % {
            "ago": ago, "person": by.get_full_name() or by,
        }  # fmt: skip
    else:
        what = _("The sync was paused %(ago)s.") % {"ago": ago}
    todo = _("Texts and edits are still sent, and webhook events are still received. Resume to read new data.")
    return AccountHealth("warn", what, todo)


def _failed(status: AccountStatus) -> AccountHealth | None:
    account = status.account
    reason = account.reason
    if not reason or status.running:
        return None
    if account.synced_at is None:
        what = _("The first sync failed: %(why)s Data read so far is kept.")
    else:
        what = _("The last sync failed: %(why)s Data read so far is kept.")
    return AccountHealth("error", what % {"why": reason.text}, reason.todo(account.pk))


def _first(status: AccountStatus) -> AccountHealth | None:
    if status.account.synced_at is not None:
        return None
    if not _full_sync_running(status):
        todo = _("Run a full sync to start.") if status.can_manage else _("A manager of this account can start it.")
        return AccountHealth("warn", _("This account has not been synced yet."), todo)
    return AccountHealth("accent", _("The first sync is running."), _("You can already use the inbox."))


def _blocked(status: AccountStatus) -> AccountHealth | None:
    until = status.calls.blocked_until
    if until is None:
        return None
    left = span(round((until - status.now).total_seconds()))
    what = _("Salesmsg’s rate limit was reached. Sync resumes automatically in %(left)s.") % {"left": left}
    return AccountHealth("warn", what, _("If this happens often, another program may be using the same access."))


def _lists(status: AccountStatus) -> AccountHealth | None:
    for row in status.lists:
        if row.reason:
            what = _("%(list)s could not be read: %(why)s") % {"list": row.label, "why": row.reason.text}
            return AccountHealth("warn", what, row.todo)
    late = next((row for row in status.lists if row.late), None)
    if late is None:
        return None
    return AccountHealth(
        "warn",
        _("Checks for changes are late: %(list)s were last checked %(ago)s.")
        % {"list": _lower(late.label), "ago": late.checked},
        _("Texts and edits have priority, so a large bulk text can cause this. Sync catches up automatically."),
    )


def _events(status: AccountStatus) -> AccountHealth | None:
    if not status.silent:
        return None
    missed = status.account.events_missed
    return AccountHealth(
        "warn",
        _(
            "Webhook events have stopped: Salesmsg sent none for the last %(missed)s new texts. They were "
            "found by polling, which takes longer."
        )
        % {"missed": missed},
        _("The webhook may be disabled in Salesmsg, or the portal may not be reachable over HTTPS. See Webhook below."),
    )


def _lower(label: str) -> str:
    """Lowercase a label within a sentence. German nouns keep their capital."""
    return label if get_language() == "de" else label.lower()


def _running(status: AccountStatus) -> AccountHealth | None:
    if not _full_sync_running(status):
        return None
    return AccountHealth("accent", _("A full sync is running. New texts still arrive."))


def _full_sync_running(status: AccountStatus) -> bool:
    return any(progress.run.kind == SyncRun.Kind.FULL for progress in status.running)


def _healthy(status: AccountStatus) -> AccountHealth:
    latency = status.latency.text
    return AccountHealth(
        "ok",
        _("Everything is up to date; %(latency)s.") % {"latency": latency}
        if latency
        else _("Everything is up to date."),
    )
