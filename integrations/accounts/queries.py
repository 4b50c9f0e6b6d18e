"""What the accounts pages show, in a bounded number of queries."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from .. import access, durations
from ..models import Account, Budget, Contact, Conversation, Credential, Message, SyncRun, WebhookEvent
from ..sync import request as syncing

State = Account.State
TONES = {State.CONNECTED: "ok", State.ATTENTION: "error", State.DISCONNECTED: ""}
STATE_WORDS = {State.CONNECTED: _("Connected"), State.ATTENTION: _("Needs you"), State.DISCONNECTED: _("Disconnected")}
WHAT_NOW = {
    State.CONNECTED: _("Texts and contacts are kept up to date by themselves."),
    State.ATTENTION: (
        _(
            "Salesmsg no longer accepts our access, so nothing arrives and nothing is sent. Connect it "
            "again: everything kept here stays. Texts that were due meanwhile stand in the outbox, and "
            "are sent at your word."
        )
    ),
    State.DISCONNECTED: (
        _(
            "The portal holds no access to this account. What it has read is kept and can be looked at; "
            "connect it again to go on."
        )
    ),
}
EVENT_TONES = {
    WebhookEvent.State.DONE: "badge-ok",
    WebhookEvent.State.UNKNOWN: "badge-warn",
    WebhookEvent.State.FAILED: "badge-error",
}
RECENT = 8
MESSAGES = 100_000  # are counted so far: millions would take longer than all the rest


def oauth_ready() -> bool:
    return bool(settings.SALESMSG_CLIENT_ID and settings.SALESMSG_CLIENT_SECRET)


def account_cards(user) -> QuerySet[Account]:
    """The person's accounts with their numbers; one query however many there are."""
    return Account.objects.for_user(user).annotate(
        contact_count=_count(Contact.objects.filter(deleted_at=None)),
        conversation_count=_count(Conversation.objects.all()),
        newest_run_state=Subquery(_runs().values("state")[:1]),
        newest_run_error=Subquery(_runs().values("error")[:1]),
    )


def _runs() -> QuerySet[SyncRun]:
    return SyncRun.objects.filter(account=OuterRef("pk")).order_by("-pk")


def _count(rows: QuerySet) -> Coalesce:
    counted = rows.filter(account=OuterRef("pk")).order_by().values("account").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


@dataclass(frozen=True)
class Usage:
    """The rate budget as people understand it."""

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
    """When access is renewed, and whether that is `overdue`; never the tokens themselves."""
    held = Credential.objects.filter(account=account).only("kind", "expires_at", "renew_at", "issued_at").first()
    if held is not None:
        held.overdue = held.renew_at is not None and held.renew_at < timezone.now()
    return held


def sync_panel(account: Account, user) -> dict:
    """Numbers and the newest run; all that is known of the sync is on its own page."""
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
        # What reading everything costs: as the last time, else one call for each thread and a few for the lists.
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
    """Numbers with the inbox that answers on them, then inboxes without a number of their own."""
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
