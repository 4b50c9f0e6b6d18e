"""Who is meant: a phone number, a name or a Salesmsg id, as a person types it."""

from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db.models import Q

from ..models import Account, Contact, Conversation
from ..salesmsg.text import phone

MOST = 10
CHARACTERS = 100
BIGGEST = 2**63


@dataclass
class Found:
    contacts: list[Contact] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    more: bool = False

    @property
    def only(self) -> Contact | Conversation | None:
        """The one that is surely meant."""
        both: list[Contact | Conversation] = [*self.contacts, *self.conversations]
        return both[0] if len(both) == 1 and not self.more else None

    def __bool__(self) -> bool:
        return bool(self.contacts or self.conversations)


def find_contacts(user: User, account: Account, typed: str) -> Found:
    """Those of this account; at most three queries. Drafts are left out: Salesmsg does not know them."""
    typed = typed.replace("\0", "").strip()[:CHARACTERS]
    if not typed:
        return Found()
    contacts = Contact.objects.for_user(user).filter(account=account, vendor_id__isnull=False).defer("raw")
    if typed.isascii() and typed.isdigit() and int(typed) < BIGGEST:
        threads = Conversation.objects.for_user(user).select_related("contact").defer("raw", "contact__raw")
        by_id = Found(
            list(contacts.filter(vendor_id=int(typed))),
            list(threads.filter(account=account, vendor_id=int(typed))),
        )
        if by_id:
            return by_id
    try:
        found = contacts.filter(phone=phone(typed))
    except ValueError:
        wanted = Q()
        for word in typed.split()[:5]:
            wanted &= (
                Q(first_name__icontains=word)
                | Q(last_name__icontains=word)
                | Q(full_name__icontains=word)
                | Q(email__icontains=word)
            )
        found = contacts.filter(wanted)
    rows = list(found.order_by("deleted_at", "full_name", "pk")[: MOST + 1])
    return Found(rows[:MOST], more=len(rows) > MOST)
