"""Validates and queues outgoing texts. A task delivers the queued row after the request commits."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Least
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import jobs, mirror
from ..access import require_member
from ..contacts import opt_out
from ..failures import Reason
from ..mirror.conversations import refresh_latest
from ..models import Account, Attachment, Contact, Conversation, Inbox, Message
from ..models.message import DRAFT_RANK
from ..salesmsg import phones
from . import collision, safeguards
from .safeguards import CannotSend, Outgoing, Way

SEND, SEND_BULK = "integrations.tasks.send_due", "integrations.tasks.send_bulk"
MAX_CHARACTERS = 1600
LONGEST_WITH_PICTURES = 5000  # URL-encoded: with pictures the text is part of the URL, limited to about 8,000
ENCLOSED = ("file", "content_type", "size", "width", "height")
AGAIN = uuid.UUID("5b0d6f0e-6f0b-4c0a-9d5e-3f1c7f2a9b11")  # namespace for texts sent again


def queue_reply(
    user: User | None,
    conversation: Conversation,
    text: str,
    client_uuid: uuid.UUID,
    *,
    pictures: Sequence[dict[str, Any]] = (),
    seen: int | None = None,
    accepted: Collection[str] = (),
    way: Way = Way.REPLY,
    **later: Any,
) -> Message:
    """Queues a text in a conversation. A repeated client_uuid returns the existing row.

    pictures: Attachment columns of files that are already stored (`attachments.outgoing`); the text may then be empty.
    seen: primary key of the newest message the user has seen (0: none); a newer message rejects the text.
    accepted: the safeguards whose questions the author has answered with “send”.
    later: send_at, zone and stop_on_reply, set by `scheduled`.
    Raises CannotSend, NeedsConfirmation; PermissionDenied if the user has no access to the account.
    """
    _check_access(user, conversation.account_id)
    if (existing := _existing(client_uuid, conversation.account_id)) is not None:
        return existing
    text = _clean_text(text, bool(pictures))
    return _queue(user, conversation, text, client_uuid, way, pictures, seen, accepted, **later)


def check_text(message: Message, text: str, at: datetime, way: Way, accepted: Collection[str]) -> str:
    """The cleaned text, if it may replace the text of this queued message. Hold the lock of its thread.

    Raises CannotSend, NeedsConfirmation.
    """
    text = _clean_text(text)
    _check_account(message.account)
    safeguards.check_written(
        Outgoing(way, message.conversation, text, at, accepted=frozenset(accepted), message_id=message.pk)
    )
    return text


def queue_to_phone(
    user: User | None,
    account: Account,
    phone: str,
    text: str,
    client_uuid: uuid.UUID,
    inbox: Inbox | None = None,
    accepted: Collection[str] = (),
) -> Message:
    """Queues a text to a phone number. A new contact or conversation is a draft until it is created in Salesmsg.

    user: None for the command line. accepted: as in `queue_reply`.
    Raises CannotSend, NeedsConfirmation; PermissionDenied if the user has no access to the account.
    """
    _check_access(user, account.pk)
    if (existing := _existing(client_uuid, account.pk)) is not None:
        return existing
    text = _clean_text(text)
    inbox = inbox or _default_inbox(account)
    try:
        number = read_phone(account, phone, inbox)
    except phones.PhoneError as error:
        raise CannotSend(Reason(error.code, error.params).text) from None
    with transaction.atomic():
        conversation = _conversation(account, _contact_for(account, number), inbox)
        way = Way.COMMAND if user is None else Way.NEW
        return _queue(user, conversation, text, client_uuid, way, accepted=accepted)


def read_phone(account: Account, typed: str, inbox: Inbox | None = None) -> str:
    """The number that a person typed for this account and inbox, in E.164. Raises PhoneError.

    A known contact's number is accepted even if the plausibility checks refuse it.
    """
    try:
        return phones.read(typed, account.regions(inbox))
    except phones.PhoneError:
        exact = phones.possible(typed) if phones.clean(typed).startswith("+") else ""
        if exact and _with_phone(account, exact).exists():
            return exact
        raise


def resend_message(user: User, message: Message) -> Message:
    """Queues a copy of a failed, unknown or cancelled text. A second call returns the same copy.

    Raises CannotSend; PermissionDenied if the user has no access to the account.
    """
    _check_access(user, message.account_id)
    allowed = {Message.State.FAILED, Message.State.UNKNOWN, Message.State.CANCELLED}
    message.refresh_from_db()
    if message.inbound or message.state not in allowed:
        raise CannotSend(_("Only a text that was not sent can be sent again."))
    pictures = list(message.attachments.filter(ours=True).order_by("position").values(*ENCLOSED))
    if not message.text.strip() and not pictures:
        raise CannotSend(_("This message has no text to send again."))
    again = uuid.uuid5(AGAIN, str(message.pk))
    return queue_reply(user, message.conversation, message.text, again, pictures=pictures, way=Way.RESENT)


def cancel_message(user: User, message: Message) -> bool:
    """Cancels a queued text. Returns False if it is too late."""
    _check_access(user, message.account_id)
    with transaction.atomic():
        mirror.lock_thread(message.conversation_id)
        cancelled = Message.objects.filter(
            pk=message.pk, state=Message.State.QUEUED, client_uuid__isnull=False, vendor_id=None
        ).update(state=Message.State.CANCELLED, due_at=None, at=Least(F("at"), timezone.now()), **Reason().columns())
        if cancelled:
            refresh_latest(message.conversation_id)
            mirror.touch(message.account_id, [message.conversation_id])
    return bool(cancelled)


def _queue(
    user: User | None,
    conversation: Conversation,
    text: str,
    client_uuid: uuid.UUID,
    way: Way,
    pictures: Sequence[dict[str, Any]] = (),
    seen: int | None = None,
    accepted: Collection[str] = (),
    **later: Any,
) -> Message:
    """later: send_at, zone and stop_on_reply of a scheduled text; the caller enqueues its task."""
    now = timezone.now()
    leaves = later.get("send_at") or now
    sizes = tuple(one["size"] for one in pictures)
    # To send a text again is a decision that holds until it leaves.
    kept = [*accepted, safeguards.Safeguard.DUPLICATE] if way == Way.RESENT else list(accepted)
    _check_account(conversation.account)
    try:
        with transaction.atomic():
            # Serialize with syncs of the thread and with other members' texts.
            mirror.lock_thread(conversation.pk)
            if (
                user is not None
                and seen is not None
                and (reason := collision.collision_reason(user, conversation, seen))
            ):
                raise CannotSend(reason)
            text_to_check = Outgoing(way, conversation, text, leaves, sizes, frozenset(accepted))
            if (existing := _existing(client_uuid, conversation.account_id)) is not None:
                return existing  # the same form was submitted twice at the same time
            safeguards.check_written(text_to_check)
            message = Message.objects.create(
                account_id=conversation.account_id,
                conversation=conversation,
                client_uuid=client_uuid,
                state=Message.State.QUEUED,
                kind=Message.Kind.MMS if pictures else Message.Kind.SMS,
                media=[{"ours": True, "content_type": one["content_type"]} for one in pictures],
                text=text,
                sender=user,
                author_name=(user.get_full_name() or user.get_username())[:255] if user else "",
                at=leaves,
                rank=DRAFT_RANK + int(now.timestamp() * 1_000_000),
                due_at=leaves,
                accepted=kept,
                **later,
            )
            stored = {
                "message": message,
                "ours": True,
                "state": Attachment.State.STORED,
                "due_at": None,
                "fetched_at": now,
            }
            Attachment.objects.bulk_create(Attachment(**stored, position=n, **one) for n, one in enumerate(pictures))
            refresh_latest(conversation.pk)
            mirror.touch(conversation.account_id, [conversation.pk])
            if not later:
                jobs.enqueue(SEND, conversation.account_id, urgent=True)
    except IntegrityError:
        existing = _existing(client_uuid, conversation.account_id)
        if existing is None:
            raise
        return existing  # the same form was submitted twice at the same time
    return message


def _existing(client_uuid: uuid.UUID, account_id: int) -> Message | None:
    return Message.objects.filter(client_uuid=client_uuid, account_id=account_id).first()


def _check_access(user: User | None, account_id: int) -> None:
    """user: None for the command line, which has access to every account. Raises PermissionDenied."""
    if user is not None:
        require_member(user, account_id)


def _clean_text(text: str, with_pictures: bool = False) -> str:
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text and not with_pictures:
        raise CannotSend(_("Write a text first."))
    if len(text) > MAX_CHARACTERS:
        raise CannotSend(
            _("This text has %(count)s characters. The limit is %(most)s. Shorten it or send it in parts.")
            % {"count": len(text), "most": MAX_CHARACTERS}
        )
    if with_pictures and len(quote_plus(text)) > LONGEST_WITH_PICTURES:
        raise CannotSend(_("This text is too long to send with pictures. Shorten it or send the pictures separately."))
    return text


def _check_account(account: Account) -> None:
    if account.state == Account.State.DISCONNECTED:
        raise CannotSend(_("This account is disconnected. Reconnect it on the accounts page, then send the text."))
    if account.state == Account.State.ATTENTION:
        raise CannotSend(_("Salesmsg no longer accepts this account's sign-in. Reconnect it, then send the text."))


def _with_phone(account: Account, phone: str) -> QuerySet[Contact]:
    return Contact.objects.present().filter(account=account, phone=phone)


def _contact_for(account: Account, phone: str) -> Contact:
    """The contact with this phone: one that may not be texted first, then one known to Salesmsg, then a draft."""
    contacts = list(_with_phone(account, phone).order_by("pk"))
    for contact in contacts:
        if opt_out.why_not_textable(contact):
            return contact
    synced = [contact for contact in contacts if contact.vendor_id is not None]
    if synced or contacts:
        return (synced or contacts)[0]
    contact, _created = Contact.objects.get_or_create(account=account, phone=phone, vendor_id=None, deleted_at=None)
    return contact


def _conversation(account: Account, contact: Contact, inbox: Inbox | None) -> Conversation:
    own = Conversation.objects.filter(contact=contact)
    if inbox is not None:
        own = own.filter(Q(inbox=inbox) | Q(inbox=None))
    conversation = own.order_by(F("closed_at").desc(nulls_first=True), "-latest_at").first()
    if conversation is not None:
        return conversation
    conversation, _created = Conversation.objects.get_or_create(
        account=account, contact=contact, inbox=inbox, vendor_id=None, defaults={"latest_at": timezone.now()}
    )
    return conversation


def _default_inbox(account: Account) -> Inbox | None:
    """The account's only inbox; None if there are several, so that Salesmsg chooses."""
    inboxes = list(account.inboxes.all()[:2])
    return inboxes[0] if len(inboxes) == 1 else None


def conversation_for(contact: Contact) -> Conversation:
    """The conversation for the contact's next text: the open one, else the newest closed one, else a new draft."""
    return _conversation(contact.account, contact, _default_inbox(contact.account))
