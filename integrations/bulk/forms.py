"""What staff type on the bulk pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ..models.contact import FIELD_LABELS
from ..outbox.merge_fields import FIELDS

# What a button puts into the text: a first name is often missing, so it comes with a word in its place.
INSERTS = [("{first_name|there}" if name == "first_name" else f"{{{name}}}", FIELD_LABELS[name]) for name in FIELDS]


class TextForm(forms.Form):
    """The text of a draft; what its merge fields mean is checked by the service."""

    text = forms.CharField(
        strip=True,
        label=_("Text"),
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
        error_messages={"required": _("Write a text first.")},
    )
