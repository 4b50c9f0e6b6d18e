"""Data of the accounts pages, in a bounded number of queries."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from .. import access, durations
from ..models import Account, Budget, Contact, Conversation, Credential, Message, SyncRun, WebhookEvent
from ..sync import request as syncing

State = Account.State
TONES = {State.CONNECTED: "ok", State.ATTENTION: "error", State.DISCONNECTED: ""}
STATE_WORDS = {
    State.CONNECTED: _("Connected"),
    State.ATTENTION: _("Action needed"),
    State.DISCONNECTED: _("Disconnected"),
}
WHAT_NOW = {
    State.CONNECTED: _("Texts and contacts are kept up to date automatically."),
    State.ATTENTION: (
        _(
            "Salesmsg no longer accepts the portal’s access, so nothing is received or sent. Reconnect the "
            "account; all data is kept. Texts that became due in the meantime wait in the outbox until you "
            "send them."
        )
    ),
    State.DISCONNECTED: (
        _(
            "The portal has no access to this account. Synced data is kept and can be viewed. Reconnect "
            "the account to continue."
        )
    ),
}
EVENT_TONES = {
    WebhookEvent.State.DONE: "badge-ok",
    WebhookEvent.State.UNKNOWN: "badge-warn",
    WebhookEvent.State.FAILED: "badge-error",
}
RECENT = 8
MESSAGES = 100_000  # count at most this many: counting millions dominates the page's load time


def oauth_ready() -> bool:
    return bool(settings.SALESMSG_CLIENT_ID and settings.SALESMSG_CLIENT_SECRET)


def account_cards(user) -> list[Account]:
    """Return the user's accounts with row counts and `newest_run`, in two queries."""
    accounts = list(
        Account.objects.for_user(user).annotate(
            contact_count=Contact.objects.filter(deleted_at=None).count_by_account(),
            conversation_count=Conversation.objects.all().count_by_account(),
            newest_run_pk=Subquery(SyncRun.objects.filter(account=OuterRef("pk")).order_by("-pk").values("pk")[:1]),
        )
    )
    runs = SyncRun.objects.defer("notes").in_bulk([account.newest_run_pk for account in accounts])
    for account in accounts:
        account.newest_run = runs.get(account.newest_run_pk)
    return accounts


@dataclass(frozen=True)
class Usage:
    """Usage of the rate budget. `period` is in seconds."""

    used: int
    limit: int
    period: float
    blocked_until: datetime | None

    @property
    def high(self) -> int:
        return max(1, round(self.limit * 0.85))


def budget_usage(account: Account) -> Usage:
    used, limit, blocked_until = Budget.for_account(account).used_now()
    return Usage(used, limit, settings.SALESMSG_RATE_PERIOD, blocked_until)


def credential_status(account: Account) -> Credential | None:
    """Return the credential without its tokens, with `overdue` set if its renewal is late."""
    credential = Credential.objects.filter(account=account).only("kind", "expires_at", "renew_at", "issued_at").first()
    if credential is not None:
        credential.overdue = credential.renew_at is not None and credential.renew_at < timezone.now()
    return credential


def sync_panel(account: Account, user) -> dict:
    """Return the context of the sync card: row counts and the newest run."""
    progress = syncing.progress(account)
    conversations = Conversation.objects.filter(account=account).count()
    messages = Message.objects.filter(account=account).order_by()[: MESSAGES + 1].count()
    full = account.sync_runs.filter(kind=SyncRun.Kind.FULL, state=SyncRun.State.DONE).defer("notes").first()
    return {
        "account": account,
        "progress": progress,
        "contact_count": Contact.objects.filter(account=account, deleted_at=None).count(),
        "conversation_count": conversations,
        "message_count": f"{number_format(MESSAGES, force_grouping=True)}+" if messages > MESSAGES else messages,
        # Calls of a full sync: those of the last one, or one per conversation and a few for the lists.
        "full_calls": full.requests if full else conversations + 10,
        "full_took": _took(full) if full else "",
        "can_manage": access.can_manage(user, account),
        "connected": account.state == State.CONNECTED,
    }


def _took(run: SyncRun) -> str:
    seconds = round(((run.finished_at or timezone.now()) - run.started_at).total_seconds())
    return durations.precise(seconds)


def recent_events(account: Account) -> list[WebhookEvent]:
    events = list(account.webhook_events.defer("body")[:RECENT])
    for event in events:
        event.tone = EVENT_TONES.get(event.state, "")
    return events


def phone_lines(account: Account) -> list[dict]:
    """Return phone numbers with their inboxes, then inboxes without a number."""
    numbers = list(
        account.numbers.select_related("inbox").order_by(F("inbox__name").asc(nulls_last=True), "phone")[:200]
    )
    shown = [
        {"phone": number.phone, "country": number.country, "inbox": number.inbox and str(number.inbox)}
        for number in numbers
    ]
    named = {number.inbox_id for number in numbers}
    phones = {number.phone for number in numbers}
    for inbox in account.inboxes.all()[:200]:
        if inbox.pk in named:
            continue
        if inbox.phone in phones:
            next(row for row in shown if row["phone"] == inbox.phone)["inbox"] = str(inbox)
        else:
            shown.append({"phone": inbox.phone, "country": "", "inbox": str(inbox)})
    return shown
