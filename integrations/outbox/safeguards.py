"""What a text must pass before it leaves: one function, asked by every way a text can leave.

It is asked when the text is written (`check_written`) and again when it is dispatched (`check_dispatch`), because days
may lie between the two. `RULES` says for each safeguard and way what happens if it finds something; a way that is
missing there cannot send.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from ..contacts import opt_out
from ..failures import NO_REASON, Code, Reason
from ..models import Bulk, Contact, Conversation, Message
from . import merge_fields, quiet_hours

SAME_TEXT_WITHIN = timedelta(minutes=1)
State = Message.State


class CannotSend(Exception):
    """The text was rejected. `reason`: explanation for staff, and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class NeedsConfirmation(CannotSend):
    """The text was not queued yet: the author must confirm it. `questions`: the safeguards that ask."""

    def __init__(self, findings: list["Finding"]):
        super().__init__(" ".join(one.reason.text for one in findings))
        self.questions = [one.safeguard.value for one in findings]


class Way(models.TextChoices):
    """How a text leaves."""

    REPLY = "reply"
    NEW = "new"
    SCHEDULED = "scheduled"
    RESENT = "resent"
    BULK = "bulk"
    COMMAND = "command"


class Safeguard(models.TextChoices):
    CONSENT = "consent"
    DOUBT = "doubt"
    PLACEHOLDER = "placeholder"
    DUPLICATE = "duplicate"
    QUIET_HOURS = "quiet_hours"


class Answer(models.TextChoices):
    """What a finding means. ASK is for a person who is there, HOLD for one who comes back later; WAIT ends itself."""

    REFUSE = "refuse"
    ASK = "ask"
    HOLD = "hold"
    WAIT = "wait"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Outgoing:
    """A text that is about to leave.

    at: when it is to leave. pictures: the sizes of its files in bytes. accepted: the safeguards whose questions the
    author has answered with “send”. message_id: its row, if it has one already.
    """

    way: Way
    conversation: Conversation
    text: str
    at: datetime
    pictures: tuple[int, ...] = ()
    accepted: frozenset[str] = frozenset()
    message_id: int | None = None
    bulk: Bulk | None = None

    @property
    def contact(self) -> Contact:
        return self.conversation.contact


@dataclass(frozen=True)
class Finding:
    """What a safeguard found. until: when it ends by itself, if it does."""

    safeguard: Safeguard
    answer: Answer
    reason: Reason
    until: datetime | None = None


_R, _A, _H, _W, _I = Answer.REFUSE, Answer.ASK, Answer.HOLD, Answer.WAIT, Answer.IGNORE
# (when it is written, when it is dispatched)
RULES: dict[Safeguard, dict[Way, tuple[Answer, Answer]]] = {
    Safeguard.CONSENT: dict.fromkeys(Way, (_R, _R)),
    # A person who writes one text sees the notice above the composer.
    Safeguard.DOUBT: {**dict.fromkeys(Way, (_I, _I)), Way.BULK: (_R, _R)},
    Safeguard.PLACEHOLDER: dict.fromkeys(Way, (_R, _R)),
    Safeguard.DUPLICATE: {
        Way.REPLY: (_A, _H),
        Way.NEW: (_A, _H),
        Way.SCHEDULED: (_A, _H),
        Way.COMMAND: (_A, _H),
        Way.RESENT: (_I, _I),  # to send it again is the author's decision
        Way.BULK: (_I, _R),  # the start of a bulk text asks once for all recipients
    },
    Safeguard.QUIET_HOURS: {
        **dict.fromkeys(Way, (_I, _I)),  # who answers at night sees the contact's time above the composer
        Way.SCHEDULED: (_A, _I),
        Way.BULK: (_W, _W),  # its queue lets each recipient wait for their morning
    },
}


def _consent(text: Outgoing) -> Reason:
    return opt_out.why_not_textable(text.contact)


def _doubt(text: Outgoing) -> Reason:
    phone = text.contact.phone
    return Reason(Code.SKIP_DOUBT) if opt_out.doubted_phones(text.contact.account_id, phone) else NO_REASON


def _placeholder(text: Outgoing) -> Reason:
    return merge_fields.fields_reason(text.text, text.contact)


def _duplicate(text: Outgoing) -> Reason:
    """Another text with the same words and files, in this thread and within a minute of this one, or still waiting."""
    waiting = Q(state__in=[State.QUEUED, State.SENDING], send_at=None, due_at__isnull=False)
    near = Q(at__range=(text.at - SAME_TEXT_WITHIN, text.at + SAME_TEXT_WITHIN))
    others = Message.objects.filter(near | waiting, conversation=text.conversation, inbound=False)
    others = others.exclude(state__in=[State.FAILED, State.CANCELLED])
    if text.message_id is not None:  # of two that wait, the one written first leaves
        others = others.exclude(pk=text.message_id).exclude(state=State.QUEUED, pk__gt=text.message_id)
    words = _words(text.text)
    same = [one for one in others.defer("raw") if _words(one.text) == words]
    return Reason(Code.DUPLICATE_TEXT) if any(_sizes(one) == text.pictures for one in same) else NO_REASON


def _words(text: str) -> str:
    return " ".join(text.split())


def _sizes(message: Message) -> tuple[int, ...]:
    if not message.carries_our_pictures:
        return ()
    return tuple(message.attachments.filter(ours=True).order_by("position").values_list("size", flat=True))


def _quiet_hours(text: Outgoing) -> Reason:
    if _quiet_until(text) is None:
        return NO_REASON
    zone = quiet_hours.contact_zone(text.contact, text.conversation.account)
    code = Code.QUIET_THEN if zone.sure else Code.QUIET_THEN_GUESS
    return Reason(code, {"at": text.at.isoformat(), "zone": zone.name})


def _quiet_until(text: Outgoing) -> datetime | None:
    window = text.bulk.window if text.bulk is not None else None
    return quiet_hours.quiet_until(text.contact, text.conversation.account, text.at, window)


CHECKS: dict[Safeguard, Callable[[Outgoing], Reason]] = {
    Safeguard.CONSENT: _consent,
    Safeguard.DOUBT: _doubt,
    Safeguard.PLACEHOLDER: _placeholder,
    Safeguard.DUPLICATE: _duplicate,
    Safeguard.QUIET_HOURS: _quiet_hours,
}


def check_written(text: Outgoing) -> None:
    """Check a text that a person has just written; hold the lock of its thread, so that two tabs cannot both pass.

    Raises CannotSend; NeedsConfirmation if the author may send it all the same.
    """
    findings = list(_findings(text, 0))
    for finding in findings:
        if finding.answer == Answer.REFUSE:
            raise CannotSend(finding.reason.text)
    if findings:
        raise NeedsConfirmation(findings)


def check_dispatch(message: Message) -> Finding | None:
    """Check a claimed text right before it is sent. Returns what stops it, if anything."""
    text = Outgoing(
        way_of(message),
        message.conversation,
        message.text,
        timezone.now(),
        _sizes(message),
        frozenset(message.accepted),
        message.pk,
        message.bulk,
    )
    return next(_findings(text, 1), None)


def way_of(message: Message) -> Way:
    """The way by which a queued text leaves."""
    if message.bulk_id is not None:
        return Way.BULK
    return Way.SCHEDULED if message.send_at is not None else Way.REPLY


def _findings(text: Outgoing, stage: int) -> Iterator[Finding]:
    for safeguard, check in CHECKS.items():
        answer = RULES[safeguard][text.way][stage]
        if answer != Answer.IGNORE and safeguard not in text.accepted and (reason := check(text)):
            yield Finding(safeguard, answer, reason, _quiet_until(text) if answer == Answer.WAIT else None)


def askable_names() -> list[str]:
    """The safeguards that a person may overrule on some way."""
    return sorted(one.value for one, ways in RULES.items() if any(Answer.ASK in answers for answers in ways.values()))


def accepted_names(given: Iterable[str]) -> list[str]:
    """Those of the given names that a person may overrule."""
    return [name for name in askable_names() if name in set(given)]
