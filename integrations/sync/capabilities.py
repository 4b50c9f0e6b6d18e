"""Which of the vendor's ways hold for an account, where nobody documents them (salesmsg-api.md, section 11).

Sync learns them as it goes, and `probe` tells them all at once. None means: not known yet, and everything works then,
too, at the price of a call or a longer walk. A new connection forgets them: its token may be allowed other things.
"""

from typing import Any

from ..models import Account

CONTACTS_LIST = "contacts_list"  # bool: POST /contacts/list may be used, 100 a page
CONTACTS_SORTED = "contacts_sorted"  # bool: its sortBy updated_at is honoured, so the first pages hold all changes
CONTACTS_LENGTH = "contacts_length"  # bool: GET /contacts honours length, so it gives 100 a page as well
CONVERSATIONS_LIMIT = "conversations_limit"  # int: the most rows that GET /conversations gives at once


def read_capability(account: Account, name: str) -> Any:
    """What was learned, None when nothing was."""
    return account.learned.get(name)


def store_capability(account: Account, **found: Any) -> None:
    """Keeps what was found; None is nothing found."""
    news = {name: value for name, value in found.items() if value is not None and account.learned.get(name) != value}
    if news:
        account.learned = {**account.learned, **news}
        Account.objects.filter(pk=account.pk).update(learned=account.learned)
