"""Merge fields, such as “Hello {first_name|there}” or “Your plan is {field:plan}”.

`fill_fields` is for a text to one contact: a placeholder that is left blocks sending. `Template` is for bulk texts:
recipients without a value are excluded. Placeholders of other products (`placeholders`) are never sent either: for one
contact they are filled in, in a template they are converted to ours.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..contacts.custom_fields import account_field_definitions, custom_field_values, humanize_key
from ..failures import NO_REASON, Code, Reason
from ..models import Contact
from ..models.contact import FIELD_LABELS
from ..salesmsg.phones import national
from ..salesmsg.text import visible_text
from .placeholders import CUSTOM, Placeholder, find_placeholders, replace_placeholders


class BulkProblem(Exception):
    """The bulk text was rejected and nothing was changed. `reason`: explanation for staff, and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class EmptyField(Exception):
    """The contact has no value for a field that has no fallback."""

    def __init__(self, field: str):
        super().__init__(field)
        self.field = field


FIELDS: dict[str, Callable[[Contact], str]] = {
    "first_name": lambda contact: contact.shown_first_name,
    "last_name": lambda contact: contact.shown_last_name,
    "full_name": lambda contact: contact.shown_full_name,
    "phone": lambda contact: national(contact.phone),
    "email": lambda contact: contact.email,
}
BUTTONS = 12  # custom fields with an insert button


class Template:
    """A text with merge fields. Raises BulkProblem if a field is unknown, a brace is unmatched, or a placeholder is not
    one of ours. custom: keys of the account's custom fields; None accepts any."""

    def __init__(self, text: str, custom: Sequence[str] | None = None):
        self._parts: list[str | Placeholder] = []
        end = 0
        for placeholder in find_placeholders(text, custom or ()):
            if not placeholder.closed:
                continue  # reported as an unmatched brace
            _check_field(placeholder, custom)
            self._parts += [_check_braces(text[end : placeholder.start]), placeholder]
            end = placeholder.end
        self._parts.append(_check_braces(text[end:]))

    @property
    def uses_custom_fields(self) -> bool:
        return any(isinstance(part, Placeholder) and part.field.startswith(CUSTOM) for part in self._parts)

    def fill(self, contact: Contact) -> str:
        """The text for this contact. Raises EmptyField."""
        parts = []
        for part in self._parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            value = _value(part.field, contact)
            if not value and part.fallback is None:
                raise EmptyField(part.field)
            parts.append(value or part.fallback or "")
        return "".join(parts).strip()


def _check_braces(text: str) -> str:
    for brace in "{}":
        if (place := text.find(brace)) >= 0:
            near = text[max(0, place - 12) : place + 13].strip()
            raise BulkProblem(
                _(
                    "Unmatched “%(brace)s” near “%(near)s”. Braces are reserved for merge fields such as "
                    "{first_name}. Close the field or remove the brace."
                )
                % {"brace": brace, "near": near}
            )
    return text


def _check_field(placeholder: Placeholder, custom: Sequence[str] | None) -> None:
    """Raises BulkProblem if the placeholder is not one of our merge fields."""
    key = placeholder.field.removeprefix(CUSTOM)
    is_custom = key != placeholder.field
    if placeholder.own and (not is_custom or custom is None or key.lower() in map(str.lower, custom)):
        return
    if placeholder.field and not placeholder.own:
        raise BulkProblem(
            _("“%(code)s” is a placeholder of another product. Write it as %(ours)s.")
            % {"code": placeholder.text, "ours": placeholder.spelling}
        )
    known = ", ".join(f"{{{field}}}" for field in [*FIELDS, *(f"{CUSTOM}{key}" for key in (custom or ())[:BUTTONS])])
    if placeholder.text.startswith("{"):
        text = _("Unknown merge field “%(name)s”. Available fields: %(known)s.")
    else:
        text = _("“%(name)s” looks like a placeholder. Replace it with text, or with one of these fields: %(known)s.")
    raise BulkProblem(text % {"name": placeholder.text[:40], "known": known})


def _value(name: str, contact: Contact) -> str:
    """The contact's value; empty if nothing in it is visible, or if it is a placeholder that an import left there."""
    if name.startswith(CUSTOM):
        key = name.removeprefix(CUSTOM).lower()
        values = (value for own, value in custom_field_values(contact).items() if own.lower() == key)
        value = visible_text(next(values, ""))
    else:
        value = visible_text(FIELDS[name](contact))
    return "" if find_placeholders(value) else value


# First names are often missing, so that code has a fallback.
_INSERTS = [
    (format_lazy("{{first_name|{word}}}", word=gettext_lazy("there")) if name == "first_name" else f"{{{name}}}", label)
    for name, label in FIELD_LABELS.items()
]


def insert_buttons(account_ids: Iterable[int] = ()) -> list[tuple[Any, Any]]:
    """(code, label) of the insert buttons: our fields, and the custom fields of these accounts."""
    custom = dict(pair for account_id in account_ids for pair in account_field_definitions(account_id))
    return [*_INSERTS, *((f"{{{CUSTOM}{key}}}", label) for key, label in list(custom.items())[:BUTTONS])]


def custom_fields(account_id: int) -> list[str]:
    """The keys of the account's custom fields. At most two queries, from a cache."""
    return [key for key, _label in account_field_definitions(account_id)]


def convert_to_fields(text: str, custom: Sequence[str] = ()) -> str:
    """A template with the placeholders of other products written as our merge fields, as far as we have the field."""
    found = [one for one in find_placeholders(text, custom) if one.field and not one.own]
    return replace_placeholders(text, [(one, one.spelling) for one in found])


def fill_fields(text: str, contact: Contact) -> str:
    """The text for this contact. A placeholder without a value or a fallback stays as it is."""
    filled = [(one, _filling(one, contact)) for one in _placeholders(text, contact)]
    return replace_placeholders(text, [(one, value) for one, value in filled if value is not None])


def _filling(placeholder: Placeholder, contact: Contact) -> str | None:
    value = _value(placeholder.field, contact) if placeholder.field else ""
    return value or placeholder.fallback or None


def _placeholders(text: str, contact: Contact) -> list[Placeholder]:
    return find_placeholders(text, list(custom_field_values(contact)))


def find_fields(text: str) -> list[str]:
    """The merge fields that the text has or stands for, in order and without duplicates; a placeholder as it is written
    if there is no field for it."""
    return list(dict.fromkeys(one.field or one.text for one in find_placeholders(text)))


def field_values(contact: Contact) -> dict[str, str]:
    """Merge field -> value of this contact, without empty ones."""
    names = [*FIELDS, *(f"{CUSTOM}{key}" for key in custom_field_values(contact))]
    return {name: value for name in names if (value := _value(name, contact))}


def field_label(name: str) -> str:
    """The label of a merge field."""
    return humanize_key(name.removeprefix(CUSTOM)) if name.startswith(CUSTOM) else str(FIELD_LABELS[name])


def fields_reason(text: str, contact: Contact) -> Reason:
    """Why a placeholder blocks this text, whichever way it leaves; empty if it contains none."""
    found = _placeholders(text, contact)
    if not found:
        return NO_REASON
    first = found[0]
    if first.field and not _value(first.field, contact):
        return Reason(Code.FIELD_EMPTY, {"merge_field": first.field, "placeholder": first.text})
    return Reason(Code.FIELD_NOT_FILLED_IN, {"placeholder": first.text})


def fields_problem(text: str, contact: Contact) -> str:
    """`fields_reason` as an explanation for staff."""
    return fields_reason(text, contact).text


def fill_offer(text: str, contact: Contact) -> str:
    """The label of a button that fills in the placeholders; empty if none can be filled in."""
    values = {value for one in _placeholders(text, contact) if (value := _filling(one, contact))}
    if len(values) == 1:
        return _("Replace with “%(value)s”") % {"value": values.pop()}
    return _("Fill in the contact’s details") if values else ""


def convert_offer(text: str, custom: Sequence[str] = ()) -> str:
    """The label of a button that converts the placeholders of other products; empty if there are none to convert."""
    ours = {one.spelling for one in find_placeholders(text, custom) if one.field and not one.own}
    if len(ours) == 1:
        return _("Convert to %(code)s") % {"code": ours.pop()}
    return _("Convert the placeholders") if ours else ""
