"""What an event means. Anyone who learns the address can forge one, so an event is a hint: what it surely names is
fetched from Salesmsg under our own token, and its body is never believed (salesmsg-api.md, section 7)."""

import json
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from .. import gateway, jobs, mirror
from ..crypto import Unsealable
from ..gateway import BudgetWait, NotConnected
from ..models import BudgetCall, Contact, Conversation, Message, ThreadSync, WebhookEvent
from ..salesmsg.errors import NotFound, SalesmsgError
from ..salesmsg.text import phone as normal_phone
from ..sync.request import look_again

PROCESS = "integrations.tasks.process_event"
KNOWN = {
    "message.received",
    "message.sent",
    "message.delivered",
    "message.failed",
    "message.async.error",
    "contact.created",
    "contact.updated",
    "contact.opted_out",
    "contact.tag_added",
    "call.inbound_started",
    "call.outbound_started",
    "call.inbound_ended",
    "call.outbound_ended",
    "call.recording_available",
}
MOST_ATTEMPTS = 8
LEASE = timedelta(seconds=100)
# An event may overtake its own message: what was read this long before it came does not count as read after it.
HEAD_START = timedelta(seconds=0.5)
FEW = 20
EARLY, EARLY_TRIES = 2.0, 3  # seconds, times
State = WebhookEvent.State


class Early(Exception):
    """The event may be about a call that is still under way: look again in a moment."""


@dataclass(frozen=True)
class Named:
    """What an event surely names; None where it names nothing."""

    message_id: int | None = None
    conversation_id: int | None = None
    contact_id: int | None = None
    phone: str = ""

    def __bool__(self) -> bool:
        return bool(self.conversation_id or self.contact_id or self.phone)


def process(event_id: int) -> str:
    """The task: claims the event and fetches what it names. Returns the state it left it in."""
    now = timezone.now()
    claimed = WebhookEvent.objects.filter(pk=event_id, state=State.NEW, due_at__lte=now).update(
        due_at=now + LEASE, attempts=F("attempts") + 1
    )
    if not claimed:
        return ""
    event = WebhookEvent.objects.get(pk=event_id)
    if event.attempts > MOST_ATTEMPTS:
        return _end(event, State.FAILED, "It was begun again and again and never ended. Look at the worker's log.")
    named = names(event.body)
    known = event.name in KNOWN
    if not named:
        return _end(event, State.UNKNOWN, "It names no contact and no conversation.")
    try:
        _fetch(event, named)
    except BudgetWait as wait:
        return _put_off(event, wait.seconds, counted=False)
    except Early:
        return _put_off(event, EARLY)
    except (NotConnected, Unsealable) as problem:
        return _end(event, State.FAILED, str(problem))
    except SalesmsgError as error:
        if error.again == "never" or event.attempts >= MOST_ATTEMPTS:
            return _end(event, State.FAILED, error.text)
        return _put_off(event, min(120.0, 2.0**event.attempts))
    return _end(event, State.DONE if known else State.UNKNOWN, "" if known else "Unknown kind; what it names was read.")


def again(event: WebhookEvent) -> None:
    """Processes an event once more."""
    WebhookEvent.objects.filter(pk=event.pk).update(state=State.NEW, attempts=0, note="", due_at=timezone.now())
    jobs.enqueue(PROCESS, event.pk)


def nudge_due() -> int:
    """The sweep's part: events that are due and were not nudged, or whose worker is gone."""
    due = WebhookEvent.objects.filter(state=State.NEW, due_at__lt=timezone.now() - timedelta(seconds=2))
    ids = list(due.order_by("due_at").values_list("pk", flat=True)[:50])
    for pk in ids:
        jobs.enqueue(PROCESS, pk)
    return len(ids)


def names(body: str) -> Named:
    """Reads an event's body, whatever it is; never fails."""
    data = _data(body)
    message, contact, conversation = (_dict(data.get(key)) for key in ("message", "contact", "conversation"))
    if not message and "conversation_id" in data:
        message = data
    return Named(
        _id(message.get("id")),
        _id(message.get("conversation_id")) or _id(conversation.get("id")),
        _id(message.get("contact_id")) or _id(contact.get("id")),
        _phone(contact.get("number")),
    )


def _fetch(event: WebhookEvent, named: Named) -> None:
    account_id = event.account_id
    client = gateway.door(account_id, BudgetCall.Lane.EVENT).client
    about_contact = event.name.startswith("contact.") or not (named.conversation_id or named.phone)
    if about_contact and named.contact_id:
        _fetch_contact(account_id, client, named.contact_id)
        return
    if event.name == "message.sent" and _sent_from_here(event, named):
        return
    conversation = _conversation(event, named, client)
    if conversation is None:
        return
    read_at = ThreadSync.objects.filter(conversation=conversation).values_list("read_at", flat=True).first()
    if read_at is None or read_at < event.received_at + HEAD_START:
        look_again(conversation.pk)
    unread = not conversation.contact.raw  # all that we know of them is what a conversation told in passing
    if (unread or _stops(event.body)) and conversation.contact.vendor_id:
        _fetch_contact(account_id, client, conversation.contact.vendor_id)


def _sent_from_here(event: WebhookEvent, named: Named) -> bool:
    """Whether this is a text of ours whose answer told all of it: a bulk text would cost twice its calls otherwise.

    Raises Early, a few times, while a text of ours is under way in that conversation: this may be it.
    """
    ours = Message.objects.filter(account_id=event.account_id, client_uuid__isnull=False)
    if named.message_id and ours.filter(vendor_id=named.message_id).exists():
        return True
    under_way = ours.filter(state=Message.State.SENDING, conversation__vendor_id=named.conversation_id)
    if event.attempts <= EARLY_TRIES and under_way.exists():
        raise Early
    return False


def _conversation(event: WebhookEvent, named: Named, client) -> Conversation | None:
    """The conversation that the event names, fetched when it is new to us or was closed, because a text opens it
    again; found by contact or phone where the event does not name it."""
    account_id = event.account_id
    ours = Conversation.objects.select_related("contact").filter(account_id=account_id)
    if named.conversation_id:
        found = ours.filter(vendor_id=named.conversation_id).first()
        if found is None or found.closed_at:
            mirror.upsert_conversations(account_id, [client.conversation(named.conversation_id)])
            found = ours.filter(vendor_id=named.conversation_id).first()
        return found
    contact_id = named.contact_id
    if contact_id is None:
        known = Contact.objects.filter(account_id=account_id, phone=named.phone, vendor_id__isnull=False).first()
        if known is None:
            contacts = [contact for contact in client.find_contacts(named.phone) if contact.phone == named.phone]
            mirror.upsert_contacts(account_id, contacts)
            known = Contact.objects.filter(account_id=account_id, phone=named.phone, vendor_id__isnull=False).first()
        if known is None:
            return None
        contact_id = known.vendor_id
    found = mirror.upsert_conversations(account_id, client.contact_conversations(contact_id))
    for row in found.rows.values():
        look_again(row.pk)
    return None


def _fetch_contact(account_id: int, client, contact_id: int) -> None:
    try:
        record = client.contact(contact_id)
    except NotFound:
        mirror.gone(account_id, contact_id)
        return
    mirror.upsert_contacts(account_id, [record])


# The vendor acts on these at once, and says nothing but the text itself (salesmsg-api.md, section 8).
OPT_WORDS = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "start", "yes", "unstop"}


def _stops(body: str) -> bool:
    message = _dict(_data(body).get("message"))
    text = message.get("body_raw") or message.get("body") or ""
    return isinstance(text, str) and text.strip().lower() in OPT_WORDS


def _end(event: WebhookEvent, state: str, note: str) -> str:
    WebhookEvent.objects.filter(pk=event.pk, state=State.NEW).update(
        state=state, note=note, processed_at=timezone.now()
    )
    return state


def _put_off(event: WebhookEvent, seconds: float, *, counted: bool = True) -> str:
    attempts = F("attempts") if counted else F("attempts") - 1
    WebhookEvent.objects.filter(pk=event.pk, state=State.NEW).update(
        due_at=timezone.now() + timedelta(seconds=seconds), attempts=attempts
    )
    others = WebhookEvent.objects.filter(state=State.NEW, account_id=event.account_id).order_by()[:FEW]
    if len(others.values_list("pk")) < FEW:  # a long line would come back all at once; the sweep takes it bit by bit
        jobs.enqueue(PROCESS, event.pk, delay=seconds)
    return State.NEW


def _data(body: str) -> dict:
    """What an event tells, {} where nobody can read it."""
    try:
        payload = _dict(json.loads(body))
    except (ValueError, RecursionError):
        return {}
    return _dict(payload.get("data")) or payload


def _dict(value) -> dict:
    return value if isinstance(value, dict) else {}


def _id(value) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 < number < 2**63 else None


def _phone(value) -> str:
    try:
        return normal_phone(value) if isinstance(value, str) and value else ""
    except ValueError:
        return ""
