"""The first line of the sync page: in one sentence how it is, and what to do if something is wrong."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ..durations import lag, since, span
from ..models import Account, SyncRun
from ..salesmsg.text import sentence
from . import advice
from .queries import Standing

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
        what = _("Salesmsg no longer accepts our access, so nothing arrives and nothing is sent.")
        return Verdict("error", what, _("Connect the account again. Everything kept here stays."), reconnect=True)
    return Verdict(
        "error",
        _("The account is disconnected, so nothing is read."),
        _("What was read is kept. Connect it again to go on."),
        reconnect=True,
    )


def _worker(standing: Standing) -> Verdict | None:
    beat = standing.worker_at
    if beat is not None and beat > standing.now - BEAT_LOST:
        return None
    if beat:
        what = _("The background worker does not run since %(span)s, so nothing is read and nothing is sent.") % {
            "span": since(standing.now, beat)
        }
    else:
        what = _("The background worker does not run and never has, so nothing is read and nothing is sent.")
    return Verdict(
        "error",
        what,
        _(
            "Start it on the server: `manage.py qcluster`, or restart its service. Everything goes on "
            "from where it stood."
        ),
    )


def _paused(standing: Standing) -> Verdict | None:
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
    return Verdict("warn", what, todo)


def _failed(standing: Standing) -> Verdict | None:
    account = standing.account
    if not account.last_error or standing.running:
        return None
    found = advice.explain(account.last_error.removeprefix(PREFIX), account.pk)
    if account.synced_at is None:
        what = _("The first sync failed: %(why)s What had been read is kept.")
    else:
        what = _("The last sync failed: %(why)s What had been read is kept.")
    return Verdict("error", what % {"why": found.what}, found.todo)


def _first(standing: Standing) -> Verdict | None:
    if standing.account.synced_at is not None:
        return None
    if not _reads_all(standing):
        todo = (
            _("“Read everything” begins it.") if standing.can_manage else _("A manager of this account can begin it.")
        )
        return Verdict("warn", _("Nothing has been read from Salesmsg yet."), todo)
    return Verdict("accent", _("The first sync is under way."), _("The inbox can be used meanwhile."))


def _blocked(standing: Standing) -> Verdict | None:
    until = standing.calls.blocked_until
    if until is None:
        return None
    left = span(round((until - standing.now).total_seconds()))
    what = _("Salesmsg asked us to wait for another %(left)s; then everything goes on by itself.") % {"left": left}
    return Verdict("warn", what, _("If this comes often, another program uses the same access."))


def _lists(standing: Standing) -> Verdict | None:
    for row in standing.lists:
        if row.trouble:
            return Verdict(
                "warn",
                _("%(list)s could not be read: %(why)s") % {"list": row.label, "why": sentence(row.trouble.what)},
                row.trouble.todo,
            )
    late = next((row for row in standing.lists if row.late), None)
    if late is None:
        return None
    return Verdict(
        "warn",
        _("Looks for news are late: %(list)s were last looked at %(ago)s.")
        % {"list": _lower(late.label), "ago": late.looked},
        _("Texts and edits go first, so a long bulk text can cause this; it catches up by itself."),
    )


def _events(standing: Standing) -> Verdict | None:
    if not standing.silent:
        return None
    missed = standing.account.events_missed
    return Verdict(
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


def _running(standing: Standing) -> Verdict | None:
    if not _reads_all(standing):
        return None
    return Verdict("accent", _("Everything is being read again. New texts arrive meanwhile."))


def _reads_all(standing: Standing) -> bool:
    return any(one.run.kind == SyncRun.Kind.FULL for one in standing.running)


def _fine(standing: Standing) -> Verdict:
    words = standing.fresh.words
    return Verdict(
        "ok",
        _("Everything is up to date; %(how_fresh)s.") % {"how_fresh": words}
        if words
        else _("Everything is up to date."),
    )
