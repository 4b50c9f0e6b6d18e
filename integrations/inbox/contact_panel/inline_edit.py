"""Inline editing of the contact's name, email and phone in the contact panel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from ...contacts.three_way import EDITABLE, LIMITS
from ...models.contact import FIELD_LABELS
from ...salesmsg.phones import LONGEST

KINDS = {"email": "email", "phone": "tel"}
SPOTS = ("side", "h3")  # the page has the panel twice: beside the thread and in the menu of its header
CUSTOM_FIELDS = "custom-fields:write"


@dataclass
class Field:
    """A form field. `was` is the value when the page was rendered; a value equal to it is never sent."""

    name: str
    value: str
    was: str
    problems: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        return str(FIELD_LABELS[self.name])

    @property
    def kind(self) -> str:
        return KINDS.get(self.name, "text")

    @property
    def limit(self) -> int:
        return LONGEST if self.name == "phone" else LIMITS[self.name]

    @property
    def typed(self) -> bool:
        return self.value.strip() != self.was


def inline_fields(values: Mapping[str, str]) -> list[Field]:
    """The fields with their current values."""
    return [Field(name, values[name], values[name]) for name in EDITABLE]


def read_fields(data: Mapping[str, str], shown: Mapping[str, str]) -> list[Field]:
    """The submitted fields. A missing field keeps its current value.

    When the value under an edit has changed since the page was rendered, the field gets an error; submitting again
    replaces the new value."""
    fields = []
    for name in EDITABLE:
        one = Field(name, data.get(name, shown[name]), data.get(f"was-{name}", shown[name]))
        if one.typed and one.was != shown[name]:
            current = shown[name]
            one.was = current
            if one.typed:
                one.problems.append(
                    _("Changed to “%(value)s” since you opened this page. Save again to replace it.")
                    % {"value": current}
                    if current
                    else _("Cleared since you opened this page. Save again to set it.")
                )
        fields.append(one)
    return fields


def changed_values(form: Sequence[Field]) -> dict[str, str]:
    """Return the values the user changed, by field name."""
    return {one.name: one.value for one in form if one.typed}


def attach_errors(form: Sequence[Field], problems: Mapping[str, list[str]]) -> None:
    """Add each error to its field."""
    for one in form:
        one.problems += problems.get(one.name, [])


def fields_closed(scopes: Sequence[str] | None) -> bool:
    """Whether the account's OAuth scopes are known and do not include writing custom fields."""
    return bool(scopes) and CUSTOM_FIELDS not in scopes
