"""Forms for notes, snoozing and assignment."""

import uuid

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ...models import Member
from ...outbox.forms import ClockField

NOTE_CHARACTERS = 5000


class NoteForm(forms.Form):
    """An internal note. `client_uuid` identifies a form that is posted twice, as in a reply."""

    client_uuid = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(strip=True, error_messages={"required": gettext_lazy("Write a note first.")})

    def clean_text(self) -> str:
        text = self.cleaned_data["text"].replace("\r\n", "\n").strip()
        if len(text) > NOTE_CHARACTERS:
            values = {"number": len(text), "most": NOTE_CHARACTERS}
            raise forms.ValidationError(_("This note has %(number)d characters. The limit is %(most)d.") % values)
        return text

    @classmethod
    def fresh(cls) -> "NoteForm":
        return cls(initial={"client_uuid": uuid.uuid4()})


class SnoozeForm(forms.Form):
    """When a snooze ends: the name of a choice, or "time" with a time in the viewer's time zone."""

    until = ClockField(required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["for"] = forms.CharField(max_length=12, required=False)  # a Python keyword

    @property
    def problem(self) -> str:
        """The first error, for the line above the composer; empty when the form is valid."""
        return next((error for errors in self.errors.values() for error in errors), "")


class AssignForm(forms.Form):
    """The new owner of a conversation. Empty means unassigned."""

    owner = forms.ModelChoiceField(Member.objects.none(), required=False)

    def __init__(self, account_id: int, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = Member.objects.filter(account=account_id)
