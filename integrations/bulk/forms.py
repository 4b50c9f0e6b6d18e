"""What staff type on the bulk pages."""

from django import forms

from ..outbox.merge import FIELDS

WORDS = {"first_name": "First name", "last_name": "Last name", "full_name": "Full name", "phone": "Phone"}
WORDS |= {"email": "Email"}
# What a button puts into the text: a first name is often missing, so it comes with a word in its place.
INSERTS = [("{first_name|there}" if name == "first_name" else f"{{{name}}}", WORDS[name]) for name in FIELDS]


class TextForm(forms.Form):
    """The text of a draft; what its merge fields mean is checked by the service."""

    text = forms.CharField(
        strip=True,
        label="Text",
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
        error_messages={"required": "Write a text first."},
    )
