"""Read the conversation list in a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Left
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from ...contacts import profile_changes
from ...cursors import format_cursor, parse_cursor, parse_id
from ...db.top_n import MOST_PARTS, BoundedCount, first_rows
from ...models import (
    Account,
    Conversation,
    Draft,
    Heartbeat,
    Inbox,
    Membership,
    Message,
    ReadMark,
)
from ...sync import request as sync
from ..thread import note_items
from .banners import worker_stopped
from .unread import all_unread, filter_unread, unread_among_newest

ROWS = 30
ROWS_AT_MOST = 240
SEARCH_CHARACTERS = 100
WITHOUT_SNOOZED = ("all", "open", "mine", "unassigned")  # filters that hide snoozed conversations; a search finds them
UNREAD_MOST = 100  # unread messages are counted up to this number; the list shows 99+

FILTERS = {
    "all": pgettext_lazy("filter", "All"),
    "open": pgettext_lazy("filter", "Open"),
    "unread": pgettext_lazy("filter", "Unread"),
    "mine": pgettext_lazy("filter", "Mine"),
    "unassigned": pgettext_lazy("filter", "Unassigned"),
    "snoozed": pgettext_lazy("filter", "Snoozed"),
    "closed": pgettext_lazy("filter", "Closed"),
    "failed": pgettext_lazy("filter", "Failed"),
    "mentions": pgettext_lazy("filter", "Mentions"),
}


@dataclass(frozen=True)
class Filters:
    """The filters above the list. `box` is an inbox ("7") or an account ("a3")."""

    show: str = "all"
    q: str = ""
    box: str = ""

    @classmethod
    def from_query(cls, data) -> "Filters":
        """Parse a query string. Invalid values count as not set."""
        show, box = data.get("show", ""), data.get("box", "")
        return cls(
            show=show if show in FILTERS else "all",
            q=data.get("q", "").replace("\0", "").strip()[:SEARCH_CHARACTERS],
            box=box if parse_id(box.removeprefix("a")) is not None else "",
        )

    @property
    def account(self) -> int | None:
        return int(self.box[1:]) if self.box.startswith("a") else None

    @property
    def inbox(self) -> int | None:
        return int(self.box) if self.box and not self.box.startswith("a") else None

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.box or self.show != "all")

    def query(self, **other) -> str:
        """Return the query string with its question mark, or an empty string for the unfiltered list."""
        values = {"show": self.show if self.show != "all" else "", "q": self.q, "box": self.box, **other}
        chosen = urlencode({name: value for name, value in values.items() if value})
        return f"?{chosen}" if chosen else ""

    @property
    def tabs(self) -> list[tuple[str, str, str]]:
        """(name, label, query string) of each filter, keeping the search and the inbox."""
        return [(name, label, Filters(name, self.q, self.box).query()) for name, label in FILTERS.items()]


def read_accounts(user) -> list[Account]:
    """The user's accounts with `.own_inboxes`, `.heartbeat_at` and `.mentions`. One query.

    `.mentions` is the number of the user's unseen mentions, up to `note_items.MOST_UNREAD`."""
    found = Account.objects.for_user(user).defer("webhook_secret", "vendor_reason").order_by(*Account._meta.ordering)
    found = found.annotate(
        mentions=note_items.count_unseen_mentions(user),
        heartbeat_at=_HEARTBEAT,
        **{f"inbox_{name}": F(f"inboxes__{name}") for name in _INBOX},
    )
    accounts: dict[int, Account] = {}
    for row in found.order_by(*Account._meta.ordering, *(f"inboxes__{name}" for name in Inbox._meta.ordering)):
        account = accounts.setdefault(row.pk, row)
        if account is row:
            account.own_inboxes = []
        if row.inbox_id is not None:
            values = {name: getattr(row, f"inbox_{name}") for name in _INBOX}
            account.own_inboxes.append(Inbox(account_id=row.pk, **values))
    return list(accounts.values())


_INBOX = ("id", "vendor_id", "name")
_HEARTBEAT = Subquery(Heartbeat.objects.filter(name="tick").values("at")[:1])


def list_token(user) -> str:
    """Return a token that changes whenever the displayed list may have changed. One query."""
    found = Account.objects.for_user(user).annotate(heartbeat_at=_HEARTBEAT)
    found = found.aggregate(count=Count("pk"), version=Sum("inbox_version"), heartbeat=Max("heartbeat_at"))
    return f"{found['count']}.{found['version'] or 0}{'!' if worker_stopped(found['heartbeat']) else ''}"


def token_for(found: Iterable[Account]) -> str:
    """Return the `list_token` of accounts that are already loaded."""
    versions = [account.inbox_version for account in found]
    heartbeat = next((account.heartbeat_at for account in found), None)
    return f"{len(versions)}.{sum(versions)}{'!' if worker_stopped(heartbeat) else ''}"


def total_mentions(found: Iterable[Account]) -> int:
    """The number of unseen mentions in these accounts. Exact up to 99 per account."""
    return sum(account.mentions for account in found)


@dataclass
class InboxChoice:
    """An entry of the inbox menu. `inner`: an inbox listed below its account."""

    value: str
    label: str
    inner: bool = False


def inbox_choices(found: list[Account]) -> list[InboxChoice]:
    """The entries of the inbox menu; empty when there is only one choice."""
    if len(found) < 2:
        own = [inbox for account in found for inbox in account.own_inboxes]
        return [InboxChoice(str(inbox.pk), str(inbox)) for inbox in own] if len(own) > 1 else []
    choices = []
    for account in found:
        choices.append(InboxChoice(f"a{account.pk}", account.label))
        choices += [InboxChoice(str(inbox.pk), str(inbox), inner=True) for inbox in account.own_inboxes]
    return choices


@dataclass
class ConversationPage:
    """A page of the list. `more` is the cursor of the next page, empty at the end."""

    rows: list[Conversation] = field(default_factory=list)
    more: str = ""


def read_conversations(
    user, filters: Filters, *, before: str = "", limit: int = ROWS, among: Iterable[Account] | None = None
) -> ConversationPage:
    """The newest conversations that match the filters, each with the user's `.unread` count up to `UNREAD_MOST`.

    among: the user's accounts, if already loaded. One query with it, otherwise two; one more for the filter “unread”
    when the user has read nearly everything."""
    found = [before_place(part, parse_cursor(before)) for part in _parts(user, filters, among)]

    def whole() -> QuerySet:
        return Conversation.objects.for_user(user)

    if filters.show == "unread":
        rows = _read_rows(user, unread_among_newest(user, found, whole, limit + 1))
        if len(rows) <= limit:
            rows = _read_rows(user, all_unread(user, found, whole, limit + 1))
    else:
        rows = _read_rows(user, first_rows(found, whole, limit + 1))
    more = format_cursor(rows[limit - 1].latest_at, rows[limit - 1].pk) if len(rows) > limit else ""
    del rows[limit:]
    return ConversationPage(rows, more)


def read_by_key(user, keys: Iterable[int]) -> dict[int, Conversation]:
    """Return list rows by primary key: {primary key: conversation}. One query."""
    if not keys:
        return {}
    return {row.pk: row for row in _read_rows(user, Conversation.objects.for_user(user).filter(pk__in=keys))}


def before_place(found: QuerySet, start: tuple[datetime, int] | None) -> QuerySet:
    """Restrict the conversations to those after a place in the list. No restriction when `start` is None."""
    if start is None:
        return found
    at, pk = start
    # `latest_at__lte` alone lets the index start there.
    return found.filter(Q(latest_at__lt=at) | Q(pk__lt=pk), latest_at__lte=at)


def _read_rows(user, newest: QuerySet) -> list[Conversation]:
    """Run the query with everything a list row shows."""
    unread = Coalesce(Subquery(_mark(user, OuterRef(OuterRef("pk")))), 0)
    news = Message.objects.filter(conversation=OuterRef("pk"), inbound=True, is_news=True, pk__gt=unread)
    draft = Draft.objects.filter(user=user, conversation=OuterRef("pk")).exclude(text="")
    newest = newest.annotate(
        unread=BoundedCount(news.order_by().values("pk")[:UNREAD_MOST]),
        draft=Subquery(draft.values(begins=Left("text", 200))[:1]),
        mentioned=note_items.is_mentioned(user),
        **profile_changes.annotate_names(),
    )
    rows = list(newest.select_related("contact", "inbox", "owner", "account").defer(*_HEAVY))
    profile_changes.apply_names(rows)
    return rows


def _mark(user, conversation: OuterRef) -> QuerySet:
    """The user's read mark of a conversation of the outer query."""
    return ReadMark.objects.filter(user=user, conversation=conversation).values("message_pk")[:1]


def _parts(user, filters: Filters, among: Iterable[Account] | None) -> list[QuerySet]:
    """The matching conversations as one queryset per account, for `db.top_n`."""
    if filters.show == "mine":
        # Literal owners let the database estimate the number of rows and use the owner index.
        found, owners = _filtered(user, filters), members_of_user(user).values_list("account", "member")
        parts = [found.filter(owner=member) for account, member in owners if filters.account in (None, account)]
        return parts or [found.none()]
    if filters.account is not None:
        return [_filtered(user, filters, Value(filters.account))]
    if filters.inbox is not None:
        account = Inbox.objects.filter(pk=filters.inbox).values("account")
        return [_filtered(user, filters, Subquery(account[:1]))]
    visible = Account.objects.for_user(user).order_by().values_list("pk", flat=True)
    ids = list(visible) if among is None else [account.pk for account in among]
    if len(ids) > MOST_PARTS:
        return [_filtered(user, filters)]
    return [_filtered(user, filters, Value(pk)) for pk in ids] or [Conversation.objects.none()]


_HEAVY = (
    "raw",
    "contact__raw",
    "contact__notes",
    "contact__custom_fields",
    "contact__tags",
    "inbox__raw",
    "owner__raw",
    "account__webhook_secret",
    "account__vendor_reason",
)


def filter_conversations(user, filters: Filters) -> QuerySet:
    """The conversations that match the filter and the inbox. `search_results.search_inbox` handles the search text."""
    found = _filtered(user, filters)
    return filter_unread(user, found) if filters.show == "unread" else found


def _filtered(user, filters: Filters, account: Value | Subquery | None = None) -> QuerySet:
    """The conversations that match the filters; for “unread” a superset.

    account: restrict to this account, as an expression that an index can start with."""
    found = Conversation.objects.for_user(user)
    if account is not None:
        found = found.filter(account=account)
    elif filters.account is not None:
        found = found.filter(account=filters.account)
    if filters.inbox is not None:
        found = found.filter(inbox=filters.inbox)
    if filters.show in WITHOUT_SNOOZED and not filters.q:
        found = found.exclude(snoozed_until__gt=timezone.now())
    match filters.show:
        case "snoozed":
            found = found.filter(snoozed_until__gt=timezone.now())
        case "open":
            found = found.filter(closed_at=None)
        case "closed":
            found = found.filter(closed_at__isnull=False)
        case "unassigned":
            found = found.filter(owner=None, closed_at=None)
        case "mine":
            found = found.filter(owner__in=members_of_user(user))
        case "unread":
            found = found.filter(news_pk__isnull=False)
        case "mentions":
            found = found.filter(note_items.mentions_of_user(user))
        case "failed":
            found = found.filter(trouble__filled=True)
    return found


def members_of_user(user) -> QuerySet:
    """The members the user is linked to, in all accounts."""
    return Membership.objects.filter(user=user).exclude(member=None).values("member")


def first_sync_progress(found: list[Account]):
    """Return (account, progress) of the first account whose first sync is running, or None."""
    for account in found:
        if account.synced_at is None and account.state == Account.State.CONNECTED:
            progress = sync.progress(account)
            if progress is not None and progress.running:
                return account, progress
    return None
