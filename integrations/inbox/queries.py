"""What the inbox shows: the list, one thread, one contact. Reads only, and a fixed number of queries each."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from ..models import (
    Account,
    Attempt,
    Change,
    Conversation,
    Credential,
    Inbox,
    Member,
    Membership,
    Message,
    ReadMark,
    ThreadSync,
)
from ..outbox import conflicts, edits
from ..sync import request as sync
from .attached import rows_of
from .bubbles import Bubble, arranged, day_of

ROWS = 30
ROWS_AT_MOST = 240
MESSAGES = 50
SEARCH_CHARACTERS = 100
SEARCH_BACK = 200_000  # how many of the newest messages a search looks through
SEARCH_HITS = 500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HELD = "held"  # waits for a person's word: as good as lost, until somebody gives it
LOST = (Message.State.FAILED, Message.State.UNKNOWN, HELD)

FILTERS = {
    "all": "All",
    "open": "Open",
    "unread": "Unread",
    "mine": "Mine",
    "unassigned": "Unassigned",
    "closed": "Closed",
    "failed": "Failed",
}

# --- Filters and addresses -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filters:
    """What a person chose above the list. `box` is an inbox ("7") or an account ("a3")."""

    show: str = "all"
    q: str = ""
    box: str = ""

    @classmethod
    def of(cls, data) -> "Filters":
        """From a query string; what makes no sense counts as not chosen."""
        show, box = data.get("show", ""), data.get("box", "")
        return cls(
            show=show if show in FILTERS else "all",
            q=data.get("q", "").replace("\0", "").strip()[:SEARCH_CHARACTERS],
            box=box if number(box.removeprefix("a")) is not None else "",
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
        """The query string, with its question mark; empty for the plain list."""
        values = {"show": self.show if self.show != "all" else "", "q": self.q, "box": self.box, **other}
        chosen = urlencode({name: value for name, value in values.items() if value})
        return f"?{chosen}" if chosen else ""

    @property
    def tabs(self) -> list[tuple[str, str, str]]:
        """(name, words, query string) of each filter, with the search and the inbox kept."""
        return [(name, words, Filters(name, self.q, self.box).query()) for name, words in FILTERS.items()]


def number(text: str) -> int | None:
    """A primary key or a count out of an address; None for anything else, and for what no column can hold."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    return found if (found := int(text)) < 2**63 else None


def cursor(at: datetime, key: int) -> str:
    """A place in an ordered list, for an address."""
    return f"{(at - EPOCH) // timedelta(microseconds=1)}-{key}"


def place(text: str) -> tuple[datetime, int] | None:
    """The way back from `cursor`; None for anything else."""
    micros, _, key = text.partition("-")
    past, order = number(micros), number(key)
    if past is None or order is None:
        return None
    try:
        return EPOCH + timedelta(microseconds=past), order
    except OverflowError:
        return None


# --- The list --------------------------------------------------------------------------------------------------------


def accounts(user) -> list[Account]:
    return list(Account.objects.for_user(user).defer("webhook_secret", "last_error"))


def list_token(user) -> str:
    """Changes whenever something that the list shows may have changed. One query."""
    found = Account.objects.for_user(user).aggregate(count=Count("pk"), version=Sum("inbox_version"))
    return f"{found['count']}.{found['version'] or 0}"


def token_of(found: Iterable[Account]) -> str:
    """`list_token` of accounts that are already here."""
    versions = [account.inbox_version for account in found]
    return f"{len(versions)}.{sum(versions)}"


@dataclass
class Box:
    """A choice of the inbox chooser."""

    value: str
    words: str
    inner: bool = False


def boxes(user, found: list[Account]) -> list[Box]:
    """Accounts and inboxes to choose from; none when there is nothing to choose."""
    inboxes: dict[int, list[Inbox]] = {}
    for inbox in Inbox.objects.for_user(user).defer("raw"):
        inboxes.setdefault(inbox.account_id, []).append(inbox)
    if len(found) < 2:
        own = [inbox for account in found for inbox in inboxes.get(account.pk, [])]
        return [Box(str(inbox.pk), str(inbox)) for inbox in own] if len(own) > 1 else []
    choices = []
    for account in found:
        choices.append(Box(f"a{account.pk}", account.label))
        choices += [Box(str(inbox.pk), str(inbox), inner=True) for inbox in inboxes.get(account.pk, [])]
    return choices


@dataclass
class Rows:
    """One stretch of the list. `more` is the cursor of the next one, empty at the end."""

    rows: list[Conversation] = field(default_factory=list)
    more: str = ""


def conversations(user, filters: Filters, *, before: str = "", limit: int = ROWS) -> Rows:
    """The newest conversations that pass the filters, each with `.unread` for this person. Two or three queries."""
    found = _filtered(user, filters).select_related("contact", "inbox", "owner", "account").defer(*_HEAVY)
    found = found.annotate(**edits.wanted_names())
    if (start := place(before)) is not None:
        at, pk = start
        found = found.filter(Q(latest_at__lt=at) | Q(latest_at=at, pk__lt=pk))
    rows = list(found.newest_first()[: limit + 1])
    more = cursor(rows[limit - 1].latest_at, rows[limit - 1].pk) if len(rows) > limit else ""
    del rows[limit:]
    edits.with_names(rows)
    unread = _unread(user, [row.pk for row in rows])
    for row in rows:
        row.unread = unread.get(row.pk, 0)
    return Rows(rows, more)


_HEAVY = (
    "raw",
    "contact__raw",
    "contact__notes",
    "contact__custom_fields",
    "contact__tags",
    "inbox__raw",
    "owner__raw",
    "account__webhook_secret",
    "account__last_error",
)


def _filtered(user, filters: Filters) -> QuerySet:
    found = Conversation.objects.for_user(user)
    if filters.account is not None:
        found = found.filter(account=filters.account)
    if filters.inbox is not None:
        found = found.filter(inbox=filters.inbox)
    match filters.show:
        case "open":
            found = found.filter(closed_at=None)
        case "closed":
            found = found.exclude(closed_at=None)
        case "unassigned":
            found = found.filter(owner=None, closed_at=None)
        case "mine":
            found = found.filter(owner__in=me(user))
        case "unread":
            found = found.filter(Exists(_news(user).filter(conversation=OuterRef("pk"))))
        case "failed":
            ours = Message.objects.filter(conversation=OuterRef("pk"), inbound=False).order_by("-at", "-rank")
            ours = ours.exclude(state=Message.State.QUEUED, send_at__isnull=False, due_at__isnull=False)
            held = When(state=Message.State.QUEUED, due_at=None, then=Value(HELD))
            ours = ours.annotate(told=Case(held, default=F("state"))).values("told")
            found = found.alias(ours=Subquery(ours[:1])).filter(ours__in=LOST)
    return found.filter(_matches(user, filters.q)) if filters.q else found


def me(user) -> QuerySet:
    """Who this person is at Salesmsg, in each account."""
    return Membership.objects.filter(user=user).exclude(member=None).values("member")


def _news(user) -> QuerySet:
    """Messages that this person has not read."""
    mark = ReadMark.objects.filter(user=user, conversation=OuterRef("conversation")).values("message_pk")[:1]
    return Message.objects.filter(inbound=True, is_news=True, pk__gt=Coalesce(Subquery(mark), 0)).order_by()


def _unread(user, ids: list[int]) -> dict[int, int]:
    if not ids:
        return {}
    found = _news(user).filter(conversation__in=ids).values("conversation").annotate(number=Count("pk"))
    return dict(found.values_list("conversation", "number"))


def _matches(user, text: str) -> Q:
    """Names, phone as a person types it, or words of a message (the newest `SEARCH_BACK` ones)."""
    named = Q()
    for word in text.split()[:6]:
        named &= (
            Q(contact__first_name__icontains=word)
            | Q(contact__last_name__icontains=word)
            | Q(contact__full_name__icontains=word)
            | Q(contact__email__icontains=word)
        )
    found = named
    if digits := phone_digits(text):
        found |= Q(contact__phone__contains=digits)
    newest = Message.objects.aggregate(pk=Max("pk"))["pk"] or 0
    said = Message.objects.for_user(user).filter(pk__gt=newest - SEARCH_BACK, text__icontains=text)
    # Two layers, because a limit is only allowed inside: the hits first, then their conversations.
    hits = said.order_by("-pk").values("conversation")[:SEARCH_HITS]
    return found | Q(pk__in=hits)


def phone_digits(text: str) -> str:
    """The digits to look for when this may be a phone number: "(305) 555-0142" -> "3055550142"; else empty.

    Leading zeros go: they are the way out of a country or into an area, and no part of the number."""
    if any(not (char.isdigit() or char in " ()+-./\u00a0\u2011\u2013") for char in text):
        return ""
    digits = "".join(char for char in text if char.isascii() and char.isdigit()).lstrip("0")
    return digits if len(digits) >= 3 else ""


def first_sync(found: list[Account]):
    """Progress of the first account whose first sync is under way: (account, progress), or None."""
    for account in found:
        if account.synced_at is None and account.state == Account.State.CONNECTED:
            progress = sync.progress(account)
            if progress is not None and progress.running:
                return account, progress
    return None


# --- One thread ------------------------------------------------------------------------------------------------------


def conversation(user, pk: int) -> Conversation | None:
    """The conversation with all that its head and card show; `.read_to`, this person's mark or None; `.scopes`, what
    the account's access may do, [] where that is not known."""
    mark = ReadMark.objects.filter(user=user, conversation=OuterRef("pk")).values("message_pk")[:1]
    related = ("contact", "inbox", "owner", "account", "thread_sync")
    found = Conversation.objects.for_user(user).select_related(*related).annotate(read_to=Subquery(mark))
    heavy = ("raw", "contact__raw", "inbox__raw", "owner__raw", "account__webhook_secret")
    scopes = Credential.objects.filter(account=OuterRef("account")).values("scopes")[:1]
    found = found.annotate(scopes=Subquery(scopes), **edits.wanted_names()).defer(*heavy)
    rows = list(found.filter(pk=pk)[:1])
    edits.with_names(rows)
    return rows[0] if rows else None


def version(user, pk: int) -> int | None:
    """The token of the thread's poll; None when there is no such conversation for this person. One query."""
    return Conversation.objects.for_user(user).filter(pk=pk).values_list("version", flat=True).first()


@dataclass
class Stretch:
    """A stretch of a thread, oldest first. `older` is the cursor of what comes before, empty at the beginning."""

    bubbles: list[Bubble] = field(default_factory=list)
    older: str = ""
    gap: bool = False  # what comes before has not been read from Salesmsg yet,
    begins: str = ""  # and this is the place before which it will stand

    @property
    def asleep(self) -> list[int]:
        """Messages with files that nobody has asked for yet."""
        return [bubble.message.pk for bubble in self.bubbles if any(file.asleep for file in bubble.files)]

    @property
    def newest_inbound(self) -> int:
        return max((bubble.message.pk for bubble in self.bubbles if bubble.message.inbound), default=0)


_SHOWN = (
    "id",
    "account_id",
    "conversation_id",
    "inbound",
    "kind",
    "state",
    "text",
    "media",
    "media_pending",
    "call",
    "author_name",
    "author_vendor_id",
    "automated",
    "failure",
    "at",
    "rank",
    "is_news",
    "client_uuid",
    "due_at",
    "send_at",
    "zone",
    "stop_on_reply",
    "sender_id",
    "sender__username",
    "sender__first_name",
    "sender__last_name",
)


def stretch(of: Conversation, *, before: str = "", limit: int = MESSAGES, top: int | None = None) -> Stretch:
    """The newest messages, or those before a cursor. `top`: what a browser shows first; when that
    lies above the stretch, the first message here need not name its day."""
    member = Membership.objects.filter(user=OuterRef("sender"), account=of.account_id).values("member__full_name")
    found = Message.objects.filter(conversation=of).select_related("sender").only(*_SHOWN)
    found = found.annotate(sender_member=Subquery(member[:1]))
    start = place(before)
    if start is not None:
        at, rank = start
        # The boundary itself comes along, so that it can be drawn anew below what is now above it.
        found = found.filter(Q(at__lt=at) | Q(at=at, rank__lte=rank))
        limit += 1
    rows = list(found.order_by("-at", "-rank")[: limit + 1])
    older = len(rows) > limit
    rows.reverse()
    bubbles = arranged(rows, _attempts(rows), rows_of(rows))
    if older:
        del bubbles[0]
        del rows[0]
    if bubbles and not bubbles[0].planned and (top is None or any(row.pk == top for row in rows)):
        bubbles[0].day = day_of(bubbles[0].message)
    if older:
        return Stretch(bubbles, cursor(rows[0].at, rows[0].rank))
    known: ThreadSync | None = getattr(of, "thread_sync", None)
    gap = of.vendor_id is not None and of.gone_at is None and not (known and known.complete)
    return Stretch(bubbles, gap=gap, begins=cursor(rows[0].at, rows[0].rank) if rows else "")


def _attempts(rows: list[Message]) -> dict[int, list[Attempt]]:
    """How often it was tried to send each of these; no query where none is a text of ours."""
    ours = [row.pk for row in rows if row.client_uuid is not None]
    found: dict[int, list[Attempt]] = {}
    for attempt in Attempt.objects.filter(message__in=ours).order_by("pk") if ours else ():
        found.setdefault(attempt.message_id, []).append(attempt)
    return found


def above(stretch: Stretch, keys: list[int]) -> set[int]:
    """Which of these messages stand above the stretch, where it begins in the middle of a thread."""
    if not (stretch.older and keys):
        return set()
    first = stretch.bubbles[0].message
    earlier = Q(at__lt=first.at) | Q(at=first.at, rank__lt=first.rank)
    found = Message.objects.filter(earlier, conversation=first.conversation_id, pk__in=keys)
    return set(found.values_list("pk", flat=True))


# --- The contact's card ----------------------------------------------------------------------------------------------


@dataclass
class Card:
    """What stands beside a thread."""

    values: dict  # the editable fields, as people should see them now
    change: Change | None  # the newest change that still says something; one that waits for a choice comes first
    clash: list[str]  # labels of what a waiting change will meet: changed in Salesmsg, too
    members: list[Member]
    others: list[Conversation]

    @property
    def me(self) -> Member | None:
        return next((member for member in self.members if member.is_me), None)


def card(user, of: Conversation) -> Card:
    """Three queries: the contact's change, who can own the conversation, other conversations. One more where a change
    met another one in Salesmsg."""
    contact = of.contact
    telling = (Change.State.PENDING, Change.State.PUSHING, Change.State.REFUSED, Change.State.CONFLICT)
    newest = Change.objects.filter(contact=contact, kind=Change.Kind.CONTACT).exclude(state=Change.State.SUPERSEDED)
    change = newest.order_by(Case(When(state=Change.State.CONFLICT, then=0), default=1), "-pk").first()
    if change is not None and change.state not in telling:
        change = None
    clash, values = [], {name: getattr(contact, name) for name in edits.EDITABLE}
    if change is not None and change.waiting:
        change.contact = contact
        clash = conflicts.clash(change)
        values |= change.values
    elif change is not None and change.state == Change.State.CONFLICT:
        values = edits.shown(contact)  # another change may be on its way beside it
    mine = Membership.objects.filter(user=user, member=OuterRef("pk"))
    members = Member.objects.filter(account=of.account_id).defer("raw").annotate(is_me=Exists(mine))
    others = Conversation.objects.for_user(user).filter(contact=contact).exclude(pk=of.pk).select_related("inbox")
    return Card(
        values=values,
        change=change,
        clash=clash,
        members=list(members[:200]),
        others=list(others.defer("raw", "inbox__raw").order_by(F("latest_at").desc())[:8]),
    )
