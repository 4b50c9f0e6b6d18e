"""Believable rows for the inbox, and nothing that needs Salesmsg."""

import itertools
import uuid
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.utils import timezone

from integrations.mirror.conversation_summary import standing_of
from integrations.models import Account, Contact, Conversation, Inbox, Member, Membership, Message, ThreadSync
from integrations.models.message import DRAFT_RANK

_numbers = itertools.count(1000)


def person(name: str = "ada", *, superuser: bool = False, **values):
    values = {"is_staff": True, **values}
    return get_user_model().objects.create_user(name, password="secret", is_superuser=superuser, **values)


def account(label: str = "Harbor Dental", *users, **values) -> Account:
    number = next(_numbers)
    defaults = {"state": Account.State.CONNECTED, "synced_at": timezone.now(), "webhook_secret": "sealed"}
    made = Account.objects.create(label=label, webhook_digest=f"digest-{number}", **{**defaults, **values})
    for user in users:
        Membership.objects.create(user=user, account=made)
    return made


def inbox(of: Account, name: str = "Front desk", **values) -> Inbox:
    return Inbox.objects.create(account=of, vendor_id=next(_numbers), name=name, **values)


def member(of: Account, name: str = "Rosa Lind", user=None, **values) -> Member:
    made = Member.objects.create(account=of, vendor_id=next(_numbers), full_name=name, **values)
    if user is not None:
        Membership.objects.filter(user=user, account=of).update(member=made)
    return made


def contact(of: Account, first: str = "Dana", last: str = "Reyes", **values) -> Contact:
    number = next(_numbers)
    values = {"phone": f"+1305555{number:04d}", "full_name": f"{first} {last}".strip(), "vendor_id": number, **values}
    return Contact.objects.create(account=of, first_name=first, last_name=last, **values)


def conversation(of: Account, who: Contact | None = None, **values) -> Conversation:
    values = {"vendor_id": next(_numbers), **values}
    made = Conversation.objects.create(account=of, contact=who or contact(of), **values)
    ThreadSync.objects.create(conversation=made, complete=True)
    return made


def message(of: Conversation, text: str = "Hello", *, at: datetime | None = None, **values) -> Message:
    """A message of the thread; the newest one is repeated in the conversation, as mirror does."""
    inbound = values.setdefault("inbound", True)
    values.setdefault("state", Message.State.RECEIVED if inbound else Message.State.DELIVERED)
    values.setdefault("is_news", inbound)
    at = at or timezone.now()
    if values["state"] in (Message.State.QUEUED, Message.State.SENDING):
        values = {"client_uuid": uuid.uuid4(), "rank": DRAFT_RANK + next(_numbers), "due_at": at, **values}
    else:
        number = next(_numbers)
        values = {"vendor_id": number, "rank": number, **values}
    made = Message.objects.create(account_id=of.account_id, conversation=of, text=text, at=at, **values)
    newest = of.messages.order_by("-at", "-rank").first()
    of.latest_at, of.latest_inbound, of.latest_state = newest.at, newest.inbound, newest.state
    of.latest_text = (newest.text or {"call": "Call", "mms": "Picture"}.get(newest.kind, ""))[:200]
    of.save(update_fields=["latest_at", "latest_inbound", "latest_state", "latest_text"])
    type(of).objects.filter(pk=of.pk).update(**standing_of(Message.objects.filter(conversation=of)))
    of.refresh_from_db(fields=["news_pk", "trouble"])
    return made


def touch(of: Conversation) -> None:
    """What mirror.touch does when something in a thread changed."""
    of.version += 1
    of.save(update_fields=["version"])
    of.account.inbox_version += 1
    of.account.save(update_fields=["inbox_version"])


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
