"""Notices above the composer: first text to a contact, quiet hours, opt-out. They inform and never block sending.

They use data the thread page has already read and run no queries.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from ...contacts import opt_out
from ...contacts.effective import EffectiveContact
from ...failures import Code, Reason
from ...models import Change, Conversation, Message
from ...outbox import quiet_hours
from ...salesmsg.text import STOP_WORDS
from ..contact_panel.panel import ContactPanel
from ..thread.queries import ThreadSlice

State = Message.State
NEVER_LEFT = (State.FAILED, State.CANCELLED)
# A text that consists of one of these words counts as an opt-out; some carriers accept the added three as well.
OUT_WORDS = STOP_WORDS | {"OPTOUT", "OPT-OUT", "REVOKE"}


@dataclass(frozen=True)
class Notices:
    """The notices of a thread. first: this is the first text to the contact. quiet: the contact's local time."""

    first: bool = False
    quiet: quiet_hours.ContactClock | None = None


def read_notices(conversation: Conversation, thread_slice: ThreadSlice, card: ContactPanel, newest: bool) -> Notices:
    """Return the notices of a thread. newest: whether the slice is the end of the thread."""
    first = newest and _is_first_text(thread_slice, card)
    return Notices(first=first, quiet=quiet_hours.contact_clock(conversation.contact, conversation.account))


def _is_first_text(thread_slice: ThreadSlice, card: ContactPanel) -> bool:
    """Whether the contact certainly got no text before: the whole thread is loaded and it is the contact's only one."""
    if thread_slice.older or thread_slice.gap or card.others:
        return False
    texts = (message for message in thread_slice.messages if message.kind != Message.Kind.CALL)
    return all(message.inbound or message.state in NEVER_LEFT for message in texts)


@dataclass(frozen=True)
class OptedOut:
    """Why the contact gets no texts (`reason`) and how they can opt in again (`back`)."""

    reason: str
    back: str


def opted_out(conversation: Conversation, thread_slice: ThreadSlice, about: EffectiveContact) -> OptedOut | None:
    """Explain the opt-out of the contact; None when the contact has not opted out."""
    contact, change = conversation.contact, about.opt
    if not about.opted_out:
        return None
    by_staff = change if change is not None and change.kind == Change.Kind.OPT_OUT else None
    stop = _newest_stop(thread_slice)
    if by_staff is not None and opt_out.forbids_texts(by_staff) and not contact.opted_out:
        return OptedOut(Reason(Code.OPT_OUT_PENDING).text, _staff_text(by_staff))
    if (
        stop is not None
        and (by_staff is None or stop.at > by_staff.created_at)
        and _after_opt_in(stop.at, contact.opted_in_at)
    ):
        values = {"day": _day(stop.at), "word": _stripped(stop).upper()}
        text = _("Opted out on %(day)s by texting %(word)s.") % values
        return OptedOut(text, _("They can opt in again by texting START."))
    if by_staff is not None:
        back = _("They can opt in again by texting START, or ask you to opt them in here.")
        return OptedOut(_staff_text(by_staff), back)
    if contact.opted_out_at:
        text = _("Opted out on %(day)s.") % {"day": _day(contact.opted_out_at)}
        return OptedOut(text, _("They can opt in again by texting START."))
    return None


def _newest_stop(thread_slice: ThreadSlice) -> Message | None:
    """The contact's newest text in the slice that consists of an opt-out word."""
    inbound = (message for message in reversed(thread_slice.messages) if message.inbound)
    return next((message for message in inbound if _stripped(message).upper() in OUT_WORDS), None)


def _stripped(message: Message) -> str:
    return message.text.strip().strip(".!")


def _after_opt_in(at: datetime, opted_in_at: datetime | None) -> bool:
    """Whether a STOP came after the last opt-in, and so explains the current opt-out."""
    return opted_in_at is None or at > opted_in_at


def _staff_text(change: Change) -> str:
    user = change.requested_by
    name = (user.get_full_name() or user.get_username()) if user else ""
    values = {"day": _day(change.created_at), "name": name}
    text = _("Opted out on %(day)s by %(name)s in the portal.") if name else _("Opted out on %(day)s in the portal.")
    return text % values


def _day(at: datetime) -> str:
    local = timezone.localtime(at)
    return date_format(local, "DAY" if local.year == timezone.localdate().year else "DATE_FORMAT")
