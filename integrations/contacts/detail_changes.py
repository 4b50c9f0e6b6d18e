"""Edits of a contact's tags, opt-out, notes and custom fields.

Each is stored as a pending change, which `push_changes` sends to Salesmsg. The contact row keeps the values from
Salesmsg; `effective` combines both.
"""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from .. import jobs, mirror
from ..access import can_opt_in, record_audit, require_member, require_permission
from ..mirror import consent
from ..models import AuditEntry, Change, ConsentEntry, Contact, Tag
from .change_handlers import same_label
from .custom_fields import custom_field_definitions, custom_field_values
from .effective import KINDS, OPEN, TAGGING
from .opt_out import OPTS
from .profile_changes import InvalidEdit, retry_change
from .push_changes import PUSH, touch_threads

Kind, State, Action = Change.Kind, Change.State, AuditEntry.Action
AUDITED = {
    Kind.TAG: Action.TAG_ADDED,
    Kind.UNTAG: Action.TAG_REMOVED,
    Kind.OPT_OUT: Action.OPTED_OUT,
    Kind.OPT_IN: Action.OPTED_IN,
    Kind.NOTE: Action.NOTE_ADDED,
    Kind.FIELDS: Action.FIELDS_EDITED,
}
# Actions accepted from forms.
WISHES = ("tag", "untag", "opt-out", "opt-in", "no-opt-out", "note", "fields", "again", "leave")
LONGEST_LABEL, LONGEST_NOTE, LONGEST_VALUE, LONGEST_WHY = 50, 2000, 1000, 500


def add_tag(user, contact: Contact, label: str) -> Change | None:
    """Adds a tag, and creates it if the label does not exist. None if the contact has it. Raises InvalidEdit."""
    label = " ".join((label or "").replace("\x00", "").split())
    if not label:
        raise InvalidEdit({"label": [_("Write a tag first.")]})
    if len(label) > LONGEST_LABEL:
        raise InvalidEdit({"label": [_("A tag can have at most %(most)s characters.") % {"most": LONGEST_LABEL}]})
    tags = Tag.objects.filter(account_id=contact.account_id, label__iexact=label).order_by("-vendor_id")
    return _change_tag(user, contact, Kind.TAG, tags.values_list("label", flat=True).first() or label)


def remove_tag(user, contact: Contact, label: str) -> Change | None:
    """Removes a tag. None if the contact does not have it. Raises InvalidEdit."""
    return _change_tag(user, contact, Kind.UNTAG, label)


def _change_tag(user, contact: Contact, kind: str, label: str) -> Change | None:
    with transaction.atomic():
        contact = _locked(user, contact)
        earlier = [one for one in _open(contact, TAGGING) if same_label(one.values["label"], label)]
        tagged = any(same_label(tag, label) for tag in contact.tags)
        return _toggle(user, contact, kind, {"label": label}, earlier, tagged == (kind == Kind.TAG), tag=label)


def request_opt_out(user, contact: Contact) -> Change | None:
    """Opts the contact's number out. The portal stops texting it immediately. None if Salesmsg has it already."""
    with transaction.atomic():
        contact = _locked(user, contact)
        change = _change_opt(user, contact, Kind.OPT_OUT, {})
        decision = consent.newest_decision(contact.account_id, contact.phone)
        if decision is None or decision.kind != Kind.OPT_OUT:
            consent.record_decision(user, contact, Kind.OPT_OUT)
            _touch_contact(contact)
        return change


def request_opt_in(user, contact: Contact, *, agreed: bool, why: str) -> Change | None:
    """Opts the contact's number in, for every contact that has it.

    The portal allows texts once Salesmsg has confirmed it; at once where Salesmsg knows of no opt-out. agreed: the user
    confirms that the contact asked for it. why: the user's reason, for the consent ledger. Raises InvalidEdit if one
    of them is missing; PermissionDenied unless the user manages the account.
    """
    why = " ".join(why.replace("\x00", "").split())[:LONGEST_WHY]
    if not agreed:
        raise InvalidEdit({"agreed": [_("Confirm that this contact has asked to receive texts again.")]})
    if not why:
        raise InvalidEdit({"why": [_("Write down how and when they asked, for example “asked on the phone today”.")]})
    require_permission(can_opt_in(user, contact.account))
    with transaction.atomic():
        contact = _locked(user, contact)
        twins = Contact.objects.present().filter(account=contact.account_id, phone=contact.phone, opted_out=True)
        twins = twins.exclude(Q(pk=contact.pk) | Q(phone="") | Q(vendor_id=None))
        rows = [contact, *twins.select_for_update(of=("self",), no_key=True).order_by("pk")]
        made = [_change_opt(user, one, Kind.OPT_IN, {"why": why}) for one in rows]
        if not any(made) and not _waits_for_opt_in(rows):
            decision = consent.newest_decision(contact.account_id, contact.phone)
            if decision is not None and decision.kind == Kind.OPT_OUT:
                consent.record_decision(user, contact, Kind.OPT_IN, why)
                record_audit(user, Action.OPTED_IN, contact.account, contact)
                _touch_contact(contact)
        return made[0]


def clear_doubt(user, contact: Contact) -> bool:
    """Records that a text which may ask to opt out does not. Returns False if none waits for a decision."""
    require_member(user, contact.account_id)
    with transaction.atomic():
        Contact.objects.select_for_update(of=("self",), no_key=True).get(pk=contact.pk)
        if consent.standing(contact.account_id, contact.phone).doubt is None:
            return False
        consent.record_decision(user, contact, ConsentEntry.Kind.CLEARED)
        record_audit(user, Action.DOUBT_CLEARED, contact.account, contact)
        _touch_contact(contact)
    return True


def _waits_for_opt_in(contacts: list[Contact]) -> bool:
    waiting = Change.objects.filter(contact__in=contacts, kind=Kind.OPT_IN)
    return waiting.filter(state__in=[State.PENDING, State.PUSHING]).exists()


def _change_opt(user, contact: Contact, kind: str, values: dict[str, str]) -> Change | None:
    is_set = contact.opted_out == (kind == Kind.OPT_OUT)
    return _toggle(user, contact, kind, values, _open(contact, OPTS), is_set)


def _touch_contact(contact: Contact) -> None:
    mirror.touch(contact.account_id, list(contact.conversations.values_list("pk", flat=True)))


def add_note(user, contact: Contact, text: str) -> Change:
    """Adds a note to the contact. Raises InvalidEdit."""
    text = (text or "").replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise InvalidEdit({"text": [_("Write a note first.")]})
    if len(text) > LONGEST_NOTE:
        raise InvalidEdit(
            {
                "text": [
                    _("A note can have at most %(most)s characters.")
                    % {"most": number_format(LONGEST_NOTE, force_grouping=True)}
                ]
            }
        )
    with transaction.atomic():
        contact = _locked(user, contact)
        same = [one for one in _open(contact, (Kind.NOTE,)) if one.values["text"] == text and one.waiting]
        return same[0] if same else _create(user, contact, Kind.NOTE, {"text": text}, {})


def edit_custom_fields(user, contact: Contact, values: dict[str, str]) -> Change | None:
    """Sets custom fields by key (see `custom_field_definitions`); other fields are kept. None if nothing differs.

    Raises InvalidEdit.
    """
    with transaction.atomic():
        contact = _locked(user, contact)
        wanted = _clean(values, {key for key, _label in custom_field_definitions(contact)})
        stored, earlier = custom_field_values(contact), _open(contact, (Kind.FIELDS,))
        waiting = {key: value for one in earlier if one.waiting for key, value in one.values.items()}
        shown = stored | waiting
        if all(shown.get(key, "") == value for key, value in wanted.items()):
            return None
        merged = waiting | wanted
        unsent = _replace(earlier)
        # An earlier push may have taken effect, so push its values again regardless of the cache.
        pushed = {key: value for key, value in merged.items() if not unsent or value != stored.get(key, "")}
        if not pushed:
            touch_threads(earlier[0])
            return None
        base = {key: stored.get(key, "") for key in pushed}
        return _create(user, contact, Kind.FIELDS, pushed, base, fields=sorted(pushed))


def dismiss_refused(user, change: Change) -> bool:
    """Discards a refused change and keeps the value in Salesmsg. Returns False if it is not refused."""
    require_member(user, change.account_id)
    with transaction.atomic():
        refused = Change.objects.filter(pk=change.pk, kind__in=KINDS, state=State.REFUSED)
        if not refused.update(state=State.SUPERSEDED, finished_at=timezone.now()):
            return False
        record_audit(user, Action.CHANGE_DROPPED, change.account, change.contact, kind=change.kind)
        touch_threads(change)
    return True


def request_change(user, contact: Contact, what: str, given: Mapping[str, str]) -> Change | bool | None:
    """Performs an action from a form.

    what: one of `WISHES`. given: the form data: label, text, agreed, why, change, and for each custom field
    field-<key> and was-<key>, its value when the page was rendered. Returns None or False if there was nothing to do.
    Raises InvalidEdit, PermissionDenied; ValueError if the action is unknown.
    """
    match what:
        case "tag":
            return add_tag(user, contact, given.get("label", ""))
        case "untag":
            return remove_tag(user, contact, given.get("label", ""))
        case "opt-out":
            return request_opt_out(user, contact)
        case "opt-in":
            return request_opt_in(user, contact, agreed=bool(given.get("agreed")), why=given.get("why", ""))
        case "no-opt-out":
            return clear_doubt(user, contact)
        case "note":
            return add_note(user, contact, given.get("text", ""))
        case "fields":
            return edit_custom_fields(user, contact, _edited_fields(given))
        case "again" | "leave":
            change = _refused_change(user, contact, given.get("change", ""))
            if change is None:
                return None
            return retry_change(user, change) if what == "again" else dismiss_refused(user, change)
    raise ValueError(f"Unknown action {what!r}.")


def _edited_fields(given: Mapping[str, str]) -> dict[str, str]:
    """The custom fields that the user edited, so that later changes in Salesmsg to other fields are not reverted."""
    keys = [name.removeprefix("field-") for name in given if name.startswith("field-")]
    return {key: given[f"field-{key}"] for key in keys if given[f"field-{key}"] != given.get(f"was-{key}")}


def _refused_change(user, contact: Contact, key: str) -> Change | None:
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return None
    refused = Change.objects.for_user(user).filter(contact=contact, kind__in=KINDS, state=State.REFUSED)
    return refused.filter(pk=int(key)).first()


def _toggle(
    user, contact: Contact, kind: str, values: dict, earlier: list[Change], is_set: bool, **details
) -> Change | None:
    """Creates one of two opposite changes and supersedes earlier ones. is_set: Salesmsg's copy already matches."""
    last = next((one for one in reversed(earlier) if one.waiting), None)
    if last is not None and last.kind == kind:
        return None  # already pending
    if _replace(earlier) and is_set:
        if earlier:
            touch_threads(earlier[0])
        return None
    return _create(user, contact, kind, values, {}, **details)


def _replace(earlier: list[Change]) -> bool:
    """Supersedes these changes. Returns whether none of them can have reached Salesmsg."""
    unsent = True
    for one in earlier:
        replaced = Change.objects.filter(pk=one.pk, state__in=[State.PENDING, State.REFUSED]).update(
            state=State.SUPERSEDED, finished_at=timezone.now()
        )
        unsent = unsent and bool(replaced) and one.attempts == 0
    return unsent


def _create(user, contact: Contact, kind: str, values: dict, base: dict, **details) -> Change:
    """Creates and enqueues a pending change. details: stored in the audit log."""
    change = Change.objects.create(
        account_id=contact.account_id, contact=contact, kind=kind, values=values, base=base, requested_by=user
    )
    jobs.enqueue(PUSH, change.pk)
    touch_threads(change)
    record_audit(user, AUDITED[kind], contact.account, contact, **details)
    return change


def _locked(user, contact: Contact) -> Contact:
    """Reloads and locks the contact, to serialize its changes. Raises InvalidEdit, PermissionDenied."""
    require_member(user, contact.account_id)
    contact = Contact.objects.select_related("account").select_for_update(of=("self",), no_key=True).get(pk=contact.pk)
    if contact.deleted_at:
        raise InvalidEdit({"contact": [_("This contact was deleted in Salesmsg, so nothing was saved.")]})
    if contact.vendor_id is None:
        raise InvalidEdit({"contact": [_("This contact does not exist in Salesmsg yet. Send them a text first.")]})
    return contact


def _open(contact: Contact, kinds: tuple[str, ...]) -> list[Change]:
    """Pending and refused changes, oldest first."""
    return list(contact.changes.filter(kind__in=kinds, state__in=OPEN).order_by("pk"))


def _clean(values: dict[str, str], known: set[str]) -> dict[str, str]:
    cleaned = {key: str(value or "").replace("\x00", "").strip() for key, value in values.items()}
    errors = {key: [_("This field does not exist in Salesmsg.")] for key in cleaned if key not in known}
    for key, value in cleaned.items():
        if len(value) > LONGEST_VALUE:
            errors[key] = [
                _("At most %(most)s characters.") % {"most": number_format(LONGEST_VALUE, force_grouping=True)}
            ]
    if errors:
        raise InvalidEdit(errors)
    return cleaned
