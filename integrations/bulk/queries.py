"""What the bulk pages show, in a bounded number of queries."""

import json
from dataclasses import dataclass
from hashlib import blake2s
from urllib.parse import urlencode

from django.core.cache import cache
from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import Case, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast

from ..cursors import parse_id
from ..models import Account, Bulk, BulkRecipient, Contact, Message
from ..search.words import phone_digits
from . import progress as bulk_progress

CONTACTS, BULKS, PROBLEMS = 100, 30, 50
SEARCH_CHARACTERS = 100
TAGS_AT_MOST = 200
TONES = {
    Bulk.State.DRAFT: "",
    Bulk.State.RUNNING: "badge-accent",
    Bulk.State.PAUSED: "badge-warn",
    Bulk.State.CANCELLED: "",
    Bulk.State.DONE: "badge-ok",
}
LOST = (Message.State.FAILED, Message.State.UNKNOWN)

# --- Choosing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """What narrows the list of contacts."""

    account: Account | None
    q: str = ""
    tag: str = ""
    page: int = 1
    draft: Bulk | None = None  # only those who are chosen for it

    @classmethod
    def from_query(cls, data, accounts: list[Account], draft: Bulk | None = None) -> "Choice":
        """From a query string or a form; what makes no sense counts as not chosen."""
        wanted = parse_id(data.get("account", ""))
        account = next((one for one in accounts if one.pk == wanted), accounts[0] if accounts else None)
        q, tag = (data.get(name, "").replace("\0", "").strip()[:SEARCH_CHARACTERS] for name in ("q", "tag"))
        page = min(parse_id(data.get("page", "")) or 1, 100_000)
        return cls(account, q, tag, page, draft if data.get("chosen") else None)

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.tag or self.draft)

    @property
    def query(self) -> str:
        """The query string without the page, for links to other pages."""
        values = {"account": self.account.pk if self.account else "", "q": self.q, "tag": self.tag}
        values["chosen"] = "1" if self.draft else ""
        return urlencode({name: value for name, value in values.items() if value})


def accounts(user) -> list[Account]:
    """Those that can text now."""
    return list(Account.objects.for_user(user).reachable().defer("webhook_secret", "last_error"))


def contacts(user, choice: Choice) -> QuerySet[Contact]:
    """The contacts that pass the choice, by name, those without one last."""
    found = Contact.objects.for_user(user).present().filter(account=choice.account)
    if choice.draft:
        found = Contact.objects.for_user(user).filter(pk__in=choice.draft.recipients.values("contact"))
    if choice.q:
        found = found.filter(_matches(choice.q))
    if choice.tag:
        found = found.alias(labels=Cast("tags", TextField())).filter(labels__contains=_in_json(choice.tag))
    nameless = Case(When(full_name="", then=Value(1)), default=Value(0))
    return found.defer("raw", "custom_fields", "notes").order_by(nameless, "full_name", "pk")


def page_of(found: QuerySet[Contact], choice: Choice) -> Page:
    return Paginator(found, CONTACTS).get_page(choice.page)


def _matches(text: str) -> Q:
    """Every word in a name or the email, or the digits of a phone as a person types it."""
    named = Q()
    for word in text.split()[:6]:
        named &= (
            Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(full_name__icontains=word)
            | Q(email__icontains=word)
        )
    digits = phone_digits(text)
    return named | Q(phone__contains=digits) if digits else named


def _in_json(tag: str) -> str:
    """A label as it stands in the stored list: SQLite keeps what Python wrote, PostgreSQL its own."""
    return json.dumps(tag, ensure_ascii=connection.vendor != "postgresql")


def tags(account: Account | None) -> list[str]:
    """The labels that contacts of the account have. Kept for a while: finding them reads every contact."""
    if account is None:
        return []
    return cache.get_or_set(f"bulk-tags-{account.pk}", lambda: _tags(account), 120)


def _tags(account: Account) -> list[str]:
    lists = Contact.objects.filter(account=account).exclude(tags=[]).order_by().values_list("tags", flat=True)
    labels = {str(tag) for found in lists.distinct() if isinstance(found, list) for tag in found}
    return sorted(labels, key=str.casefold)[:TAGS_AT_MOST]


# --- The list, and one bulk text -------------------------------------------------------------------------------------


def bulks(user, page: int) -> Page:
    """The person's bulk texts, the newest first, each with `.progress` and `.tone`."""
    rows = Bulk.objects.for_user(user).select_related("account", "created_by").defer("account__webhook_secret")
    found = Paginator(rows, BULKS).get_page(page)
    shown = list(found.object_list)
    counts = bulk_progress.read_progresses(shown)
    for bulk in shown:
        bulk.progress, bulk.tone = counts[bulk.pk], TONES[bulk.state]
    found.object_list = shown
    return found


def bulk(user, pk: int) -> Bulk | None:
    found = Bulk.objects.for_user(user).select_related("account", "created_by").defer("account__webhook_secret")
    return found.filter(pk=pk).first()


def seal_text(bulk: Bulk) -> str:
    """Says which text a preview showed, so that no other one is started."""
    return blake2s(bulk.text.encode(), digest_size=8).hexdigest()


@dataclass
class BulkStatus:
    """What the page of a started bulk text shows, and asks for again."""

    progress: bulk_progress.Progress
    problems: list[BulkRecipient]
    left_out: list[bulk_progress.LeftOut]

    @property
    def more_problems(self) -> int:
        return max(0, self.progress.failed + self.progress.unknown - len(self.problems))


def read_status(bulk: Bulk, progress: bulk_progress.Progress) -> BulkStatus:
    rows = bulk.recipients.select_related("contact").defer("contact__raw", "contact__custom_fields", "contact__notes")
    lost = rows.filter(message__state__in=LOST).select_related("message").defer("message__raw")
    left_out = bulk_progress.group_left_out(list(rows.filter(state=BulkRecipient.State.LEFT_OUT)))
    return BulkStatus(progress, list(lost.order_by("message__state", "pk")[:PROBLEMS]), left_out)


def status_token(bulk: Bulk, progress: bulk_progress.Progress) -> str:
    """Differs when anything that the page shows does."""
    return f"{bulk.state}-{progress.token}"
