"""Notices above the composer: first text to a contact, quiet hours, opt-out. They inform and never block sending.

They use data the thread page has already read and run no queries.
"""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from ...contacts import opt_out
from ...contacts.effective import EffectiveContact
from ...failures import Code, Reason
from ...models import ConsentEntry, Conversation, Message
from ...outbox import quiet_hours
from ...salesmsg import keywords
from ..contact_panel.panel import ContactPanel
from ..thread.queries import ThreadSlice

State = Message.State
NEVER_LEFT = (State.FAILED, State.CANCELLED)


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


def opted_out(conversation: Conversation, about: EffectiveContact) -> OptedOut | None:
    """Explain the opt-out of the contact; None when the contact has not opted out."""
    contact, change, decision = conversation.contact, about.opt, about.decision
    if not about.opted_out:
        return None
    # Without a person, the portal has requested it because of a keyword: then the ledger says more.
    if opt_out.forbids_texts(change) and not contact.opted_out and (change.requested_by or decision is None):
        return OptedOut(Reason(Code.OPT_OUT_PENDING).text, _staff_text(change.created_at, _name(change.requested_by)))
    if decision is None or decision.kind != ConsentEntry.Kind.OPT_OUT:
        if not contact.opted_out_at:
            return None
        text = _("Opted out on %(day)s.") % {"day": _day(contact.opted_out_at)}
        return OptedOut(text, _("They can opt in again by texting START."))
    match decision.source:
        case ConsentEntry.Source.KEYWORD:
            values = {"day": _day(decision.at), "word": keywords.normalize(decision.text.split("\n")[0]).upper()}
            text = _("Opted out on %(day)s by texting %(word)s.") % values
        case ConsentEntry.Source.STAFF:
            back = _("They can opt in again by texting START, or ask you to opt them in here.")
            return OptedOut(_staff_text(decision.at, decision.user_name), back)
        case _:
            text = _("Opted out on %(day)s.") % {"day": _day(decision.at)}
    return OptedOut(text, _("They can opt in again by texting START."))


def _name(user: User | None) -> str:
    return (user.get_full_name() or user.get_username()) if user else ""


def _staff_text(at: datetime, name: str) -> str:
    values = {"day": _day(at), "name": name}
    text = _("Opted out on %(day)s by %(name)s in the portal.") if name else _("Opted out on %(day)s in the portal.")
    return text % values


def _day(at: datetime) -> str:
    local = timezone.localtime(at)
    return date_format(local, "DAY" if local.year == timezone.localdate().year else "DATE_FORMAT")
