"""What staff change about a contact besides name, phone and email: tags, opt-out, notes, custom fields.

As in `edits`, each is a pending row first, which `tell` brings to Salesmsg; the cache itself stays Salesmsg's word.
`standing` says how a contact looks with everything that waits.
"""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from .. import jobs
from ..access import record_audit, require_member
from ..models import Change, Contact, Tag
from ..told import english
from . import opt_out as contacts_opt_out
from .change_handlers import same_label
from .effective import KINDS, OPEN, TAGGING, custom_field_definitions, custom_field_values
from .profile_changes import InvalidEdit, retry_change
from .push_changes import PUSH, shown_changed

Kind, State = Change.Kind, Change.State
WISHES = ("tag", "untag", "opt-out", "opt-in", "note", "fields", "again", "leave")  # as forms say them
LONGEST_LABEL, LONGEST_NOTE, LONGEST_VALUE = 50, 2000, 1000


def add_tag(user, contact: Contact, label: str) -> Change | None:
    """Adds a tag, a new one when the label does not exist. None when they have it. Raises InvalidEdit."""
    label = " ".join((label or "").replace("\x00", "").split())
    if not label:
        raise InvalidEdit({"label": [_("Write a tag first.")]})
    if len(label) > LONGEST_LABEL:
        raise InvalidEdit({"label": [_("A tag has at most %(most)s characters.") % {"most": LONGEST_LABEL}]})
    own = Tag.objects.filter(account_id=contact.account_id, label__iexact=label).order_by("-vendor_id")
    return _tagging(user, contact, Kind.TAG, own.values_list("label", flat=True).first() or label)


def remove_tag(user, contact: Contact, label: str) -> Change | None:
    """Takes a tag off. None when they do not have it."""
    return _tagging(user, contact, Kind.UNTAG, label)


def _tagging(user, contact: Contact, kind: str, label: str) -> Change | None:
    with transaction.atomic():
        contact = _locked(user, contact)
        earlier = [one for one in _open(contact, TAGGING) if same_label(one.values["label"], label)]
        worn = any(same_label(tag, label) for tag in contact.tags)
        return _one_or_other(user, contact, kind, {"label": label}, earlier, worn == (kind == Kind.TAG), f"“{label}”")


def request_opt_out(user, contact: Contact) -> Change | None:
    """No more texts to this contact, here from now on. None when they are opted out."""
    return _opting(user, contact, Kind.OPT_OUT)


def request_opt_in(user, contact: Contact, *, agreed: bool) -> Change | None:
    """Texts allowed again; here when Salesmsg has confirmed it. agreed: the person says that the contact wants it.

    Raises InvalidEdit without that.
    """
    if not agreed:
        raise InvalidEdit({"agreed": [_("Confirm first that this contact has asked to get texts again.")]})
    return _opting(user, contact, Kind.OPT_IN)


def _opting(user, contact: Contact, kind: str) -> Change | None:
    with transaction.atomic():
        contact = _locked(user, contact)
        so_already = contact.opted_out == (kind == Kind.OPT_OUT)
        return _one_or_other(user, contact, kind, {}, _open(contact, contacts_opt_out.OPTS), so_already, "")


def add_note(user, contact: Contact, text: str) -> Change:
    """A note on the contact. Raises InvalidEdit."""
    text = (text or "").replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise InvalidEdit({"text": [_("Write a note first.")]})
    if len(text) > LONGEST_NOTE:
        raise InvalidEdit(
            {
                "text": [
                    _("A note has at most %(most)s characters.")
                    % {"most": number_format(LONGEST_NOTE, force_grouping=True)}
                ]
            }
        )
    with transaction.atomic():
        contact = _locked(user, contact)
        same = [one for one in _open(contact, (Kind.NOTE,)) if one.values["text"] == text and one.waiting]
        return same[0] if same else _begin(user, contact, Kind.NOTE, {"text": text}, {}, "")


def edit_custom_fields(user, contact: Contact, values: dict[str, str]) -> Change | None:
    """Custom fields by key, those that are known (`definitions`); what is not given stays. None when nothing differs.

    Raises InvalidEdit.
    """
    with transaction.atomic():
        contact = _locked(user, contact)
        wanted = _clean(values, {key for key, _words in custom_field_definitions(contact)})
        has, earlier = custom_field_values(contact), _open(contact, (Kind.FIELDS,))
        waiting = {key: value for one in earlier if one.waiting for key, value in one.values.items()}
        seen = has | waiting
        if all(seen.get(key, "") == value for key, value in wanted.items()):
            return None
        merged = waiting | wanted
        untold = _replace(earlier)
        # What may have arrived already is said again, whatever the cache shows.
        told = {key: value for key, value in merged.items() if not untold or value != has.get(key, "")}
        if not told:
            shown_changed(earlier[0])
            return None
        base = {key: has.get(key, "") for key in told}
        return _begin(user, contact, Kind.FIELDS, told, base, ", ".join(sorted(told)))


def dismiss_refused(user, change: Change) -> bool:
    """Leaves a refused change at that: Salesmsg's word holds. False when it was not refused."""
    require_member(user, change.account_id)
    with transaction.atomic():
        left = Change.objects.filter(pk=change.pk, kind__in=KINDS, state=State.REFUSED)
        if not left.update(state=State.SUPERSEDED, finished_at=timezone.now()):
            return False
        record_audit(
            user,
            "refused change dropped",
            change.account,
            f"{english(change.get_kind_display)}, contact {change.contact_id}",
        )
        shown_changed(change)
    return True


def request_change(user, contact: Contact, what: str, given: Mapping[str, str]) -> Change | bool | None:
    """What a form of a page asks for (`WISHES`), and what it gives: label, text, agreed, change, and for each
    custom field field-<key> with was-<key>, what stood there when the page was made.

    None or False when there was nothing to do. Raises InvalidEdit, PermissionDenied; ValueError for another wish.
    """
    match what:
        case "tag":
            return add_tag(user, contact, given.get("label", ""))
        case "untag":
            return remove_tag(user, contact, given.get("label", ""))
        case "opt-out":
            return request_opt_out(user, contact)
        case "opt-in":
            return request_opt_in(user, contact, agreed=bool(given.get("agreed")))
        case "note":
            return add_note(user, contact, given.get("text", ""))
        case "fields":
            return edit_custom_fields(user, contact, _typed_over(given))
        case "again" | "leave":
            change = _refused(user, contact, given.get("change", ""))
            if change is None:
                return None
            return retry_change(user, change) if what == "again" else dismiss_refused(user, change)
    raise ValueError(f"Nobody can ask for {what!r}.")


def _typed_over(given: Mapping[str, str]) -> dict[str, str]:
    """The custom fields that the person changed: what Salesmsg changed meanwhile is not put back."""
    keys = [name.removeprefix("field-") for name in given if name.startswith("field-")]
    return {key: given[f"field-{key}"] for key in keys if given[f"field-{key}"] != given.get(f"was-{key}")}


def _refused(user, contact: Contact, key: str) -> Change | None:
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return None
    own = Change.objects.for_user(user).filter(contact=contact, kind__in=KINDS, state=State.REFUSED)
    return own.filter(pk=int(key)).first()


def _one_or_other(
    user, contact: Contact, kind: str, values: dict, earlier: list[Change], so_already: bool, detail: str
) -> Change | None:
    """Of two opposite changes the newest one wins. `so_already`: Salesmsg's copy shows what is asked for."""
    last = next((one for one in reversed(earlier) if one.waiting), None)
    if last is not None and last.kind == kind:
        return None  # on its way already
    if _replace(earlier) and so_already:
        if earlier:
            shown_changed(earlier[0])
        return None
    return _begin(user, contact, kind, values, {}, detail)


def _replace(earlier: list[Change]) -> bool:
    """A later change takes the place of these; whether none of them can have reached Salesmsg."""
    untold = True
    for one in earlier:
        replaced = Change.objects.filter(pk=one.pk, state__in=[State.PENDING, State.REFUSED]).update(
            state=State.SUPERSEDED, finished_at=timezone.now()
        )
        untold = untold and bool(replaced) and one.attempts == 0
    return untold


def _begin(user, contact: Contact, kind: str, values: dict, base: dict, detail: str) -> Change:
    change = Change.objects.create(
        account_id=contact.account_id, contact=contact, kind=kind, values=values, base=base, requested_by=user
    )
    jobs.enqueue(PUSH, change.pk)
    shown_changed(change)
    words = f"contact {contact.pk}, {detail}" if detail else f"contact {contact.pk}"
    record_audit(user, english(change.get_kind_display).lower(), contact.account, words)
    return change


def _locked(user, contact: Contact) -> Contact:
    """The contact as it is now; changes of one contact are asked for one after the other. Raises InvalidEdit."""
    require_member(user, contact.account_id)
    found = Contact.objects.select_related("account").select_for_update(of=("self",), no_key=True).get(pk=contact.pk)
    if found.deleted_at:
        raise InvalidEdit({"contact": [_("Salesmsg does not have this contact any more, so nothing was saved.")]})
    if found.vendor_id is None:
        raise InvalidEdit({"contact": [_("Salesmsg does not know this contact yet. Send a text first, then do this.")]})
    return found


def _open(contact: Contact, kinds: tuple[str, ...]) -> list[Change]:
    """Waiting and refused changes, oldest first."""
    return list(contact.changes.filter(kind__in=kinds, state__in=OPEN).order_by("pk"))


def _clean(values: dict[str, str], known: set[str]) -> dict[str, str]:
    cleaned = {key: str(value or "").replace("\x00", "").strip() for key, value in values.items()}
    errors = {key: [_("Salesmsg has no such field.")] for key in cleaned if key not in known}
    for key, value in cleaned.items():
        if len(value) > LONGEST_VALUE:
            errors[key] = [
                _("At most %(most)s characters.") % {"most": number_format(LONGEST_VALUE, force_grouping=True)}
            ]
    if errors:
        raise InvalidEdit(errors)
    return cleaned
