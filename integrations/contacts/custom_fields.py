"""Custom fields of contacts: their keys, labels and values. Reads only."""

import re

from django.core.cache import cache
from django.db.models import Subquery

from ..models import Contact
from .change_handlers import field_value

SCANNED = 5000  # newest contacts searched for keys
CACHE_SECONDS = 600  # for the keys


def custom_field_values(contact: Contact) -> dict[str, str]:
    """Field key -> value, in the order returned by Salesmsg."""
    return {str(one["field_key"]): field_value(one) for one in contact.custom_fields if _has_key(one)}


def custom_field_definitions(contact: Contact) -> list[tuple[str, str]]:
    """(key, label) of the custom fields used by this contact or others of the account. The API cannot list them."""
    keys = [key for key, _label in account_field_definitions(contact.account_id)]
    return [(key, humanize_key(key)) for key in dict.fromkeys([*custom_field_values(contact), *keys])]


def account_field_definitions(account_id: int) -> list[tuple[str, str]]:
    """(key, label) of the custom fields that the account's newest contacts use."""
    keys = cache.get_or_set(f"field-keys-{account_id}", lambda: _field_keys(account_id), CACHE_SECONDS)
    return [(key, humanize_key(key)) for key in keys]


def humanize_key(key: str) -> str:
    """ "renewal_date" -> "Renewal date"."""
    label = re.sub(r"[_-]+", " ", key).strip() or key
    return label[:1].upper() + label[1:]


def _field_keys(account_id: int) -> list[str]:
    """Custom field keys of the newest contacts, at most `SCANNED`, to bound the time on large accounts."""
    rows = Contact.objects.filter(account_id=account_id)
    newest = rows.order_by("-pk").values("pk")[:1]
    field_lists = (
        rows.filter(pk__gt=Subquery(newest) - SCANNED)
        .exclude(custom_fields=[])
        .order_by()
        .values_list("custom_fields", flat=True)
    )
    return sorted({str(one["field_key"]) for fields in field_lists.iterator() for one in fields if _has_key(one)})


def _has_key(one) -> bool:
    return isinstance(one, dict) and bool(one.get("field_key"))
