"""Rows for tests of pages: the smallest that hold together."""

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone

from integrations.crypto import digest, seal
from integrations.models import (
    Account,
    Change,
    Contact,
    Conversation,
    Credential,
    Membership,
    Message,
    SyncRun,
    SyncStream,
    WebhookEvent,
)

ACCESS_TOKEN = "access-token-that-nobody-may-see"
SECRET = "webhook-secret-of-{}"


def person(username: str = "agent", *, superuser: bool = False, permissions: tuple[str, ...] = (), staff: bool = True):
    user = get_user_model().objects.create_user(
        username, f"{username}@example.com", "password", is_staff=staff, is_superuser=superuser
    )
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def account(label: str = "Harbor Dental", *, state: str = Account.State.CONNECTED, **fields) -> Account:
    secret = SECRET.format(label)
    made = Account.objects.create(
        label=label, state=state, webhook_secret=seal(secret), webhook_digest=digest(secret), **fields
    )
    if state != Account.State.DISCONNECTED:
        Credential.objects.create(
            account=made,
            kind=Credential.Kind.OAUTH,
            access_token=seal(ACCESS_TOKEN),
            refresh_token=seal(ACCESS_TOKEN),
            expires_at=timezone.now() + timedelta(days=1),
            renew_at=timezone.now() + timedelta(hours=20),
        )
    return made


def member(user, of: Account, role: str = Membership.Role.AGENT) -> Membership:
    return Membership.objects.create(user=user, account=of, role=role)


def contact(of: Account, number: int = 1, **fields) -> Contact:
    values = {
        "vendor_id": 1000 + number,
        "phone": f"+1305555{number:04d}",
        "first_name": f"Ana{number}",
        "last_name": "Gomez",
        "full_name": f"Ana{number} Gomez",
        "email": f"ana{number}@example.com",
        "country": "US",
        "raw": {"id": 1000 + number, "number": f"+1305555{number:04d}"},
    } | fields
    return Contact.objects.create(account=of, **values)


def conversation(person_texted: Contact, **fields) -> Conversation:
    values = {"vendor_id": 50_000 + person_texted.pk, "latest_text": "See you on Friday", "latest_inbound": True}
    return Conversation.objects.create(account=person_texted.account, contact=person_texted, **(values | fields))


def message(thread: Conversation, text: str = "See you on Friday", **fields) -> Message:
    count = Message.objects.count() + 1
    values = {"state": Message.State.RECEIVED, "inbound": True, "at": timezone.now(), "rank": count, "vendor_id": count}
    return Message.objects.create(account=thread.account, conversation=thread, text=text, **(values | fields))


def edit(of: Contact, state: str = Change.State.PENDING, values: dict | None = None, **fields) -> Change:
    return Change.objects.create(
        account=of.account,
        kind=Change.Kind.CONTACT,
        contact=of,
        values=values or {"first_name": "Newname"},
        base={"first_name": of.first_name},
        state=state,
        **fields,
    )


def run(of: Account, state: str = SyncRun.State.RUNNING, **fields) -> SyncRun:
    made = SyncRun.objects.create(account=of, kind=SyncRun.Kind.FULL, state=state, **fields)
    SyncStream.objects.create(run=made, name="contacts", position=4, seen=120, total=300)
    return made


def event(of: Account, state: str = WebhookEvent.State.UNKNOWN, **fields) -> WebhookEvent:
    values = {"name": "mystery.happened", "body": '{"id": 7, "deep": {"er": [1]}}', "digest": "0" * 64} | fields
    return WebhookEvent.objects.create(account=of, state=state, **values)
