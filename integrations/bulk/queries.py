"""Queries for the bulk text pages, with a bounded number of database queries."""

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.cache import cache
from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import Case, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast

from ..cursors import parse_id
from ..digests import digest
from ..models import Account, Bulk, BulkRecipient, Contact, Message
from ..salesmsg.phones import search_digits
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

# --- Choosing recipients ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """Filters of the contact list."""

    account: Account | None
    q: str = ""
    tag: str = ""
    page: int = 1
    draft: Bulk | None = None  # only contacts chosen for this draft

    @classmethod
    def from_query(cls, data, accounts: list[Account], draft: Bulk | None = None) -> "Choice":
        """Filters from a query string or form. Invalid values are ignored."""
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
        """The query string without the page number, for pagination links."""
        values = {"account": self.account.pk if self.account else "", "q": self.q, "tag": self.tag}
        values["chosen"] = "1" if self.draft else ""
        return urlencode({name: value for name, value in values.items() if value})


def accounts(user) -> list[Account]:
    """The user's accounts that can send texts now."""
    return list(Account.objects.for_user(user).reachable().defer("webhook_secret", "vendor_reason"))


def contacts(user, choice: Choice) -> QuerySet[Contact]:
    """The contacts that match the filters, by name; those without a name come last."""
    matching = Contact.objects.for_user(user).present().filter(account=choice.account)
    if choice.draft:
        matching = Contact.objects.for_user(user).filter(pk__in=choice.draft.recipients.values("contact"))
    if choice.q:
        matching = matching.filter(_matches(choice.q))
    if choice.tag:
        matching = matching.alias(labels=Cast("tags", TextField())).filter(labels__contains=_in_json(choice.tag))
    nameless = Case(When(full_name="", then=Value(1)), default=Value(0))
    return matching.defer("raw", "custom_fields", "notes").order_by(nameless, "full_name", "pk")


def page_of(matching: QuerySet[Contact], choice: Choice) -> Page:
    return Paginator(matching, CONTACTS).get_page(choice.page)


def _matches(text: str) -> Q:
    """Matches contacts with every word in a name or the email, or with these digits in the phone."""
    named = Q()
    for word in text.split()[:6]:
        named &= (
            Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(full_name__icontains=word)
            | Q(email__icontains=word)
        )
    digits = search_digits(text)
    return named | Q(phone__contains=digits) if digits else named


def _in_json(tag: str) -> str:
    """A label as stored in JSON: SQLite keeps Python's output, PostgreSQL normalizes it."""
    return json.dumps(tag, ensure_ascii=connection.vendor != "postgresql")


def tags(account: Account | None) -> list[str]:
    """The tag labels used by the account's contacts. Cached, because the query reads every contact."""
    if account is None:
        return []
    return cache.get_or_set(f"bulk-tags-{account.pk}", lambda: _tags(account), 120)


def _tags(account: Account) -> list[str]:
    lists = Contact.objects.filter(account=account).exclude(tags=[]).order_by().values_list("tags", flat=True)
    labels = {str(tag) for tags_of_one in lists.distinct() if isinstance(tags_of_one, list) for tag in tags_of_one}
    return sorted(labels, key=str.casefold)[:TAGS_AT_MOST]


# --- The list, and one bulk text -------------------------------------------------------------------------------------


def bulks(user, page: int) -> Page:
    """A page of the user's bulk texts, newest first, each with `.progress` and `.tone`."""
    rows = Bulk.objects.for_user(user).select_related("account", "created_by").defer("account__webhook_secret")
    bulk_page = Paginator(rows, BULKS).get_page(page)
    shown = list(bulk_page.object_list)
    progresses = bulk_progress.read_progresses(shown)
    for bulk in shown:
        bulk.progress, bulk.tone = progresses[bulk.pk], TONES[bulk.state]
    bulk_page.object_list = shown
    return bulk_page


def bulk(user, pk: int) -> Bulk | None:
    """A bulk text that the user may see; None if there is none."""
    rows = Bulk.objects.for_user(user).select_related("account", "created_by").defer("account__webhook_secret")
    return rows.filter(pk=pk).first()


def seal_text(bulk: Bulk) -> str:
    """Digest of the text and times in the preview, so that only these can be started."""
    return digest(f"{bulk.start_at} {bulk.window} {bulk.text}")


@dataclass
class BulkStatus:
    """Status of a started bulk text, as shown on its page and returned to polls."""

    progress: bulk_progress.Progress
    problems: list[BulkRecipient]
    left_out: list[bulk_progress.LeftOut]

    @property
    def more_problems(self) -> int:
        return max(0, self.progress.failed + self.progress.unknown - len(self.problems))


def read_status(bulk: Bulk, progress: bulk_progress.Progress) -> BulkStatus:
    """The status with up to `PROBLEMS` failed or unknown texts, and the excluded recipients."""
    rows = bulk.recipients.select_related("contact").defer("contact__raw", "contact__custom_fields", "contact__notes")
    lost = rows.filter(message__state__in=LOST).select_related("message").defer("message__raw")
    left_out = bulk_progress.group_left_out(list(rows.filter(state=BulkRecipient.State.LEFT_OUT)))
    return BulkStatus(progress, list(lost.order_by("message__state", "pk")[:PROBLEMS]), left_out)


def status_token(bulk: Bulk, progress: bulk_progress.Progress) -> str:
    """Token that changes whenever the status does."""
    return f"{bulk.state}-{progress.token}"
