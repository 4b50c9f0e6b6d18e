"""Find contacts and conversations by phone number, name or Salesmsg ID."""

from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db.models import Q

from ..models import Account, Contact, Conversation
from ..salesmsg.phones import might_be

MAX_RESULTS = 10
MAX_LENGTH = 100
ID_LIMIT = 2**63


@dataclass
class Found:
    contacts: list[Contact] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    more: bool = False

    @property
    def only(self) -> Contact | Conversation | None:
        """The single match, or None if there are none or several."""
        matches: list[Contact | Conversation] = [*self.contacts, *self.conversations]
        return matches[0] if len(matches) == 1 and not self.more else None

    def __bool__(self) -> bool:
        return bool(self.contacts or self.conversations)


def find_contacts(user: User, account: Account, typed: str) -> Found:
    """Find matches in this account, in at most three queries. Skips drafts, which Salesmsg does not have yet."""
    typed = typed.replace("\0", "").strip()[:MAX_LENGTH]
    if not typed:
        return Found()
    contacts = Contact.objects.for_user(user).filter(account=account, vendor_id__isnull=False).defer("raw")
    if typed.isascii() and typed.isdigit() and int(typed) < ID_LIMIT:
        threads = Conversation.objects.for_user(user).select_related("contact").defer("raw", "contact__raw")
        by_id = Found(
            list(contacts.filter(vendor_id=int(typed))),
            list(threads.filter(account=account, vendor_id=int(typed))),
        )
        if by_id:
            return by_id
    if numbers := might_be(typed, account.regions()):
        found = contacts.filter(phone__in=numbers)
    else:
        wanted = Q()
        for word in typed.split()[:5]:
            wanted &= (
                Q(first_name__icontains=word)
                | Q(last_name__icontains=word)
                | Q(full_name__icontains=word)
                | Q(email__icontains=word)
            )
        found = contacts.filter(wanted)
    rows = list(found.order_by("deleted_at", "full_name", "pk")[: MAX_RESULTS + 1])
    return Found(rows[:MAX_RESULTS], more=len(rows) > MAX_RESULTS)
