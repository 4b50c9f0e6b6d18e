"""Writes the consent ledger, and answers whether a phone number has opted out.

Three sources write it: the contact's own texts (`read_texts`, and `read_event` before any call), Salesmsg's contacts
(`read_contacts`), and staff (`record_decision`). Consent belongs to the phone: the newest entry of a number counts for
all contacts that have it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from ..models import Change, ConsentEntry, Contact, Conversation, Message
from ..salesmsg import keywords
from ..salesmsg.keywords import Keyword
from .versions import touch

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind, Source = ConsentEntry.Kind, ConsentEntry.Source
DECIDING = (Kind.OPT_OUT, Kind.OPT_IN)
LATELY = timedelta(days=1)
CLOCKS = timedelta(seconds=30)  # how far the portal's clock and Salesmsg's may differ


def find_keyword(text: str) -> Keyword | None:
    """The keyword that this text consists of, with the words of the settings."""
    return keywords.find_keyword(text, settings.OPT_OUT_WORDS, settings.OPT_IN_WORDS)


def read_kind(text: str) -> str:
    """What a text says about consent: an opt-out, an opt-in, or a doubt; empty for all other texts."""
    match find_keyword(text):
        case Keyword.OPT_OUT:
            return Kind.OPT_OUT
        case Keyword.OPT_IN:
            return Kind.OPT_IN
        case None if keywords.seems_opt_out(text):
            return Kind.DOUBT
    return ""


def newest_decision(account_id: int, phone: str) -> ConsentEntry | None:
    """The newest opt-in or opt-out of this number. One query."""
    if not phone:
        return None
    entries = ConsentEntry.objects.filter(account_id=account_id, phone=phone, kind__in=DECIDING)
    return entries.order_by("-at", "-pk").first()


@dataclass(frozen=True)
class Standing:
    """What the ledger says of a number."""

    decision: ConsentEntry | None  # the newest opt-in or opt-out
    doubt: ConsentEntry | None  # a text that may ask to opt out and waits for a decision
    newest: tuple[ConsentEntry, ...]  # newest first


EMPTY = Standing(None, None, ())


def standing(account_id: int, phone: str, most: int = 1) -> Standing:
    """What the ledger says of this number, with its newest entries. One query."""
    if not phone:
        return EMPTY
    entries = ConsentEntry.objects.filter(account_id=account_id, phone=phone).order_by("-at", "-pk")
    newest = (entries.values("pk")[:most], entries.filter(kind__in=DECIDING).values("pk")[:1])
    found = list(ConsentEntry.objects.filter(Q(pk__in=newest[0]) | Q(pk__in=newest[1])).order_by("-at", "-pk"))
    decision = next((one for one in found if one.kind in DECIDING), None)
    return Standing(decision, found[0] if found and found[0].kind == Kind.DOUBT else None, tuple(found[:most]))


def opted_out_entries(account_id: int) -> QuerySet[ConsentEntry]:
    """For each opted-out number of the account, its opt-outs since the last opt-in."""
    return _unanswered(account_id, Kind.OPT_OUT, DECIDING)


def doubted_entries(account_id: int) -> QuerySet[ConsentEntry]:
    """Texts that may ask to opt out and wait for a decision."""
    return _unanswered(account_id, Kind.DOUBT, (*DECIDING, Kind.CLEARED))


def _unanswered(account_id: int, kind: str, answers: Iterable[str]) -> QuerySet[ConsentEntry]:
    same = Q(account=OuterRef("account"), phone=OuterRef("phone"), kind__in=[one for one in answers if one != kind])
    later = Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk"))
    entries = ConsentEntry.objects.filter(account_id=account_id, kind=kind)
    return entries.exclude(Exists(ConsentEntry.objects.filter(same, later)))


def read_texts(conversation: Conversation, messages: Iterable[Message]) -> None:
    """Records what new inbound texts say about consent, and opts the contact out at once.

    Salesmsg does so too for the words it knows, but reports it later. Older texts are history: it knows what came of
    them.
    """
    recent = timezone.now() - LATELY
    for message in sorted(messages, key=lambda one: (one.at, one.rank)):
        if message.inbound and message.is_news and message.at > recent and (kind := read_kind(message.text)):
            contact = conversation.contact
            _record_text(contact.account_id, contact.phone, contact, kind, message.text, message.at, message.vendor_id)


def read_event(
    account_id: int,
    text: str,
    phone: str,
    contact_id: int | None,
    conversation_id: int | None,
    message_id: int | None,
) -> bool:
    """Records an opt-out from a webhook's own words, before any call to Salesmsg. Returns whether it was one.

    Only opt-outs, because anyone who knows the address can forge an event. The ids are Salesmsg's.
    """
    if read_kind(text) != Kind.OPT_OUT:
        return False
    contacts = Contact.objects.filter(account_id=account_id)
    contact = contacts.filter(vendor_id=contact_id).first() if contact_id else None
    if contact is None and conversation_id:
        contact = contacts.filter(conversations__vendor_id=conversation_id).first()
    if contact is None and phone:
        contact = contacts.present().filter(phone=phone).order_by("pk").first()
    phone = contact.phone if contact is not None and contact.phone else phone
    _record_text(account_id, phone, contact, Kind.OPT_OUT, text, timezone.now(), message_id)
    return bool(phone or contact)


def _record_text(
    account_id: int, phone: str, contact: Contact | None, kind: str, text: str, at: datetime, vendor_id: int | None
) -> None:
    if kind == Kind.OPT_OUT:
        _opt_out(contact, at)
    elif kind == Kind.OPT_IN:
        decision = newest_decision(account_id, phone)
        if decision is None or decision.kind != Kind.OPT_OUT or decision.at - at > CLOCKS:
            return  # nothing to undo: "yes" is an ordinary answer
        at = max(at, decision.at)
    more = {"text": text, "message_vendor_id": vendor_id}
    _write([_entry(account_id, phone, kind, Source.KEYWORD, at, contact, **more)])


def _opt_out(contact: Contact | None, at: datetime) -> None:
    """Shows the opt-out before Salesmsg reports it, unless Salesmsg already dates an opt-in later."""
    if contact is None:
        return
    known = Contact.objects.filter(pk=contact.pk, opted_out=False)
    changed = known.filter(Q(opted_in_at=None) | Q(opted_in_at__lt=at)).update(opted_out=True, opted_out_at=at)
    if changed:
        touch(contact.account_id, list(contact.conversations.values_list("pk", flat=True)))


def read_contacts(account_id: int, before: dict[int, bool], contacts: Iterable[Contact]) -> None:
    """Records opt-outs and opt-ins that Salesmsg reports.

    before: primary key -> whether the contact was opted out before; missing for a new contact. A contact that is no
    longer opted out undoes what Salesmsg or staff did. A person's own STOP it undoes only if Salesmsg dates an opt-in
    later: Salesmsg may not know the word, and its answer may be older than the text.
    """
    turned = [one for one in contacts if one.phone and bool(before.get(one.pk)) != one.opted_out]
    if not turned:
        return
    under_way = Change.objects.filter(
        contact__in=[one.pk for one in turned],
        kind=Change.Kind.OPT_IN,
        state__in=[Change.State.PENDING, Change.State.PUSHING],
    )
    by_staff = set(under_way.values_list("contact", flat=True))
    decisions = newest_decisions(account_id, {one.phone for one in turned})
    entries = []
    for contact in turned:
        decision = decisions.get(contact.phone)
        if contact.opted_out:
            at, kind = contact.opted_out_at or timezone.now(), Kind.OPT_OUT
            news = decision is None or (decision.kind == Kind.OPT_IN and decision.at < at)
        else:
            at, kind = timezone.now(), Kind.OPT_IN
            news = contact.pk not in by_staff and decision is not None and _undoes(contact, decision)
        if news:
            entries.append(_entry(account_id, contact.phone, kind, Source.SALESMSG, at, contact))
    _write(entries)


def _undoes(contact: Contact, decision: ConsentEntry) -> bool:
    """Whether a contact that Salesmsg shows as opted in undoes this decision of its number."""
    dated_later = contact.opted_in_at is not None and contact.opted_in_at > decision.at
    return decision.kind == Kind.OPT_OUT and (dated_later or decision.source != Source.KEYWORD)


def newest_decisions(account_id: int, phones: set[str]) -> dict[str, ConsentEntry]:
    """The newest opt-in or opt-out of each of these numbers. One query."""
    entries = ConsentEntry.objects.filter(account_id=account_id, phone__in=phones, kind__in=DECIDING)
    return {one.phone: one for one in entries.order_by("at", "pk")}


def record_decision(user: "User | None", contact: Contact, kind: str, note: str = "") -> None:
    """Records what staff decided for the contact's number. user: None if the user has been deleted since."""
    name = (user.get_full_name() or user.get_username())[:255] if user is not None else ""
    newest = ConsentEntry.objects.filter(account_id=contact.account_id, phone=contact.phone).order_by("-at").first()
    at = max(timezone.now(), newest.at) if newest is not None else timezone.now()  # Salesmsg's clock may be ahead
    _write(
        [
            _entry(
                contact.account_id, contact.phone, kind, Source.STAFF, at, contact,
                user=user, user_name=name, note=note,
            )
        ]
    )  # fmt: skip


def _entry(
    account_id: int, phone: str, kind: str, source: str, at: datetime, contact: Contact | None, **more: Any
) -> ConsentEntry:
    name = contact.name[:512] if contact is not None else ""
    return ConsentEntry(
        account_id=account_id, phone=phone, kind=kind, source=source, at=at, contact=contact, contact_name=name, **more
    )


def _write(entries: list[ConsentEntry]) -> None:
    """Adds entries; what the webhook has already recorded for the same text is left alone."""
    ConsentEntry.objects.bulk_create([one for one in entries if one.phone], ignore_conflicts=True)
