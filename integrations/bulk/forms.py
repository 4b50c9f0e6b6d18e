"""Forms of the bulk text pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ..outbox.merge_fields import FIELDS

LABELS = {"first_name": _("First name"), "last_name": _("Last name"), "full_name": _("Full name"), "phone": _("Phone")}
LABELS |= {"email": _("Email")}
# (code, label) of the insert buttons. First names are often missing, so that code has a fallback.
INSERTS = [("{first_name|there}" if name == "first_name" else f"{{{name}}}", LABELS[name]) for name in FIELDS]


class TextForm(forms.Form):
    """The text of a draft. `recipients.write_text` validates its merge fields."""

    text = forms.CharField(
        strip=True,
        label=_("Text"),
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
        error_messages={"required": _("Write a text first.")},
    )
