"""Rows for tests: the smallest that hold together. Keyword arguments set any other field."""

import itertools
import uuid
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone

from integrations.crypto import digest, seal
from integrations.mirror.conversation_summary import standing_of
from integrations.models import (
    Account,
    Change,
    ConsentEntry,
    Contact,
    Conversation,
    Credential,
    Inbox,
    Member,
    Membership,
    Message,
    SyncRun,
    SyncStream,
    ThreadSync,
    WebhookEvent,
)
from integrations.models.message import DRAFT_RANK

ACCESS_TOKEN = "access-token-that-nobody-may-see"
SECRET = "webhook-secret-of-{}"

_numbers = itertools.count(1000)


# People


def person(username: str = "ada", *, superuser: bool = False, permissions: tuple[str, ...] = (), **values):
    """A member of staff without any account."""
    values = {"is_staff": True, "email": f"{username}@example.com", "password": "password", **values}
    user = get_user_model().objects.create_user(username, is_superuser=superuser, **values)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def membership(user, of: Account, role: str = Membership.Role.AGENT) -> Membership:
    """Lets a person work in an account."""
    return Membership.objects.create(user=user, account=of, role=role)


def member(of: Account, name: str = "Rosa Lind", user=None, **values) -> Member:
    """A member of the organisation at Salesmsg, and the person of ours who that is."""
    made = Member.objects.create(account=of, vendor_id=next(_numbers), full_name=name, **values)
    if user is not None:
        Membership.objects.filter(user=user, account=of).update(member=made)
    return made


# Accounts


def account(label: str = "Harbor Dental", *users, **values) -> Account:
    """A synced account in which these people work; it holds no token."""
    defaults = {"state": Account.State.CONNECTED, "synced_at": timezone.now(), "webhook_secret": "sealed"}
    digest_of = {"webhook_digest": f"digest-{next(_numbers)}"}
    made = Account.objects.create(label=label, **{**defaults, **digest_of, **values})
    for user in users:
        membership(user, made)
    return made


def connected_account(label: str = "Harbor Dental", **values) -> Account:
    """An account with a token and a webhook secret, of which nothing is synced yet."""
    secret = SECRET.format(label)
    defaults = {"synced_at": None, "webhook_secret": seal(secret), "webhook_digest": digest(secret)}
    made = account(label, **{**defaults, **values})
    if made.state != Account.State.DISCONNECTED:
        Credential.objects.create(
            account=made,
            kind=Credential.Kind.OAUTH,
            access_token=seal(ACCESS_TOKEN),
            refresh_token=seal(ACCESS_TOKEN),
            expires_at=timezone.now() + timedelta(days=1),
            renew_at=timezone.now() + timedelta(hours=20),
        )
    return made


def inbox(of: Account, name: str = "Front desk", **values) -> Inbox:
    return Inbox.objects.create(account=of, vendor_id=next(_numbers), name=name, **values)


# Contacts


def contact(of: Account, first: str = "Dana", last: str = "Reyes", **values) -> Contact:
    """A contact with a unique number."""
    number = next(_numbers)
    values = {"phone": f"+1305555{number:04d}", "full_name": f"{first} {last}".strip(), "vendor_id": number, **values}
    return Contact.objects.create(account=of, first_name=first, last_name=last, **values)


def consent(of: Contact, kind: str = "opt_out", source: str = "keyword", **values) -> ConsentEntry:
    """An entry of the consent ledger for the contact's number."""
    values = {"at": timezone.now(), "contact": of, "contact_name": of.name, **values}
    return ConsentEntry.objects.create(account=of.account, phone=of.phone, kind=kind, source=source, **values)


def customer(of: Account, number: int = 1, **values) -> Contact:
    """The contact of that number: Ana1 Gomez, +13055550001, with the record that Salesmsg sent."""
    first, phone = f"Ana{number}", f"+1305555{number:04d}"
    known = {
        "vendor_id": 1000 + number,
        "phone": phone,
        "first_name": first,
        "last_name": "Gomez",
        "full_name": f"{first} Gomez",
        "email": f"ana{number}@example.com",
        "country": "US",
        "raw": {"id": 1000 + number, "number": phone},
    }
    return Contact.objects.create(account=of, **{**known, **values})


# Conversations and messages


def conversation(of: Account, who: Contact | None = None, **values) -> Conversation:
    """A conversation whose messages have all been read from Salesmsg; with a new contact unless one is given."""
    values = {"vendor_id": next(_numbers), **values}
    made = Conversation.objects.create(account=of, contact=who or contact(of), **values)
    ThreadSync.objects.create(conversation=made, complete=True)
    return made


def customer_thread(who: Contact, **values) -> Conversation:
    """A conversation with this contact whose messages are still to be read; the list showed the last one."""
    values = {"vendor_id": 50_000 + who.pk, "latest_text": "See you on Friday", "latest_inbound": True, **values}
    return Conversation.objects.create(account=who.account, contact=who, **values)


def message(of: Conversation, text: str = "Hello", *, at: datetime | None = None, **values) -> Message:
    """A message of the thread; the newest one is repeated in the conversation, as mirror does."""
    inbound = values.setdefault("inbound", True)
    values.setdefault("state", Message.State.RECEIVED if inbound else Message.State.DELIVERED)
    values.setdefault("is_news", inbound and not values.get("machine"))
    at = at or timezone.now()
    if values["state"] in (Message.State.QUEUED, Message.State.SENDING):
        values = {"client_uuid": uuid.uuid4(), "rank": DRAFT_RANK + next(_numbers), "due_at": at, **values}
    else:
        number = next(_numbers)
        values = {"vendor_id": number, "rank": number, **values}
    made = Message.objects.create(account_id=of.account_id, conversation=of, text=text, at=at, **values)
    newest = of.messages.filter(machine="").order_by("-at", "-rank").first() or made
    of.latest_at, of.latest_inbound, of.latest_state = newest.at, newest.inbound, newest.state
    of.latest_text = (newest.text or {"call": "Call", "mms": "Picture"}.get(newest.kind, ""))[:200]
    of.save(update_fields=["latest_at", "latest_inbound", "latest_state", "latest_text"])
    type(of).objects.filter(pk=of.pk).update(**standing_of(Message.objects.filter(conversation=of)))
    of.refresh_from_db(fields=["news_pk", "trouble"])
    return made


def thread(
    of: Conversation, number: int, *, start: datetime | None = None, every=timedelta(minutes=3)
) -> list[Message]:
    """Question and answer, `number` messages long."""
    start = start or timezone.now() - every * number
    rows = [
        Message(
            account_id=of.account_id,
            conversation=of,
            vendor_id=(vendor_id := next(_numbers)),
            rank=vendor_id,
            inbound=place % 2 == 0,
            is_news=place % 2 == 0,
            state=Message.State.RECEIVED if place % 2 == 0 else Message.State.SENT,
            text=f"Message number {place}",
            at=start + every * place,
        )
        for place in range(number)
    ]
    made = Message.objects.bulk_create(rows)
    of.latest_at, of.latest_text = rows[-1].at, rows[-1].text
    of.latest_inbound, of.latest_state = rows[-1].inbound, rows[-1].state
    of.news_pk = max((row.pk for row in made if row.is_news), default=of.news_pk)
    of.save()
    return made


def touch(of: Conversation) -> None:
    """What mirror.touch does when something in a thread changed."""
    of.version += 1
    of.save(update_fields=["version"])
    of.account.inbox_version += 1
    of.account.save(update_fields=["inbox_version"])


# What happens to them


def contact_edit(of: Contact, state: str = Change.State.PENDING, values: dict | None = None, **fields) -> Change:
    """A change of a contact that a user requested."""
    values = values or {"first_name": "Newname"}
    base = {"first_name": of.first_name}
    fields = {"kind": Change.Kind.CONTACT, "base": base, **fields}
    return Change.objects.create(account=of.account, contact=of, values=values, state=state, **fields)


def sync_run(of: Account, state: str = SyncRun.State.RUNNING, **fields) -> SyncRun:
    """A full sync that is in the middle of the contacts."""
    made = SyncRun.objects.create(account=of, kind=SyncRun.Kind.FULL, state=state, **fields)
    SyncStream.objects.create(run=made, name="contacts", position=4, seen=120, total=300)
    return made


def webhook_event(of: Account, state: str = WebhookEvent.State.UNKNOWN, **fields) -> WebhookEvent:
    """An event of an unknown kind."""
    values = {"name": "mystery.happened", "body": '{"id": 7, "deep": {"er": [1]}}', "digest": "0" * 64, **fields}
    return WebhookEvent.objects.create(account=of, state=state, **values)
