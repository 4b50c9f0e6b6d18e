"""What is good to know before writing to somebody; it is said only where it applies, and stops nothing.

All of it comes from what the thread page has read anyway: no query.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from ...contacts import opt_out
from ...contacts.effective import EffectiveContact
from ...models import Change, Conversation, Message
from ...outbox import quiet_hours
from ...salesmsg.text import STOP_WORDS
from ...told import told
from ..contact_panel.panel import ContactPanel
from ..thread.queries import ThreadSlice

State = Message.State
NEVER_LEFT = (State.FAILED, State.CANCELLED)
# What a carrier takes for an opt-out, alone in a text.
OUT_WORDS = STOP_WORDS | {"OPTOUT", "OPT-OUT", "REVOKE"}  # some carriers know these, too


@dataclass(frozen=True)
class Notices:
    """What to say above the composer: `first` text to them, and what their clock shows."""

    first: bool = False
    quiet: quiet_hours.ContactClock | None = None


def read_notices(conversation: Conversation, stretch: ThreadSlice, card: ContactPanel, newest: bool) -> Notices:
    """newest: whether the stretch is the end of the thread."""
    first = newest and _first(stretch, card)
    return Notices(first=first, quiet=quiet_hours.contact_clock(conversation.contact, conversation.account))


def _first(stretch: ThreadSlice, card: ContactPanel) -> bool:
    """Whether surely nobody texted them before: the whole thread is here, and it is their only one."""
    if stretch.older or stretch.gap or card.others:
        return False
    texts = (message for message in stretch.messages if message.kind != Message.Kind.CALL)
    return all(message.inbound or message.state in NEVER_LEFT for message in texts)


@dataclass(frozen=True)
class OptedOut:
    """That they get no texts: since when and by whom, and how they can come back."""

    words: str
    back: str


def opted_out(conversation: Conversation, stretch: ThreadSlice, about: EffectiveContact) -> OptedOut | None:
    """None for who may be texted as far as opt-outs go."""
    contact, change = conversation.contact, about.opt
    if not about.opted_out:
        return None
    ours = change if change is not None and change.kind == Change.Kind.OPT_OUT else None
    stop = _stop(stretch)
    if ours is not None and opt_out.forbids_texts(ours) and not contact.opted_out:
        return OptedOut(told(opt_out.ON_ITS_WAY), _by_staff(ours))
    if stop is not None and (ours is None or stop.at > ours.created_at) and _fits(stop.at, contact.opted_in_at):
        values = {"day": _day(stop.at), "word": _bare(stop).upper()}
        words = _("Opted out on %(day)s by texting %(word)s.") % values
        return OptedOut(words, _("They can opt in again by texting START."))
    if ours is not None:
        return OptedOut(_by_staff(ours), _("They can opt in again by texting START, or ask you to opt them in here."))
    if contact.opted_out_at:
        words = _("Opted out on %(day)s.") % {"day": _day(contact.opted_out_at)}
        return OptedOut(words, _("They can opt in again by texting START."))
    return None


def _stop(stretch: ThreadSlice) -> Message | None:
    """Their newest text that says STOP and nothing else, as far as it is on the page."""
    said = (message for message in reversed(stretch.messages) if message.inbound)
    return next((one for one in said if _bare(one).upper() in OUT_WORDS), None)


def _bare(message: Message) -> str:
    return message.text.strip().strip(".!")


def _fits(at: datetime, opted_in_at: datetime | None) -> bool:
    """A STOP from before they came back is not why they are out now."""
    return opted_in_at is None or at > opted_in_at


def _by_staff(change: Change) -> str:
    person = change.requested_by
    name = (person.get_full_name() or person.get_username()) if person else ""
    words = {"day": _day(change.created_at), "name": name}
    return (_("Opted out on %(day)s by %(name)s here.") if name else _("Opted out on %(day)s here.")) % words


def _day(at: datetime) -> str:
    local = timezone.localtime(at)
    return date_format(local, "DAY" if local.year == timezone.localdate().year else "DATE_FORMAT")
