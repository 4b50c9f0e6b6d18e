"""Forms of the bulk text pages."""

from django import forms
from django.utils.translation import gettext_lazy as _


class TextForm(forms.Form):
    """The text of a draft. `recipients.write_text` validates its merge fields."""

    text = forms.CharField(
        strip=True,
        label=_("Text"),
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
        error_messages={"required": _("Write a text first.")},
    )
