"""Which undocumented features of Salesmsg an account has (salesmsg-api.md, section 11).

Sync learns them while it reads; `probe` finds them all at once. None means not known yet: sync still works, with an
extra request or a longer read. A new connection clears them, since its token may have other permissions.
"""

from typing import Any

from ..models import Account

CONTACTS_LIST = "contacts_list"  # bool: POST /contacts/list is allowed, 100 a page
CONTACTS_SORTED = "contacts_sorted"  # bool: its sortBy updated_at works, so the first pages hold all changes
CONTACTS_LENGTH = "contacts_length"  # bool: GET /contacts accepts length, so it returns 100 a page
CONVERSATIONS_LIMIT = "conversations_limit"  # int: the most rows GET /conversations returns on a page


def read_capability(account: Account, name: str) -> Any:
    """The stored value; None if it is not known."""
    return account.learned.get(name)


def store_capability(account: Account, **values: Any) -> None:
    """Stores the values that changed; None leaves the stored one."""
    changed = {
        name: value for name, value in values.items() if value is not None and account.learned.get(name) != value
    }
    if changed:
        account.learned = {**account.learned, **changed}
        Account.objects.filter(pk=account.pk).update(learned=account.learned)
