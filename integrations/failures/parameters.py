"""The parameters of a reason as text, in the reader's language."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Field
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..durations import moment_in_zone
from ..salesmsg.phones import international, region_of
from .codes import Code

# Only countries that accounts are likely to text: the lists of names in libraries need a hundred megabytes.
_COUNTRIES = {
    "AT": _("Austria"), "AU": _("Australia"), "BE": _("Belgium"), "BR": _("Brazil"), "CA": _("Canada"),
    "CH": _("Switzerland"), "CN": _("China"), "CZ": _("Czechia"), "DE": _("Germany"), "DK": _("Denmark"),
    "ES": _("Spain"), "FI": _("Finland"), "FR": _("France"), "GB": _("United Kingdom"), "IE": _("Ireland"),
    "IL": _("Israel"), "IN": _("India"), "IT": _("Italy"), "JP": _("Japan"), "LU": _("Luxembourg"),
    "MX": _("Mexico"), "NL": _("Netherlands"), "NO": _("Norway"), "NZ": _("New Zealand"), "PL": _("Poland"),
    "PR": _("Puerto Rico"), "PT": _("Portugal"), "SE": _("Sweden"), "US": _("United States"),
    "ZA": _("South Africa"),
}  # fmt: skip


def country_name(code: str) -> str:
    """The country in the reader's language; its code if the portal has no name for it."""
    return str(_COUNTRIES.get(code, code)) or gettext("country unknown")


def described_phone(e164: str) -> str:
    """A phone number with its country: "+1 305 555 0142, United States"."""
    country = region_of(e164)
    return f"{international(e164)}, {country_name(country)}" if country else international(e164)


def _contact_field(name: str) -> str:
    field = apps.get_model("integrations", "Contact")._meta.get_field(name)
    return str(field.verbose_name) if isinstance(field, Field) else name


def _merge_field(name: str) -> str:
    """ "first_name" → "First name"; a custom field by its key: "field:plan" → "Plan"."""
    key = name.removeprefix("field:")
    return capfirst(_contact_field(name) if key == name else key.replace("_", " "))


def _list_label(name: str) -> str:
    labels = dict(apps.get_model("integrations", "ListSync").Name.choices)
    return str(labels.get(name, name))


def _moment(params: Mapping[str, Any]) -> str:
    return moment_in_zone(datetime.fromisoformat(params["at"]), params.get("zone", ""))


def _number(value: Any) -> str:
    return number_format(value, force_grouping=True)


_NUMBERS = ("count", "most", "seen", "total", "restarts")
_SHOWN: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(_NUMBERS, _number),
    "country": country_name,
    "choices": lambda numbers: "; ".join(map(described_phone, numbers)),
    "bytes": lambda size: filesizeformat(size).replace(".0", ""),
    "fields": lambda names: ", ".join(map(_contact_field, names)),
    "custom_fields": lambda keys: ", ".join(key.replace("_", " ") for key in keys),
    "list": _list_label,
    "merge_field": _merge_field,
    "why": lambda code: str(Code(code).label) if code in Code.values else "",
    "vendor_status": lambda status: status or gettext("no status"),
}


class _Shown(dict[str, str]):
    """Parameters as text. A parameter that the row lacks becomes "?", never an error."""

    def __missing__(self, name: str) -> str:
        return "?"


def fill_in(words: str, params: Mapping[str, Any]) -> str:
    """Replace each %(name)s in the words by the parameter of that name, as text."""
    if "%(" not in words:
        return words
    return words % _Shown(
        {name: _moment(params) if name == "at" else _SHOWN.get(name, str)(value) for name, value in params.items()}
    )
