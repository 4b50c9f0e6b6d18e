"""Writing a text: the row is made here, committed by the caller's request, and delivered by a task."""

import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_plus

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q
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
from ..salesmsg.text import PhoneError
from ..salesmsg.text import phone as normal_phone
from . import collision, merge_fields

SEND, SEND_BULK = "integrations.tasks.send_due", "integrations.tasks.send_bulk"
MAX_CHARACTERS = 1600
LONGEST_WITH_PICTURES = 5000  # encoded: with pictures the text goes in an address, which servers cut off at about 8,000
ENCLOSED = ("file", "content_type", "size", "width", "height")
AGAIN = uuid.UUID("5b0d6f0e-6f0b-4c0a-9d5e-3f1c7f2a9b11")  # namespace of the second tries


class CannotSend(Exception):
    """The text was not accepted; `reason` tells staff why and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def queue_reply(
    user: User | None,
    conversation: Conversation,
    text: str,
    client_uuid: uuid.UUID,
    *,
    pictures: Sequence[dict[str, Any]] = (),
    seen: int | None = None,
    **later: Any,
) -> Message:
    """Queues a text into a conversation. The same client_uuid again returns the same row.

    pictures: columns of Picture each, their files stored already (`pictures.outgoing`); with some, the text may be
    empty. seen: the newest message that the person was shown, by primary key (0: none); a thread that moved on since
    then takes no text. later: what `schedule` adds: send_at, zone, stop_on_reply. Raises CannotSend; PermissionDenied
    when the person may not see the account.
    """
    _allowed(user, conversation.account_id)
    if (known := _known(user, client_uuid, conversation.account_id)) is not None:
        return known
    text = validate_text(conversation, text, bool(pictures))
    return _queue(user, conversation, text, client_uuid, pictures, seen, **later)


def validate_text(conversation: Conversation, text: str, with_pictures: bool = False) -> str:
    """The text as it may be queued into this conversation now. Raises CannotSend."""
    text = _text(text, with_pictures)
    _sendable(conversation.account, conversation.contact)
    _filled(text, conversation.contact)
    return text


def queue_to_phone(
    user: User | None, account: Account, phone: str, text: str, client_uuid: uuid.UUID, inbox: Inbox | None = None
) -> Message:
    """Queues a text to a phone number; contact and conversation are drafts until Salesmsg has them.

    user: None for the command line. Raises CannotSend.
    """
    _allowed(user, account.pk)
    if (known := _known(user, client_uuid, account.pk)) is not None:
        return known
    text = _text(text)
    try:
        number = normal_phone(phone)
    except PhoneError as error:
        raise CannotSend(Reason(error.code).text) from None
    inbox = inbox or _default_inbox(account)
    with transaction.atomic():
        contact = _contact(account, number)
        _sendable(account, contact)
        _filled(text, contact)
        return _queue(user, _conversation(account, contact, inbox), text, client_uuid)


def resend_message(user: User, message: Message) -> Message:
    """A new text with the words of one that failed or whose outcome is unknown; pressed twice it is one.

    Raises CannotSend.
    """
    _allowed(user, message.account_id)
    allowed = {Message.State.FAILED, Message.State.UNKNOWN, Message.State.CANCELLED}
    message.refresh_from_db()
    if message.inbound or message.state not in allowed:
        raise CannotSend(_("Only a text that was not sent can be sent again."))
    pictures = list(message.attachments.filter(ours=True).order_by("position").values(*ENCLOSED))
    if not message.text.strip() and not pictures:
        raise CannotSend(_("This message has no text to send again."))
    return queue_reply(user, message.conversation, message.text, uuid.uuid5(AGAIN, str(message.pk)), pictures=pictures)


def cancel_message(user: User, message: Message) -> bool:
    """Takes back a text that still waits. False when it is too late."""
    _allowed(user, message.account_id)
    with transaction.atomic():
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
    pictures: Sequence[dict[str, Any]] = (),
    seen: int | None = None,
    **later: Any,
) -> Message:
    """later: send_at, zone and stop_on_reply of a scheduled text; whoever schedules it nudges it."""
    now = timezone.now()
    leaves = later.get("send_at") or now
    try:
        with transaction.atomic():
            # Pages of the thread and other people's texts take turns with this one.
            mirror.lock_thread(conversation.pk)
            if user is not None and seen is not None and (why := collision.collision_reason(user, conversation, seen)):
                raise CannotSend(why)
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
        known = _known(user, client_uuid, conversation.account_id)
        if known is None:
            raise
        return known  # the same form arrived twice at the same moment
    return message


def _known(user: User | None, client_uuid: uuid.UUID, account_id: int) -> Message | None:
    return Message.objects.filter(client_uuid=client_uuid, account_id=account_id).first()


def _allowed(user: User | None, account_id: int) -> None:
    """None is the command line, whose user owns the machine."""
    if user is not None:
        require_member(user, account_id)


def _text(text: str, with_pictures: bool = False) -> str:
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text and not with_pictures:
        raise CannotSend(_("Write a text first."))
    if len(text) > MAX_CHARACTERS:
        raise CannotSend(
            _("This text has %(count)s characters; %(most)s are the most. Shorten it or send it in parts.")
            % {"count": len(text), "most": MAX_CHARACTERS}
        )
    if with_pictures and len(quote_plus(text)) > LONGEST_WITH_PICTURES:
        raise CannotSend(_("This text is too long to go with pictures. Shorten it, or send the pictures on their own."))
    return text


def _sendable(account: Account, contact: Contact) -> None:
    if account.state == Account.State.DISCONNECTED:
        raise CannotSend(_("This account is disconnected. Connect it again on the accounts page, then send."))
    if account.state == Account.State.ATTENTION:
        raise CannotSend(_("Salesmsg does not accept this account's sign-in any more. Connect it again, then send."))
    if why := opt_out.refusal_reason(contact):
        raise CannotSend(why.text)


def _filled(text: str, contact: Contact) -> None:
    if problem := merge_fields.fields_problem(text, contact):
        raise CannotSend(problem)


def _contact(account: Account, phone: str) -> Contact:
    """The contact with this phone: a real one before a draft; an opted-out twin speaks for all of them."""
    known = list(Contact.objects.present().filter(account=account, phone=phone).order_by("pk"))
    for contact in known:
        if opt_out.refusal_reason(contact):
            return contact
    real = [contact for contact in known if contact.vendor_id is not None]
    if real or known:
        return (real or known)[0]
    contact, _made = Contact.objects.get_or_create(account=account, phone=phone, vendor_id=None, deleted_at=None)
    return contact


def _conversation(account: Account, contact: Contact, inbox: Inbox | None) -> Conversation:
    own = Conversation.objects.filter(contact=contact)
    if inbox is not None:
        own = own.filter(Q(inbox=inbox) | Q(inbox=None))
    conversation = own.order_by(F("closed_at").desc(nulls_first=True), "-latest_at").first()
    if conversation is not None:
        return conversation
    conversation, _made = Conversation.objects.get_or_create(
        account=account, contact=contact, inbox=inbox, vendor_id=None, defaults={"latest_at": timezone.now()}
    )
    return conversation


def _default_inbox(account: Account) -> Inbox | None:
    """None lets Salesmsg choose; with one inbox there is nothing to choose."""
    inboxes = list(account.inboxes.all()[:2])
    return inboxes[0] if len(inboxes) == 1 else None


def conversation_for(contact: Contact) -> Conversation:
    """Where this contact is texted next: their open thread, else the newest, else a draft of one."""
    return _conversation(contact.account, contact, _default_inbox(contact.account))
