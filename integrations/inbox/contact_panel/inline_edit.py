"""The fields of the contact's card that become a form in place: what it shows, and what was typed over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from ...contacts.three_way import EDITABLE, LIMITS
from ...models.contact import FIELD_LABELS

KINDS = {"email": "email", "phone": "tel"}
SPOTS = ("side", "h3")  # the card stands twice on a page: beside the thread, and in its head's menu
CUSTOM_FIELDS = "custom-fields:write"


@dataclass
class Field:
    """One field. `was` is what stood there when the page was made: what nobody typed over is never sent."""

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
        return LIMITS[self.name]

    @property
    def typed(self) -> bool:
        return self.value.strip() != self.was


def inline_fields(values: Mapping[str, str]) -> list[Field]:
    """The form as it stands on a fresh page."""
    return [Field(name, values[name], values[name]) for name in EDITABLE]


def read_fields(data: Mapping[str, str], shown: Mapping[str, str]) -> list[Field]:
    """The form as somebody sent it; a field that it lacks is as it is shown now.

    Where what they typed over was changed meanwhile, the field says so, and the next try replaces the new value."""
    found = []
    for name in EDITABLE:
        one = Field(name, data.get(name, shown[name]), data.get(f"was-{name}", shown[name]))
        if one.typed and one.was != shown[name]:
            now = shown[name]
            one.was = now
            if one.typed:
                one.problems.append(
                    _("Changed to “%(value)s” meanwhile. Save again to replace it.") % {"value": now}
                    if now
                    else _("Emptied meanwhile. Save again to fill it.")
                )
        found.append(one)
    return found


def changed_values(form: Sequence[Field]) -> dict[str, str]:
    """What the person changed."""
    return {one.name: one.value for one in form if one.typed}


def attach_errors(form: Sequence[Field], problems: Mapping[str, list[str]]) -> None:
    """Puts what is wrong beside its field."""
    for one in form:
        one.problems += problems.get(one.name, [])


def fields_closed(scopes: Sequence[str] | None) -> bool:
    """Whether the account's access is known not to reach custom fields."""
    return bool(scopes) and CUSTOM_FIELDS not in scopes
