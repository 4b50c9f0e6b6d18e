"""Forms of the bulk text pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ..models.contact import FIELD_LABELS
from ..outbox.merge_fields import FIELDS

# (code, label) of the insert buttons. First names are often missing, so that code has a fallback.
INSERTS = [("{first_name|there}" if name == "first_name" else f"{{{name}}}", FIELD_LABELS[name]) for name in FIELDS]


class TextForm(forms.Form):
    """The text of a draft. `recipients.write_text` validates its merge fields."""

    text = forms.CharField(
        strip=True,
        label=_("Text"),
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
        error_messages={"required": _("Write a text first.")},
    )
